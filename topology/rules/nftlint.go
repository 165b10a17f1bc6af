package rules

import (
	"slices"
	"strings"
)

// nftChain is a chain of a text for nft.
type nftChain struct {
	table  NFTable
	name   string
	hooked bool       // the kernel gives it packets; others are jumped to
	policy nftToken   // "drop" behind "policy"
	device []nftToken // what it is hooked to: "device" and the name behind it
	rules  [][]nftToken
	first  [][]nftToken // those put in front, the last one first, until they are joined
	made   bool         // the text makes it, and does not only add to it
	at     nftToken     // where it is first named outside its table
}

// chain finds a chain of the table at hand, or makes it known.
func (r *nftReader) chain(table NFTable, name string) *nftChain {
	if c := r.known[nftPosition{table, name}]; c != nil {
		return c
	}
	c := &nftChain{table: table, name: name}
	if r.known == nil {
		r.known = map[nftPosition]*nftChain{}
	}
	r.known[nftPosition{table, name}] = c
	r.set.chains = append(r.set.chains, c)
	return c
}

// about reads a statement that says what a chain is.
func (c *nftChain) about(s []nftToken) {
	for i, t := range s {
		c.hooked = c.hooked || t.is("hook")
		if t.is("policy") && i+1 < len(s) {
			if c.policy = (nftToken{}); s[i+1].is("drop") {
				c.policy = s[i+1]
			}
		}
		if t.is("device") {
			c.device = s[i:min(i+2, len(s))]
		}
		c.about(t.inside)
	}
}

// outside reads a chain or a rule that is named outside its table: chain [FAMILY] TABLE NAME …
func (r *nftReader) outside(s []nftToken, first bool) {
	table, words := NFTable{Family: "ip"}, s[1:]
	if len(words) > 0 && words[0].is(nftFamilies()...) {
		table.Family, words = words[0].text, words[1:]
	}
	if len(words) < 2 {
		return // nft says what is missing
	}
	table.Name = words[0].text
	c := r.chain(table, words[1].text)
	if c.at.text == "" {
		c.at = words[0]
		if r.tables[table] {
			c.at = words[1]
		}
	}
	switch {
	case s[0].is("chain"):
		c.made = r.tables[table]
		c.about(words[2:])
		for _, t := range words[2:] {
			if t.is("{") && len(t.inside) > 0 {
				r.base(c, t.inside)
			}
		}
	case first:
		c.first = append(c.first, words[2:])
	default:
		c.rules = append(c.rules, words[2:])
	}
}

// join puts the rules that are inserted in front of the others, when all are read.
func (c *nftChain) join() {
	if len(c.first) > 0 {
		slices.Reverse(c.first)
		c.rules, c.first = append(c.first, c.rules...), nil
	}
}

// hookEffects is what becomes of frames in each chain of a bridge that the kernel gives some. An accept in one of them
// ends only that one.
func (set *Set) hookEffects(tr *tracer) [][]ruleEffect {
	var out [][]ruleEffect
	for _, c := range set.chains {
		if c.table.Family != "bridge" || !c.hooked {
			continue
		}
		list := slices.Clone(set.effectsOf(tr, c, ruleEffect{all: true}))
		if c.policy.text != "" {
			list = append(list, ruleEffect{set: set, pos: c.policy.pos, name: "the policy of " + c.name, refuses: true,
				all: true})
		}
		out = append(out, list)
	}
	return out
}

// effectsOf follows a chain as [fates] does for iptables.
func (set *Set) effectsOf(tr *tracer, c *nftChain, in ruleEffect) []ruleEffect {
	in = ruleEffect{byPort: in.byPort, old: in.old, all: in.all} // nothing else is asked of it
	return tr.once(traced{c, in}, func() []ruleEffect { return set.chainEffects(tr, c, in) })
}

func (set *Set) chainEffects(tr *tracer, c *nftChain, in ruleEffect) (out []ruleEffect) {
	for _, s := range c.rules {
		if len(s) == 0 {
			continue
		}
		words := flat(s)
		if !tr.look(len(words)) {
			return nil
		}
		has := func(list ...string) bool {
			return slices.ContainsFunc(words, func(t nftToken) bool { return t.is(list...) })
		}
		old, verdict := established(s)
		f := ruleEffect{set: set, pos: s[0].pos, width: s[0].width, name: "a refusal", old: in.old || old,
			byPort: in.byPort || has("iifname", "oifname", "iif", "oif"),
			all:    in.all && s[0].is("drop", "reject", "counter", "log", "jump", "goto")}
		if f.byPort {
			f.name = "a refusal by port"
		}
		if i := slices.IndexFunc(s, func(t nftToken) bool { return t.is("comment") }); i >= 0 && i+1 < len(s) &&
			set.Has(s[i+1].text) {
			f.name = set.Name + "/" + s[i+1].text
		}
		for i, t := range words {
			if !t.is("jump", "goto") || i+1 == len(words) {
				continue
			}
			if to := tr.chain(set, c.table, words[i+1].text); to != nil {
				out = append(out, set.effectsOf(tr, to, f)...)
			}
		}
		f.accepts, f.refuses = has("accept") || f.byPort && has("return"), has("drop", "reject")
		if verdict != "" {
			f.accepts = verdict == "accept"
		}
		if f.accepts || f.refuses {
			out = append(out, f)
		}
	}
	return out
}

// flat are the words of a statement with those of the sets in it.
func flat(s []nftToken) (out []nftToken) {
	for _, t := range s {
		out = append(append(out, t), flat(t.inside)...)
	}
	return out
}

// established reports whether a statement looks at the state of a connection and meets what is established; with a map
// of verdicts, also what it does then.
func established(s []nftToken) (meets bool, verdict string) {
	at := slices.IndexFunc(s, func(t nftToken) bool { return t.is("state") })
	if at < 1 || !s[at-1].is("ct") || at+1 == len(s) {
		return false, ""
	}
	rest := s[at+1:]
	if rest[0].is("vmap") {
		words := flat(rest)
		for i, t := range words[:len(words)-1] {
			if strings.TrimSuffix(t.text, ":") == "established" {
				next := words[i+1:]
				if next[0].is(":") && len(next) > 1 {
					next = next[1:]
				}
				return true, next[0].text
			}
		}
		return false, "nothing"
	}
	// The state may be a word, a set, or part of a sum of bits.
	named := slices.ContainsFunc(flat(rest),
		func(t nftToken) bool { return !t.quoted && strings.Contains(t.text, "established") })
	return named != rest[0].is("!="), ""
}
