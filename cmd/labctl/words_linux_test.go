package main

import (
	"strings"
	"testing"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology/labfile"
)

func TestNothingToAskSaysWhy(t *testing.T) {
	src := "format: 1\nlab: t\nnodes:\n  s1: {kind: bridge}\n  h1: {ip: 10.0.0.1/24}\n  h2: {ip: 10.0.0.2/24}\nlinks: [h1 h2 -- s1]\n"
	lab, problems := labfile.Load("t.yaml", []byte(src))
	if lab == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		kind string
		a    asked
		want string
	}{
		{"sees", asked{}, "nobody is left to listen"},
		{"sees", asked{from: []string{"h1"}, to: []string{"h1"}}, "h1 does not ask itself"},
		{"ping6", asked{}, "no two nodes that were named have an IPv6 address"},
		{"ping", asked{from: []string{"h1"}, to: []string{"h1"}}, "h1 does not ask itself"},
	} {
		if table, err := c.a.table(lab.Lab, c.kind); err != nil || len(table.Cells) > 0 {
			t.Errorf("%s %v: %v", c.kind, c.a, err)
		}
		if got := c.a.nothing(lab.Lab, c.kind).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%s %v: %s", c.kind, c.a, got)
		}
	}
}

// TestIPv6OnlyNodesAreAskedAnotherWay: the hint is a flag of the command line, not a word of the file.
func TestIPv6OnlyNodesAreAskedAnotherWay(t *testing.T) {
	src := "format: 1\nlab: t\nnodes:\n  s1: {kind: bridge}\n  h1: {ip: fd00::1/64}\n  h2: {ip: fd00::2/64}\n  h3: {ip: 10.0.0.3/24}\n  h4: {ip: 10.0.0.4/24}\n  h5: {ip: [10.0.0.5/24, fd00::5/64]}\nlinks: [h1 h2 h3 h4 h5 -- s1]\nnames: {vip: {ip: fd00::9}}\n"
	lab, problems := labfile.Load("t.yaml", []byte(src))
	if lab == nil {
		t.Fatal(problems)
	}
	two := asked{from: []string{"h1"}, to: []string{"h2"}}
	for _, c := range []struct {
		kind string
		a    asked
		one  bool
		want string
	}{
		{"ping", two, true, "nothing to ask: h2 has no IPv4 address; ask by IPv6 with -6"},
		{"ping", asked{from: []string{"h1", "h2"}, to: []string{"h1", "h2"}}, false, "h1, h2 have no IPv4 address; ask by IPv6 with --probe ping6 --to h1,h2"},
		{"ping", asked{to: []string{"h3", "h2", "h5"}}, false, "h2 has no IPv4 address; ask by IPv6 with --probe ping6 --to h2"},
		{"ping6", asked{to: []string{"h3", "h2", "h5"}}, false, "h3 has no IPv6 address; ask by IPv4 with --probe ping --to h3"},
		{"ping6", asked{from: []string{"h1"}, to: []string{"h3"}}, true, "nothing to ask: h3 has no IPv6 address; ask by IPv4, without -6"},
		{"ping", asked{to: []string{"h5", "vip"}}, false, "vip has no IPv4 address; ask by IPv6 with --probe ping6 --to vip"},
		{"ping", asked{}, false, "the nodes to be asked in t have no IPv4 address; ask by IPv6 with --probe ping6"},
		{"arp", two, false, "h2 has IPv6 addresses only; --probe arp is about IPv4 only"},
		{"ping6", two, false, ""},
		{"sees", two, false, ""},
		{"ping", asked{from: []string{"h1"}, to: []string{"h3"}}, true, ""},
		{"ping", asked{to: []string{"h9"}}, false, ""},
	} {
		got := ""
		if err := c.a.otherFamily(lab.Lab, c.kind, c.one); err != nil {
			got = err.Error()
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s %v: %q, want %q", c.kind, c.a, got, c.want)
		}
	}
}

// TestPoliciesComeFromTheList: a policy that is added has its letter in "ports".
func TestPoliciesComeFromTheList(t *testing.T) {
	list := append(switchcore.Decisions(), switchcore.Decision{Key: "whistling"})
	if got := initials(list); got != "PMFW" {
		t.Error(got)
	}
	p := wire.Port{Policy: map[string]wire.Policy{"promiscuous": {Value: "reject", From: "default"},
		"mac_changes": {Value: "accept", From: "group"}, "whistling": {Value: "accept", From: "port"}}}
	if got := policies(p, list); got != "R Ag ? Ap" {
		t.Error(got)
	}
	if got := policies(wire.Port{Uplink: true}, list); got != "uplink" {
		t.Error(got)
	}
}

func TestOneCellIsNotCells(t *testing.T) {
	for want, got := range map[string]string{
		"the one cell is as expected":        asExpected(1),
		"all 2 cells are as expected":        asExpected(2),
		"1 of 1 cell differs":                differing(1, 1, 0),
		"1 of 4 cells differs":               differing(1, 4, 0),
		"2 of 4 cells differ":                differing(2, 4, 0),
		"2 of 4 cells differ, 1 step failed": differing(3, 4, 1),
		"2 steps failed":                     differing(2, 0, 2),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
