package reach

import (
	"net/netip"

	"labctl/topology"
	"labctl/topology/expect"
)

// target resolves the text of a row or a column; or, for a person who asks outside any table, an address, which need not be anybody's.
func (p *Prober) target(text string) (topology.Target, bool) {
	if t, ok := p.Lab.Target(text); ok {
		return t, true
	}
	switch a, err := netip.ParseAddr(text); {
	case err != nil || a.Is4In6() || a.Zone() != "":
		return topology.Target{}, false
	case a.Is4():
		return topology.Target{Text: text, IP: a}, true
	default:
		return topology.Target{Text: text, IP6: a}, true
	}
}

// Address is what a ping or ping6 is sent to; the zero Addr where the question has no such target.
func (p *Prober) Address(q expect.Question) netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, _ := p.target(q.B)
	switch q.Kind {
	case "ping":
		return t.IP
	case "ping6":
		return t.IP6
	}
	return netip.Addr{}
}
