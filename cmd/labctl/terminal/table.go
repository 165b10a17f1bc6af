package terminal

import (
	"io"
	"slices"
	"strings"

	"labctl/topology/problem"
)

// Table is rows of words under a header. On a screen that is too narrow it is written as several blocks of columns, one
// below the other.
type Table struct {
	Head  []string
	Keys  []string // the columns that say what a row is about, and are in each block; the first if there are none
	Prose bool     // the last column is text, which is broken within its column before the table is into blocks
	Rows  [][]string
	Style func(column, word string) Style // nil: no colours
}

// gap is how many blanks are between two columns.
const gap = 2

// leastProse is the width below which text is not broken within its column any more.
const leastProse = 24

// Write writes the table as the screen of w takes it. A word that is empty is written as "-"; one that has blanks or
// breaks stays on its line.
func (t Table) Write(w io.Writer) error {
	rows := make([][]string, len(t.Rows))
	for i, r := range t.Rows {
		for _, word := range r {
			if word == "" {
				word = "-"
			}
			// what a cell holds is not to break the table
			rows[i] = append(rows[i], strings.ReplaceAll(problem.Visible(word, false), "\t", `\t`))
		}
	}
	columns := On(w).Columns
	widths := t.widths(rows)
	last := len(widths) - 1
	if before := sum(widths[:last]) + gap*last; t.Prose && columns > 0 && columns-before >= leastProse {
		widths[last] = min(widths[last], columns-before)
	}
	for i, block := range Blocks(widths, t.keys(), columns) {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := t.block(w, rows, widths, block); err != nil {
			return err
		}
	}
	return nil
}

func (t Table) widths(rows [][]string) []int {
	widths := make([]int, len(t.Head))
	for _, r := range append([][]string{t.Head}, rows...) {
		for j, word := range r {
			widths[j] = max(widths[j], Width(word))
		}
	}
	return widths
}

func (t Table) keys() []int {
	keys := []int{}
	for _, k := range t.Keys {
		keys = append(keys, slices.Index(t.Head, k))
	}
	if len(keys) == 0 {
		keys = append(keys, 0)
	}
	return keys
}

// block writes the columns of a block.
func (t Table) block(w io.Writer, rows [][]string, widths, block []int) error {
	colour := On(w).Colour && t.Style != nil
	out := w
	if v, ok := w.(Writer); ok && colour {
		out = v.W // the words were made visible
	}
	for n, r := range append([][]string{t.Head}, rows...) {
		lines := [][]string{}
		for k, j := range block {
			for at, part := range t.parts(r[j], j, widths[j]) {
				for len(lines) <= at {
					lines = append(lines, make([]string, len(block)))
				}
				lines[at][k] = part
			}
		}
		for _, line := range lines {
			var b strings.Builder
			blanks := 0
			for k, j := range block {
				if line[k] != "" {
					b.WriteString(strings.Repeat(" ", blanks))
					blanks = 0
					style := Plain
					if colour && n > 0 {
						style = t.Style(t.Head[j], line[k])
					}
					b.WriteString(style.in(line[k]))
				}
				blanks += widths[j] - Width(line[k]) + gap
			}
			if _, err := io.WriteString(out, b.String()+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// parts are the lines of a cell: more than one only of prose that is wider than its column.
func (t Table) parts(word string, column, width int) []string {
	if Width(word) <= width || !t.Prose || column != len(t.Head)-1 {
		return []string{word}
	}
	return fill(strings.Fields(word), width)
}

// Blocks divides columns of the given widths among blocks that have at most so many columns of a terminal, two blanks
// being between two. The keys are in every block, in their place. A column that is too wide with the keys alone has a
// block of its own. 0 columns: there is one block.
func Blocks(widths, keys []int, columns int) [][]int {
	var blocks [][]int
	block, free := slices.Clone(keys), 0
	room := func() int {
		n := columns
		for _, k := range keys {
			n -= widths[k] + gap
		}
		return n
	}
	free = room()
	for j, w := range widths {
		if slices.Contains(keys, j) {
			continue
		}
		if columns > 0 && w > free && len(block) > len(keys) {
			blocks, block, free = append(blocks, block), slices.Clone(keys), room()
		}
		block, free = append(block, j), free-w-gap
	}
	blocks = append(blocks, block)
	for _, b := range blocks {
		slices.Sort(b)
	}
	return blocks
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}
