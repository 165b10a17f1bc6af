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
	"labctl/topology/rules"
)

// RuleCount is what one rule has counted since its set was loaded. Rules of one name in a set count together. Rule is
// the Key of a [topology.ListedRule]: a rule's name, or something that is none; the policies of iptables that refuse
// are among them.
type RuleCount struct {
	Set, Rule      string
	Packets, Bytes uint64
}

// Counts reads the counters of a node's loaded rules, in the order in which the kernel has them, iptables first. A
// rule that counts nothing (nft's without "counter") is not in it. Reading resets nothing.
func (r *Rules) Counts(ctx context.Context, n *topology.Node) ([]RuleCount, error) {
	sets := n.Loaded()
	if in, err := r.space.of(n.Name); err == nil {
		if all, err := in.dumpRules(); err == nil {
			if out, complete := all.counts(sets); complete {
				return addUp(out), nil
			}
		}
	}
	return r.printedCounts(ctx, n, sets)
}

// printedCounts is Counts by the programs that print rules, for what nf_tables does not have.
func (r *Rules) printedCounts(ctx context.Context, n *topology.Node, sets []*rules.Set) ([]RuleCount, error) {
	var out []RuleCount
	for _, tool := range []string{"iptables", "ip6tables"} {
		if !slices.ContainsFunc(sets, func(set *rules.Set) bool { return xtTool(set) == tool }) {
			continue
		}
		name := tool + "-save"
		text, words, err := r.tools.call(ctx, n.Name, "", name, "-c")
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %s: %w", n.Name, name, toolWords(words), err)
		}
		out = append(out, savedCounts(text)...)
		out = append(out, savedPolicies(text,
			slices.DeleteFunc(slices.Clone(sets), func(set *rules.Set) bool { return xtTool(set) != tool }))...)
	}
	if slices.ContainsFunc(sets, func(r *rules.Set) bool { return r.Text != "" }) {
		if r.tools.guardsWithoutNFT(sets) {
			in, err := r.space.of(n.Name)
			if err != nil {
				return nil, err
			}
			guards, err := guardCounts(in, n)
			return append(out, guards...), err
		}
		text, words, err := r.tools.call(ctx, n.Name, "", "nft", "-j", "list", "ruleset")
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

// Hits is Counts as packets by "set/rule", of the rules that have a name.
func (r *Rules) Hits(ctx context.Context, n *topology.Node) (map[string]uint64, error) {
	list, err := r.Counts(ctx, n)
	if err != nil {
		return nil, err
	}
	out := map[string]uint64{}
	for _, c := range list {
		if set := n.RuleSet(c.Set); set != nil && slices.Contains(set.Names, c.Rule) {
			out[c.Set+"/"+c.Rule] = c.Packets
		}
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

var savedRule = regexp.MustCompile(`^\[(\d+):(\d+)\] -A .*?--comment "?` + rules.Comment(`([^\s"/]+)`, `([^\s"]+)`))

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

var savedPolicy = regexp.MustCompile(`^:(\S+) DROP \[(\d+):(\d+)\]`)

// savedPolicies reads the counters of policies that refuse, for each set that wants them so.
func savedPolicies(text string, sets []*rules.Set) []RuleCount {
	var out []RuleCount
	table := ""
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "*"); ok {
			table = name
		}
		m := savedPolicy.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		packets, _ := strconv.ParseUint(m[2], 10, 64)
		bytes, _ := strconv.ParseUint(m[3], 10, 64)
		name := rules.PolicyName(table, m[1])
		for _, set := range sets {
			if slices.ContainsFunc(set.Listed(), func(r rules.Rule) bool { return r.Key == name }) {
				out = append(out, RuleCount{set.Name, name, packets, bytes})
			}
		}
	}
	return out
}

// nftObject is one element of what "nft -j" prints (libnftables-json(5)), as far as counters are concerned.
type nftObject struct {
	Rule    *nftRule
	Counter *struct {
		Family, Table, Name string
		nftCounter
	}
}

type nftRule struct {
	Family, Table, Chain, Comment string
	Expr                          []map[string]json.RawMessage
}

func (r *nftRule) table() rules.NFTable { return rules.NFTable{Family: r.Family, Name: r.Table} }

// nftChain is a chain of a table.
type nftChain struct {
	table rules.NFTable
	name  string
}

type nftCounter struct{ Packets, Bytes uint64 }

// nftCounts finds the rules of the sets in nft's JSON. A counter may be the rule's own or a named one.
func nftCounts(doc []byte, sets []*rules.Set) ([]RuleCount, error) {
	var d struct{ Nftables []nftObject }
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("read nft's JSON: %w", err)
	}
	all := dumpedRules{named: map[[3]string]nftCounter{}}
	for _, o := range d.Nftables {
		if c := o.Counter; c != nil {
			all.named[[3]string{c.Family, c.Table, c.Name}] = c.nftCounter
		}
		if o.Rule != nil {
			all.rules = append(all.rules, *o.Rule)
		}
	}
	return all.ofText(sets), nil
}

// ofText finds the rules of the sets that are nft's text by table and comment, and those without a name by their place.
func (s *dumpedRules) ofText(sets []*rules.Set) (out []RuleCount) {
	listed := map[nftChain]int{}
	for i := range s.rules {
		listed[nftChain{s.rules[i].table(), s.rules[i].Chain}]++
	}
	passed := map[nftChain]int{}
	for i := range s.rules {
		r := &s.rules[i]
		in := nftChain{r.table(), r.Chain}
		index := passed[in]
		passed[in]++
		set, key := setOf(sets, r.table(), r.Comment), r.Comment
		if set == "" {
			set, key = byPlace(sets, in, index, listed[in])
		}
		if c, ok := r.counter(s.named); ok && set != "" {
			out = append(out, RuleCount{set, key, c.Packets, c.Bytes})
		}
	}
	return out
}

// counter finds what a rule has counted.
func (r *nftRule) counter(named map[[3]string]nftCounter) (c nftCounter, ok bool) {
	for _, e := range r.Expr {
		var name string
		switch raw := e["counter"]; {
		case raw == nil:
			continue
		case json.Unmarshal(raw, &name) == nil:
			return named[[3]string{r.Family, r.Table, name}], true
		case json.Unmarshal(raw, &c) == nil:
			return c, true
		}
	}
	return c, false
}

// byPlace finds the set and the key of a rule without a name.
func byPlace(sets []*rules.Set, in nftChain, index, listed int) (set, key string) {
	for _, s := range sets {
		if keys := s.ByPlace(in.table, in.name, listed); keys != nil && keys[index] != "" {
			return s.Name, keys[index]
		}
	}
	return "", ""
}

// setOf finds the set that a rule of a table belongs to.
func setOf(sets []*rules.Set, table rules.NFTable, rule string) string {
	for _, r := range sets {
		if slices.Contains(r.Names, rule) && slices.Contains(r.Tables, table) {
			return r.Name
		}
	}
	return ""
}
