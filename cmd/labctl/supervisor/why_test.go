//go:build linux

package supervisor

import (
	"encoding/hex"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"labctl/labs"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/reach"
)

func TestAboutWhom(t *testing.T) {
	const (
		four = "001b8baed28a 001122334455 0800 4500005400010000 4001f98a c0a80004 c0a80001"
		six  = "005056000001 005056000004 86dd 60000000004c3a40 20010db8000000000000000000000004 20010db8000000000000000000000001"
		data = "0000 0001 0002 c00c1e0000000000 1011121314151617"
		arp  = "ffffffffffff005056000004 0806 0001080006040001 005056000004 c0a80004 000000000000 c0a80001"
		out4 = "020000000002 020000000001 0800 4500006000010000 4011f98a 0a000001 0a000002 c350"
		out6 = "020000000002 020000000001 86dd 60000000004c1140 20010db8000000000000000000000008 20010db8000000000000000000000009 c350"
	)
	for _, c := range []struct {
		name, frame string
		part        purpose
		from, to    string
		key         uint32
	}{
		{"an ARP request", "ffffffffffff005056000004 0806 0001080006040001 005056000004 c0a80004 000000000000 c0a80001", asks, "192.168.0.4", "192.168.0.1", 0},
		{"an ARP reply", "005056000001005056000004 0806 0001080006040002 005056000004 c0a80004 005056000001 c0a80001", answers, "192.168.0.4", "192.168.0.1", 0},
		{"RARP", "ffffffffffff005056000004 0806 0001080006040003 005056000004 c0a80004 000000000000 c0a80001", 0, "", "", 0},
		{"ARP behind a tag", "ffffffffffff005056000004 8100000a 0806 0001080006040001 005056000004 c0a80004 000000000000 c0a80001", asks, "192.168.0.4", "192.168.0.1", 0},
		{"an echo request", four + "0800" + data, echo, "192.168.0.4", "192.168.0.1", 0x10002},
		{"an echo reply", four + "0000" + data, echo, "192.168.0.4", "192.168.0.1", 0x10002},
		{"an echo request without data", four + "0800 0000 0001 0002", 0, "", "", 0},
		{"an error about an echo request", four + "0301 0000 00000000 4500005400010000 3f01f98a c0a80001 c0a80009 0800" + data, echo, "192.168.0.4", "192.168.0.1", 0x10002},
		{"an error about a reply", four + "0301 0000 00000000 4500005400010000 3f01f98a c0a80001 c0a80009 0000" + data, 0, "", "", 0},
		{"an error about something else", four + "0303 0000 00000000 4500005400010000 3f11f98a c0a80001 c0a80009 0800" + data, 0, "", "", 0},
		{"a later fragment", "001b8baed28a 001122334455 0800 4500005400010002 4001f98a c0a80004 c0a80001 0800" + data, 0, "", "", 0},
		{"UDP", "001b8baed28a 001122334455 0800 4500005400010000 4011f98a c0a80004 c0a80001 0800" + data, 0, "", "", 0},
		{"a connection", "001b8baed28a 001122334455 0800 4500002800010000 4006f98a c0a80004 c0a80001 9c40 0050", echo, "192.168.0.4", "192.168.0.1", 40000},
		{"what answers it", "001b8baed28a 001122334455 0800 4500002800010000 4006f98a c0a80001 c0a80004 0050 9c40", echo, "192.168.0.1", "192.168.0.4", 40000},
		{"a datagram", "001b8baed28a 001122334455 0800 4500002800010000 4011f98a c0a80004 c0a80001 9c40 0050", echo, "192.168.0.4", "192.168.0.1", 40000},
		{"one of two clients' ports", "001b8baed28a 001122334455 0800 4500002800010000 4011f98a c0a80004 c0a80001 9c40 9c41", 0, "", "", 0},
		{"an error about a connection", four + "0303 0000 00000000 4500002800010000 3f06f98a c0a80001 c0a80009 9c40 0016 00000000", echo, "192.168.0.4", "192.168.0.1", 40000},
		{"a connection by IPv6", "005056000001 005056000004 86dd 6000000000140640 20010db8000000000000000000000004 20010db8000000000000000000000001 9c40 0050", echo, "2001:db8::4", "2001:db8::1", 40000},
		{"a neighbour solicitation", "3333ff000001 005056000004 86dd 6000000000203aff 20010db8000000000000000000000004 ff0200000000000000000001ff000001 8700000000000000 20010db8000000000000000000000001 0101005056000004", asks, "2001:db8::4", "2001:db8::1", 0},
		{"a neighbour advertisement", "005056000004 005056000001 86dd 6000000000203aff fe800000000000000000000000000001 20010db8000000000000000000000004 8800000060000000 20010db8000000000000000000000001 0201005056000001", answers, "2001:db8::1", "2001:db8::4", 0},
		{"an echo request of IPv6", six + "8000" + data, echo, "2001:db8::4", "2001:db8::1", 0x10002},
		{"an echo reply of IPv6", six + "8100" + data, echo, "2001:db8::4", "2001:db8::1", 0x10002},
		{"an error of IPv6", six + "0300 0000 00000000 60000000004c3a01 20010db8000000000000000000000001 20010db8000000000000000000000009 8000" + data, echo, "2001:db8::4", "2001:db8::1", 0x10002},
		{"something else", "0180c2000000 005056000004 0027 424203000000", 0, "", "", 0},
		{"cut off", "ffffffffffff005056000004 0806 0001", 0, "", "", 0},
		{"cut off in IPv4", "ffffffffffff005056000004 0800 4500005400010000 4001f98a c0a80004", 0, "", "", 0},
		{"nothing", "", 0, "", "", 0},
		{"an ARP request in a VXLAN", out4 + "12b5 004c0000 0800000000000a00" + arp, asks, "192.168.0.4", "192.168.0.1", 0},
		{"an ARP request in a VXLAN in a VXLAN", out6 + "12b5 004c0000 0800000000000a00" + out4 + "2118 004c0000 0800000000000a00" + arp, asks, "192.168.0.4", "192.168.0.1", 0},
		{"an echo request in a VXLAN over IPv6", out6 + "2118 004c0000 0800000000000a00" + four + "0800" + data, echo, "192.168.0.4", "192.168.0.1", 0x10002},
		{"a datagram to another port", out4 + "0035 004c0000 0800000000000a00" + arp, echo, "10.0.0.1", "10.0.0.2", 50000},
		{"a datagram to that port without a VNI", out4 + "12b5 004c0000 0000000000000a00" + arp, echo, "10.0.0.1", "10.0.0.2", 50000},
		{"one that is cut off", out4 + "12b5 004c0000 0800", echo, "10.0.0.1", "10.0.0.2", 50000},
	} {
		frame, err := hex.DecodeString(strings.ReplaceAll(c.frame, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, m, ok := about(carried(frame, map[uint16]bool{4789: true, 8472: true}))
		if ok != (c.from != "") {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		}
		if !ok {
			continue
		}
		if want := (talk{c.part, netip.MustParseAddr(c.from), netip.MustParseAddr(c.to)}); got != want || m.key != c.key {
			t.Errorf("%s: %v %x", c.name, got, m)
		}
	}
}

// A drop belongs to the ping whose request, reply, ARP or neighbour discovery it was, and not to the one the other way,
// nor to frames of others that have the addresses of its ends.
func TestWhoseLosses(t *testing.T) {
	lab, problems := labfile.Load("l.yaml", []byte("format: 1\nlab: l\nnodes:\n  s: {kind: vswitch}\n  a: {ip: 10.9.0.1/24}\n  b: {ip: 10.9.0.2/24}\nlinks: [a b -- s]\n"))
	if lab == nil {
		t.Fatal(problems)
	}
	a, b := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2")
	ours, begin := [8]byte{1}, time.Now()
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	drop := func(where string) frameDrop { return frameDrop{where, "Blocked"} }
	lost := lostFrames{
		echoes: map[marker][]frameDrop{{ours, 1}: {drop("1")}, {ours, 2}: {drop("2"), drop("2")}, {ours, 3}: {drop("3")}, {[8]byte{2}, 1}: {drop("others'")}},
		talk: map[talk][]lostTalk{
			{asks, a, b}:    {{at(-1), drop("before")}, {at(1), drop("a asks")}, {at(3), drop("between")}, {at(5), drop("a asks again")}, {at(7), drop("after")}},
			{asks, b, a}:    {{at(1), drop("b asks")}},
			{answers, b, a}: {{at(1), drop("b answers")}},
			{answers, a, b}: {{at(1), drop("a answers")}},
		},
	}
	tries := []reach.Try{{Key: 1, From: at(0), Until: at(2)}, {Key: 2, From: at(4), Until: at(6)}}
	for _, c := range []struct {
		hops []reach.Hop
		want map[frameDrop]int
	}{
		{nil, map[frameDrop]int{drop("1"): 1, drop("2"): 2}},
		{[]reach.Hop{{Node: "a", Next: b}}, map[frameDrop]int{drop("1"): 1, drop("2"): 2, drop("a asks"): 1, drop("a asks again"): 1, drop("b answers"): 1}},
		{[]reach.Hop{{Node: "b", Next: a}}, map[frameDrop]int{drop("1"): 1, drop("2"): 2, drop("b asks"): 1, drop("a answers"): 1}},
	} {
		r := &reach.Result{Question: expect.Question{Kind: "ping", A: "a", B: "b"}, Hops: c.hops, Sent: reach.Sent{Cookie: ours, Tries: tries}}
		if got := lost.of(lab.Lab, r); !maps.Equal(got, c.want) {
			t.Errorf("%v: %v", c.hops, got)
		}
	}
}

// Who asks is where the frame came from; others may answer for him only if they are proxies. The marker of an echo is
// enough.
func TestWhoMayAsk(t *testing.T) {
	lab, problems := labfile.Load("l.yaml", []byte(`format: 1
lab: l
nodes:
  s: {kind: vswitch}
  a: {ip: 10.9.0.1/24}
  b: {ip: 10.9.0.2/24}
  twin: {ip: 10.9.0.2/24}
  p: {kind: router, ip: 10.9.0.3/24, sysctls: {proxy_arp: 1}}
links: [a b twin p -- s]
names: {two: {ip: 10.9.0.2}}
`))
	if lab == nil {
		t.Fatal(problems)
	}
	at := newPortSides(lab.Lab, "s")
	for _, c := range []struct {
		part purpose
		from string
		port string
		want bool
	}{
		{asks, "10.9.0.1", "a", true}, {asks, "10.9.0.1", "b", false}, {asks, "10.9.0.1", "p", false}, {asks, "10.9.0.99", "b", true},
		{answers, "10.9.0.1", "a", true}, {answers, "10.9.0.1", "b", false}, {answers, "10.9.0.1", "p", true},
		{asks, "10.9.0.2", "b", true}, {asks, "10.9.0.2", "twin", true}, {echo, "10.9.0.1", "b", true},
	} {
		r := datapath.DropRecord{PortName: c.port, Out: switchcore.NoPort}
		if got := at.honest(&r, talk{purpose: c.part, from: netip.MustParseAddr(c.from)}); got != c.want {
			t.Errorf("%d of %s from %s: %v", c.part, c.from, c.port, got)
		}
	}
	for port, want := range map[string]bool{"a": true, "b": true, "twin": true} { // each twin is the receiver of what comes from the other
		r := datapath.DropRecord{PortName: port, Out: switchcore.NoPort}
		if got := at.mattered(&r, talk{to: netip.MustParseAddr("10.9.0.2")}); got != want {
			t.Errorf("to 10.9.0.2 from %s: %v", port, got)
		}
	}
}

// shippedLab is one of the labs that labctl carries.
func shippedLab(t *testing.T, name string) *topology.Lab {
	t.Helper()
	src, err := labs.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	lab, problems := labfile.Load(name, src)
	if lab == nil {
		t.Fatal(problems)
	}
	return lab.Lab
}

// A drop is the cause of nothing if the frame was a copy for somebody else, or its receiver is where it came from.
func TestWhichDropsMattered(t *testing.T) {
	for _, c := range []struct {
		lab, node, port, out, to string
		want                     bool
	}{
		{"nested-esxi", "dvs", "esxi1-vmnic0", "", "192.168.0.10", true},    // a nested VM's forged frame, to vm0
		{"nested-esxi", "dvs", "vm0", "esxi1-vmnic0", "192.168.0.31", true}, // the copy on the way to it
		{"nested-esxi", "dvs", "vm0", "esxi2-vmnic0", "192.168.0.31", false},
		{"nested-esxi", "dvs", "vm0", "spy", "192.168.0.200", false},
		{"nested-esxi", "dvs", "vm0", "vmnic9", "192.168.0.200", true},
		{"nested-esxi", "dvs", "vmnic9", "", "192.168.0.200", false}, // x1 is there
		{"nested-esxi", "dvs", "vm0", "spy", "192.168.0.99", true},   // nobody's: who can tell
		{"bridge-of-bridge", "host.vmnet3", "br0", "", "192.168.0.21", false},
		{"bridge-of-bridge", "host.vmnet3", "br0", "", "192.168.0.41", true},
		{"bridge-of-bridge", "host.vmnet3", "win", "", "192.168.0.200", true},
	} {
		r := datapath.DropRecord{PortName: c.port, Out: switchcore.NoPort, OutName: c.out}
		if c.out != "" {
			r.Out = 1
		}
		b := talk{to: netip.MustParseAddr(c.to)}
		if got := newPortSides(shippedLab(t, c.lab), c.node).mattered(&r, b); got != c.want {
			t.Errorf("%s: %s:%s to %q, for %s: %v", c.lab, c.node, c.port, c.out, c.to, got)
		}
	}
}

// What a port has lost takes answers back of which a frame may have come by it, and no others.
func TestWhatLossesConcern(t *testing.T) {
	lab := shippedLab(t, "nested-esxi")
	at := topology.End{Node: "dvs", Interface: "esxi1-vmnic0"}
	before := losses{overruns: map[topology.End]uint64{at: 3}}
	for _, c := range []struct {
		now  losses
		q    expect.Question
		got  string
		want string
	}{
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "ping", A: "vm0", B: "esxi1.vm1"}, "silent", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "ping", A: "esxi1", B: "vm0"}, "no-arp", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "sees", A: "vm0", B: "x1", At: "esxi1"}, "no", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "ping", A: "vm0", B: "esxi1.vm1"}, "ok", "ok"},
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "ping", A: "vm0", B: "esxi2"}, "silent", "silent"},
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "tcp", A: "vm0", B: "esxi2:80"}, "silent", "silent"},
		{losses{overruns: map[topology.End]uint64{at: 4}}, expect.Question{Kind: "udp", A: "vm0", B: "esxi1.vm1:53"}, "silent", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 3}}, expect.Question{Kind: "ping", A: "vm0", B: "esxi1.vm1"}, "silent", "silent"},
		{losses{overflows: 1, overruns: map[topology.End]uint64{at: 3}}, expect.Question{Kind: "ping", A: "vm0", B: "x1"}, "no-arp", reach.Unknown},
	} {
		r := reach.Result{Question: c.q, Got: c.got}
		before.since(c.now, lab).doubt(&r)
		if said := cause.Explain(r.Detail, r.Causes); r.Got != c.want || (said != "") != (c.got != c.want) {
			t.Errorf("%s %s: %s, want %s: %s", c.q.Kind, c.q, r.Got, c.want, said)
		}
	}
}
