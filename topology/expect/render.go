package expect

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"labctl/topology"
	"labctl/topology/problem"
)

// maxListed is how many differences are listed below a table; a reader mends the first few and asks again.
const maxListed = 20

// Render prints the table as it can be pasted back into a lab file, with "*" written out. got is the measured word of a
// cell, which may go on with ": " and a detail; "" for a cell that was not measured, which prints as "unknown" if it is
// judged and as "." if not. A nil got prints what is wanted.
//
// The word of a judged cell that differs is marked with "!", and below the table a comment for each says what was
// wanted and the detail, at most 20 and the number of the rest:
//
//	from\to  h0  h2
//	h0       -   no-arp!
//	# h0 -> h2: wanted ok, got no-arp: the neighbour entry FAILED
func Render(t *Table, got func(*Cell) string) string { return RenderWithin(t, got, 0) }

// RenderWithin prints the table as [Render] does, on a terminal of so many columns: a table that is wider is printed as
// several blocks of columns with a blank line between them, which [ParseTable] reads as one table. It stays in one
// piece where columns is 0 or some of its words narrow their row.
func RenderWithin(t *Table, got func(*Cell) string, columns int) string {
	grid := t.grid()
	lines := make([][]string, 0, len(grid)+1)
	lines = append(lines, append([]string{t.Corner}, t.columns()...))
	var differ []string
	for i, row := range t.rows() {
		line := []string{row}
		for j, c := range grid[i] {
			if c == nil {
				line = append(line, t.blank(i, j))
				continue
			}
			word, difference := c.shown(got)
			if difference != "" {
				word += "!"
				differ = append(differ, difference)
			}
			line = append(line, word)
		}
		lines = append(lines, line)
	}
	var b strings.Builder
	if t.narrowing != nil {
		columns = 0
	}
	for i, block := range blocksOf(lines, columns) {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeAligned(&b, block)
	}
	for i, d := range differ {
		if i == maxListed {
			fmt.Fprintf(&b, "# … and %d more\n", len(differ)-maxListed)
			break
		}
		b.WriteString("# " + d + "\n")
	}
	return b.String()
}

// Undecided is the word for what a model of the lab cannot say. It is never what a file wants, and no difference
// either.
const Undecided = "undecided"

// shown is the word to print for a cell, and what to say if it differs from the wanted one.
func (c *Cell) shown(got func(*Cell) string) (word, difference string) {
	if got == nil {
		return c.Want.Text, ""
	}
	measured := got(c)
	switch {
	case measured == "" && !c.Judged:
		return ".", ""
	case measured == "":
		measured = "unknown"
	}
	word, _, _ = strings.Cut(measured, ": ")
	if !c.Judged || c.Want.Match(word) || word == Undecided {
		return word, ""
	}
	return word, c.Label() + ": wanted " + c.Want.Text + ", got " + measured
}

// Label says in words which cell it is: "h0 -> h2", "h3->h0 at rt", "kali3 on virbr6"; in a table of cases the question
// and the case.
func (c *Cell) Label() string {
	if c.Case >= 0 {
		return c.Row + " in " + c.Column
	}
	if label := KindOf(c.Question.Kind).label; label != nil {
		return label(c)
	}
	return c.Row + " -> " + c.Column
}

func (t *Table) rows() []string {
	if t.shownRows == nil {
		return t.Rows
	}
	return t.shownRows
}

func (t *Table) columns() []string {
	if t.shownColumns == nil {
		return t.Columns
	}
	return t.shownColumns
}

// grid puts the cells in their places; nil where nothing is asked. Cells are in order, row by row, so no search is
// needed.
func (t *Table) grid() [][]*Cell {
	rows, columns := t.rows(), t.columns()
	flat := make([]*Cell, len(rows)*len(columns))
	grid := make([][]*Cell, len(rows))
	k := 0
	for i, row := range rows {
		grid[i] = flat[i*len(columns) : (i+1)*len(columns)]
		for j, column := range columns {
			if k < len(t.Cells) && t.Cells[k].Row == row && t.Cells[k].Column == column {
				grid[i][j] = t.Cells[k]
				k++
			}
		}
	}
	return grid
}

// blank is what is printed where nothing is asked.
func (t *Table) blank(i, j int) string {
	if t.narrowing != nil {
		return t.narrowing[i][j].want.Text
	}
	if Pairs(t.Kind) && sameNode(t.rows()[i], t.columns()[j]) {
		return "-"
	}
	return "."
}

// writeAligned writes lines of words with two blanks between columns and none at the ends.
func writeAligned(b *strings.Builder, lines [][]string) {
	var widths []int
	for _, line := range lines {
		for j, w := range line {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], displayWidth(w))
		}
	}
	for _, line := range lines {
		for j, w := range line {
			b.WriteString(w)
			if j < len(line)-1 {
				pad(b, widths[j]-displayWidth(w)+2)
			}
		}
		b.WriteByte('\n')
	}
}

// blocksOf divides the columns of an aligned table among blocks that a terminal of so many columns has room for, the
// first column being in each. 0: there is one block.
func blocksOf(lines [][]string, columns int) [][][]string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for j, w := range line {
			widths[j] = max(widths[j], displayWidth(w))
		}
	}
	var blocks [][][]string
	add := func(from, to int) {
		block := make([][]string, len(lines))
		for i, line := range lines {
			block[i] = append([]string{line[0]}, line[from:to]...)
		}
		blocks = append(blocks, block)
	}
	from, used := 1, widths[0]
	for j := 1; j < len(widths); j++ {
		if columns > 0 && j > from && used+2+widths[j] > columns {
			add(from, j)
			from, used = j, widths[0]
		}
		used += 2 + widths[j]
	}
	add(from, len(widths))
	return blocks
}

func pad(b *strings.Builder, n int) {
	for range n {
		b.WriteByte(' ')
	}
}

// displayWidth is the number of columns of a terminal that s takes. Words of tables are names, which are ASCII; what a
// prober adds might not be, and is taken to be one column a character.
func displayWidth(s string) int { return utf8.RuneCountInString(s) }

// NewMatrix makes a table that is in no file: every node of "from" asks every target of "to". Either may be nil: every
// node that has an address. Nothing in it is judged. kind is one whose rows and columns are nodes, or a [Title] of it.
func NewMatrix(lab *topology.Lab, kind string, from, to []string) (*Table, error) {
	if name, _ := splitTitle(kind); !Pairs(name) {
		pairs := Listed(func(k *Kind) bool { return k.Pairs })
		return nil, fmt.Errorf("no matrix of kind %q; there are %s", kind, problem.AndList(pairs))
	}
	return newTable(lab, kind, from, to)
}

// NewVisibility makes a table, that is in no file, of who overhears whom: a row for each pair of [NewMatrix], and the
// listeners of "at" as columns, or every other node. The title is that of sees, with its options. A target that has no
// IPv4 address is asked by IPv6; where "from" is nil, by every node that has an IPv6 address. Nothing in it is judged.
func NewVisibility(lab *topology.Lab, title string, from, to, at []string) (*Table, error) {
	flows, err := flowsBetween(lab, from, to)
	if err != nil {
		return nil, err
	}
	return newTable(lab, title, flows, at)
}

// AnyFlow reports whether [NewVisibility] has a flow to listen to, which somebody may yet have to be named to listen
// to.
func AnyFlow(lab *topology.Lab, from, to []string) bool {
	flows, err := flowsBetween(lab, from, to)
	return err == nil && len(flows) > 0
}

// flowsBetween are the pairs by IPv4 and then those by IPv6, as A->B. It is not nil, which would be all that there are.
func flowsBetween(lab *topology.Lab, from, to []string) ([]string, error) {
	only6 := func(text string) bool { t, _ := lab.Target(text); return !t.IP.IsValid() && t.IP6.IsValid() }
	flows := []string{}
	for _, kind := range []string{"ping", "ping6"} {
		v6 := kind == "ping6"
		targets := to
		if to != nil {
			targets = slices.DeleteFunc(slices.Clone(to), func(t string) bool { return only6(t) != v6 })
			if len(targets) == 0 {
				continue
			}
		}
		t, err := newTable(lab, kind, from, targets)
		if err != nil {
			return nil, err
		}
		for _, c := range t.Cells {
			if q := c.Question; !v6 || only6(q.B) {
				flows = append(flows, q.A+"->"+q.B)
			}
		}
	}
	return flows, nil
}

// newTable makes a table that is not judged; without rows or columns these are all that there can be.
func newTable(lab *topology.Lab, kind string, from, to []string) (*Table, error) {
	p := newTableParser(kind, &Resolver{Lab: lab})
	t := &Table{Kind: p.kind.Name, With: p.with, Corner: p.kind.head(), Rows: slices.Clone(from),
		Columns: slices.Clone(to)}
	if from == nil {
		t.Rows = []string{"*"}
	}
	if to == nil {
		t.Columns = []string{"*"}
	}
	var rows, columns []axis
	for _, r := range t.Rows {
		rows = append(rows, p.row(0, tableWord{text: r}))
	}
	for _, c := range t.Columns {
		columns = append(columns, p.column(0, tableWord{text: c}))
	}
	words := make([][]cellWord, len(rows))
	for i := range words {
		words[i] = make([]cellWord, len(columns))
		for j := range words[i] {
			words[i][j].want.Text = "."
		}
	}
	if len(p.problems) == 0 {
		p.fill(t, rows, columns, words)
	}
	if len(p.problems) > 0 {
		return nil, fmt.Errorf("%s", p.problems[0].Message)
	}
	return t, nil
}
