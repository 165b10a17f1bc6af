package topology

import (
	"fmt"
	"net/netip"
	"strings"
)

// guardText writes a port guard as a table of nftables' bridge family. What comes in by a port is judged in the hook
// prerouting, since the bridge learns a source behind that hook (net/bridge/br_input.c, br_handle_frame_finish), and it
// shall not learn a forged one; what goes out in postrouting, which sees what is forwarded, what is flooded, and what the
// bridge device itself sends.
func (set *RuleSet) guardText(ports []guarded) {
	t := NFTable{"bridge", "labctl-" + set.Name}
	set.Tables = []NFTable{t}
	var from, to strings.Builder
	rule := func(b *strings.Builder, port, match, what string) {
		set.named(port + what)
		key := "iifname"
		if b == &to {
			key = "oifname"
		}
		fmt.Fprintf(b, "\t\t%s %q %s counter drop comment %q\n", key, port, match, port+what)
	}
	for i := range ports {
		g := &ports[i]
		if !g.anyMAC {
			rule(&from, g.port, "ether saddr != "+nftSet(g.macs), "-mac")
		}
		if match := g.arpMatch(); match != "" {
			rule(&from, g.port, match, "-arp")
		}
		if !g.anyIP {
			match := "ether type ip"
			if len(g.ips) > 0 {
				match += " ip saddr != " + nftSet(short(g.ips))
			}
			rule(&from, g.port, match, "-ip-from")
			rule(&to, g.port, "ether type ip ip daddr != "+nftSet(short(g.reachable())), "-ip-to")
		}
	}
	set.Text = "table " + t.String() + " {\n\tchain from {\n\t\ttype filter hook prerouting priority -300; policy accept;\n" + from.String() +
		"\t}\n\tchain to {\n\t\ttype filter hook postrouting priority -200; policy accept;\n" + to.String() + "\t}\n}\n"
}

// arpMatch is true of ARP that somebody else sends; "" if anybody may.
func (g *guarded) arpMatch() string {
	switch {
	case g.anyMAC && g.anyIP:
		return ""
	case g.anyIP:
		return "ether type arp arp saddr ether != " + nftSet(g.macs)
	case g.anyMAC:
		return "ether type arp arp saddr ip != " + nftSet(short(uncovered(append([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/32")}, g.ips...))))
	}
	var words []string
	for _, p := range g.pairs {
		words = append(words, p.mac.String()+" . "+shortPrefix(p.ip))
	}
	return "ether type arp arp saddr ether . arp saddr ip != " + nftSet(words)
}

func nftSet[T any](list []T) string {
	var words []string
	for _, x := range list {
		words = append(words, fmt.Sprint(x))
	}
	return "{ " + strings.Join(words, ", ") + " }"
}

// short are prefixes without the length of those that are one address.
func short(ps []netip.Prefix) []string {
	var out []string
	for _, p := range ps {
		out = append(out, shortPrefix(p))
	}
	return out
}

func shortPrefix(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// guardLines writes what iptables can do of a port guard: for each direction of each port a chain, left by what belongs to
// the port. Chains are called by the set's place in its node, since a set's name may be too long for one.
func (set *RuleSet) guardLines(place int, ports []guarded) {
	add := func(name string, args ...string) {
		if name != "" {
			set.named(name)
		}
		set.Lines = append(set.Lines, RuleLine{Table: "filter", Args: args, Name: name, Pos: set.Pos})
	}
	for i := range ports {
		g := &ports[i]
		if g.anyIP {
			continue
		}
		for _, d := range []struct {
			name, flag string
			allowed    []netip.Prefix
			chains     []string
			physdev    []string
		}{
			{"-ip-from", "-s", g.ips, []string{"INPUT", "FORWARD"}, []string{"-m", "physdev", "--physdev-in", g.port}},
			{"-ip-to", "-d", g.reachable(), []string{"FORWARD"}, []string{"-m", "physdev", "--physdev-is-bridged", "--physdev-out", g.port}},
		} {
			chain := fmt.Sprintf("guard%d-%s%s", place, g.port, strings.TrimPrefix(d.name, "-ip"))
			add("", "-N", chain)
			for _, c := range d.chains {
				add("", append(append([]string{"-A", c}, d.physdev...), "-j", chain)...)
			}
			for _, p := range d.allowed {
				add("", "-A", chain, d.flag, shortPrefix(p), "-j", "RETURN")
			}
			add(g.port+d.name, "-A", chain, "-j", "DROP")
		}
	}
}
