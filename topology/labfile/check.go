package labfile

import (
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// duplicates refuses an address or a literal MAC on two nodes: in most files that is a slip. What is listed under "names"
// is meant so.
func (b *build) duplicates() {
	meantIP, meantMAC := map[netip.Addr]bool{}, map[switchcore.MAC]bool{}
	for _, e := range b.lab.Names {
		meantIP[e.IP], meantMAC[e.MAC] = true, true
	}
	type owner struct {
		*made
		at problem.Pos
	}
	ips, macs := map[netip.Addr]owner{}, map[switchcore.MAC]owner{}
	for _, m := range b.all {
		for i, p := range m.Addrs {
			a := p.Addr()
			at := owner{m, b.at(m.addrs[i])}
			was, twice := ips[a]
			switch {
			case !twice:
				ips[a] = at
			case was.machine() != m.machine() && !meantIP[a] && !a.IsLinkLocalUnicast():
				b.errorf(m.addrs[i], problem.PathKey(m.path, "ip"), "%s; for a purpose list it under \"names\"", onBoth(a.String(), was.machine().full, was.at, m.machine().full, at.at.Line))
			}
		}
		if m.ownMAC == nil || m.MAC.IsZero() || meantMAC[m.MAC] {
			continue
		}
		at := owner{m, b.at(m.ownMAC)}
		was, twice := macs[m.MAC]
		switch {
		case !twice:
			macs[m.MAC] = at
		case was.machine() != m.machine():
			b.errorf(m.ownMAC, problem.PathKey(m.path, "mac"), "%s; for a purpose list it under \"names\"", onBoth(m.MAC.String(), was.machine().full, was.at, m.machine().full, at.at.Line))
		}
	}
}

// warnings says what is legal and probably not meant.
func (b *build) warnings() {
	if b.failed() { // what seems odd may follow from what is wrong
		return
	}
	used := map[*site]bool{}
	for _, m := range b.all {
		if m.link != nil {
			used[m.site] = true
		}
		if m.uplinkOf != nil {
			used[m.uplinkOf] = true
		}
		if m.above != nil && m.above.site != m.site {
			used[m.site], used[m.above.site] = true, true
		}
	}
	for _, m := range b.all {
		if m.Type == topology.BridgeLink {
			b.treeTimers(m)
		}
	}
	b.ringTrap()
	b.sizeTrap()
	for _, s := range b.sites {
		n := b.node[s]
		if n == nil {
			continue
		}
		if !used[s] && len(b.ends[s]) == 0 && len(s.inner) == 0 {
			b.warnf(s.key, s.path, "no link ends on %s", s.full)
		}
		b.notOfAHost(s)
		b.arpTrap(s, n)
		b.establishedTrap(n, b.path(s))
		b.blindGuard(n, b.path(s))
		b.ruleNames(s, n, b.path(s))
	}
}

// notOfAHost warns of addresses that are their network's own: its first, which RFC 1122 (3.2.1.3) reserves and Linux takes for a host's
// since 5.14, its last, which everybody else there takes for broadcast, and the first of an IPv6 prefix, which any router there answers
// for (RFC 4291, 2.6.1). Networks of two or of one have none of these (RFC 3021, RFC 6164).
func (b *build) notOfAHost(s *site) {
	for _, m := range b.of[s] {
		for i, p := range m.Addrs {
			what := ""
			switch a := p.Addr(); {
			case a.BitLen()-p.Bits() < 2:
			case a == p.Masked().Addr() && a.Is4():
				what = "the network address"
			case a == p.Masked().Addr():
				what = "the subnet-router anycast address"
			case a.Is4() && a == lastOf(p):
				what = "the broadcast address"
			}
			if what != "" {
				b.warnf(m.addrs[i], problem.PathKey(m.path, "ip"), "%s is %s of %s, which no host should have; give %s another one", p.Addr(), what, p.Masked(), s.full)
			}
		}
	}
}

// sizeTrap warns of machines that send longer packets than the other end of their cable takes: the kernel throws them away on the
// cable, and tells nobody (is_skb_forwardable, net/core/dev.c). A port sends on what others send, and may well take more than they do.
func (b *build) sizeTrap() {
	said := map[*yaml.Node]bool{}
	for _, m := range b.all {
		o := b.made[m.Peer]
		if m.Type != topology.Veth || o == nil || m.MTU <= o.MTU || m.Master != "" || m.uplinkOf != nil || m.site.kind == topology.Bridge || m.site.kind == topology.VSwitch {
			continue
		}
		at := m
		if at.ownMTU == nil {
			at = o
		}
		if at.ownMTU != nil && !said[at.ownMTU] {
			said[at.ownMTU] = true
			b.warnf(at.ownMTU, at.mtuPath, "%s sends packets of up to %d bytes, and %s at the other end of its cable takes %d: longer ones are lost on it, and nobody is told; give both ends one mtu",
				m.end, m.MTU, o.end, o.MTU)
		}
	}
}

// arpTrap warns of the traps (a) and (b) of the format's section 3.2: Linux answers ARP for any of its addresses on any of
// its interfaces (ip-sysctl.rst, arp_ignore 0), so that the NIC or a bridge device speaks for an inner interface.
func (b *build) arpTrap(s *site, n *topology.Node) {
	if sysctlOf(n, "arp_ignore") != "0" {
		return
	}
	for _, m := range b.of[s] {
		if len(m.Addrs) == 0 {
			continue
		}
		path := problem.PathKey(m.path, "ip")
		switch {
		case (m.Type == topology.Macvlan || m.Type == topology.Macvtap) && m.above != nil && m.above.site == s:
			b.warnf(m.addrs[0], path, "%s answers ARP for %s too, with its own MAC, while arp_ignore is 0; if that is not meant, write \"sysctls: {arp_ignore: 1}\" at %s",
				m.above.Name, m.Addrs[0].Addr(), s.full)
		case m.inner:
			o := b.made[m.Peer]
			if o == nil || o.Master == "" || sysctlOf(n, "rp_filter") == "1" {
				continue
			}
			b.warnf(m.addrs[0], path, "bridge %s answers ARP for %s too, with its own MAC, while arp_ignore is 0 and rp_filter is not 1; if that is not meant, write \"sysctls: {rp_filter: 1}\" at %s",
				o.Master, m.Addrs[0].Addr(), s.full)
		}
	}
}

// sysctlOf is the value of a short name that holds for all interfaces of a node.
func sysctlOf(n *topology.Node, name string) string {
	for _, s := range n.Sysctls {
		if s.Key == "net/ipv4/conf/all/"+name {
			return s.Value
		}
	}
	return ""
}

// namedEnds reads "names".
func (l *loader) namedEnds() []topology.NamedEnd {
	var out []topology.NamedEnd
	l.names = map[string]*topology.NamedEnd{}
	for k, v := range entries(field(l.root, "names")) {
		path := problem.PathKey("names", k.Value)
		e := topology.NamedEnd{Name: k.Value}
		if a := field(v, "ip"); a != nil && a.Kind == yaml.ScalarNode {
			e.IP, _ = netip.ParseAddr(a.Value)
		}
		if m := field(v, "mac"); m != nil && m.Kind == yaml.ScalarNode {
			e.MAC, _ = switchcore.ParseMAC(m.Value)
		}
		if s := l.named[k.Value]; s != nil {
			l.errorf(k, path, "%s", fmt.Sprintf("a node is called %q too (line %d), and tables could mean either", k.Value, s.key.Line))
		}
		out = append(out, e)
	}
	for i := range out {
		l.names[out[i].Name] = &out[i]
	}
	return out
}
