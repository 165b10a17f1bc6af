package topology

import (
	"net/netip"
	"testing"

	"labctl/switchcore"
)

// stationsLab has a node of each sort: with one interface, with two of which one is linked, with two that are, a
// bridge, a switch.
func stationsLab() *Lab {
	veth := func(name, far string, addrs ...string) *Interface {
		i := &Interface{Name: name, Type: Veth, Peer: End{far, "x"}}
		for _, a := range addrs {
			i.Addrs = append(i.Addrs, netip.MustParsePrefix(a))
		}
		return i
	}
	return &Lab{
		Names: []NamedEnd{{Name: "vip", IP: netip.MustParseAddr("10.0.0.9"), MAC: switchcore.MAC{2, 0, 0, 0, 0, 9}},
			{Name: "ghost", IP: netip.MustParseAddr("10.0.0.8")}},
		Nodes: []*Node{
			{Name: "one", Interfaces: []*Interface{veth("eth0", "s", "10.0.0.1/24")}},
			{Name: "half", Interfaces: []*Interface{veth("eth0", "s"),
				{Name: "br0", Type: BridgeLink, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}}}},
			{Name: "two", Interfaces: []*Interface{veth("eth0", "s"), veth("eth1", "s")}},
			{Name: "six", Interfaces: []*Interface{veth("eth0", "s"), veth("eth1", "s", "fd00::1/64")}},
			{Name: "s", Kind: Bridge, Interfaces: []*Interface{{Name: "s", Type: BridgeLink}, veth("one", "one")}},
			{Name: "vs", Kind: VSwitch, Switch: &Switch{Ports: []SwitchPort{
				{Name: "a", At: End{"vs", "a"}, Far: End{"one", "eth0"}}, {Name: "b", At: End{"vs", "b"}}}},
				Interfaces: []*Interface{veth("a", "s"), veth("b", "s")}},
		},
	}
}

func TestStation(t *testing.T) {
	lab := stationsLab()
	for _, c := range []struct{ word, want, why string }{
		{"broadcast", "broadcast", ""},
		{"00:11:22:AA:BB:CC", "00:11:22:aa:bb:cc", ""},
		{"vip", "02:00:00:00:00:09", ""},
		{"ghost", "", `"ghost" has no "mac" under "names"`},
		{"nix", "", `"nix" is not a node, interface or name`},
		{"two:eth7", "", `"two:eth7" is not a node, interface or name`},
		{"one", "one", ""},
		{"half", "half:br0", ""}, // where it is reached, as a step has always had it
		{"six", "six:eth1", ""},
		{"two:eth1", "two:eth1", ""},
		{"two", "", "two has two interfaces and no address; write two:INTERFACE"},
		{"s", "s:s", ""},
		{"vs", "", "vs has two interfaces and no address; write vs:INTERFACE"},
	} {
		got, err := lab.Station(c.word)
		switch {
		case c.why == "" && (err != nil || got.String() != c.want):
			t.Errorf("%s is %s, %v, want %s", c.word, got, err, c.want)
		case c.why != "" && (err == nil || err.Error() != c.why):
			t.Errorf("%s: %v, want %s", c.word, err, c.why)
		}
	}
}

func TestSender(t *testing.T) {
	lab := stationsLab()
	for _, c := range []struct{ word, want, why string }{
		{"one", "eth0", ""},
		{"half", "eth0", ""}, // the only one that a link ends on
		{"two:eth1", "eth1", ""},
		{"two", "", "two has two interfaces; write two:INTERFACE"},
		{"vip", "", `"vip" is only a name for an address; name a node that sends`},
		{"vs", "", "vs is a virtual switch and sends nothing of its own; name a node that is linked to it"},
		{"vs:a", "", "vs:a is a port of a virtual switch: a frame sent there goes out to one:eth0 without being judged; send from one:eth0"},
		{"vs:b", "b", ""}, // an uplink is an adapter of the holder too
		{"nix", "", `"nix" is not a node, interface or name`},
	} {
		got, err := lab.Sender(c.word)
		switch {
		case c.why == "" && (err != nil || got.Interface != c.want):
			t.Errorf("%s sends from %s, %v, want %s", c.word, got.Interface, err, c.want)
		case c.why != "" && (err == nil || err.Error() != c.why):
			t.Errorf("%s: %v, want %s", c.word, err, c.why)
		}
	}
}
