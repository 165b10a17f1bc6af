package reach

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"labctl/topology"
	"labctl/topology/expect"
)

// The way of a pair is that of the packets themselves: an answer leaves from the address that was asked, requests are
// ICMP, and a next hop that was chosen of several is not sure.
func TestWaysByRoutingRules(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24,10.0.0.9/24", "r 10.0.0.254/24")
	lab.Names = []topology.NamedEnd{{Name: "second", IP: addr("10.0.0.9")}, {Name: "several", IP: addr("10.9.0.1")}}
	lab.Nodes[1].Routes = []topology.Route{{Dst: netip.MustParsePrefix("10.9.0.0/16"), NextHops: []topology.NextHop{{Via: addr("10.0.0.2"), Weight: 1}, {Via: addr("10.0.0.254"), Weight: 1}}}}
	m := build(t, lab, steps+`r: sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
b: ip rule add from 10.0.0.9 table 100 && ip route add 10.0.0.1 via 10.0.0.254 table 100
a: ip route add 10.9.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.254
`)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	if err := p.bench().open(); err != nil {
		t.Fatal(err)
	}
	own, err := p.bench().owners()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ to, there, back string }{
		{"b", "a>10.0.0.2", "b>10.0.0.1"},
		{"second", "a>10.0.0.9", "b>10.0.0.254 r>10.0.0.1"},
		{"several", "not sure", ""},
	} {
		pr, err := newPair(p.bench(), own, expect.Question{Kind: "ping", A: "a", B: c.to}, false)
		if err != nil {
			t.Fatal(err)
		}
		if q := pr.query(); q.Proto != 1 {
			t.Errorf("to %s: asked as protocol %d, not ICMP", c.to, q.Proto)
		}
		newExchange(context.Background(), p.bench(), own).tracePair(pr)
		if got := wayText(pr.path); got != c.there {
			t.Errorf("to %s: %s, want %s", c.to, got, c.there)
		}
		if got := wayText(pr.back); c.back != "" && got != c.back {
			t.Errorf("back from %s: %s, want %s", c.to, got, c.back)
		}
		if sure := pr.traces.all; sure != (c.there == "not sure") {
			t.Errorf("to %s: every node forgets: %v", c.to, sure)
		}
	}
	wantText(t, ask(t, p, false, expect.Question{Kind: "ping", A: "a", B: "second"}), "ping:a->second ok\n")
}

func wayText(w *path) (text string) {
	if w == nil {
		return "-"
	}
	if w.odd {
		return "not sure"
	}
	for i, h := range w.hops {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%s>%s", h.node, h.next)
	}
	return text
}
