package reach

import (
	"fmt"
)

// learn says in the detail of a pair which path MTU the sender's kernel holds, where that plays a part: the request was
// longer, or was sent at its length since nothing is known.
func (m *exchange) learn(pr *pair) {
	if !pr.form.given && pr.told == 0 || pr.learned || pr.word == "" || pr.word == Unknown {
		return
	}
	pr.learned = true
	fenced := true
	if pr.told > 0 {
		// An ICMP error is delivered to raw sockets before the kernel acts on it (ip_protocol_deliver_rcu).
		fenced = m.b.machine.Fence() == nil
	}
	r, err := m.b.machine.Route(pr.sock.node, pr.query())
	switch {
	case err != nil:
	case pr.word == tooBig:
		pr.mtu = r.MTU
		held := ""
		if r.MTU > 0 {
			held = fmt.Sprintf("; the path MTU that %s holds is %d", pr.sock.node, r.MTU)
		} else if l, ok := m.own.linkAt(pr.sock.node, r.Index); ok {
			pr.mtu = l.MTU
		}
		if pr.mtu > 0 {
			pr.detail += fmt.Sprintf(", mtu=%d", pr.mtu)
		}
		pr.detail += held
	case r.MTU > 0:
		pr.mtu = r.MTU
		pr.detail += fmt.Sprintf("; the path MTU that %s holds now is %d", pr.sock.node, r.MTU)
	case pr.told > 0 && fenced:
		pr.detail += fmt.Sprintf("; %s has learned no path MTU from that", pr.sock.node)
	}
}
