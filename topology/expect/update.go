package expect

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

// Asked is what is expected of a lab.
type Asked struct {
	Lab    *topology.Lab
	Expect *Expectation // may be nil
}

// Update rewrites the lab's source: the measured word over every judged cell that differs and over every ".". Cells
// that match keep their word, be it x, a|b or ok*; comments, columns and alignment stay, save that a column which got
// too narrow moves all that is right of it. Where the cells behind one "*" came out different, and in a short form that
// no longer holds for all pairs, the table is written out in full.
//
// got is the word measured for a cell; measured false, "unknown" and words that could not be read back leave the cell
// alone. What a step waits for is never rewritten: it is a condition, not an expectation. A short form inside a flow
// mapping, expect: {ping: ok}, cannot become a table and stays.
func Update(source []byte, asked []Asked, got func(*Cell) (word string, measured bool)) []byte {
	u := &updater{got: got, lines: strings.SplitAfter(string(source), "\n")}
	type placed struct {
		*Table
		words *vocabulary
	}
	var tables []placed
	for _, a := range asked {
		if a.Expect == nil {
			continue
		}
		words := newVocabulary(a.Lab)
		for _, t := range a.Expect.Tables {
			tables = append(tables, placed{t, words})
		}
	}
	// From the end of the file to its beginning: a change moves only what is behind it.
	slices.SortFunc(tables, func(a, b placed) int {
		return cmp.Or(b.Pos.Line-a.Pos.Line, b.Pos.Col-a.Pos.Col)
	})
	for _, t := range tables {
		u.words = t.words
		u.table(t.Table)
	}
	return []byte(strings.Join(u.lines, ""))
}

type updater struct {
	got   func(*Cell) (string, bool)
	words *vocabulary // of the lab of the table at hand
	lines []string    // of the source, each with its end; one may come to hold several
}

// table decides what each word of the file becomes, and whether one word is still enough where "*" stood for many.
func (u *updater) table(t *Table) {
	words, enough := map[problem.Pos]string{}, true
	changed := false
	for _, c := range t.Cells {
		w := u.word(c)
		changed = changed || w != c.Want.Text
		if first, again := words[c.Pos]; again && first != w {
			enough = false
		} else {
			words[c.Pos] = w
		}
	}
	switch {
	case !changed || !u.fits(t):
	case t.Short && enough:
		u.replaceShort(t, words[t.Pos])
	case t.Short:
		u.writeOutShort(t)
	case enough:
		u.replaceWords(t, words)
	default:
		u.writeOut(t)
	}
}

// fits reports whether the table is where it says it is, so that no other text is ever written over.
func (u *updater) fits(t *Table) bool {
	for _, l := range t.lines() {
		if l.line < 1 || l.line > len(u.lines) {
			return false
		}
		for _, w := range l.words {
			if raw := u.lines[l.line-1]; w.at > len(raw) || !strings.HasPrefix(raw[w.at:], w.text) {
				return false
			}
		}
	}
	return !t.Short || t.Pos.Line >= 1 && t.Pos.Line <= len(u.lines) && t.Pos.Col-1 < len(u.lines[t.Pos.Line-1])
}

// lines are those of all blocks of the table.
func (t *Table) lines() (out []tableLine) {
	for _, b := range t.blocks {
		out = append(out, b.lines...)
	}
	return out
}

// word is what a cell is to read.
func (u *updater) word(c *Cell) string {
	got, measured := u.got(c)
	if !measured || c.Judged && c.Want.Match(got) || !u.writable(c, got) {
		return c.Want.Text
	}
	return got
}

// writable reports whether a measured word is one that a cell may hold, and says something.
func (u *updater) writable(c *Cell, word string) bool {
	if word == "" || word == "." || word == "x" || strings.ContainsAny(word, " \t\r\n|*") {
		return false
	}
	base, _, _ := strings.Cut(word, "+")
	return base != "unknown" && word[0] != '#' && u.words.cell(c.Question, word) == ""
}

// token is a word of a table, or the comment at the end of a line.
type token struct {
	at       int // byte offset in the line
	old, new string
	push     int // blanks to add before it
}

// replaceWords puts words over words of the same table.
func (u *updater) replaceWords(t *Table, words map[problem.Pos]string) {
	for _, b := range t.blocks {
		u.replaceIn(b.lines, words)
	}
}

func (u *updater) replaceIn(block []tableLine, words map[problem.Pos]string) {
	lines := make([][]token, len(block))
	for k, l := range block {
		for _, w := range l.words {
			word, ok := words[w.pos(l.line)]
			if !ok {
				word = w.text
			}
			lines[k] = append(lines[k], token{w.at, w.text, word, 0})
		}
		if l.comment >= 0 {
			rest := u.lines[l.line-1][l.comment:]
			lines[k] = append(lines[k], token{l.comment, rest, rest, 0})
		}
	}
	makeRoom(lines)
	for k, l := range lines {
		line := &u.lines[block[k].line-1]
		*line = rewritten(*line, l)
	}
}

// makeRoom pushes what is behind a word that grew into its neighbour. Words that are in one column, and so are
// aligned, move together; two blanks are left, or the one that was there before.
func makeRoom(lines [][]token) {
	most := 0
	for _, l := range lines {
		most = max(most, len(l))
	}
	for j := 1; j < most; j++ {
		push := map[int]int{}
		for _, l := range lines {
			if j < len(l) && l[j-1].new != l[j-1].old {
				before, here := l[j-1], l[j].at
				gap := here - before.at - len(before.old)
				push[here] = max(push[here], before.at+len(before.new)+min(2, gap)-here)
			}
		}
		for _, l := range lines {
			if j < len(l) {
				l[j].push = push[l[j].at]
			}
		}
	}
}

// rewritten is the line with its new words. Blanks between words that stay are kept as they are, tabs and all.
func rewritten(line string, tokens []token) string {
	var b strings.Builder
	b.WriteString(line[:tokens[0].at])
	for j, tok := range tokens {
		end := tok.at + len(tok.old)
		b.WriteString(tok.new)
		if j == len(tokens)-1 {
			b.WriteString(line[end:])
			break
		}
		next := tokens[j+1]
		if grow := len(tok.old) - len(tok.new) + next.push; grow == 0 {
			b.WriteString(line[end:next.at])
		} else {
			pad(&b, next.at-end+grow)
		}
	}
	return b.String()
}

// writeOut replaces the lines of a table with those of the table that has no "*". A comment stays on its line, that of
// a row "*" on the first of its rows.
func (u *updater) writeOut(t *Table) {
	full := u.full(t)
	for n, b := range t.blocks {
		next := len(t.Columns)
		if n+1 < len(t.blocks) {
			next = t.blocks[n+1].column
		}
		var lines [][]string
		var count []int // of lines that each line of the file becomes
		for k, l := range b.lines {
			rows := t.written(n, k, l)
			count = append(count, len(rows))
			for _, i := range rows {
				line := []string{full[i][0]}
				for j, from := range t.fromColumn {
					if from >= b.column && from < next {
						line = append(line, full[i][j+1])
					}
				}
				lines = append(lines, line)
			}
		}
		u.writeOutBlock(b.lines, lines, count)
	}
}

// written are the lines of the full table that line k of block n becomes: the header, or what its row means.
func (t *Table) written(n, k int, l tableLine) (rows []int) {
	if k == 0 {
		return []int{0}
	}
	row := k - 1
	if n > 0 {
		row = slices.Index(t.Rows, l.words[0].text)
	}
	for i, from := range t.fromRow {
		if from == row {
			rows = append(rows, i+1)
		}
	}
	return rows
}

func (u *updater) writeOutBlock(block []tableLine, lines [][]string, count []int) {
	var text strings.Builder
	writeAligned(&text, lines)
	written := strings.Split(text.String(), "\n")
	width := 0
	for _, l := range written {
		width = max(width, displayWidth(l))
	}
	next := 0
	for i, l := range block {
		raw := u.lines[l.line-1]
		indent, eol := raw[:l.words[0].at], lineEnd(raw)
		comment := ""
		if l.comment >= 0 {
			comment = strings.TrimRight(raw[l.comment:], "\r\n")
		}
		var b strings.Builder
		for k := range count[i] {
			b.WriteString(indent + written[next+k])
			if k == 0 && comment != "" {
				pad(&b, width-displayWidth(written[next])+2)
				b.WriteString(comment)
			}
			b.WriteString(eol)
		}
		if count[i] == 0 && comment != "" {
			b.WriteString(indent + comment + eol)
		}
		next += count[i]
		u.lines[l.line-1] = b.String()
	}
}

// full is the table without "*", header first. A pair that "*" left out is measured if it can be asked, so that a
// second update finds nothing to do.
func (u *updater) full(t *Table) [][]string {
	lines := [][]string{append([]string{t.Corner}, t.columns()...)}
	for i, cells := range t.grid() {
		row := t.rows()[i]
		line := []string{row}
		for j, c := range cells {
			column := t.columns()[j]
			if c != nil {
				line = append(line, u.word(c))
				continue
			}
			blank := t.blank(i, j)
			if blank == "." && t.narrowing == nil {
				blank = u.word(t.leftOut(row, column))
			}
			line = append(line, blank)
		}
		lines = append(lines, line)
	}
	return lines
}

// leftOut is the cell that a pair would have, had it been written.
func (t *Table) leftOut(row, column string) *Cell {
	q := KindOf(t.Kind).question(row, column)
	q.With = t.With
	return &Cell{Row: row, Column: column, Want: Want{"."}, Case: -1, Question: q}
}

// replaceShort puts a word over that of a short form, quotes included.
func (u *updater) replaceShort(t *Table, word string) {
	line, start, end := u.scalar(t)
	u.lines[t.Pos.Line-1] = line[:start] + word + line[end:]
}

// scalar is the line of a short form and where its word is in it, with its quotes if it has any, whether or not the
// table's place counts the first of them. A plain scalar ends at a blank, in a flow mapping also at a comma or a brace
// (YAML 1.2, 7.3.3); no word has any of these.
func (u *updater) scalar(t *Table) (line string, start, end int) {
	line, start = u.lines[t.Pos.Line-1], t.Pos.Col-1
	if start > 0 && strings.IndexByte(`"'`, line[start-1]) >= 0 {
		start--
	}
	if q := line[start]; q == '"' || q == '\'' {
		if n := strings.IndexByte(line[start+1:], q); n >= 0 {
			return line, start, start + n + 2
		}
	}
	if n := strings.IndexAny(line[start:], " \t\r\n,}"); n >= 0 {
		return line, start, start + n
	}
	return line, start, len(line)
}

// shortKey is what precedes the word of a short form in a block mapping, which may be an item of a list, or in a list.
var shortKey = regexp.MustCompile(`^( *(?:- +)?)["']?[a-z0-9]+["']?[ \t]*:[ \t]+$|^( *- +)$`)

// writeOutShort turns "ping: ok" into a literal block, indented by two more than its key.
func (u *updater) writeOutShort(t *Table) {
	line, start, end := u.scalar(t)
	key := shortKey.FindStringSubmatch(line[:start])
	if key == nil {
		return
	}
	indent := strings.Repeat(" ", len(key[1])+2)
	if key[2] != "" {
		indent = strings.Repeat(" ", len(key[2]))
	}
	var text strings.Builder
	writeAligned(&text, u.full(t))
	eol := lineEnd(line)
	var b strings.Builder
	b.WriteString(line[:start] + "|" + line[end:])
	if !strings.HasSuffix(line, "\n") {
		b.WriteString(eol)
	}
	for l := range strings.Lines(text.String()) {
		b.WriteString(indent + strings.TrimSuffix(l, "\n") + eol)
	}
	u.lines[t.Pos.Line-1] = b.String()
}

// lineEnd is how a line ends; the last one of a file may have no end of its own.
func lineEnd(line string) string {
	if strings.HasSuffix(line, "\r\n") {
		return "\r\n"
	}
	return "\n"
}
