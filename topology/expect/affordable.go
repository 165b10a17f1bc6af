package expect

import (
	"time"

	"labctl/topology/problem"
)

// MaxAlone is how long the questions of a file that are asked one after the other may take at best.
const MaxAlone = 10 * time.Minute

// tooLong reports whether the questions so far that are asked one after the other take too long, which has been said.
func (p *tableParser) tooLong() bool {
	return p.rs.Alone != nil && time.Duration(*p.rs.Alone)*p.kind.alone > MaxAlone
}

// affordable reports whether the questions so far that are asked one after the other, n more with this table, are asked
// in a time that somebody would wait for.
func (p *tableParser) affordable(t *Table, n int) bool {
	if p.kind.alone == 0 {
		return true
	}
	if p.rs.Alone == nil {
		p.rs.Alone = new(int)
	}
	before := *p.rs.Alone
	*p.rs.Alone += n
	cost := time.Duration(*p.rs.Alone) * p.kind.alone
	if cost > MaxAlone && time.Duration(before)*p.kind.alone <= MaxAlone {
		p.errorf(t.Pos, 1, "the tables up to this one ask %s about ports, one after the other, which takes %v at "+
			"best, more than %v; name fewer rows or columns", problem.Count(*p.rs.Alone, "question"),
			cost.Round(time.Second), MaxAlone)
	}
	return cost <= MaxAlone
}
