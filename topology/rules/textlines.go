package rules

import "labctl/topology/problem"

// TextLine is a line of a text in the file, and where it begins there.
type TextLine struct {
	Text  string
	Pos   problem.Pos
	Vague bool // Pos is where the whole text begins: its words are elsewhere than they are counted
}

// at is the place of a byte of the line.
func (l TextLine) at(byte int) problem.Pos {
	if l.Vague || l.Pos.Line == 0 {
		return l.Pos
	}
	return problem.Pos{Line: l.Pos.Line, Col: l.Pos.Col + byte}
}
