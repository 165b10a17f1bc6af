package reach

import (
	"fmt"

	"labctl/topology"
	"labctl/topology/cause"
)

// tooLong are the interfaces on the way of a pair, there and back, that its packets are too long for, as far as it is
// known: who has to send them on by one is to say so, and what only carries frames drops them without a word.
//
// Kept tables may have a path MTU by which an answer is sent in fragments, and who held it when is not known.
func (m *exchange) tooLong(pr *pair, kept bool) []cause.Cause {
	if pr.form == (form{}) || pr.word == tooBig || pr.path == nil || pr.path.odd {
		return nil
	}
	var out []cause.Cause
	for _, w := range []*path{pr.path, pr.back} {
		if w == nil || w.odd {
			continue
		}
		length := pr.form.packet(pr.sock.v6)
		if w == pr.path && !pr.form.whole && pr.told == 0 && pr.mtu > 0 {
			length = min(length, pr.mtu)
		}
		for i, h := range w.hops {
			l, ok := m.own.linkAt(h.node, h.index)
			if !ok || l.MTU == 0 {
				break
			}
			// Answers may be fragmented (icmp_sk, net/ipv4/icmp.c), by IPv6 by their sender alone (RFC 8200, 5).
			if length > l.MTU && (w == pr.path && pr.form.whole ||
				pr.sock.v6 && i > 0 && (w == pr.path || !kept)) {
				return append(out, tooLongFor(h.node, l))
			}
			length = min(length, l.MTU)
			if i+1 < len(w.nodes) {
				out = append(out, m.tooLongBetween(h.node, w.nodes[i+1], length)...)
			}
			if len(out) > 0 {
				return out
			}
		}
	}
	return nil
}

// slack is how much longer a frame may be than an interface's MTU allows, so that one with a VLAN tag fits
// (is_skb_forwardable, include/linux/netdevice.h).
const slack = 4

// tooLongBetween are the interfaces between two neighbours that do not take packets of a length.
func (m *exchange) tooLongBetween(a, b string, length int) []cause.Cause {
	between := m.b.lab.Passage([]string{a, b})
	var out []cause.Cause
	for _, n := range m.b.lab.Nodes {
		if !between.Node(n.Name) {
			continue
		}
		for _, l := range m.own.links[n.Name] {
			if l.Name == "lo" || l.MTU+slack >= length || n.Interface(l.Name) == nil ||
				n.Interface(l.Name).Type == topology.BridgeLink || !between.Interface(n.Name, l.Name) {
				continue
			}
			out = append(out, tooLongFor(n.Name, l))
		}
	}
	return out
}

func tooLongFor(node string, l topology.LinkState) cause.Cause {
	return cause.Cause{Kind: cause.TooLong, Where: node + ":" + l.Name, Rule: fmt.Sprintf("mtu %d", l.MTU), Sure: true}
}
