package reach

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
)

func sees(a, b, at string) expect.Question {
	return expect.Question{Kind: "sees", A: a, B: b, At: at}
}

// TestSilentSees: b's unicast to a is lost on the bridge, so a cannot resolve b, and what b sends is seen nowhere else.
// All that got lost shares one wait.
func TestSilentSees(t *testing.T) {
	lab, m := order(t)
	lab.Names = []topology.NamedEnd{{Name: "dead", IP: addr("10.0.0.99")}}
	p := &Prober{Lab: lab, Machine: m, Patience: 2 * time.Second}
	defer p.Close()
	sh(t, "s1", `nft 'table bridge f2 { chain c { type filter hook forward priority 0; iifname "c" oifname "a" ip protocol icmp drop; }; }'`)
	begin := time.Now()
	wantText(t, ask(t, p, false, sees("b", "a", "a"), sees("b", "a", "b"), sees("b", "a", "c"), sees("c", "a", "a"), sees("c", "a", "b"),
		sees("a", "b", "b"), sees("a", "c", "c"), sees("a", "c", "b"), sees("a", "dead", "b")), `
sees:b->a@a no
sees:b->a@b yes
sees:b->a@c no
sees:c->a@a no
sees:c->a@b no
sees:a->b@b no
sees:a->c@c yes
sees:a->c@b no
sees:a->dead@b no
`)
	if d := time.Since(begin); d > 6*time.Second {
		t.Errorf("took %v: each silent flow waited by itself", d)
	}
}

func TestSeesAndAnswers6(t *testing.T) {
	lab, steps := segment(250, "a fd00::1/64", "b fd00::2/64", "c fd00::3/64")
	lab.Names = []topology.NamedEnd{{Name: "dead", IP: addr("fd00::77")}}
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	answers := func(b string) expect.Question { return expect.Question{Kind: "answers", A: "a", B: b} }
	wantText(t, ask(t, p, false, sees("a", "b", "a"), sees("a", "b", "b"), sees("a", "b", "c"), answers("b"), answers("dead")), `
sees:a->b@a yes
sees:a->b@b yes
sees:a->b@c no
answers:a->b yes
answers:a->dead no
`)
}

// TestDuplicates: the bridge sends every echo reply of b twice.
func TestDuplicates(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	m := build(t, lab, steps)
	sh(t, "s1", `nft 'table netdev d { chain c { type filter hook ingress device "b" priority 0; icmp type echo-reply dup to "a"; }; }'`)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	wantText(t, ask(t, p, false, everyPair("ping", "a", "b")...), "ping:a->b ok+dup\nping:b->a ok\n")
}

// TestOtherAddress: b's echo replies come with the address of c, where they go to a.
func TestOtherAddress(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24,fd00::1/64", "b 10.0.0.2/24,fd00::2/64", "c 10.0.0.3/24,fd00::3/64")
	m := build(t, lab, steps)
	sh(t, "s1", `nft 'table netdev d { chain c { type filter hook ingress device "b" priority 0
		ip daddr 10.0.0.1 icmp type echo-reply ip saddr set 10.0.0.3
		ip6 daddr fd00::1 icmpv6 type echo-reply ip6 saddr set fd00::3; }; }'`)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	qs := append(everyPair("ping", "a", "b"), everyPair("ping6", "a", "b")...)
	for _, kept := range []bool{false, true} {
		rs := ask(t, p, kept, qs...)
		wantText(t, rs, "ping:a->b ok+other\nping:b->a ok\nping6:a->b ok+other\nping6:b->a ok\n")
		if want := "64 bytes from 10.0.0.3; asked was 10.0.0.2 (DIFFERENT ADDRESS!), and TCP would not take it"; rs[0].Detail != want {
			t.Errorf("%s, want %s", rs[0].Detail, want)
		}
	}
	from, _ := lab.Target("a")
	to, _ := lab.Target("b")
	s := must(p.Stream(context.Background(), "chat", from, to, 20*time.Millisecond))
	defer s.Stop()
	r := ask(t, p, true, expect.Question{Kind: "streams", A: "chat"})[0]
	if r.Got != "ok+other" || !strings.Contains(r.Detail, "3 from another address") {
		t.Errorf("the stream is %s (%s)", r.Got, r.Detail)
	}
}

// TestRouters: three routers between a and b, on one wire.
func TestRouters(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24 default 10.0.0.254", "b 10.3.0.1/24 default 10.3.0.254",
		"r1 10.0.0.254/24,10.1.0.1/24 10.2.0.0/15 10.1.0.2", "r2 10.1.0.2/24,10.2.0.1/24 10.3.0.0/24 10.2.0.2 10.0.0.0/24 10.1.0.1",
		"r3 10.2.0.2/24,10.3.0.254/24 10.0.0.0/15 10.2.0.1")
	for _, r := range []string{"r1", "r2", "r3"} {
		steps += r + ": sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0\n"
	}
	lab.Names = []topology.NamedEnd{{Name: "dead", IP: addr("10.3.0.9")}, {Name: "lost", IP: addr("10.3.9.9")}}
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	q := func(kind, a, b string) expect.Question { return expect.Question{Kind: kind, A: a, B: b} }
	qs := []expect.Question{q("ping", "a", "b"), q("ping", "b", "a"), q("ping", "a", "r3"), q("ping", "a", "dead"), q("ping", "a", "lost"),
		q("arp", "a", "b"), q("arp", "a", "r1"), q("arp", "r3", "b"), q("route", "a", "b"), sees("a", "b", "r2"), sees("b", "a", "b")}
	want := `
ping:a->b ok
ping:b->a ok
ping:a->r3 ok
ping:a->dead icmp:host-unreachable@r3
ping:a->lost icmp:net-unreachable@r2
arp:a->b -
arp:a->r1 r1
arp:r3->b b
route:a->b r1
sees:a->b@r2 yes
sees:b->a@b yes
`
	for range 3 {
		wantText(t, ask(t, p, false, qs...), want)
	}
}

// flushing counts how often everything of a node is forgotten.
type flushing struct {
	*liveMachine
	count atomic.Int64
}

func (f *flushing) FlushNeighbours(node string) (int, error) {
	f.count.Add(1)
	return f.liveMachine.FlushNeighbours(node)
}

// TestUnexpectedEntries: a router that would answer for everybody learns whoever asks, which no way says.
func TestUnexpectedEntries(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24", "rt 10.0.0.254/24")
	steps += "rt: sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.proxy_arp_pvlan=1\n"
	m := &flushing{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	for _, r := range ask(t, p, false, everyPair("ping", "a", "b", "c")...) {
		if r.Got != "ok" {
			t.Errorf("%s->%s: %s (%s)", r.Question.A, r.Question.B, r.Got, r.Detail)
		}
	}
	if n, all := m.count.Load(), int64(len(lab.Nodes)); n < 6*all {
		t.Errorf("%d flushes of %d nodes: the entries at the router went unnoticed", n, all)
	}
}

// TestBoundSender: a sender named by its interface gets the same words, also when the router's limiter is silent.
func TestBoundSender(t *testing.T) {
	lab, m := typo(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	for range 12 {
		wantText(t, ask(t, p, false, expect.Question{Kind: "ping", A: "h3:eth0", B: "h0"}, expect.Question{Kind: "ping", A: "h2:eth0", B: "h5"},
			expect.Question{Kind: "arp", A: "h3:eth0", B: "h0"}), "ping:h3:eth0->h0 ok+redirect\nping:h2:eth0->h5 ok\narp:h3:eth0->h0 h0\n")
	}
}

// TestInterfaceWanted: a cell may want one interface of an owner.
func TestInterfaceWanted(t *testing.T) {
	for _, c := range []struct {
		want, got string
		exact     []string
		ok        bool
		shown     string
	}{
		{"host", "host", []string{"host:vmh2"}, true, "host"},
		{"host:vmh2", "host", []string{"host:vmh1", "host:vmh2"}, true, "host:vmh2"},
		{"host:vmh2", "host", []string{"host:vmh1"}, false, "host:vmh1"},
		{"host:vmh2", "host", nil, false, "host"},
		{"other", "host", []string{"host:vmh1"}, false, "host"},
		{"host:vmh2+redirect", "host+redirect", []string{"host:vmh2+redirect"}, true, "host:vmh2+redirect"},
	} {
		r := CellReport{Cell: &expect.Cell{Want: expect.Want{Text: c.want}}, Result: Result{Got: c.got, Exact: c.exact}}
		if ok := r.matches(); ok != c.ok || r.Result.Got != c.shown {
			t.Errorf("want %s, got %s %v: %v, shown %s", c.want, c.got, c.exact, ok, r.Result.Got)
		}
	}
}

// TestExactOwners: the tables of two interfaces of one node.
func TestExactOwners(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	for _, kind := range []string{"arp", "answers"} {
		r := ask(t, p, false, expect.Question{Kind: kind, A: "a", B: "b"})[0]
		if fmt.Sprint(r.Exact) != "[b:eth0]" {
			t.Errorf("%s: %s is said to be %v", kind, r.Got, r.Exact)
		}
	}
}

// TestAnotherLab: nothing of the nodes that were is used for those of the same names that came after.
func TestAnotherLab(t *testing.T) {
	p := &Prober{}
	defer p.Close()
	for _, net := range []string{"10.0.0", "10.0.1"} {
		t.Run(net, func(t *testing.T) {
			lab, steps := segment(250, "a "+net+".1/24", "b "+net+".2/24")
			p.Lab, p.Machine = lab, build(t, lab, steps)
			again := func(want string) {
				t.Helper()
				for _, kept := range []bool{false, true} {
					wantText(t, ask(t, p, kept, expect.Question{Kind: "ping", A: "a", B: "b"}, expect.Question{Kind: "arp", A: "a", B: "b"}, sees("a", "b", "b")), want)
				}
			}
			again("ping:a->b ok\narp:a->b b\nsees:a->b@b yes\n")
			// A new interface with another index and another MAC.
			sh(t, "b", "ip link del eth0; ip link add x type veth peer name y")
			sh(t, "", "ip link add eth0 netns b type veth peer name b netns s1")
			sh(t, "s1", "ip link set dev b master s1 up")
			sh(t, "b", "ip link set eth0 up; ip addr add "+net+".2/24 dev eth0")
			again("ping:a->b ok\narp:a->b b\nsees:a->b@b yes\n")
		})
	}
}

// TestBusy: with every core spinning no cell may differ. LABCTL_BUSY_RUNS says how many runs, 3 unless given.
func TestBusy(t *testing.T) {
	lab, m := typo(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	runs := 3
	if s := os.Getenv("LABCTL_BUSY_RUNS"); s != "" {
		var err error
		if runs, err = strconv.Atoi(s); err != nil {
			t.Fatal("LABCTL_BUSY_RUNS:", err)
		}
	}
	qs := append(everyPair("ping", typoHosts...), everyPair("arp", typoHosts...)...)
	for _, s := range [][2]string{{"h0", "h3"}, {"h3", "h0"}, {"h4", "h0"}, {"h0", "h2"}} {
		qs = append(qs, sees(s[0], s[1], "rt"))
	}
	first := text(ask(t, p, false, qs...))
	if strings.Contains(first, Unknown) {
		t.Fatal(first)
	}
	cores, err := exec.Command("nproc").Output()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(cores)))
	for range n {
		spin := exec.Command("sh", "-c", "while :; do :; done")
		if err := spin.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = spin.Process.Kill(); _ = spin.Wait() }()
	}
	for i := range runs {
		begin := time.Now()
		got := text(ask(t, p, false, qs...))
		if got != first {
			t.Errorf("run %d differs:\n%s\nfrom\n%s", i, got, first)
		}
		if d := time.Since(begin); d > 6*time.Second {
			t.Errorf("run %d took %v", i, d)
		} else {
			t.Logf("run %d: %v", i, d)
		}
	}
}

// TestPermanentEntries: they are the experiment, not its traces. A wrong one makes the pair silent, a right one reaches
// a host that answers no ARP, and both are there afterwards.
func TestPermanentEntries(t *testing.T) {
	lab, steps := segment(24, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m, Patience: 1200 * time.Millisecond}
	defer p.Close()
	var mac string
	for _, l := range must(m.Links("c")) {
		if len(l.Addrs) > 0 && l.Addrs[0].Addr() == addr("10.0.0.3") {
			mac = l.MAC.String()
		}
	}
	sh(t, "a", "ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:98 dev eth0 nud permanent; ip neigh add 10.0.0.3 lladdr "+mac+" dev eth0 nud permanent")
	sh(t, "c", "sysctl -qw net.ipv4.conf.all.arp_ignore=8")
	ping := func(a, b string) expect.Question { return expect.Question{Kind: "ping", A: a, B: b} }
	for range 2 {
		wantText(t, ask(t, p, false, ping("a", "b"), ping("a", "c"), ping("b", "a"), ping("c", "a")), `
ping:a->b silent
ping:a->c ok
ping:b->a silent
ping:c->a ok
`)
	}
	permanent := 0
	for _, n := range must(m.Neighbours("a", unix.AF_INET)) {
		if n.State == "PERMANENT" {
			permanent++
		}
	}
	if permanent != 2 {
		t.Errorf("a has %d permanent entries left of 2", permanent)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
