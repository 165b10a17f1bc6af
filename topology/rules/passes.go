package rules

import (
	"regexp"
	"slices"
	"strings"
)

// Passes are the interfaces of which a packet passes one, in or out: names, or the beginning of names and a "*".
type Passes []string

// Holds reports whether an interface of that name is one of them.
func (p Passes) Holds(name string) bool {
	return slices.ContainsFunc(p, func(s string) bool {
		head, open := strings.CutSuffix(s, "*")
		return s == name || open && strings.HasPrefix(name, head)
	})
}

// Approach is a way to a rule: what must hold of a packet's interfaces all at once, as far as it is written out.
type Approach []Passes

// maxApproaches is how many ways to one chain are told apart. With more, nothing is known of them.
const maxApproaches = 64

// Approaches are, by the name of the set and the key of the rule, the ways on which packets come to the rules of a
// node's loaded sets. A rule that is not in the result may meet packets of any interface.
func Approaches(sets []*Set) map[[2]string][]Approach {
	out := map[[2]string][]Approach{}
	for _, family := range RuleForms()[:2] {
		lineApproaches(sets, family, out)
	}
	for _, set := range sets {
		if set.Form == "port_guard" {
			guardApproaches(set, out)
			continue
		}
		set.nftApproaches(out)
	}
	return out
}

// jump leads from a rule to a chain.
type jump struct {
	from, to string
	passes   []Passes
}

// approachesTo is how packets come to each chain. A chain is not in the result if packets of any interface may come to
// it.
func approachesTo(hooked map[string]Approach, jumps []jump) map[string][]Approach {
	into := map[string][]jump{}
	for _, j := range jumps {
		into[j.to] = append(into[j.to], j)
	}
	out := map[string][]Approach{}
	var of func(chain string, depth int) ([]Approach, bool)
	of = func(chain string, depth int) (list []Approach, known bool) {
		if a, base := hooked[chain]; base {
			return []Approach{a}, true
		}
		for _, j := range into[chain] {
			before, ok := []Approach{nil}, true
			if depth < maxApproaches {
				before, ok = of(j.from, depth+1)
			}
			for _, a := range before {
				list = append(list, slices.Concat(a, Approach(j.passes)))
			}
			if !ok || len(list) > maxApproaches {
				return nil, false
			}
		}
		return list, true
	}
	for chain := range into {
		if list, known := of(chain, 0); known {
			out[chain] = list
		}
	}
	for chain, a := range hooked {
		out[chain] = []Approach{a}
	}
	return out
}

// lineApproaches adds those of the commands of one program.
func lineApproaches(sets []*Set, family string, out map[[2]string][]Approach) {
	hooked, jumps := map[string]Approach{}, []jump(nil)
	for _, t := range ruleTables() {
		for _, c := range t.chains {
			hooked[t.name+" "+c] = nil
		}
	}
	each := func(do func(set *Set, i int, l *Line, chain string)) {
		for _, set := range sets {
			for i := range set.Lines {
				l := &set.Lines[i]
				if set.family() == family && (l.Args[0] == "-A" || l.Args[0] == "-I") {
					do(set, i, l, l.Table+" "+l.Args[1])
				}
			}
		}
	}
	each(func(_ *Set, _ int, l *Line, chain string) {
		if to := l.target(); to != "" {
			jumps = append(jumps, jump{chain, l.Table + " " + to, l.passes()})
		}
	})
	chains := approachesTo(hooked, jumps)
	each(func(set *Set, i int, l *Line, chain string) {
		add(out, [2]string{set.Name, l.key(i)}, chains[chain], l.passes())
	})
}

// add notes the approaches to a rule: those to its chain, and what it asks itself. Rules of one key count together.
func add(out map[[2]string][]Approach, key [2]string, chain []Approach, own []Passes) {
	for _, a := range chain {
		out[key] = append(out[key], slices.Concat(a, Approach(own)))
	}
}

// passes are the interfaces that a command asks for.
func (l *Line) passes() []Passes {
	var out []Passes
	for i, a := range l.Args {
		name, value, joined := strings.Cut(a, "=")
		switch {
		case i == 0 || slices.Contains([]string{"!", "--comment", "--nflog-prefix"}, l.Args[i-1]):
			continue
		case slices.Contains([]string{"-i", "-o", "--in-interface", "--out-interface", "--physdev-in", "--physdev-out"},
			name):
			if !joined && i+1 < len(l.Args) {
				value = l.Args[i+1]
			}
		case len(a) > 2 && (strings.HasPrefix(a, "-i") || strings.HasPrefix(a, "-o")):
			value = a[2:]
		default:
			continue
		}
		if value == "" || value == "!" || value == "+" {
			continue
		}
		if head, open := strings.CutSuffix(value, "+"); open {
			value = head + "*"
		}
		out = append(out, Passes{value})
	}
	return out
}

// guardApproaches adds those of the rules that a port guard writes for nft: each begins with its port.
func guardApproaches(set *Set, out map[[2]string][]Approach) {
	for _, r := range set.guardList() {
		if words := strings.Fields(r.Text); len(words) > 1 {
			add(out, [2]string{set.Name, r.Key}, []Approach{nil}, []Passes{{strings.Trim(words[1], `"`)}})
		}
	}
}

// nftApproaches adds those of a text for nft.
func (set *Set) nftApproaches(out map[[2]string][]Approach) {
	hooked, jumps := map[string]Approach{}, []jump(nil)
	for _, c := range set.chains {
		in := c.table.String() + " "
		if c.hooked {
			hooked[in+c.name] = nil
			if len(c.device) > 1 && !strings.HasPrefix(c.device[1].text, "$") {
				hooked[in+c.name] = Approach{{c.device[1].text}}
			}
		}
		for _, s := range c.rules {
			list := flat(s)
			for i, t := range list[:max(0, len(list)-1)] {
				to := list[i+1]
				switch {
				case t.is("vmap", "jump", "goto") && strings.ContainsAny(to.text[:min(1, len(to.text))], "@$"):
					return // where it leads is written elsewhere
				case t.is("jump", "goto"):
					jumps = append(jumps, jump{in + c.name, in + to.text, nftPasses(s)})
				}
			}
		}
	}
	chains := approachesTo(hooked, jumps)
	for _, c := range set.chains {
		to := chains[c.table.String()+" "+c.name]
		listed := c.listed(set)
		policies := len(listed) - len(c.rules)
		for _, r := range listed[:policies] {
			add(out, [2]string{set.Name, r.Key}, to, nil)
		}
		for i, r := range listed[policies:] {
			add(out, [2]string{set.Name, r.Key}, to, nftPasses(c.rules[i]))
		}
	}
}

// nftPasses are the interfaces that a rule asks for by their names, written out.
func nftPasses(s []nftToken) []Passes {
	var out []Passes
	for i, t := range s {
		if !t.is("iifname", "oifname", "iif", "oif") || i > 0 && s[i-1].is(".", "comment", "prefix") {
			continue
		}
		value := s[i+1:]
		if len(value) > 0 && value[0].is("==", "eq") {
			value = value[1:]
		}
		if len(value) == 0 || len(value) > 1 && value[1].is(".") {
			continue
		}
		names := value[:1]
		if value[0].is("{") {
			names = value[0].inside
		}
		if p := writtenOut(names); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// interfaceWord is what the name of an interface looks like in a text for nft, and is no number.
var interfaceWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\*?$`)

// writtenOut are the names in a list, nil if something in it is none.
func writtenOut(names []nftToken) Passes {
	var p Passes
	for _, n := range names {
		switch {
		case n.is("\n"):
		case n.is("vmap", "map", "ne", "in") || !interfaceWord.MatchString(n.text):
			return nil
		default:
			p = append(p, n.text)
		}
	}
	return p
}

// Divert reports whether rules may send a packet another way than its addresses say, or change these.
func (set *Set) Divert() bool {
	verdicts := []string{"ACCEPT", "DROP", "REJECT", "RETURN", "NFLOG", "CT", "NOTRACK", "TRACE", "TCPMSS"}
	for i := range set.Lines {
		to := set.Lines[i].target()
		isChain := func(l Line) bool { return l.Args[0] == "-N" && l.Args[1] == to }
		if to != "" && !slices.Contains(verdicts, to) && !slices.ContainsFunc(set.Lines, isChain) {
			return true
		}
	}
	for _, c := range set.chains {
		for _, s := range c.rules {
			if slices.ContainsFunc(flat(s), func(t nftToken) bool {
				return t.is("dnat", "snat", "masquerade", "redirect", "tproxy", "dup", "fwd", "set", "queue")
			}) {
				return true
			}
		}
	}
	return false
}
