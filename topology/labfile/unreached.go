package labfile

import (
	"strings"

	"labctl/topology/expect"
)

// unreached warns of pairs that are expected to reach each other and that no cable joins.
func (c checker) unreached(e *expect.Expectation) {
	if e == nil || c.doc.Failed() {
		return
	}
	parts := c.joined()
	if parts.count < 2 {
		return
	}
	for _, t := range e.Tables {
		if k := expect.KindOf(t.Kind); !k.Echo && !k.Ports || t.Short {
			continue
		}
		for _, cell := range t.Cells {
			a, _, _ := strings.Cut(cell.Row, ":")
			b, _, _ := strings.Cut(cell.Column, ":")
			if cell.Judged && reaches(cell.Want.Text) && c.named[a] != nil && c.named[b] != nil &&
				parts.of(a) != parts.of(b) {
				c.doc.Add(cell.Pos, cell.Width, "expect."+t.Kind, b+" is expected but nothing links it to "+a, true)
			}
		}
	}
}

// reaches reports whether a wanted word is one for those who reach each other.
func reaches(want string) bool {
	return strings.HasPrefix(want, "ok") || strings.HasPrefix(want, "open")
}

// parts are sets of nodes that cables join, each known by one of its nodes (a disjoint-set forest).
type parts struct {
	root  map[string]string
	count int
}

func (p *parts) of(x string) string {
	for p.root[x] != "" && p.root[x] != x {
		if up := p.root[p.root[x]]; up != "" {
			p.root[x] = up
		}
		x = p.root[x]
	}
	return x
}

func (p *parts) join(a, b string) {
	if a, b = p.of(a), p.of(b); a != b {
		p.root[a] = b
		p.count--
	}
}

// joined are the parts of the lab.
func (c checker) joined() *parts {
	p := &parts{root: map[string]string{}, count: len(c.lab.Nodes)}
	for _, m := range c.all {
		if m.Peer.Node != "" && m.Peer.Node != m.end.Node {
			p.join(m.end.Node, m.Peer.Node)
		}
		if m.uplinkOf != nil {
			p.join(m.end.Node, m.uplinkOf.full)
		}
		if m.above != nil {
			p.join(m.end.Node, m.Lower.Node)
		}
	}
	return p
}
