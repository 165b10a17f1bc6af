package labfile

import (
	"fmt"

	"labctl/topology/expect"
	"labctl/topology/labfile/grammar"
)

// heardOnce refuses that what is sent is listened for promiscuously and not, in one expectation: it is sent once, while
// all listeners are open, and a promiscuous one opens the filters of what others listen on.
func (r stepReader) heardOnce(v grammar.Value, e *expect.Expectation) {
	if e == nil {
		return
	}
	first := map[bool]*expect.Cell{}
	for _, t := range e.Tables {
		for _, c := range t.Cells {
			q := c.Question
			if q.Kind != "sees" || q.B != "" || !r.isSent[q.A] {
				continue
			}
			how := q.Promiscuous()
			if other := first[!how]; other != nil {
				r.doc.Add(c.Pos, c.Width, v.Path()+"."+t.Kind, fmt.Sprintf("what a step sends is sent once, and the "+
					"listeners of this line and of line %d are not alike: promiscuous ones open the filters for all; "+
					"let one of the two be in a step of its own", other.Pos.Line), false)
				return
			}
			if first[how] == nil {
				first[how] = c
			}
		}
	}
}
