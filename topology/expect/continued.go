package expect

import "slices"

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
			p.wrong(l.line, l.words[0], "row %q is not in the block that begins in line %d, which this one goes on "+
				"from; all blocks of a table have the same rows", name, t.Pos.Line)
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
			p.wrong(head.line, head.words[0], `row %q of line %d is missing in this block of the table; write it, `+
				`with "." for cells that are not judged`, name, body.at[name])
		}
	}
	return true
}
