package reach

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/expect"

	"golang.org/x/sys/unix"
)

// requests is how many echo requests a node's kernel has made out of what sockets sent, of both families (RFC 2011, RFC
// 2466).
func (m *liveMachine) requests(t testing.TB, node string) int {
	t.Helper()
	var v4, v6 []byte
	err := m.nodes[node].inside(func() (err error) {
		if v4, err = os.ReadFile("/proc/thread-self/net/snmp"); err != nil {
			return err
		}
		v6, err = os.ReadFile("/proc/thread-self/net/snmp6")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, n := 0, 0
	var names []string
	for line := range strings.Lines(string(v4)) {
		f := strings.Fields(line)
		if f[0] == "Icmp:" && names == nil {
			names = f
		} else if f[0] == "Icmp:" {
			for i, name := range names {
				if name == "OutEchos" {
					_, err = fmt.Sscan(f[i], &n)
					sum += n
				}
			}
		}
	}
	if _, after, ok := strings.Cut(string(v6), "Icmp6OutEchos"); ok && err == nil {
		_, err = fmt.Sscan(after, &n)
		sum += n
	}
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestSilentIsAskedOnce: nothing was lost but what the lab itself swallows, wherever that is; nothing is asked again.
func TestSilentIsAskedOnce(t *testing.T) {
	lab, steps := segment(100, "a 10.0.0.1/24,2001:db8::1/64 10.1.0.0/16 10.0.0.9 10.2.0.0/16 10.0.0.9", "mute 10.0.0.2/24,2001:db8::2/64", "narrow 10.0.0.130/25",
		"filter 10.0.0.3/24,2001:db8::3/64", "guarded 10.0.0.4/24", "r 10.0.0.9/24,10.1.0.9/16", "far 10.1.0.1/16", "tun 10.3.0.2/32")
	steps += `mute: sysctl -qw net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1
filter: nft 'table inet f { chain i { type filter hook input priority 0; icmp type echo-request drop; icmpv6 type echo-request drop; }; }'
s1: nft 'table bridge f { chain f { type filter hook forward priority 0; ip daddr 10.0.0.4 drop; }; }'
r: sysctl -qw net.ipv4.ip_forward=1 && ip route add blackhole 10.2.0.0/16
a: ip link add p0 type veth peer p1 && ip link set p1 up && ip link set p0 arp off up && ip route add 10.3.0.0/16 dev p0
a: ip route add 10.4.0.0/16 dev lo
`
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m, Patience: 600 * time.Millisecond}
	defer p.Close()
	ping := func(kind, b string) expect.Question { return expect.Question{Kind: kind, A: "a", B: b} }
	for _, q := range []expect.Question{
		ping("ping", "mute"), ping("ping6", "mute"), // it answers nothing
		ping("ping", "filter"), ping("ping6", "filter"), // its rules refuse
		ping("ping", "guarded"),  // the bridge drops what is not ARP
		ping("ping", "narrow"),   // it has no way back
		ping("ping", "far"),      // the same, behind a router
		ping("ping", "10.2.0.1"), // a router's blackhole
		ping("ping", "10.3.0.1"), // an interface that asks for nobody
		ping("ping", "10.4.0.1"), // and the loopback, which has nobody
	} {
		for _, kept := range []bool{false, true} {
			want := 1
			if !kept {
				want = 2 // for a moment, and for as long as it takes
			}
			before := m.requests(t, "a")
			r := ask(t, p, kept, q)[0]
			if n := m.requests(t, "a") - before; r.Got != "silent" || n != want || len(r.Sent.Tries) != want {
				t.Errorf("%s %s, kept %t: %s (%s) after %d requests, %d tries; want silent after %d", q.Kind, q.B, kept, r.Got, r.Detail, n, len(r.Sent.Tries), want)
			}
		}
	}
}

// TestABridgeWhoseStateFollows: the kernel calls a bridge up some time after it has opened it. That loses nothing, and
// has nothing asked again.
func TestABridgeWhoseStateFollows(t *testing.T) {
	lab, steps := segment(100, "a 10.0.0.1/24", "b 10.0.0.130/25")
	m := &purging{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m, Patience: 600 * time.Millisecond}
	defer p.Close()
	bridge := func() (c topology.Carrier, index int) {
		list, err := m.liveMachine.Carriers("s1")
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range list {
			if c.Bridge && i > index {
				index = i
			}
		}
		return list[index], index
	}
	reads := 0
	var was, is topology.Carrier
	m.carriers = func(node string) {
		if node != "s1" {
			return
		}
		switch reads++; reads {
		case 1: // before the request
			for range 50 {
				sh(t, "s1", `ip link del x 2>/dev/null || true; ip link del xp 2>/dev/null || true
ip link add x up type bridge && ip link add xp type veth peer xq && ip link set xp master x up && ip link set xq up`)
				if was, _ = bridge(); was.State == operUnknown {
					return
				}
			}
		case 2: // nothing has come: asked for the interface alone, the kernel does what it has still to do
			h := m.nodes["s1"]
			h.mu.Lock()
			defer h.mu.Unlock()
			if _, err := h.nl.LinkByName("x"); err != nil {
				t.Error(err)
			}
			h.mu.Unlock()
			is, _ = bridge()
			h.mu.Lock()
		}
	}
	before := m.requests(t, "a")
	r := ask(t, p, false, expect.Question{Kind: "ping", A: "a", B: "b"})[0]
	if was.State != operUnknown || is.State != operUp {
		t.Fatalf("the bridge was %+v and is %+v, which proves nothing", was, is)
	}
	if n := m.requests(t, "a") - before; r.Got != "silent" || n != 2 {
		t.Errorf("%s (%s) after %d requests, want silent after 2", r.Got, r.Detail, n)
	}
}

// TestWhatACarrierLoses: only what the kernel does to a bridge of its own accord loses nothing.
func TestWhatACarrierLoses(t *testing.T) {
	const up = unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING
	is := func(changes, flags uint32, state uint8, bridge bool) topology.Carrier {
		return topology.Carrier{Changes: changes, Flags: flags, State: state, Bridge: bridge}
	}
	for _, c := range []struct {
		name     string
		was, now topology.Carrier
		same     bool
	}{
		{"nothing", is(2, up, operUp, false), is(2, up, operUp, false), true},
		{"a bridge's state follows", is(2, up, operUnknown, true), is(2, up, operUp, true), true},
		{"a veth gets its queue", is(2, up, operUnknown, false), is(2, up, operUp, false), false},
		{"a bridge had no carrier", is(1, unix.IFF_UP, operUnknown, true), is(2, up, operUp, true), false},
		{"a bridge's carrier came and went", is(2, up, operUnknown, true), is(4, up, operUp, true), false},
		{"a bridge's carrier was acted upon", is(2, up, operUnknown, true), is(2, up, 2, true), false},
		{"a bridge is acted upon that was down", is(2, up, 2, true), is(2, up, operUp, true), false},
	} {
		if got := sameCarrier(c.was, c.now); got != c.same {
			t.Errorf("%s: %t, want %t", c.name, got, c.same)
		}
	}
}
