package rules

import (
	"fmt"
	"net/netip"
	"strings"
)

// GuardText writes a port guard as a table of nftables' bridge family. What comes in by a port is judged in the hook
// prerouting, since the bridge learns a source behind that hook (net/bridge/br_input.c, br_handle_frame_finish), and it
// must not learn a forged one; what goes out in postrouting, which sees what is forwarded, what is flooded, and what
// the bridge device itself sends.
func (set *Set) GuardText(ports []Guard) {
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
		for _, r := range g.tagMatches() {
			rule(&from, g.Port, r.match, r.what)
		}
		if !g.AnyMAC {
			rule(&from, g.Port, "ether saddr != "+nftSet(g.macs), "-mac")
		}
		if match := g.arpMatch(); match != "" {
			rule(&from, g.Port, match, "-arp")
		}
		if !g.AnyIP {
			match := "meta protocol ip"
			if len(g.ips) > 0 {
				match += " ip saddr != " + nftSet(short(g.ips))
			}
			rule(&from, g.Port, match, "-ip-from")
			rule(&to, g.Port, "meta protocol ip ip daddr != "+nftSet(short(g.reachable())), "-ip-to")
		}
	}
	set.Text = "table " + t.String() + " {\n\tchain from {\n\t\ttype filter hook prerouting priority -300; policy " +
		"accept;\n" + from.String() +
		"\t}\n\tchain to {\n\t\ttype filter hook postrouting priority -200; policy accept;\n" + to.String() + "\t}\n}\n"
}

// tagMatch is a rule against tagged frames, and what its name ends in.
type tagMatch struct{ match, what string }

// tagMatches are true of frames with a tag that nobody behind the port has a use for. Without them four bytes put an
// end to the guard: the kernel takes a tag of VLAN 0, of either kind and also several of them, as none
// (__netif_receive_skb_core in net/core/dev.c), while "ether type" of such a frame is that of the tag. Bridges with
// VLAN filtering take a tag of the port's own VLAN as none. The first tag is in the frame's metadata by then,
// where "ether type" and "vlan id" find it all the same; "meta protocol" is what comes behind it, so the other rules
// judge what is in the tags that may pass.
func (g *Guard) tagMatches() []tagMatch {
	if len(g.VLANs) == 0 {
		return []tagMatch{{"ether type { 8021q, 8021ad }", "-tag"}}
	}
	var words []string
	for _, r := range g.VLANs {
		if words = append(words, fmt.Sprint(r.First)); r.Last > r.First {
			words[len(words)-1] += fmt.Sprintf("-%d", r.Last)
		}
	}
	return []tagMatch{{"vlan id != " + nftSet(words), "-tag"}, {"ether type 8021ad", "-tag-ad"},
		{"meta protocol { 8021q, 8021ad }", "-tag-in"}}
}

// arpMatch is true of ARP that somebody else sends; "" if anybody may.
func (g *Guard) arpMatch() string {
	switch {
	case g.AnyMAC && g.AnyIP:
		return ""
	case g.AnyIP:
		return "meta protocol arp arp saddr ether != " + nftSet(g.macs)
	case g.AnyMAC:
		return "meta protocol arp arp saddr ip != " +
			nftSet(short(uncovered(append([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/32")}, g.ips...))))
	}
	var words []string
	for _, p := range g.pairs {
		words = append(words, p.mac.String()+" . "+shortPrefix(p.ip))
	}
	return "meta protocol arp arp saddr ether . arp saddr ip != " + nftSet(words)
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

// GuardLines writes what iptables can do of a port guard: for each direction of each port a chain, left by what belongs
// to the port. It sees no ARP, and of frames with a tag only IPv4 behind a single one (br_netfilter_hooks.c,
// is_vlan_ip), and that only with bridge-nf-filter-vlan-tagged (bridgeCalls). Chains are called by the set's place in
// its node, since a set's name may be too long for one.
func (set *Set) GuardLines(place int, ports []Guard) {
	add := func(name string, args ...string) {
		if name != "" {
			set.named(name)
		}
		set.Lines = append(set.Lines, Line{Table: "filter", Args: args, Name: name, Pos: set.Pos})
	}
	for i := range ports {
		g := &ports[i]
		if g.AnyIP {
			continue
		}
		for _, d := range []struct {
			name, flag string
			allowed    []netip.Prefix
			chains     []string
			physdev    []string
		}{
			{"-ip-from", "-s", g.ips, []string{"INPUT", "FORWARD"}, []string{"-m", "physdev", "--physdev-in", g.Port}},
			{"-ip-to", "-d", g.reachable(), []string{"FORWARD"},
				[]string{"-m", "physdev", "--physdev-is-bridged", "--physdev-out", g.Port}},
		} {
			chain := fmt.Sprintf("guard%d-%s%s", place, g.Port, strings.TrimPrefix(d.name, "-ip"))
			add("", "-N", chain)
			for _, c := range d.chains {
				add("", append(append([]string{"-A", c}, d.physdev...), "-j", chain)...)
			}
			for _, p := range d.allowed {
				add("", "-A", chain, d.flag, shortPrefix(p), "-j", "RETURN")
			}
			add(g.Port+d.name, "-A", chain, "-j", "DROP")
		}
	}
}
