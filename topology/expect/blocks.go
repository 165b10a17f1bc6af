package expect

import "slices"

// tableBlock is some columns of a table with all its rows, as they are in the file.
type tableBlock struct {
	lines  []tableLine // the header first
	column int         // index into Table.Columns of the first of its columns
}

// sameStart is how many rows a block that lacks some has to begin with as the one above it, to be taken for a part of
// the same table: two tables of a story may well have a row in common.
const sameStart = 2

// joined puts blocks together that are one table: those that have the rows of the one above, or begin with them, and a
// column that it has not. Where words narrow their row, each block is a table.
func (k *Kind) joined(blocks [][]tableLine) [][][]tableLine {
	var tables [][][]tableLine
	for _, b := range blocks {
		if n := len(tables) - 1; n >= 0 && k.narrowing == nil && goesOn(tables[n], b) {
			tables[n] = append(tables[n], b)
			continue
		}
		tables = append(tables, [][]tableLine{b})
	}
	return tables
}

// goesOn reports whether a block belongs to the table of the blocks above it.
func goesOn(above [][]tableLine, b []tableLine) bool {
	first := above[0]
	if len(b) < 2 || len(first) < 2 || b[0].words[0].text != first[0].words[0].text {
		return false
	}
	rows, had := rowsOf(b), rowsOf(first)
	start := len(rows) >= sameStart && len(had) >= sameStart && slices.Equal(rows[:sameStart], had[:sameStart])
	if !start && !slices.Equal(slices.Sorted(slices.Values(rows)), slices.Sorted(slices.Values(had))) {
		return false
	}
	var columns []string
	for _, a := range above {
		columns = append(columns, a[0].texts()[1:]...)
	}
	return slices.ContainsFunc(b[0].texts()[1:], func(c string) bool { return !slices.Contains(columns, c) })
}

// rowsOf are the names of a block's rows.
func rowsOf(block []tableLine) []string {
	rows := make([]string, len(block)-1)
	for i, l := range block[1:] {
		rows[i] = l.words[0].text
	}
	return rows
}

// lines are those of all blocks of the table.
func (t *Table) lines() (out []tableLine) {
	for _, b := range t.blocks {
		out = append(out, b.lines...)
	}
	return out
}

func (l tableLine) texts() []string {
	out := make([]string, len(l.words))
	for i, w := range l.words {
		out[i] = w.text
	}
	return out
}

// further reads a block that goes on from the first one: other columns of the same rows, in any order.
func (p *tableParser) further(t *Table, body *tableBody, lines []tableLine) bool {
	head := lines[0]
	columns := p.columns(t, body, head)
	body.columns = append(body.columns, columns...)
	here := map[string]int{}
	for _, l := range lines[1:] {
		if p.full() {
			return false
		}
		name := l.words[0].text
		at := slices.Index(t.Rows, name)
		first, twice := here[name]
		switch {
		case at < 0:
			p.wrong(l.line, l.words[0], "row %q is not in the block that begins in line %d, which this one goes on from; "+
				"all blocks of a table have the same rows", name, t.Pos.Line)
			continue
		case twice:
			p.wrong(l.line, l.words[0], "row %q is already in line %d; each row once", name, first)
			continue
		}
		here[name] = l.line
		body.cells[at] = append(body.cells[at], p.cells(l, &body.rows[at], columns)...)
	}
	for _, name := range t.Rows {
		if here[name] == 0 {
			p.wrong(head.line, head.words[0], `row %q of line %d is missing in this block of the table; write it, with "." `+
				"for cells that are not judged", name, body.at[name])
		}
	}
	return true
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
