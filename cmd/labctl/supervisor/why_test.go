//go:build linux

package supervisor

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"labctl/topology"
)

func TestAboutWhom(t *testing.T) {
	for _, c := range []struct{ name, frame, from, to string }{
		{"ARP", "ffffffffffff0050560000040806000108000604000100505600000 4c0a80004000000000000c0a80001", "192.168.0.4", "192.168.0.1"},
		{"ARP behind a tag", "ffffffffffff005056000004 8100000a 0806 0001080006040001 005056000004 c0a80004 000000000000 c0a80001", "192.168.0.4", "192.168.0.1"},
		{"IPv4", "001b8baed28a 001122334455 0800 4500001c000100004001f98a c0a80004 c0a80001 0800f7ff00000000", "192.168.0.4", "192.168.0.1"},
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

func TestWhichRulesRefuse(t *testing.T) {
	lines := &topology.RuleSet{Form: "iptables", Lines: []topology.RuleLine{
		{Name: "deny", Args: []string{"-A", "FORWARD", "-j", "DROP"}},
		{Name: "pass", Args: []string{"-A", "FORWARD", "-j", "ACCEPT"}},
	}}
	text := &topology.RuleSet{Form: "nft", Text: "chain c {\n ip daddr 10.0.0.1 counter drop comment \"deny\"\n counter accept comment \"pass\"\n}\n"}
	guard := &topology.RuleSet{Form: "port_guard"}
	for _, set := range []*topology.RuleSet{lines, text} {
		if !refuses(set, "deny") || refuses(set, "pass") || refuses(set, "nobody") {
			t.Errorf("%s: deny %v, pass %v, nobody %v", set.Form, refuses(set, "deny"), refuses(set, "pass"), refuses(set, "nobody"))
		}
	}
	if !refuses(guard, "vk63-mac") {
		t.Error("a port guard's rule must refuse")
	}
}
