package reach

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"labctl/topology/expect"
)

// Report is the answers to an expectation, table by table in the order in which they were judged.
type Report struct{ Tables []TableReport }

// TableReport has the cells of a table, in its order.
type TableReport struct {
	Table *expect.Table
	Cells []CellReport
}

// CellReport is a cell and its answer. OK: the answer is what the file wants, or the cell is not judged.
type CellReport struct {
	Cell   *expect.Cell
	Asked  bool // false for a cell that is not judged, unless Prober.All
	Result Result
	OK     bool
}

// OK reports whether there was something to judge and all of it is as wanted: a report without answers passes nothing.
func (r *Report) OK() bool {
	judged := 0
	for _, t := range r.Tables {
		for _, c := range t.Cells {
			if !c.OK {
				return false
			}
			if c.Cell.Judged {
				judged++
			}
		}
	}
	return judged > 0
}

// Judge asks an expectation's questions and compares. Tables are asked in their order; in fresh mode arp tables
// together with the pings, whose after-effects they are, and each sees table by itself, with only its own listeners.
// What an [Overhearing] listens for is settled before anything is sent, and its listeners are closed.
func (p *Prober) Judge(ctx context.Context, e *expect.Expectation) (*Report, error) {
	r := newReport(e.Tables)
	if err := p.background.settleOverheard(ctx); err != nil {
		return nil, err
	}
	cells := map[turn][]*CellReport{}
	for ti := range r.Tables {
		t := &r.Tables[ti]
		for ci := range t.Cells {
			c := &t.Cells[ci]
			if !c.Cell.Judged && !p.All {
				continue
			}
			kind := c.Cell.Question.Kind // the rows of a cases table are of all kinds and in any order
			pr := probeOf(kind)
			if pr == nil {
				return nil, fmt.Errorf("no probe is called %q", kind)
			}
			at := pr.turnOf(ti, e.Kept)
			cells[at] = append(cells[at], c)
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(cells), compareTurns) {
		if err := p.judge(ctx, cells[at], e.Kept, false); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Read looks once at the tables of an expectation that are only read. It forgets nothing, and sends nothing but the
// next request of a stream of which too few have been sent for a verdict. Other tables are not in the report.
func (p *Prober) Read(ctx context.Context, e *expect.Expectation) (*Report, error) {
	var tables []*expect.Table
	for _, t := range e.Tables {
		if expect.KindOf(t.Kind).Reads {
			tables = append(tables, t)
		}
	}
	r := newReport(tables)
	var cells []*CellReport
	for ti := range r.Tables {
		for ci := range r.Tables[ti].Cells {
			if c := &r.Tables[ti].Cells[ci]; c.Cell.Judged || p.All {
				cells = append(cells, c)
			}
		}
	}
	return r, p.judge(ctx, cells, true, true)
}

func newReport(tables []*expect.Table) *Report {
	r := &Report{}
	for _, t := range tables {
		tr := TableReport{Table: t, Cells: make([]CellReport, len(t.Cells))}
		for i, c := range t.Cells {
			tr.Cells[i] = CellReport{Cell: c, OK: !c.Judged}
		}
		r.Tables = append(r.Tables, tr)
	}
	return r
}

func (p *Prober) judge(ctx context.Context, cells []*CellReport, kept, look bool) error {
	if len(cells) == 0 {
		return nil
	}
	qs, counted := make([]expect.Question, len(cells)), make([]bool, len(cells))
	for i, c := range cells {
		qs[i], counted[i] = c.Cell.Question, c.Cell.Want.Counts()
	}
	results, err := p.ask(ctx, qs, counted, kept, look)
	if err != nil {
		return err
	}
	for i, c := range cells {
		c.Asked, c.Result = true, results[i]
		c.OK = !c.Cell.Judged || c.matches()
	}
	return nil
}

// matches reports whether the answer is wanted. Where the file wants one interface of the node, the answer names the
// one that it is.
func (c *CellReport) matches() bool {
	r := &c.Result
	if r.lost > 0 && !c.surely() {
		r.Got = Unknown
		return false
	}
	if c.Cell.Want.Match(r.Got) {
		return true
	}
	if i := slices.IndexFunc(r.Exact, c.Cell.Want.Match); i >= 0 {
		r.Got = r.Exact[i] // said as the file says it
		return true
	}
	if c.Cell.Question.Kind == "sees" && c.Cell.Want.Counts() && len(r.Exact) > 0 {
		r.Got = r.Exact[0]
		return false
	}
	node, _, _ := strings.Cut(r.Got, "+")
	if len(r.Exact) > 0 && strings.Contains(c.Cell.Want.Text, node+":") {
		r.Got = r.Exact[0]
	}
	return false
}

// surely reports whether the answer to a count of frames is the same however many of the lost ones belong to it.
func (c *CellReport) surely() bool {
	low, err := strconv.Atoi(c.Result.Got)
	if err != nil {
		return false
	}
	wanted := c.Cell.Want.Match(c.Result.Got)
	for n := low + 1; n <= low+min(c.Result.lost, 1000); n++ {
		if c.Cell.Want.Match(strconv.Itoa(n)) != wanted {
			return false
		}
	}
	return true
}
