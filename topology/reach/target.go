package reach

import (
	"fmt"
	"net/netip"
	"strings"

	"labctl/topology"
	"labctl/topology/expect"
)

// target resolves the text of a row or a column; or, for a person who asks outside any table, an address, which need
// not be anybody's.
func (b *bench) target(text string) (topology.Target, bool) {
	if t, ok := b.lab.Target(text); ok {
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

// ends resolves the two sides of a question; the first must be a node.
func (b *bench) ends(q expect.Question) (from, to topology.Target, err error) {
	from, ok := b.target(q.A)
	if !ok || from.Node == "" {
		return from, to, fmt.Errorf("%q is not a node of this lab", q.A)
	}
	if to, ok = b.target(q.B); !ok {
		return from, to, fmt.Errorf("%q is neither a node nor a name of this lab", q.B)
	}
	return from, to, nil
}

// port finds the interface of a virtual switch's port, which may be another node's; false if the text names none.
func (b *bench) port(text string) (node, ifname string, ok bool) {
	name, port, named := strings.Cut(text, ":")
	n := b.lab.Node(name)
	if !named || n == nil {
		return "", "", false
	}
	if n.Kind != topology.VSwitch {
		// An uplink may be written as the interface of the node that holds the switch.
		t, found := b.target(text)
		if n = b.lab.Node(t.Node); !found || n == nil || n.Kind != topology.VSwitch {
			return "", "", false
		}
		port = t.Interface
	}
	if n.Switch != nil {
		for _, s := range n.Switch.Ports {
			if s.Name == port {
				return s.At.Node, s.At.Interface, true
			}
		}
	}
	return n.Name, port, n.Interface(port) != nil
}

// portName is the switch and the port that a text names, as [Prober.port] has found it.
func (b *bench) portName(text string) (node, port string) {
	node, port, _ = strings.Cut(text, ":")
	if n := b.lab.Node(node); n != nil && n.Kind != topology.VSwitch {
		t, _ := b.target(text)
		return t.Node, t.Interface
	}
	return node, port
}
