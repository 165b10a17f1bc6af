package reach

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

// tunnelled is two sites behind a link whose MTU is 1400: pc - gw1 = gw2 - sw - wiki, nas. The bridge's port towards
// nas takes 1300 bytes, of which nobody there knows.
func tunnelled(t testing.TB) (*topology.Lab, *liveMachine) {
	lab := &topology.Lab{Name: "t"}
	var b strings.Builder
	node := func(name string, kind topology.Kind, ifaces ...string) {
		n := &topology.Node{Name: name, Kind: kind}
		for _, text := range ifaces {
			f := strings.Fields(text)
			i := &topology.Interface{Name: f[0], Type: topology.Veth, Up: true}
			for _, a := range f[1:] {
				p := netip.MustParsePrefix(a)
				i.Addrs = append(i.Addrs, p)
				nodad := ""
				if p.Addr().Is6() {
					nodad = "nodad"
				}
				fmt.Fprintf(&b, "%s: ip addr add %s dev %s %s\n", name, a, f[0], nodad)
			}
			fmt.Fprintf(&b, "%s: ip link set %s up && sysctl -qw net.ipv4.neigh.%s.retrans_time_ms=250 net.ipv6.neigh.%s.retrans_time_ms=250\n",
				name, f[0], f[0], f[0])
			n.Interfaces = append(n.Interfaces, i)
		}
		lab.Nodes = append(lab.Nodes, n)
	}
	cable := func(a, an, b2, bn string) string {
		return fmt.Sprintf("%s: ip link add %s type veth peer name %s netns %s\n", a, an, bn, b2)
	}
	cables := ""
	for _, n := range []string{"pc", "gw1", "gw2", "sw", "wiki", "nas"} {
		cables += n + ": sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0\n"
	}
	cables += cable("pc", "eth0", "gw1", "lan") + cable("gw1", "tun", "gw2", "tun") + cable("gw2", "lan", "sw", "gw2") +
		cable("wiki", "eth0", "sw", "wiki") + cable("nas", "eth0", "sw", "nas") +
		"sw: ip link add sw type bridge mcast_snooping 0 && ip link set sw up\n" +
		"sw: for i in gw2 wiki nas; do ip link set $i master sw up; done; ip link set nas mtu 1300\n" +
		// With bridge-nf-call-iptables a bridge fragments (br_nf_dev_queue_xmit), and takes no 4 bytes more.
		"sw: for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 > $f; done\n" +
		"gw1: ip link set tun mtu 1400\ngw2: ip link set tun mtu 1400\n"
	node("pc", topology.Host, "eth0 10.1.0.9/24 fd01::9/64")
	node("gw1", topology.Router, "lan 10.1.0.1/24 fd01::1/64", "tun 10.2.0.1/24 fd02::1/64")
	node("gw2", topology.Router, "tun 10.2.0.2/24 fd02::2/64", "lan 10.3.0.1/24 fd03::1/64")
	node("sw", topology.Bridge)
	node("wiki", topology.Host, "eth0 10.3.0.80/24 fd03::80/64")
	node("nas", topology.Host, "eth0 10.3.0.90/24 fd03::90/64")
	sw := lab.Node("sw")
	sw.Interfaces = append(sw.Interfaces, &topology.Interface{Name: "sw", Type: topology.BridgeLink, Up: true})
	join := func(a, an, b2, bn string) {
		for _, e := range [][4]string{{a, an, b2, bn}, {b2, bn, a, an}} {
			n := lab.Node(e[0])
			i := n.Interface(e[1])
			if i == nil {
				i = &topology.Interface{Name: e[1], Type: topology.Veth, Up: true}
				n.Interfaces = append(n.Interfaces, i)
			}
			i.Peer = topology.End{Node: e[2], Interface: e[3]}
		}
	}
	join("pc", "eth0", "gw1", "lan")
	join("gw1", "tun", "gw2", "tun")
	join("gw2", "lan", "sw", "gw2")
	join("wiki", "eth0", "sw", "wiki")
	join("nas", "eth0", "sw", "nas")
	ways := "pc: ip route add default via 10.1.0.1; ip -6 route add default via fd01::1\n" +
		"gw1: ip route add 10.3.0.0/24 via 10.2.0.2; ip -6 route add fd03::/64 via fd02::2\n" +
		"gw2: ip route add 10.1.0.0/24 via 10.2.0.1; ip -6 route add fd01::/64 via fd02::1\n" +
		"wiki: ip route add default via 10.3.0.1; ip -6 route add default via fd03::1\n" +
		"nas: ip route add default via 10.3.0.1; ip -6 route add default via fd03::1\n" +
		"gw1: sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1\n" +
		"gw2: sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1\n"
	return lab, build(t, lab, cables+b.String()+ways)
}

// bySizedPing is a single fresh ping by iputils, as a word.
func bySizedPing(t *testing.T, lab *topology.Lab, q expect.Question) string {
	t.Helper()
	for _, n := range lab.Nodes {
		sh(t, n.Name, "ip neigh flush all; ip route flush cache; ip -6 route flush cache")
	}
	target, _ := lab.Target(q.B)
	to, mode := target.IP, "dont"
	if q.Kind == "ping6" {
		to = target.IP6
	}
	if q.Option("df") == "true" {
		mode = "do"
	}
	out := sh(t, q.A, fmt.Sprintf("ping -n -c1 -W0.3 -M %s -s %s %s 2>&1 || true", mode, q.Option("size"), to))
	owner := func(said string) string {
		_, rest, _ := strings.Cut(out, "From ")
		from, _, _ := strings.Cut(rest, " ")
		for _, n := range lab.Nodes {
			for _, i := range n.Interfaces {
				for _, p := range i.Addrs {
					if p.Addr().String() == from {
						return said + "@" + n.Name
					}
				}
			}
		}
		return said + "@" + from
	}
	switch {
	case strings.Contains(out, "bytes from"):
		return "ok"
	case strings.Contains(out, "message too long"):
		return "too-big"
	case strings.Contains(out, "Frag needed"):
		return owner("icmp:frag-needed")
	case strings.Contains(out, "Packet too big"):
		return owner("icmp:packet-too-big")
	case strings.Contains(out, "Unreachable"):
		return "no-arp"
	case strings.Contains(out, "100% packet loss"):
		return "silent"
	}
	t.Fatalf("ping said %q", out)
	return ""
}

func sizedQuestions(t *testing.T) (qs []expect.Question) {
	ends := [][2]string{{"pc", "wiki"}, {"wiki", "pc"}, {"pc", "nas"}, {"nas", "wiki"}, {"wiki", "nas"}, {"gw1", "wiki"}}
	for _, kind := range []string{"ping", "ping6"} {
		for _, df := range []bool{true, false} {
			for _, size := range []int{0, 1257, 1276, 1277, 1372, 1373, 1453, 1473, 65507} {
				for _, e := range ends {
					q, err := expect.ParseQuestion(fmt.Sprintf("%s,df=%v,size=%d:%s->%s", kind, df, size, e[0], e[1]))
					if err != nil {
						t.Fatal(err)
					}
					qs = append(qs, q)
				}
			}
		}
	}
	return qs
}

func TestSizedPingsAreWhatPingSays(t *testing.T) {
	lab, m := tunnelled(t)
	p := &Prober{Lab: lab, Machine: m, Patience: time.Second} // this machine cannot prove silence
	defer p.Close()
	qs := sizedQuestions(t)
	first := ask(t, p, false, qs...)
	for _, r := range first {
		if want := bySizedPing(t, lab, r.Question); r.Got != want {
			t.Errorf("%v: got %s (%s), ping says %s", r.Question, r.Got, r.Detail, want)
		}
	}
	if again := text(ask(t, p, false, qs...)); again != text(first) {
		t.Errorf("a second run differs:\n%s\nfrom\n%s", again, text(first))
	}
}

func TestLongestPacket(t *testing.T) {
	lab, m := tunnelled(t)
	p := &Prober{Lab: lab, Machine: m, Patience: time.Second}
	defer p.Close()
	var qs []expect.Question
	for _, kind := range []string{"mtu", "mtu6"} {
		qs = append(qs, everyPair(kind, "pc", "wiki", "nas")...)
	}
	want := `
mtu:pc->wiki 1400
mtu:pc->nas blackhole:1304
mtu:wiki->pc 1400
mtu:wiki->nas blackhole:1304
mtu:nas->pc blackhole:1304
mtu:nas->wiki blackhole:1304
mtu6:pc->wiki 1400
mtu6:pc->nas blackhole:1304
mtu6:wiki->pc 1400
mtu6:wiki->nas blackhole:1304
mtu6:nas->pc blackhole:1304
mtu6:nas->wiki blackhole:1304
`
	for range 2 {
		rs := ask(t, p, false, qs...)
		wantText(t, rs, want)
	}
}

// TestPathMTUsAreState: a fresh ping meets none that an earlier one has taught its sender, a kept one does.
func TestPathMTUsAreState(t *testing.T) {
	lab, m := tunnelled(t)
	p := &Prober{Lab: lab, Machine: m, Patience: time.Second}
	defer p.Close()
	for _, kind := range []string{"ping", "ping6"} {
		q := func(size int) expect.Question {
			return expect.Question{Kind: kind, With: fmt.Sprintf("df,size=%d", size), A: "wiki", B: "pc"}
		}
		refused := map[string]string{"ping": "icmp:frag-needed@gw2", "ping6": "icmp:packet-too-big@gw2"}[kind]
		for range 2 {
			r := ask(t, p, false, q(1440))[0]
			if r.Got != refused || !strings.Contains(r.Detail, "(mtu = 1400)") ||
				!strings.Contains(r.Detail, "the path MTU that wiki holds now is 1400") ||
				!strings.Contains(r.Detail, "a ping of 56 bytes is answered") {
				t.Errorf("fresh: %s (%s), want %s and why", r.Got, r.Detail, refused)
			}
		}
		for _, r := range ask(t, p, false, q(1430), q(1440), q(1450)) { // one after the other
			if r.Got != refused {
				t.Errorf("fresh, with others: %v %s (%s), want %s", r.Question, r.Got, r.Detail, refused)
			}
		}
		if r := ask(t, p, true, q(1440))[0]; r.Got != refused {
			t.Errorf("kept: %s (%s), want %s", r.Got, r.Detail, refused)
		}
		r := ask(t, p, true, q(1440))[0]
		if r.Got != "too-big" || !strings.Contains(r.Detail, "mtu=1400; the path MTU that wiki holds is 1400") {
			t.Errorf("kept again: %s (%s), want too-big and why", r.Got, r.Detail)
		}
		mtu := expect.Question{Kind: strings.Replace(kind, "ping", "mtu", 1), A: "wiki", B: "pc"}
		if r := ask(t, p, true, mtu)[0]; r.Got != "1400" {
			t.Errorf("kept: %+v", r)
		}
		if r := ask(t, p, false, q(1440))[0]; r.Got != refused {
			t.Errorf("fresh again: %s (%s), want %s", r.Got, r.Detail, refused)
		}
	}
}

// TestLostOnItsOwnCable: what a cable does not take is not a full neighbour table, which its sender's kernel calls the
// same.
func TestLostOnItsOwnCable(t *testing.T) {
	lab, m := tunnelled(t)
	p := &Prober{Lab: lab, Machine: m, Patience: 300 * time.Millisecond}
	defer p.Close()
	short := expect.Question{Kind: "ping", A: "nas", B: "wiki"}
	long := expect.Question{Kind: "ping", With: "df,size=1472", A: "nas", B: "wiki"}
	wantText(t, ask(t, p, true, short, long, long), `
ping:nas->wiki ok
ping:nas->wiki silent
ping:nas->wiki silent
`)
	if out := sh(t, "nas", "ping -n -c1 -W0.2 -M do -s 1472 10.3.0.80 2>&1 || true"); !strings.Contains(out, "No buffer space") {
		t.Errorf("the kernel does not say so here, so nothing is tested: %s", out)
	}
}

// TestWhatIsTooLong: what is in fragments is not, and of an answer in kept tables it is not known whether it was.
func TestWhatIsTooLong(t *testing.T) {
	lab, m := tunnelled(t)
	p := &Prober{Lab: lab, Machine: m, Patience: time.Second,
		Investigate: func(context.Context, expect.Question, Again) []cause.Cause { return nil }}
	defer p.Close()
	q := expect.Question{Kind: "ping6", With: "df=false,size=1440", A: "pc", B: "wiki"}
	for i, want := range []struct{ word, where string }{{"icmp:packet-too-big@gw1", "gw1:tun"}, // fresh
		{"icmp:packet-too-big@gw1", "gw1:tun"}, {"silent", ""}, {"ok", ""}} {
		r := ask(t, p, i > 0, q)[0]
		if r.Got != want.word || want.where == "" && len(r.Causes) > 0 ||
			want.where != "" && (len(r.Causes) != 1 || r.Causes[0].Where != want.where || r.Causes[0].Rule != "mtu 1400") {
			t.Errorf("ping %d: %s (%s) %v, want %v", i, r.Got, r.Detail, r.Causes, want)
		}
	}
	q = expect.Question{Kind: "ping", With: "df,size=1472", A: "pc", B: "nas"}
	if r := ask(t, p, false, q)[0]; len(r.Causes) != 1 || r.Causes[0].Where != "gw1:tun" {
		t.Errorf("%s %v", r.Got, r.Causes)
	}
	q = expect.Question{Kind: "ping", With: "df,size=1360", A: "pc", B: "nas"}
	if r := ask(t, p, false, q)[0]; r.Got != "silent" || len(r.Causes) != 1 || r.Causes[0].Where != "sw:nas" {
		t.Errorf("%s %v", r.Got, r.Causes)
	}
}
