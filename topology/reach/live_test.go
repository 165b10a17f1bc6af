package reach

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
)

// typo is the lab of five wrong masks: h0 .1/24, h1 .65/25, h2 .129/25, h3 .130/25, h4 .193/26, h5 .194/26, rt .254/24.
func typo(t testing.TB) (*topology.Lab, *liveMachine) {
	lab, steps := segment(250, "rt 192.168.0.254/24", "h0 192.168.0.1/24", "h1 192.168.0.65/25", "h2 192.168.0.129/25",
		"h3 192.168.0.130/25 default 192.168.0.254", "h4 192.168.0.193/26 192.168.0.0/26 192.168.0.254",
		"h5 192.168.0.194/26 192.168.0.128/26 192.168.0.254")
	steps += "rt: sysctl -qw net.ipv4.ip_forward=1\n"
	for _, h := range []string{"rt", "h0", "h1", "h2", "h3", "h4", "h5"} {
		steps += h + ": sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.eth0.accept_redirects=0\n"
	}
	return lab, build(t, lab, steps)
}

var typoHosts = []string{"h0", "h1", "h2", "h3", "h4", "h5", "rt"}

// byPing is a single fresh ping by iputils, as one of the words without modifiers other than +redirect.
func byPing(t *testing.T, m *liveMachine, lab *topology.Lab, from, to string) string {
	for _, n := range lab.Nodes {
		sh(t, n.Name, "ip neigh flush all; ip route flush cache")
	}
	target, _ := lab.Target(to)
	out := sh(t, from, fmt.Sprintf("ping -n -c1 -W5 %s 2>&1 || true", target.IP))
	self, _ := lab.Target(from)
	switch {
	case strings.Contains(out, "64 bytes from"):
		r, err := m.Route(from, topology.RouteQuery{Dst: target.IP})
		if err != nil {
			t.Fatal(err)
		}
		// The router's limiter swallows redirects after nine: the kernel is asked, as ping cannot say.
		if strings.Contains(out, "Redirect Host") || r.Via.IsValid() && r.Via.String() == "192.168.0.254" {
			return "ok+redirect"
		}
		return "ok"
	case strings.Contains(out, "Network is unreachable"):
		return "no-route"
	case strings.Contains(out, fmt.Sprintf("From %s icmp_seq=1 Destination Host Unreachable", self.IP)):
		return "no-arp"
	case strings.Contains(out, "Destination Host Unreachable"):
		return "icmp:host-unreachable@rt"
	case strings.Contains(out, "Destination Net Unreachable"):
		return "icmp:net-unreachable@rt"
	case strings.Contains(out, "100% packet loss"):
		return "silent"
	}
	t.Fatalf("ping said %q", out)
	return ""
}

func TestTypoMatrixIsWhatPingSays(t *testing.T) {
	lab, m := typo(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	qs := everyPair("ping", typoHosts...)
	begin := time.Now()
	first := ask(t, p, false, qs...)
	t.Logf("%d pairs in %v", len(qs), time.Since(begin))
	for _, r := range first {
		if want := byPing(t, m, lab, r.Question.A, r.Question.B); r.Got != want {
			t.Errorf("%s->%s: got %s (%s), ping says %s", r.Question.A, r.Question.B, r.Got, r.Detail, want)
		}
	}
	for n := range 3 {
		if again := text(ask(t, p, false, qs...)); again != text(first) {
			t.Errorf("run %d differs:\n%s\nfrom\n%s", n, again, text(first))
		}
	}
}

func TestTypoReads(t *testing.T) {
	lab, m := typo(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	q := func(kind, a, b string) expect.Question { return expect.Question{Kind: kind, A: a, B: b} }
	wantText(t, ask(t, p, false,
		q("arp", "h0", "h2"), q("arp", "h0", "h3"), q("arp", "h1", "h0"), q("arp", "h2", "h0"), q("arp", "h3", "h0"), q("arp", "h3", "rt"),
		q("answers", "h0", "h1"), q("answers", "h0", "h2"), q("answers", "h0", "h5"), q("answers", "h2", "h4"), q("answers", "h2", "h5"),
		q("route", "h0", "h2"), q("route", "h2", "h0"), q("route", "h3", "h0")), `
arp:h0->h2 failed
arp:h0->h3 h3
arp:h1->h0 h0
arp:h2->h0 -
arp:h3->h0 h0
arp:h3->rt rt
answers:h0->h1 yes
answers:h0->h2 no
answers:h0->h5 no
answers:h2->h4 no
answers:h2->h5 yes
route:h0->h2 direct
route:h2->h0 -
route:h3->h0 rt
`)
	wantText(t, ask(t, p, false,
		expect.Question{Kind: "sees", A: "h0", B: "h3", At: "rt"}, expect.Question{Kind: "sees", A: "h3", B: "h0", At: "rt"},
		expect.Question{Kind: "sees", A: "h4", B: "h0", At: "rt:eth0"}, expect.Question{Kind: "sees", A: "h0", B: "h1", At: "s1"},
		expect.Question{Kind: "fdb", A: "h3", B: "s1"}, expect.Question{Kind: "fdb", A: "rt", B: "s1:s1"}), `
sees:h0->h3@rt no
sees:h3->h0@rt yes
sees:h4->h0@rt:eth0 yes
sees:h0->h1@s1 yes
fdb:h3->s1 h3
fdb:rt->s1:s1 rt
`)
}

func TestRedirectIsKept(t *testing.T) {
	lab, m := typo(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	ping := expect.Question{Kind: "ping", A: "h3", B: "h0"}
	route := expect.Question{Kind: "route", A: "h3", B: "h0"}
	dead := expect.Question{Kind: "ping", A: "h0", B: "h2"}
	wantText(t, ask(t, p, false, ping, dead, route), "ping:h3->h0 ok+redirect\nping:h0->h2 no-arp\nroute:h3->h0 rt\n")
	// A redirect is believed at once only when the new gateway is a valid neighbour: the fresh ping has left that.
	sh(t, "h3", "sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.eth0.accept_redirects=1")
	wantText(t, ask(t, p, true, ping, route), "ping:h3->h0 ok+redirect\nroute:h3->h0 h0+redirect\n")
	wantText(t, ask(t, p, true, ping, route), "ping:h3->h0 ok\nroute:h3->h0 h0+redirect\n")
	wantText(t, ask(t, p, false, ping, route), "ping:h3->h0 ok+redirect\nroute:h3->h0 rt\n")
}

// TestARoutersLimiterOutlivesASet: a set makes another Lab of the same nodes, whose routers have forgotten nothing.
// After five redirects the next comes 640 ms later, and one that does not come cannot be believed.
func TestARoutersLimiterOutlivesASet(t *testing.T) {
	lab, m := typo(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	ping := expect.Question{Kind: "ping", A: "h3", B: "h0"}
	route := expect.Question{Kind: "route", A: "h3", B: "h0"}
	for p.memory.redirects[limiter{"h3", "rt"}] == nil || p.memory.redirects[limiter{"h3", "rt"}].count < 5 {
		ask(t, p, false, ping)
		if p.memory.redirects == nil {
			t.Fatal("no redirect is remembered")
		}
	}
	sh(t, "h3", "sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.eth0.accept_redirects=1")
	after := *lab
	p.Lab = &after
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	wantText(t, ask(t, p, true, ping, route), "ping:h3->h0 ok+redirect\nroute:h3->h0 h0+redirect\n")
}

// TestARedirectIsInsistedOn: others than the prober have made the router fall silent towards h3, and it cannot be asked
// about that. A kept pair waits until its limiter has certainly expired, says so, and asks again; it guesses nothing.
// What h4 is to be told gets lost for another reason: that costs the time once, not for every pair.
func TestARedirectIsInsistedOn(t *testing.T) {
	lab, m := typo(t)
	// Each redirect is twice as long in coming as the one before, the tenth never; that takes 20 ms times 2^9.
	sh(t, "h3", "ping -n -c56 -i0.2 192.168.0.1 >/dev/null")
	sh(t, "rt", `nft 'table ip f { chain c { type filter hook output priority 0; ip daddr 192.168.0.193 icmp type redirect drop; }; }'`)
	for _, h := range []string{"h3", "h4"} {
		sh(t, h, "sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.eth0.accept_redirects=1")
	}
	lost := make(chan []Result)
	begin := time.Now()
	go func() {
		p := &Prober{Lab: lab, Machine: m}
		defer p.Close()
		rs, err := p.Ask(context.Background(), []expect.Question{{Kind: "ping", A: "h4", B: "h0"}, {Kind: "ping", A: "h4", B: "h0:eth0"},
			{Kind: "route", A: "h4", B: "h0"}}, true)
		if err != nil || time.Since(begin) > 2*redirectSilence {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		lost <- rs
	}()
	told := 0
	p := &Prober{Lab: lab, Machine: m, Waiting: func(what string, second, total int) {
		if told++; !strings.Contains(what, "rt may send h3 a redirect again") || second >= total || total > 21 {
			t.Errorf("%q, second %d of %d", what, second, total)
		}
	}}
	defer p.Close()
	rs := ask(t, p, true, expect.Question{Kind: "ping", A: "h3", B: "h0"}, expect.Question{Kind: "route", A: "h3", B: "h0"})
	wantText(t, rs, "ping:h3->h0 ok+redirect\nroute:h3->h0 h0+redirect\n")
	if !strings.Contains(rs[0].Detail, "From 192.168.0.254: Redirect Host") || !strings.Contains(rs[0].Detail, "asked again after 20.48s") || told == 0 {
		t.Errorf("told %d times: %s", told, rs[0].Detail)
	}
	rs = <-lost
	wantText(t, rs, "ping:h4->h0 ok\nping:h4->h0:eth0 ok\nroute:h4->h0 rt\n")
	if !strings.Contains(rs[0].Detail, "still none came") {
		t.Error(rs[0].Detail)
	}
}

// order is a lab in which order matters: unicast from b to a is lost, broadcasts are not.
func order(t testing.TB) (*topology.Lab, *liveMachine) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := build(t, lab, steps)
	sh(t, "s1", `nft 'table bridge f { chain c { type filter hook forward priority 0; iifname "b" oifname "a" meta pkttype != broadcast drop; }; }'`)
	return lab, m
}

const orderWant = `ping:a->b no-arp
ping:a->c ok
ping:b->a silent
ping:b->c ok
ping:c->a ok
ping:c->b ok
`

func TestOrderDoesNotMatter(t *testing.T) {
	lab, m := order(t)
	p := &Prober{Lab: lab, Machine: m, Patience: 1200 * time.Millisecond}
	defer p.Close()
	qs := everyPair("ping", "a", "b", "c")
	rounds := 5
	if os.Getenv("LABCTL_PROOF") != "" {
		rounds = 20
	}
	for range rounds {
		wantText(t, ask(t, p, false, qs...), orderWant)
	}
	for i, j := 0, len(qs)-1; i < j; i, j = i+1, j-1 {
		qs[i], qs[j] = qs[j], qs[i]
	}
	lines := strings.Split(strings.TrimSpace(orderWant), "\n")
	for i, r := range ask(t, p, false, qs...) {
		if want := strings.Fields(lines[len(lines)-1-i])[1]; r.Got != want {
			t.Errorf("backwards, %s->%s: got %s, want %s", r.Question.A, r.Question.B, r.Got, want)
		}
	}
}

// TestNaiveProberFails asks all pairs at the same time and forgets nothing: the lab must show it wrong, or the test
// above proves nothing.
func TestNaiveProberFails(t *testing.T) {
	lab, m := order(t)
	p := &Prober{Lab: lab, Machine: m, Patience: 1200 * time.Millisecond}
	defer p.Close()
	if err := p.bench().open(); err != nil {
		t.Fatal(err)
	}
	own, err := p.bench().owners()
	if err != nil {
		t.Fatal(err)
	}
	n := newExchange(context.Background(), p.bench(), own)
	var rs []Result
	for _, q := range everyPair("ping", "a", "b", "c") {
		pr, err := newPair(n.b, own, q, false)
		if err != nil {
			t.Fatal(err)
		}
		n.pairs = append(n.pairs, pr)
		n.send(pr)
		rs = append(rs, Result{Question: q})
	}
	n.awaitAll(n.pairs, time.Now().Add(p.Patience))
	for i, pr := range n.pairs {
		if rs[i].Got = pr.word; pr.word == "" {
			rs[i].Got = "silent"
		}
	}
	if text(rs) == orderWant {
		t.Error("a prober that forgets nothing and asks all at the same time got everything right")
	}
}

func TestDeadNeighbours(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	for i := range 60 {
		lab.Names = append(lab.Names, dead(i))
	}
	m := build(t, lab, steps)
	for _, room := range []int{0, 40} {
		p := &Prober{Lab: lab, Machine: m, NeighbourRoom: room}
		qs := []expect.Question{{Kind: "ping", A: "a", B: "b"}}
		for _, n := range lab.Names {
			qs = append(qs, expect.Question{Kind: "ping", A: "a", B: n.Name})
		}
		begin := time.Now()
		for i, r := range ask(t, p, false, qs...) {
			if want := map[bool]string{true: "ok", false: "no-arp"}[i == 0]; r.Got != want {
				t.Errorf("room %d: %s->%s: got %s (%s), want %s", room, r.Question.A, r.Question.B, r.Got, r.Detail, want)
			}
		}
		if d := time.Since(begin); room == 0 && d > 10*time.Second {
			t.Errorf("60 dead neighbours took %v", d)
		} else {
			t.Logf("room %d: %v", room, d)
		}
		p.Close()
	}
}

func dead(i int) topology.NamedEnd {
	return topology.NamedEnd{Name: fmt.Sprintf("dead%d", i), IP: addr(fmt.Sprintf("10.0.0.%d", 100+i))}
}

func TestNoRoomIsUnknown(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps), NeighbourRoom: 1}
	defer p.Close()
	q := expect.Question{Kind: "ping", A: "a", B: "b"}
	for _, kept := range []bool{true, false} {
		wantText(t, ask(t, p, kept, q), "ping:a->b unknown\n")
	}
}

// TestRejected: a router that rejects, one that has no route, and routes that fail at the sender.
func TestRejected(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24 10.1.0.0/16 10.0.0.254 10.2.0.0/16 10.0.0.254", "rt 10.0.0.254/24")
	steps += "rt: sysctl -qw net.ipv4.ip_forward=1\nrt: ip link add v0 type veth peer name v1\nrt: ip addr add 10.1.0.1/16 dev v0\nrt: ip link set v0 up\nrt: ip link set v1 up\n" +
		"a: ip route add prohibit 10.3.0.0/24\na: ip route add unreachable 10.3.1.0/24\na: ip route add blackhole 10.3.2.0/24\n"
	m := build(t, lab, steps)
	sh(t, "rt", `nft 'table ip f { chain c { type filter hook forward priority 0; ip daddr 10.1.1.0/24 reject with icmp admin-prohibited; ip daddr 10.1.2.0/24 reject with icmp port-unreachable; }; }'`)
	want := map[string]string{}
	add := func(name, ip, word string) {
		lab.Names = append(lab.Names, topology.NamedEnd{Name: name, IP: addr(ip)})
		want[name] = word
	}
	for i := range 15 {
		add(fmt.Sprintf("p%d", i), fmt.Sprintf("10.1.1.%d", 1+i), "icmp:admin-prohibited@rt")
		add(fmt.Sprintf("q%d", i), fmt.Sprintf("10.1.2.%d", 1+i), "icmp:port-unreachable@rt")
	}
	for i := range 8 {
		add(fmt.Sprintf("n%d", i), fmt.Sprintf("10.2.0.%d", 1+i), "icmp:net-unreachable@rt")
	}
	add("gone", "10.4.0.1", "no-route")
	add("deny", "10.3.0.1", "icmp:admin-prohibited@a")
	add("unre", "10.3.1.1", "icmp:host-unreachable@a")
	add("hole", "10.3.2.1", "no-route")
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	var qs []expect.Question
	for _, n := range lab.Names {
		qs = append(qs, expect.Question{Kind: "ping", A: "a", B: n.Name})
	}
	begin := time.Now()
	for _, r := range ask(t, p, false, qs...) {
		if r.Got != want[r.Question.B] {
			t.Errorf("%s: got %s (%s), want %s", r.Question.B, r.Got, r.Detail, want[r.Question.B])
		}
	}
	t.Logf("%d in %v", len(qs), time.Since(begin))
	for name, says := range map[string]string{"gone": "no route to 10.4.0.1: ", "deny": "a prohibit route or routing rule for ", "unre": "an unreachable route to ", "hole": "a blackhole route or routing rule for "} {
		r := ask(t, p, false, expect.Question{Kind: "route", A: "a", B: name})[0]
		if r.Got != "-" || !strings.HasPrefix(r.Detail, says) {
			t.Errorf("route to %s: %s (%s), want - (%s...)", name, r.Got, r.Detail, says)
		}
	}
}

func TestPing6(t *testing.T) {
	lab, steps := segment(250, "a fd00::1/64 fd01::/64 fd00::fe", "b fd00::2/64", "rt fd00::fe/64", "d fd00::9/64")
	lab.Names = []topology.NamedEnd{{Name: "dead", IP: addr("fd00::77")}, {Name: "far", IP: addr("fd01::1")}, {Name: "none", IP: addr("fd02::1")}}
	m := build(t, lab, steps+"rt: sysctl -qw net.ipv6.conf.all.forwarding=1\n")
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	q := func(b string) expect.Question { return expect.Question{Kind: "ping6", A: "a", B: b} }
	wantText(t, ask(t, p, false, q("b"), q("rt"), q("dead"), q("far"), q("none"), expect.Question{Kind: "arp", A: "a", B: "b"},
		expect.Question{Kind: "arp", A: "a", B: "dead"}), `
ping6:a->b ok
ping6:a->rt ok
ping6:a->dead no-arp
ping6:a->far icmp:no-route@rt
ping6:a->none no-route
arp:a->b b
arp:a->dead failed
`)
}

func TestUnknownIsNeverAnAnswer(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	for _, q := range []expect.Question{{Kind: "ping", A: "a", B: "nobody"}, {Kind: "ping6", A: "a", B: "b"}, {Kind: "answers", A: "s1", B: "b"},
		{Kind: "sees", A: "a", B: "b", At: "nobody"}, {Kind: "fdb", A: "a", B: "b"}} {
		if r := ask(t, p, false, q)[0]; r.Got != Unknown || r.Detail == "" {
			t.Errorf("%+v: got %q (%q), want unknown and why", q, r.Got, r.Detail)
		}
	}
	if _, err := p.Ask(context.Background(), []expect.Question{{Kind: "pong"}}, false); err == nil {
		t.Error("a kind that does not exist was asked")
	}
}

func TestStream(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	from, _ := lab.Target("a")
	to, _ := lab.Target("b")
	s, err := p.Stream(context.Background(), "chat", from, to, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); s.Received() < 3 && time.Now().Before(end); {
		poll(nil, 5*time.Millisecond)
	}
	s.Stop()
	s.Stop()
	if s.Received() < 3 || s.Sent() < s.Received() {
		t.Errorf("sent %d, received %d, want at least 3 of each", s.Sent(), s.Received())
	}
}

// TestSpeed: 32 hosts on one bridge; the bound is generous, the numbers are for scripts/bench.sh.
func TestSpeed(t *testing.T) {
	var hosts, names []string
	for i := range 32 {
		names = append(names, fmt.Sprintf("h%d", i))
		hosts = append(hosts, fmt.Sprintf("h%d 10.0.0.%d/24", i, i+1))
	}
	lab, steps := segment(250, hosts...)
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	for range 3 {
		begin := time.Now()
		for _, r := range ask(t, p, false, everyPair("ping", names...)...) {
			if r.Got != "ok" {
				t.Errorf("%s->%s: %s (%s)", r.Question.A, r.Question.B, r.Got, r.Detail)
			}
		}
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("992 pairs took %v", d)
		} else {
			t.Logf("992 pairs in %v", d)
		}
	}
	m := newFresh(newExchange(context.Background(), p.bench(), nil))
	if n, err := m.unexpectedEntries(); err != nil || n != 2 {
		t.Errorf("%d entries left, want the last pair's two; %v", n, err)
	}
}
