package rules

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is a line of a set as lists of rules show it: a rule, or a chain's policy that refuses.
type Rule struct {
	Name    string // "" if it has none; that of a policy is "FORWARD policy"
	Key     string // what its counter is called by: unlike any other of the set, and the name if it has one
	Text    string
	Refuses bool          // what it meets goes no further
	Meets   [3]Meets      // by [Traffic]
	nft     *rulePosition // of a rule without a name
}

// rulePosition is where a rule of nft is.
type rulePosition struct {
	table NFTable
	chain string
	index int // from 0
}

// Listed are the rules of the set and the policies that refuse, in the order of the file. Lines that only make a chain
// are none.
func (set *Set) Listed() []Rule {
	var out []Rule
	for i := range set.Lines {
		l := &set.Lines[i]
		r := Rule{Name: l.Name, Key: l.key(i), Text: set.family() + " " + strings.Join(l.Args, " ")}
		if l.Table != "" && l.Table != "filter" {
			r.Text = set.family() + " -t " + l.Table + " " + strings.Join(l.Args, " ")
		}
		switch {
		case l.Args[0] == "-N", l.Args[0] == "-P" && l.Args[2] != "DROP":
			continue
		case l.Args[0] == "-P":
			r.Name, r.Refuses = PolicyName(l.Table, l.Args[1]), true
			r.Key = r.Name
		default:
			r.Refuses, r.Meets = l.target() == "DROP" || l.target() == "REJECT", of(l.meets)
		}
		out = append(out, r)
	}
	if set.Form == "port_guard" {
		return append(out, set.guardList()...)
	}
	for _, c := range set.chains {
		out = append(out, c.listed(set)...)
	}
	return out
}

// PolicyName is what a chain's policy is called where rules are; no rule can be called so.
func PolicyName(table, chain string) string {
	if table != "filter" {
		chain = table + " " + chain
	}
	return chain + " policy"
}

// key is what a line of iptables, the set's i-th, is called in the kernel.
func (l *Line) key(i int) string {
	if l.Name != "" {
		return l.Name
	}
	return fmt.Sprintf("#%d", i)
}

// key is the same for a rule of nft, which says nothing of it in the kernel: it is found by its place.
func (p rulePosition) key() string { return fmt.Sprintf("#%s %s %d", p.table, p.chain, p.index) }

// guardList are the rules of a port guard's text.
func (set *Set) guardList() []Rule {
	var out []Rule
	for line := range strings.Lines(set.Text) {
		if match, name, ok := strings.Cut(strings.TrimSpace(line), ` comment "`); ok {
			name = strings.TrimSuffix(name, `"`)
			out = append(out, Rule{Name: name, Key: name, Text: match, Refuses: true})
		}
	}
	return out
}

// listed are the rules of a chain and its policy.
func (c *nftChain) listed(set *Set) []Rule {
	at := "nft " + c.table.String() + " " + c.name + ": "
	var out []Rule
	if c.policy.text != "" {
		name := PolicyName("filter", c.name)
		out = append(out, Rule{Name: name, Key: "#policy " + at, Text: at + "policy drop", Refuses: true})
	}
	for i, s := range c.rules {
		p := rulePosition{c.table, c.name, i}
		r := Rule{Key: p.key(), nft: &p, Meets: of(func(t Traffic) Meets { return t.nftMeets(s) }),
			Refuses: slices.ContainsFunc(s, func(t nftToken) bool { return t.is("drop", "reject") })}
		if k := slices.IndexFunc(s, func(t nftToken) bool { return t.is("comment") }); k >= 0 && k+1 < len(s) &&
			set.Has(s[k+1].text) {
			r.Name = s[k+1].text
			r.Key, r.nft = r.Name, nil
			s = slices.Delete(slices.Clone(s), k, k+2)
		}
		r.Text = at + nftWords(s)
		out = append(out, r)
	}
	return out
}

// nftWords is a statement as it might be written.
func nftWords(s []nftToken) string {
	var words []string
	for _, t := range s {
		w := t.text
		switch {
		case t.is("\n"):
			continue
		case t.quoted:
			w = `"` + w + `"`
		case t.is("{"):
			w = "{ " + nftWords(t.inside) + " }"
		}
		if t.comma {
			w += ","
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// ByPlace finds the keys of the rules without a name that are in a chain: of a rule set whose text the kernel has
// taken as it is, in its order. The result has one key for each rule of the chain, "" for those with a name; it is nil
// if the chain has another number of rules than the set gave it, or is none of the set's.
func (set *Set) ByPlace(table NFTable, chain string, rules int) []string {
	for _, c := range set.chains {
		if c.table != table || c.name != chain || len(c.rules) != rules {
			continue
		}
		keys := make([]string, rules)
		for _, r := range c.listed(set) {
			if r.nft != nil {
				keys[r.nft.index] = r.Key
			}
		}
		return keys
	}
	return nil
}
