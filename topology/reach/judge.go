package reach

import (
	"context"
	"slices"
	"strings"

	"labctl/topology"
)

// Report is the answers to an expectation, table by table in the order in which they were judged.
type Report struct{ Tables []TableReport }

// TableReport has the cells of a table, in its order.
type TableReport struct {
	Table *topology.Table
	Cells []CellReport
}

// CellReport is a cell and its answer. OK: the answer is what the file wants, or the cell is not judged.
type CellReport struct {
	Cell   *topology.Cell
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

// readKinds are the tables that are only read: nothing is sent for them when tables are kept.
var readKinds = []string{"arp", "route", "fdb"}

// Judge asks an expectation's questions and compares. Tables are asked in their order; in fresh mode arp tables together
// with the pings, whose after-effects they are, and each sees table by itself, with only its own listeners.
func (p *Prober) Judge(ctx context.Context, e *topology.Expectation) (*Report, error) {
	r := newReport(e.Tables)
	var groups [][]*CellReport
	group := map[string]int{}
	for ti := range r.Tables {
		t := &r.Tables[ti]
		for ci := range t.Cells {
			c := &t.Cells[ci]
			if !c.Cell.Judged && !p.All {
				continue
			}
			key := phase(t.Table, ti, c.Cell.Question.Kind, e.Kept)
			n, ok := group[key]
			if !ok {
				n = len(groups)
				group[key], groups = n, append(groups, nil)
			}
			groups[n] = append(groups[n], c)
		}
	}
	for _, cells := range groups {
		if err := p.judge(ctx, cells, e.Kept); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Read looks once at the tables of an expectation that are only read, sends nothing and forgets nothing. Other tables are
// not in the report.
func (p *Prober) Read(ctx context.Context, e *topology.Expectation) (*Report, error) {
	var tables []*topology.Table
	for _, t := range e.Tables {
		if slices.Contains(readKinds, t.Kind) {
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
	return r, p.judge(ctx, cells, true)
}

func newReport(tables []*topology.Table) *Report {
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

// phase names the cells that are asked together.
func phase(t *topology.Table, index int, kind string, kept bool) string {
	switch {
	case kind == "sees":
		return "sees " + string(rune('0'+index))
	case kind == "answers":
		return kind
	case !kept && kind == "arp", kind == "ping", kind == "ping6":
		return "ping"
	default:
		return "read"
	}
}

func (p *Prober) judge(ctx context.Context, cells []*CellReport, kept bool) error {
	if len(cells) == 0 {
		return nil
	}
	qs := make([]topology.Question, len(cells))
	for i, c := range cells {
		qs[i] = c.Cell.Question
	}
	results, err := p.Ask(ctx, qs, kept)
	if err != nil {
		return err
	}
	for i, c := range cells {
		c.Asked, c.Result = true, results[i]
		c.OK = !c.Cell.Judged || c.matches()
	}
	return nil
}

// matches reports whether the answer is wanted. Where the file wants one interface of the node and it is another, the answer
// names that one.
func (c *CellReport) matches() bool {
	r := &c.Result
	if c.Cell.Want.Match(r.Got) || slices.ContainsFunc(r.Exact, c.Cell.Want.Match) {
		return true
	}
	node, _, _ := strings.Cut(r.Got, "+")
	if len(r.Exact) > 0 && strings.Contains(c.Cell.Want.Text, node+":") {
		r.Got = r.Exact[0]
	}
	return false
}
