package sim

import (
	"cmp"
	"net/netip"
	"slices"

	"labctl/topology"
	"labctl/topology/state"
)

// Routing rules: fib_rules_lookup and fib_rule_match (net/core/fib_rules.c), fib4_rule_match, fib4_rule_action and
// fib4_rule_suppress (net/ipv4/fib_rules.c).

// policy is a routing rule of IPv4.
type policy struct {
	not      bool
	from, to netip.Prefix
	iif, oif string
	refuses  refusal // granted: the table is asked
	table    []*route
	suppress int // routes whose prefix is no longer do not count
}

// flow is what a route is looked up for.
type flow struct {
	src, dst uint32
	in       *device // by which it came in; nil: the node itself sends it
	out      *device // by which it has to leave; nil: by any
}

// lookup finds the route of a flow.
func (n *node) lookup(f flow) (*route, refusal) {
	if n.odd != "" {
		n.w.doubt(NotModelled, "%s", n.odd)
	}
	if n.blurred != "" {
		n.w.doubt(NotModelled, "%s", n.blurred)
	}
	for _, p := range n.policies {
		switch {
		case !p.takes(f):
		case p.refuses != granted:
			return nil, p.refuses
		default:
			r := find(p.table, f)
			if r == nil {
				continue
			}
			if got, no := r.verdict(); no != granted || r.bits > p.suppress {
				return got, no
			}
		}
	}
	return nil, noRoute
}

// takes reports whether a rule is about a flow.
func (p *policy) takes(f flow) bool {
	in, out := topology.LoopbackName, ""
	if f.in != nil {
		in = f.in.name
	}
	if f.out != nil {
		out = f.out.name
	}
	fits := covers(p.from, f.src) && covers(p.to, f.dst) && (p.iif == "" || p.iif == in) &&
		(p.oif == "" || p.oif == out)
	return fits != p.not
}

func covers(p netip.Prefix, ip uint32) bool {
	return !p.IsValid() || (number(p.Addr())^ip)&mask(p.Bits()) == 0
}

// verdict is the route, or the refusal that its type is.
func (r *route) verdict() (*route, refusal) {
	switch r.typ {
	case routeBlackhole:
		return nil, blackholeRoute
	case routeUnreachable:
		return nil, unreachableRoute
	case routeProhibit:
		return nil, prohibitRoute
	}
	return r, granted
}

// find is the first route of a table that fits (fib_table_lookup, net/ipv4/fib_trie.c).
func find(table []*route, f flow) *route {
	for _, r := range table {
		if (f.dst^r.dst)&mask(r.bits) != 0 || f.out != nil && r.dev != nil && r.dev != f.out ||
			r.down && r.dev.conf.linkdownIgnored {
			continue
		}
		return r
	}
	return nil
}

// refusalsOfRules are the actions of rules that refuse, by their names in ip-rule(8): "unreachable" is ENETUNREACH
// here, other than of a route (fib4_rule_action).
func refusalsOfRules() map[string]refusal {
	return map[string]refusal{"blackhole": blackholeRoute, "prohibit": prohibitRoute, "unreachable": noRoute}
}

// oddPolicy reports whether a routing rule has something that is not modelled.
func oddPolicy(p *state.Policy) bool {
	known := topology.IPRule{Priority: p.Priority, Not: p.Not, From: p.From, To: p.To, IIF: p.IIF, OIF: p.OIF,
		Action: p.Action, Table: p.Table, Suppress: p.Suppress}
	_, refuses := refusalsOfRules()[p.Action]
	return p.IPRule != known || p.Action != "table" && !refuses
}

// kernelsOwn reports whether routing rules of IPv4 are the three that every node has (fib_default_rules_init,
// net/ipv4/fib_rules.c).
func kernelsOwn(list []state.Policy) bool {
	var own []topology.IPRule
	for _, p := range list {
		if p.Family == 4 {
			own = append(own, p.IPRule)
		}
	}
	rule := func(priority, table uint32) topology.IPRule {
		return topology.IPRule{Priority: priority, Action: "table", Table: table, Suppress: -1}
	}
	return slices.Equal(own, []topology.IPRule{rule(0, state.LocalTable), rule(32766, 0),
		rule(32767, state.DefaultTable)})
}

// layPolicies gives a node its routing rules, after its routes. What redirects have taught before other rules is not
// modelled.
func layPolicies(n *node, s *state.Node) {
	n.policies = nil
	for i := range s.Policies {
		p := &s.Policies[i]
		if p.Family != 4 {
			continue
		}
		k := &policy{not: p.Not, from: p.From, to: p.To, iif: p.IIF, oif: p.OIF, suppress: p.Suppress,
			table: n.tables[int(cmp.Or(p.Table, state.MainTable))]}
		if p.Action != "table" {
			k.refuses = refusalsOfRules()[p.Action]
		}
		n.policies = append(n.policies, k)
	}
	n.ruled = n.ruled || !kernelsOwn(s.Policies)
	if n.ruled && len(n.turned) > 0 {
		n.blurred = n.name + " has got routing rules after redirects"
	}
}
