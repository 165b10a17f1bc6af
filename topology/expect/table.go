package expect

import (
	"slices"
	"strings"

	"labctl/topology/problem"
)

// MaxCells is how many pairs the tables of a file may ask, all together: a matrix of the thousand hosts that a bridge
// of the kernel takes, and half as much again. A cell takes a quarter of a kilobyte.
const MaxCells = 3 << 19

// Pairs reports whether rows and columns of the kind are nodes, so that a node can meet itself.
func Pairs(kind string) bool { return KindOf(kind).Pairs }

// tableParser reads the tables of one block. A mistake never ends it: the rest is still read for further mistakes.
type tableParser struct {
	*finder
	kind *Kind
	with string // the options of all questions
}

// newTableParser reads tables with a [Title].
func newTableParser(title string, rs *Resolver) *tableParser {
	kind, with := splitTitle(title)
	k := KindOf(kind)
	f := &finder{path: "expect." + kind, rs: rs, words: newVocabulary(rs.Lab),
		anyTarget: k.OfStep, ipv6Only: k.otherFamily}
	if f.ipv6Only == "" {
		f.ipv6Only = kind + " is about IPv4 only; give it an IPv4 address or leave it out"
	}
	return &tableParser{f, k, with}
}

// ParseTable reads the tables of a literal block: its lines as in the file without the block's indentation. at is the
// place of the first line's first byte. The kind may be a [Title]. The problems have no File and no Source; their Path
// is "expect." and the kind. The tables are usable only when there are none.
func ParseTable(kind, text string, at problem.Pos, rs *Resolver) ([]*Table, []problem.Problem) {
	p := newTableParser(kind, rs)
	if !p.kind.known() {
		p.errorf(at, 1, "there are no tables of kind %q", kind)
		return nil, p.problems
	}
	var tables []*Table
	for _, blocks := range p.tables(splitTables(text, at)) {
		if tables = append(tables, p.table(blocks)); p.full() {
			break
		}
	}
	if len(tables) == 0 {
		p.errorf(at, 1, "no table here; its header begins with %s", problem.Quoted(p.kind.head()))
	}
	return tables, p.problems
}

// tables puts the blocks together that are one table. Where words narrow their row, each is one.
func (p *tableParser) tables(blocks [][]tableLine) [][][]tableLine {
	if p.kind.narrowing == nil {
		return joined(blocks)
	}
	alone := make([][][]tableLine, len(blocks))
	for i, b := range blocks {
		alone[i] = [][]tableLine{b}
	}
	return alone
}

// ParseShort reads the short form "ping: ok": one row *, one column * and that cell. at is the place of the word. The
// kind may be a [Title].
func ParseShort(kind, word string, at problem.Pos, rs *Resolver) (*Table, []problem.Problem) {
	p := newTableParser(kind, rs)
	t := &Table{Kind: p.kind.Name, With: p.with, Pos: at, Corner: p.kind.head(), Rows: []string{"*"},
		Columns: []string{"*"}, Short: true}
	kind = p.kind.Name
	switch {
	case !p.kind.known():
		p.errorf(at, len(word), "there are no tables of kind %q", kind)
		return t, p.problems
	case !p.kind.Short:
		p.errorf(at, len(word), `%s has no short form; write a table after "|", its header begins with %s`,
			kind, problem.Quoted(p.kind.head()))
		return t, p.problems
	case kind == "ping" && approval(word):
		p.errorf(at, len(word), `%s is not an outcome; write "ping: ok" if all pings are answered`, problem.Quoted(word))
		return t, p.problems
	case word == "" || strings.ContainsAny(word, " \t\r\n"):
		p.errorf(at, 1, "the short form is one word for all pairs, %s; a table is written after \"|\"", p.kind.words[0])
		return t, p.problems
	}
	w := tableWord{at.Col - 1, word}
	star := tableWord{at.Col - 1, "*"}
	row, column := p.row(at.Line, star), p.column(at.Line, star)
	p.fill(t, []axis{row}, []axis{column}, [][]cellWord{{p.cell(at.Line, w, nil, nil)}})
	p.asksNothing(t, len(word))
	return t, p.problems
}

// table reads a table, of one block or of several.
func (p *tableParser) table(blocks [][]tableLine) *Table {
	head := blocks[0][0]
	t := &Table{Kind: p.kind.Name, With: p.with, Pos: head.words[0].pos(head.line), Corner: head.words[0].text}
	body := &tableBody{at: map[string]int{}, columnAt: map[string]int{}}
	for i, lines := range blocks {
		t.blocks = append(t.blocks, tableBlock{lines: lines, column: len(t.Columns)})
		if i == 0 && !p.first(t, body, lines) || i > 0 && !p.further(t, body, lines) {
			return t
		}
	}
	if len(p.problems) == 0 {
		p.fill(t, body.rows, body.columns, body.cells)
		p.asksNothing(t, len(t.Corner))
	}
	return t
}

// tableBody is what has been read of a table.
type tableBody struct {
	rows, columns []axis
	cells         [][]cellWord
	at            map[string]int // the line of each row, by what makes it unlike others
	columnAt      map[string]int // the line of each column
}

// first reads the first block of a table, and reports whether there is something to go on with.
func (p *tableParser) first(t *Table, body *tableBody, lines []tableLine) bool {
	head := lines[0]
	if strings.HasPrefix(t.Corner, "|") && strings.HasSuffix(head.words[len(head.words)-1].text, "|") {
		p.wrong(head.line, head.words[0],
			`a table has spaces between its columns: leave out each "|" and the line of dashes`)
		return false
	}
	if want := p.kind.head(); t.Corner != want {
		p.wrong(head.line, head.words[0],
			"the header of a table of %s begins with %s, not %s (a blank line begins another table)",
			p.kind.Name, problem.Quoted(want), problem.Quoted(t.Corner))
		return false
	}
	if len(head.words) == 1 || len(lines) == 1 {
		p.wrong(head.line, head.words[0], "a table needs a column and a row")
		return false
	}
	body.columns = p.columns(t, body, head)
	p.needed(t, head)
	for _, l := range lines[1:] {
		if p.full() {
			return false
		}
		row := p.row(l.line, l.words[0])
		t.Rows = append(t.Rows, row.text)
		key := row.text
		if p.kind.narrowing != nil {
			key = p.narrow(&row, body.columns, l.words[1:])
		}
		if first, twice := body.at[key]; twice {
			p.wrong(l.line, l.words[0], "row %q is already in line %d; each row once", row.text, first)
		} else {
			body.at[key] = l.line
		}
		body.rows = append(body.rows, row)
		body.cells = append(body.cells, p.cells(l, &row, body.columns))
	}
	return true
}

// columns reads the header of a block and adds its columns to those of the table.
func (p *tableParser) columns(t *Table, body *tableBody, head tableLine) []axis {
	columns := make([]axis, 0, len(head.words)-1)
	for _, w := range head.words[1:] {
		if p.full() {
			break
		}
		t.Columns = append(t.Columns, w.text)
		switch line, twice := body.columnAt[w.text]; {
		case twice && line == head.line:
			p.wrong(head.line, w, "column %q appears twice; each column once", w.text)
		case twice:
			p.wrong(head.line, w, "column %q is already in line %d, which this block goes on from; each column once",
				w.text, line)
		default:
			body.columnAt[w.text] = head.line
		}
		columns = append(columns, p.column(head.line, w))
	}
	return columns
}

// needed complains about columns that have to be there.
func (p *tableParser) needed(t *Table, head tableLine) {
	if p.kind.narrowing == nil {
		return
	}
	for _, name := range p.kind.narrowing.needs {
		if !slices.Contains(t.Columns, name) {
			p.wrong(head.line, head.words[0], "a table of %s has a column %q; write it beside the others",
				p.kind.Name, name)
		}
	}
}

// narrow reads the words of a row that say what it is about, and returns what makes the row unlike others.
func (p *tableParser) narrow(row *axis, columns []axis, words []tableWord) string {
	q := p.kind.cell(row.text, "")
	for i, w := range words[:min(len(words), len(columns))] {
		if w.text != "." && columns[i].ok {
			p.kind.narrowing.narrow(p.finder, &q, columns[i].text, w.text)
		}
	}
	row.drop = q.Drop
	return p.kind.text(q)
}

// cells reads one row. Where words are missing or too many the others are still judged one by one, if the columns are
// alike.
func (p *tableParser) cells(l tableLine, row *axis, columns []axis) []cellWord {
	words := l.words[1:]
	switch {
	case len(words) > len(columns):
		p.wrong(l.line, words[len(columns)], "row %q has %s, the header %s; a comment begins with #", row.text,
			problem.Count(len(words), "cell"), problem.Count(len(columns), "column"))
		words = words[:len(columns)]
	case len(words) < len(columns) && p.kind.narrowing != nil:
		p.wrong(l.line, l.words[0], "row %q has %s, the header %s: %s", row.text,
			problem.Count(len(words), "cell"), problem.Count(len(columns), "column"), problem.AndList(texts(columns)))
		return nil // a word that was left out makes every one behind it look wrong
	case len(words) < len(columns):
		p.wrong(l.line, l.words[0], `row %q has %s, the header %s; write "." for a cell that is not judged`, row.text,
			problem.Count(len(words), "cell"), problem.Count(len(columns), "column"))
	}
	cells := make([]cellWord, 0, len(words))
	for i, w := range words {
		if p.full() {
			break
		}
		cells = append(cells, p.cell(l.line, w, row, &columns[i]))
	}
	return cells
}

// cell judges one word; row and column are nil in the short form.
func (p *tableParser) cell(line int, w tableWord, row, column *axis) cellWord {
	c := cellWord{Want{w.text}, w.pos(line), len(w.text)}
	k := p.kind
	q := Question{Kind: k.Name, With: p.with}
	if row != nil {
		if k.ofRow && !row.ok || k.ofColumn && !column.ok {
			return c
		}
		if k.narrows(column.text) {
			if msg := k.narrowing.word(p.words, column.text, w.text); msg != "" {
				p.errorf(c.pos, c.width, "%s", msg)
			}
			return c
		}
		if w.text == "-" && k.dashMeansItself() && !(row.ok && column.ok) {
			return c // who may well be the same node
		}
		q = p.question(row, column)
		if k.narrowing != nil && q.Drop.Reason == "" {
			q.Drop.Reason = "?" // complained about; the number is judged as one all the same
		}
		if k.Pairs && row.node != "" && row.node == column.node {
			// Where "-" is an answer too, "none", a dot cannot be taken for a mistake.
			if w.text != "-" && (w.text != "." || k.dashMeansItself()) {
				p.wrong(line, w, "%s and itself are not asked; write \"-\"", row.node)
			}
			return c
		}
	}
	if msg := p.words.cell(q, w.text); msg != "" {
		p.errorf(c.pos, c.width, "%s", msg)
	}
	return c
}

// narrows reports whether the words of a column are not answers but narrow the question of their row.
func (k *Kind) narrows(column string) bool {
	return k.narrowing != nil && k.narrowing.answers != column
}

// question puts together what row and column say.
func (p *tableParser) question(row, column *axis) Question {
	if p.kind.OfStep {
		return row.q
	}
	q := p.kind.question(row.text, column.text)
	q.With, q.Drop = p.with, row.drop
	return q
}

// question is what a row and a column ask, with nothing that narrows it.
func (k *Kind) question(row, column string) Question {
	q := Question{A: row, B: column}
	if k.cell != nil {
		q = k.cell(row, column)
	}
	q.Kind = k.Name
	return q
}

// fill makes the cells, with * written out. Looking a pair up as (row, column), (row, *), (*, column), (*, *) is the
// same as letting * mean the nodes that have no row, or no column, of their own.
func (p *tableParser) fill(t *Table, rows, columns []axis, words [][]cellWord) {
	rows, fromRow := p.expand(rows)
	columns, fromColumn := p.expand(columns)
	n := len(rows) * len(columns)
	if p.rs.Cells == nil {
		p.rs.Cells = new(int)
	}
	if n > MaxCells-*p.rs.Cells {
		p.errorf(t.Pos, 1, `the tables up to this one stand for %s, more than %d; name rows and columns instead of "*"`,
			problem.Count(*p.rs.Cells+n, "pair"), MaxCells)
		*p.rs.Cells = MaxCells + 1
		return
	}
	if p.kind.most > 0 && n > p.kind.most {
		p.errorf(t.Pos, 1, `the table stands for %s, more than the %d that a table of %s may ask: %s; name rows and `+
			`columns instead of "*"`, problem.Count(n, "pair"), p.kind.most, p.kind.Name, p.kind.cost(n))
		return
	}
	*p.rs.Cells += n
	if !p.affordable(t, n) {
		return
	}
	t.shownRows, t.shownColumns = texts(rows), texts(columns)
	t.fromRow, t.fromColumn = fromRow, fromColumn
	if p.kind.narrowing != nil {
		t.narrowing = words
	}
	slab := make([]Cell, 0, len(rows)*len(columns))
	for i := range rows {
		for j := range columns {
			if p.kind.narrows(columns[j].text) {
				continue
			}
			q := p.question(&rows[i], &columns[j])
			starred := t.Rows[fromRow[i]] == "*" || t.Columns[fromColumn[j]] == "*"
			if p.kind.skips(&rows[i], &columns[j], q, starred) {
				continue
			}
			w := &words[fromRow[i]][fromColumn[j]]
			slab = append(slab, Cell{Row: rows[i].text, Column: columns[j].text, Question: q,
				Want: w.want, Pos: w.pos, Width: w.width, Judged: w.want.Text != ".", Case: -1})
			if p.kind.OfStep {
				slab[len(slab)-1].Case = slices.Index(p.rs.Cases, columns[j].text)
			}
		}
	}
	t.Cells = make([]*Cell, len(slab))
	for i := range slab {
		t.Cells[i] = &slab[i]
	}
}

// skips reports whether a pair is not asked: a node and itself, and, where "*" says "every other node", the nodes of
// the question themselves.
func (k *Kind) skips(row, column *axis, q Question, starred bool) bool {
	if k.Pairs {
		return row.node != "" && row.node == column.node
	}
	return starred && k.itself != nil && k.itself(q)
}

func texts(as []axis) []string {
	out := make([]string, len(as))
	for i, a := range as {
		out[i] = a.text
	}
	return out
}

// expand replaces "*" by every node with an address that is not named beside it, and says where each came from.
func (p *tableParser) expand(as []axis) ([]axis, []int) {
	if !slices.ContainsFunc(as, func(a axis) bool { return a.text == "*" }) {
		from := make([]int, len(as))
		for i := range from {
			from[i] = i
		}
		return as, from
	}
	named := map[string]bool{}
	for _, a := range as {
		named[a.text] = true
	}
	var out []axis
	var from []int
	for i, a := range as {
		if a.text != "*" {
			out, from = append(out, a), append(from, i)
			continue
		}
		for _, n := range p.rs.Lab.Nodes {
			if !named[n.Name] && p.kind.includes(n) {
				out = append(out, axis{text: n.Name, node: n.Name, ok: true})
				from = append(from, i)
			}
		}
	}
	return out, from
}
