//go:build linux

package kernel

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"labctl/topology/plan"
	"labctl/topology/rules"
)

// everyGuard has every rule that a port guard can write: with and without MACs, addresses, prefixes, ranges that touch,
// and VLANs.
const everyGuard = `format: 1
lab: t
names: {vip: {ip: 10.0.0.99}}
nodes:
  s1:
    kind: bridge
    rules:
      one:
        port_guard: {a: a, b: [b, vip]}
      two:
        port_guard:
          c: {mac: ["02:00:00:00:00:07", "02:00:00:00:00:05"], ip: [10.0.0.0/24, 10.0.1.0/24, 10.9.0.1]}
          d: {ip: [0.0.0.0/8, 10.0.0.4]}
          e: {mac: "02:00:00:00:00:09"}
          f: {ip: [10.1.0.0/16, 255.0.0.0/8]}
          a: {mac: ["02:00:00:00:00:01", "02:00:00:00:00:02"], ip: [10.0.0.1, 10.0.0.2]}
  a: {ip: [10.0.0.1/24, 10.0.0.11/24]}
  b: {interfaces: {eth0: {ip: 10.0.0.2/24}, v5: {vlan: eth0, id: 5}, v6: {vlan: eth0, id: 6}, v4094: {vlan: eth0, id: 4094}}}
  c: {}
  d: {}
  e: {}
  f: {}
links: [a b c d e f -- s1]
`

var nftHandles = regexp.MustCompile(`"handle": \d+`)

// TestGuardsLoadedWithoutNFT: what the kernel is told without the program is what the program tells it, as nft itself
// reads it back.
func TestGuardsLoadedWithoutNFT(t *testing.T) {
	s := withTool(t)
	apply(t, s, plan.AddNamespace{Node: "s1"})
	sets := load(t, everyGuard).Node("s1").Rules
	listed := func() (text, doc string) {
		t.Helper()
		s.Rules.tools.withoutNFT = false
		text, words, err := s.Rules.tools.call(context.Background(), "s1", "", "nft", "list", "ruleset")
		if err != nil {
			t.Fatal(words, err)
		}
		doc, _, _ = s.Rules.tools.call(context.Background(), "s1", "", "nft", "-j", "list", "ruleset")
		return text, nftHandles.ReplaceAllString(doc, "")
	}
	loaded := func(without bool, from, to []*rules.Set) (text, doc string) {
		t.Helper()
		s.Rules.tools.withoutNFT = without
		apply(t, s, plan.SetRules{Node: "s1", From: from, To: to})
		return listed()
	}
	none, _ := listed()
	for _, c := range []struct{ from, to []*rules.Set }{{nil, sets}, {sets, sets[1:]}, {sets[1:], sets[:1]}, {sets[:1], nil}} {
		want, wantDoc := loaded(false, c.from, c.to)
		got, doc := loaded(true, c.to, c.to[:0])
		if strings.TrimSpace(got) != strings.TrimSpace(none) {
			t.Errorf("left behind without nft:\n%s", got)
		}
		if got, doc = loaded(true, nil, c.to); got != want || doc != wantDoc {
			t.Errorf("without nft:\n%s\nby nft:\n%s\n%s\n%s", got, want, doc, wantDoc)
		}
	}
}

// TestGuardWorksWithoutNFT: it refuses, counts, and goes again; anything else still needs the program, and says so.
func TestGuardWorksWithoutNFT(t *testing.T) {
	s, open, guarded := guardSpace(t, "l2")
	s.Rules.tools.withoutNFT = true
	into, _ := plan.Diff(open, guarded, "t")
	if err := s.Check(context.Background(), into); err != nil {
		t.Fatal(err)
	}
	apply(t, s, into.Ops...)
	if arp, ip4 := taken(t, s, ""); arp || ip4 {
		t.Errorf("the guard lets ARP %v, IPv4 %v pass", arp, ip4)
	}
	if h := hits(t, s, "s1", guarded.Node("s1").Rules...); h["guard/b-arp"] != 1 || h["guard/b-ip-from"] != 1 {
		t.Errorf("counted %v", h)
	}
	out, _ := plan.Diff(guarded, open, "t")
	apply(t, s, out.Ops...)
	if arp, ip4 := taken(t, s, ""); !arp || !ip4 {
		t.Errorf("without a guard: ARP %v, IPv4 %v", arp, ip4)
	}
	text := nft("text", "ip x", "table ip x { }")
	err := s.Check(context.Background(), &plan.Plan{Ops: []plan.Op{plan.SetRules{Node: "s1", To: append(guarded.Node("s1").Rules, text)}}})
	if err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("text for nft without nft: %v", err)
	}
}
