//go:build linux

package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"labctl/topology"
)

// RuleCount is what one rule has counted since its set was loaded. Rules of one name in a set count together.
type RuleCount struct {
	Set, Rule      string
	Packets, Bytes uint64
}

// RuleCounts reads the counters of a node's loaded rules, in the order in which they stand in the kernel, iptables first. A
// rule that counts nothing (nft's without "counter") is not in it. Reading resets nothing.
func (s *Space) RuleCounts(ctx context.Context, n *topology.Node) ([]RuleCount, error) {
	sets := n.Loaded()
	var out []RuleCount
	for _, tool := range []string{"iptables", "ip6tables"} {
		if !slices.ContainsFunc(sets, func(set *topology.RuleSet) bool { return xtTool(set) == tool }) {
			continue
		}
		name := tool + "-save"
		text, words, err := s.call(ctx, n.Name, "", name, "-c")
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %s: %w", n.Name, name, toolWords(words), err)
		}
		out = append(out, savedCounts(text)...)
	}
	if slices.ContainsFunc(sets, func(r *topology.RuleSet) bool { return r.Text != "" }) {
		text, words, err := s.call(ctx, n.Name, "", "nft", "-j", "list", "ruleset")
		if err != nil {
			return nil, fmt.Errorf("%s: nft: %s: %w", n.Name, toolWords(words), err)
		}
		more, err := nftCounts([]byte(text), sets)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		out = append(out, more...)
	}
	return addUp(out), nil
}

// RuleHits is RuleCounts as packets by "set/rule".
func (s *Space) RuleHits(ctx context.Context, n *topology.Node) (map[string]uint64, error) {
	list, err := s.RuleCounts(ctx, n)
	if err != nil {
		return nil, err
	}
	out := map[string]uint64{}
	for _, c := range list {
		out[c.Set+"/"+c.Rule] = c.Packets
	}
	return out, nil
}

// addUp makes one of rules that have the same name.
func addUp(list []RuleCount) []RuleCount {
	var out []RuleCount
	for _, c := range list {
		i := slices.IndexFunc(out, func(o RuleCount) bool { return o.Set == c.Set && o.Rule == c.Rule })
		if i < 0 {
			out = append(out, c)
			continue
		}
		out[i].Packets += c.Packets
		out[i].Bytes += c.Bytes
	}
	return out
}

var savedRule = regexp.MustCompile(`^\[(\d+):(\d+)\] -A .*?--comment "?` + topology.RuleComment(`([^\s"/]+)`, `([^\s"]+)`))

// savedCounts reads what "iptables-save -c" printed.
func savedCounts(text string) []RuleCount {
	var out []RuleCount
	for line := range strings.Lines(text) {
		m := savedRule.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		packets, _ := strconv.ParseUint(m[1], 10, 64)
		bytes, _ := strconv.ParseUint(m[2], 10, 64)
		out = append(out, RuleCount{m[3], m[4], packets, bytes})
	}
	return out
}

// nftObject is one element of what "nft -j" prints (libnftables-json(5)), as far as counters are concerned.
type nftObject struct {
	Rule *struct {
		Family, Table, Comment string
		Expr                   []map[string]json.RawMessage
	}
	Counter *struct {
		Family, Table, Name string
		nftCounter
	}
}

type nftCounter struct{ Packets, Bytes uint64 }

// nftCounts finds the rules of the sets in nft's JSON by table and comment. A counter may be the rule's own or a named one.
func nftCounts(doc []byte, sets []*topology.RuleSet) ([]RuleCount, error) {
	var d struct{ Nftables []nftObject }
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("read nft's JSON: %w", err)
	}
	named := map[[3]string]nftCounter{}
	for _, o := range d.Nftables {
		if c := o.Counter; c != nil {
			named[[3]string{c.Family, c.Table, c.Name}] = c.nftCounter
		}
	}
	var out []RuleCount
	for _, o := range d.Nftables {
		r := o.Rule
		if r == nil || r.Comment == "" {
			continue
		}
		set := setOf(sets, topology.NFTable{Family: r.Family, Name: r.Table}, r.Comment)
		if set == "" {
			continue
		}
		for _, e := range r.Expr {
			var c nftCounter
			var name string
			switch raw := e["counter"]; {
			case raw == nil:
				continue
			case json.Unmarshal(raw, &name) == nil:
				c = named[[3]string{r.Family, r.Table, name}]
			case json.Unmarshal(raw, &c) != nil:
				continue
			}
			out = append(out, RuleCount{set, r.Comment, c.Packets, c.Bytes})
			break
		}
	}
	return out, nil
}

// setOf finds the set that a rule of a table belongs to.
func setOf(sets []*topology.RuleSet, table topology.NFTable, rule string) string {
	for _, r := range sets {
		if slices.Contains(r.Names, rule) && slices.Contains(r.Tables, table) {
			return r.Name
		}
	}
	return ""
}
