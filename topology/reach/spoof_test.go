package reach

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
)

// TestUnasked: the bytes are those that arpspoof(8) of dsniff 2.4 sends, padded.
func TestUnasked(t *testing.T) {
	liar, victim := mac("52:54:00:74:60:4a"), resident{ip: addr("192.168.50.13"), mac: mac("52:54:00:9f:5d:c1")}
	want := "5254009f5dc1" + "52540074604a" + "0806" + "0001080006040002" + "52540074604a" + "c0a8320f" + "5254009f5dc1" + "c0a8320d" + strings.Repeat("00", 18)
	if got := hex.EncodeToString(unasked(liar, liar, victim, addr("192.168.50.15"))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestResident(t *testing.T) {
	lab := &topology.Lab{Nodes: []*topology.Node{{Name: "r"}}, Names: []topology.NamedEnd{
		{Name: "gw", IP: addr("10.0.0.9")}, {Name: "web", IP: addr("10.0.0.8"), MAC: mac("02:00:00:00:00:08")}, {Name: "six", IP: addr("fd00::1")}}}
	net := func(s ...string) (out []netip.Prefix) {
		for _, a := range s {
			out = append(out, netip.MustParsePrefix(a))
		}
		return out
	}
	own := &owners{lab: lab, links: map[string][]topology.LinkState{"r": {
		{Name: "lo", Addrs: net("127.0.0.1/8")},
		{Name: "eth0", MAC: mac("02:00:00:00:00:01"), Addrs: net("fd00::5/64", "192.168.0.1/24")},
		{Name: "eth1", MAC: mac("02:00:00:00:00:02"), Addrs: net("10.0.0.1/24", "10.0.0.2/24")},
	}}}
	segment, bare := topology.LinkState{Name: "eth0", Addrs: net("fd00::4/64", "10.0.0.4/24")}, topology.LinkState{Name: "eth0"}
	for _, c := range []struct {
		to   topology.Target
		at   topology.LinkState
		want resident
		err  string
	}{
		{to: topology.Target{Node: "r"}, at: segment, want: resident{addr("10.0.0.1"), mac("02:00:00:00:00:02"), "r"}},
		{to: topology.Target{Node: "r"}, at: bare, want: resident{addr("192.168.0.1"), mac("02:00:00:00:00:01"), "r"}},
		{to: topology.Target{Node: "r", Interface: "eth1"}, at: bare, want: resident{addr("10.0.0.1"), mac("02:00:00:00:00:02"), "r"}},
		{to: topology.Target{Text: "r:eth0", Node: "r", Interface: "eth0"}, at: segment, err: "r:eth0 has no address now in 10.0.0.0/24, the segment of eth0"},
		{to: topology.Target{Text: "r:lo", Node: "r", Interface: "lo"}, at: bare, err: "r:lo has no IPv4 address now"},
		{to: topology.Target{Name: "gw"}, at: segment, want: resident{ip: addr("10.0.0.9")}},
		{to: topology.Target{Name: "web"}, at: segment, want: resident{ip: addr("10.0.0.8"), mac: mac("02:00:00:00:00:08")}},
		{to: topology.Target{Text: "six", Name: "six"}, at: segment, err: "six has no IPv4 address"},
	} {
		got, err := own.resident(c.to, c.at)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%+v on %s: got %v, %v; want %v, %q", c.to, c.at.Name, got, err, c.want, c.err)
		}
	}
}

// mitm is two hosts and the man in the middle, who forwards.
func mitm(t *testing.T) (*Prober, *topology.ARPSpoof) {
	lab, steps := segment(250, "a 10.0.0.1/24", "m 10.0.0.2/24", "b 10.0.0.3/24")
	steps += "m: sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0\n"
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	t.Cleanup(func() { p.Close() })
	who := func(name string) topology.Target { t, _ := lab.Target(name); return t }
	return p, &topology.ARPSpoof{Name: "arp_spoof", From: who("m"), Victim: who("a"), Claims: who("b"), Both: true, Every: 100 * time.Millisecond}
}

// eventually asks until the answers are as wanted.
func eventually(t *testing.T, p *Prober, want string, qs ...expect.Question) {
	t.Helper()
	got := ""
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); poll(nil, 20*time.Millisecond) {
		if got = text(ask(t, p, true, qs...)); got == want {
			return
		}
	}
	t.Fatalf("got\n%s\nwant\n%s", got, want)
}

func TestSpoof(t *testing.T) {
	p, a := mitm(t)
	q := func(kind, a, b, at string) expect.Question {
		return expect.Question{Kind: kind, A: a, B: b, At: at}
	}
	tables := []expect.Question{q("arp", "a", "b", ""), q("arp", "b", "a", "")}

	s := must(p.Spoof(context.Background(), a))
	for end := time.Now().Add(5 * time.Second); s.Sent() < 6 && time.Now().Before(end); {
		poll(nil, 5*time.Millisecond)
	}
	wantText(t, ask(t, p, true, tables...), "arp:a->b -\narp:b->a -\n") // it makes no entry

	wantText(t, ask(t, p, true, q("ping", "a", "b", "")), "ping:a->b ok\n")
	eventually(t, p, "arp:a->b m\narp:b->a m\n", tables...)
	wantText(t, ask(t, p, true, q("ping", "a", "b", ""), q("ping", "b", "a", ""), q("ping", "m", "a", ""), q("sees", "a", "b", "m")),
		"ping:a->b ok\nping:b->a ok\nping:m->a ok\nsees:a->b@m yes\n")
	if err := s.Stop(false); err != nil {
		t.Error(err)
	}
	wantText(t, ask(t, p, true, tables...), "arp:a->b b\narp:b->a a\n") // at once, since Stop waits for the corrections
	if err := s.Stop(true); err != nil {
		t.Error(err)
	}
}

func TestSpoofSilentlyStopped(t *testing.T) {
	p, a := mitm(t)
	a.Both = false
	table := []expect.Question{{Kind: "arp", A: "a", B: "b"}, {Kind: "arp", A: "b", B: "a"}}
	wantText(t, ask(t, p, true, expect.Question{Kind: "ping", A: "a", B: "b"}), "ping:a->b ok\n")
	s := must(p.Spoof(context.Background(), a))
	eventually(t, p, "arp:a->b m\narp:b->a a\n", table...)
	sh(t, "m", "ip link set eth0 down")
	poll(nil, 3*a.Every)
	sh(t, "m", "ip link set eth0 up") // what was refused meanwhile has not ended it
	before := s.Sent()
	for end := time.Now().Add(5 * time.Second); s.Sent() == before && time.Now().Before(end); {
		poll(nil, 5*time.Millisecond)
	}
	began := time.Now()
	if err := s.Stop(true); err != nil || time.Since(began) > betweenTruths {
		t.Errorf("%v after %v, want nothing, at once", err, time.Since(began))
	}
	if s.Sent() == before {
		t.Error("nothing was sent any more once the interface was up again")
	}
	wantText(t, ask(t, p, true, table...), "arp:a->b m\narp:b->a a\n")
	sh(t, "m", "ip link set eth0 down")
	if _, err := p.Spoof(context.Background(), a); !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("from an interface that is down: %v, want ENETDOWN", err)
	}
}
