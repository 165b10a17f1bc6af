//go:build linux

package supervisor

import (
	"encoding/hex"
	"fmt"
	"testing"

	"labctl/cmd/labctl/wire"
	"labctl/topology/rules"
)

func TestLogGroups(t *testing.T) {
	line := func(args ...string) rules.Line { return rules.Line{Args: args} }
	for _, c := range []struct {
		set  rules.Set
		want string
	}{
		{rules.Set{Load: true, Lines: []rules.Line{line("-A", "INPUT", "-j", "NFLOG")}}, "[0]"},
		{rules.Set{Load: true, Lines: []rules.Line{line("-A", "INPUT", "-j", "NFLOG", "--nflog-group", "7"), line("-A", "INPUT", "-j", "NFLOG")}}, "[0 7]"},
		{rules.Set{Load: true, Lines: []rules.Line{line("-A", "INPUT", "-j", "DROP")}}, "[]"},
		{rules.Set{Lines: []rules.Line{line("-A", "INPUT", "-j", "NFLOG")}}, "[]"},
		{rules.Set{Load: true, Text: "ip saddr 1.1.1.1 log prefix \"x\" group 3 drop\nlog group 3\nlog flags all\n"}, "[3]"},
	} {
		if got := fmt.Sprint(logGroups([]*rules.Set{&c.set})); got != c.want {
			t.Errorf("%+v: %s, want %s", c.set, got, c.want)
		}
	}
}

func TestDescribePacket(t *testing.T) {
	for _, c := range []struct {
		etherType uint16
		hex       string
		want      string
	}{
		{0x0800, "4500001c000100004001f78dc0a8320dc0a8320f0800f7fd00010001", "192.168.50.13 > 192.168.50.15, ICMP echo request, id 1, seq 1"},
		{0, "4500001c000100004001f78dc0a8320dc0a8320f0800f7fd00010001", "192.168.50.13 > 192.168.50.15, ICMP echo request, id 1, seq 1"},
		{0x0806, "00010800060400025254007460" + "4ac0a8320f5254009f5dc1c0a8320d", "ARP, 192.168.50.15 is-at 52:54:00:74:60:4a"},
		{0x88cc, "0207", "LinkLayerDiscovery (0x88cc)"},
		{0x0800, "45", "ethertype 0x0800, 45"},
	} {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := describePacket(c.etherType, data); got != c.want {
			t.Errorf("%04x %s: %q, want %q", c.etherType, c.hex, got, c.want)
		}
	}
}

// The ring forgets the oldest, and says so by the numbers.
func TestRuleLogKeepsTheLast(t *testing.T) {
	l := newRuleLog(nil)
	_, more := l.after(0)
	for range loggedKept + 2 {
		l.add(wire.Logged{})
	}
	select {
	case <-more:
	default:
		t.Error("nobody was told")
	}
	list, _ := l.after(0)
	if len(list) != loggedKept || list[0].Seq != 3 || list[len(list)-1].Seq != loggedKept+2 {
		t.Errorf("%d entries from %d to %d", len(list), list[0].Seq, list[len(list)-1].Seq)
	}
	if list, _ := l.after(loggedKept + 1); len(list) != 1 {
		t.Errorf("%d entries after the last but one", len(list))
	}
}
