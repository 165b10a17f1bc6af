package main

import (
	"strings"
	"testing"

	"labctl/topology"
)

func TestNothingToAskSaysWhy(t *testing.T) {
	src := "format: 1\nlab: t\nnodes:\n  s1: {kind: bridge}\n  h1: {ip: 10.0.0.1/24}\n  h2: {ip: 10.0.0.2/24}\nlinks: [h1 h2 -- s1]\n"
	lab, problems := topology.Load("t.yaml", []byte(src))
	if lab == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		kind string
		a    asked
		want string
	}{
		{"sees", asked{}, "nobody is left to listen"},
		{"sees", asked{from: []string{"h1"}, to: []string{"h1"}}, "no two nodes that were named have an address"},
		{"ping6", asked{}, "no two nodes that were named have an IPv6 address"},
		{"ping", asked{from: []string{"h1"}, to: []string{"h1"}}, "no two nodes that were named have an address"},
	} {
		if table, err := c.a.table(lab, c.kind); err != nil || len(table.Cells) > 0 {
			t.Errorf("%s %v: %v", c.kind, c.a, err)
		}
		if got := c.a.nothing(lab, c.kind).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%s %v: %s", c.kind, c.a, got)
		}
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
