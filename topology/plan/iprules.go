package plan

import (
	"fmt"
	"slices"

	"labctl/topology"
)

type (
	// AddIPRule adds a rule of routing policy.
	AddIPRule struct {
		Node string
		topology.IPRule
	}

	// DelIPRule removes it. One that is gone is no error.
	DelIPRule struct {
		Node string
		topology.IPRule
	}
)

func (o AddIPRule) shell(ns func(string) string) string {
	return "ip" + ruleFamily(o.IPRule) + " -n " + ns(o.Node) + " rule add " + o.IPRule.String()
}

func (o DelIPRule) shell(ns func(string) string) string {
	return tolerant("ip" + ruleFamily(o.IPRule) + " -n " + ns(o.Node) + " rule del " + o.IPRule.String())
}

func ruleFamily(r topology.IPRule) string {
	if r.V6 {
		return " -6"
	}
	return ""
}

// dropIPRules removes the rules of a node that are not the new one's. Where its routes are written again they all go:
// the kernel looks up the gateway of a route by the rules that there are (fib_check_nh_v4_gw, ip6_route_check_nh), and
// one that prohibits would have it refuse the route.
func (d *differ) dropIPRules(o, n *topology.Node) {
	for _, r := range o.IPRules {
		if d.readdress[n.Name] || !slices.Contains(n.IPRules, r) {
			d.add(DelIPRule{o.Name, r})
		}
	}
}

// addIPRules adds those that are missing, and says what changes.
func (d *differ) addIPRules(n *topology.Node) {
	o := d.old[n.Name]
	if o == nil || d.rebuilt[n.Name] {
		o = &topology.Node{}
	}
	for _, r := range n.IPRules {
		if d.readdress[n.Name] || !slices.Contains(o.IPRules, r) {
			d.add(AddIPRule{n.Name, r})
		}
	}
	if !d.rebuilt[n.Name] {
		d.sayEntries(n.Name, ipRuleEntries(o), ipRuleEntries(n))
	}
}

// ipRuleEntries are the rules of a node in the words of ip rule, by their priority.
func ipRuleEntries(n *topology.Node) []entry {
	var out []entry
	for _, r := range n.IPRules {
		key := fmt.Sprintf("ip rule %d", r.Priority)
		if r.V6 {
			key = fmt.Sprintf("ip -6 rule %d", r.Priority)
		}
		out = append(out, entry{key, r.Selects()})
	}
	return out
}
