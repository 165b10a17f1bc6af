//go:build linux

package supervisor

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"labctl/labs"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/reach"
)

func TestAboutWhom(t *testing.T) {
	for _, c := range []struct{ name, frame, from, to string }{
		{"ARP", "ffffffffffff0050560000040806000108000604000100505600000 4c0a80004000000000000c0a80001", "192.168.0.4", "192.168.0.1"},
		{"ARP behind a tag", "ffffffffffff005056000004 8100000a 0806 0001080006040001 005056000004 c0a80004 000000000000 c0a80001", "192.168.0.4", "192.168.0.1"},
		{"IPv4", "001b8baed28a 001122334455 0800 4500001c000100004001f98a c0a80004 c0a80001 0800f7ff00000000", "192.168.0.4", "192.168.0.1"},
		{"a neighbour solicitation", "3333ff000001 005056000004 86dd 6000000000203aff 20010db8000000000000000000000004 ff0200000000000000000001ff000001 8700000000000000 20010db8000000000000000000000001 0101005056000004", "2001:db8::4", "2001:db8::1"},
		{"a neighbour advertisement", "005056000004 005056000001 86dd 6000000000203aff fe800000000000000000000000000001 20010db8000000000000000000000004 8800000060000000 20010db8000000000000000000000001 0201005056000001", "2001:db8::1", "2001:db8::4"},
		{"an echo request of IPv6", "005056000001 005056000004 86dd 6000000000403a40 20010db8000000000000000000000004 20010db8000000000000000000000001 8000000000000000 0000000000000000000000000000000000000000", "2001:db8::4", "2001:db8::1"},
		{"something else", "0180c2000000 005056000004 0027 424203000000", "", ""},
		{"cut off", "ffffffffffff005056000004 0806 0001", "", ""},
		{"nothing", "", "", ""},
	} {
		clean := ""
		for _, r := range c.frame {
			if r != ' ' {
				clean += string(r)
			}
		}
		frame, err := hex.DecodeString(clean)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, ok := about(frame)
		if ok != (c.from != "") {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		}
		if ok && (got.from != netip.MustParseAddr(c.from) || got.to != netip.MustParseAddr(c.to)) {
			t.Errorf("%s: %v", c.name, got)
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
	lab, problems := topology.Load(name, src)
	if lab == nil {
		t.Fatal(problems)
	}
	return lab
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
		b := between{to: netip.MustParseAddr(c.to)}
		if got := newSides(shippedLab(t, c.lab), c.node).mattered(&r, b); got != c.want {
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
		q    topology.Question
		got  string
		want string
	}{
		{losses{overruns: map[topology.End]uint64{at: 4}}, topology.Question{Kind: "ping", A: "vm0", B: "esxi1.vm1"}, "silent", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 4}}, topology.Question{Kind: "ping", A: "esxi1", B: "vm0"}, "no-arp", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 4}}, topology.Question{Kind: "sees", A: "vm0", B: "x1", At: "esxi1"}, "no", reach.Unknown},
		{losses{overruns: map[topology.End]uint64{at: 4}}, topology.Question{Kind: "ping", A: "vm0", B: "esxi1.vm1"}, "ok", "ok"},
		{losses{overruns: map[topology.End]uint64{at: 4}}, topology.Question{Kind: "ping", A: "vm0", B: "esxi2"}, "silent", "silent"},
		{losses{overruns: map[topology.End]uint64{at: 3}}, topology.Question{Kind: "ping", A: "vm0", B: "esxi1.vm1"}, "silent", "silent"},
		{losses{overflows: 1, overruns: map[topology.End]uint64{at: 3}}, topology.Question{Kind: "ping", A: "vm0", B: "x1"}, "no-arp", reach.Unknown},
	} {
		r := reach.Result{Question: c.q, Got: c.got}
		before.since(c.now, lab).doubt(&r)
		if r.Got != c.want || (r.Detail != "") != (c.got != c.want) {
			t.Errorf("%s %s: %s, want %s: %s", c.q.Kind, c.q, r.Got, c.want, r.Detail)
		}
	}
}
