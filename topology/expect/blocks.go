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
// column that it has not.
func joined(blocks [][]tableLine) [][][]tableLine {
	var tables [][][]tableLine
	for _, b := range blocks {
		if n := len(tables) - 1; n >= 0 && goesOn(tables[n], b) {
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

func (l tableLine) texts() []string {
	out := make([]string, len(l.words))
	for i, w := range l.words {
		out[i] = w.text
	}
	return out
}
