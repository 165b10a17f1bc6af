package labfile

import (
	"fmt"
	"net/netip"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// checker says what is wrong or odd about a lab that could be made.
type checker struct{ *labBuild }

// duplicates refuses an address or a literal MAC on two nodes: in most files that is a slip. What is listed under
// "names" is meant so.
func (c checker) duplicates() {
	meantIP, meantMAC := map[netip.Addr]bool{}, map[switchcore.MAC]bool{}
	for _, e := range c.lab.Names {
		meantIP[e.IP], meantMAC[e.MAC] = true, true
	}
	type owner struct {
		*ifaceBuild
		at problem.Pos
	}
	ips, macs := map[netip.Addr]owner{}, map[switchcore.MAC]owner{}
	refuse := func(what string, at grammar.Value, was, is owner) {
		at.Errorf("%s is on %s (line %d) and %s (line %d); for a purpose list it under \"names\"",
			what, was.machine().full, was.at.Line, is.machine().full, is.at.Line)
	}
	all := slices.Clone(c.all)
	for _, s := range c.tree.all {
		if lo := c.lo[s]; lo != nil {
			all = append(all, lo)
		}
	}
	for _, m := range all {
		for i, p := range m.Addrs {
			a := p.Addr()
			is := owner{m, m.addrs[i].Pos()}
			was, twice := ips[a]
			switch {
			case !twice:
				ips[a] = is
			case was.machine() != m.machine() && !meantIP[a] && !a.IsLinkLocalUnicast():
				refuse(a.String(), m.addrs[i], was, is)
			}
		}
		if !m.ownMAC.Given() || m.MAC.IsZero() || meantMAC[m.MAC] {
			continue
		}
		is := owner{m, m.ownMAC.Pos()}
		was, twice := macs[m.MAC]
		switch {
		case !twice:
			macs[m.MAC] = is
		case was.machine() != m.machine():
			refuse(m.MAC.String(), m.ownMAC, was, is)
		}
	}
}

// warnings says what is legal and probably not meant.
func (c checker) warnings() {
	if c.doc.Failed() { // what seems odd may follow from what is wrong
		return
	}
	used := map[*nodeDecl]bool{}
	for _, m := range c.all {
		if m.link != nil {
			used[m.node] = true
		}
		if m.uplinkOf != nil {
			used[m.uplinkOf] = true
		}
		if m.above != nil && m.above.node != m.node {
			used[m.node], used[m.above.node] = true, true
		}
	}
	for _, m := range c.all {
		if m.Type == topology.BridgeLink {
			c.treeTimers(m)
		}
	}
	c.rings()
	c.sizes()
	tunnels{c.ifaces}.warn(c.has())
	c.each(func(s *nodeDecl, n *topology.Node) {
		if !used[s] && len(c.ends[s]) == 0 && len(s.inner) == 0 {
			s.value.Key().Warnf("no link ends on %s", s.full)
		}
		c.notOfAHost(s)
		c.arp(s, n)
		c.rules.warnOfTraps(n, s.value.Path())
		c.rules.warnOfBlindGuards(n, s.value.Path())
		c.ruleNames(s, n)
	})
}

// has are the addresses of all nodes and names.
func (c checker) has() map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, e := range c.lab.Names {
		out[e.IP] = true
	}
	for _, m := range c.all {
		for _, p := range m.Addrs {
			out[p.Addr()] = true
		}
	}
	return out
}

// notOfAHost warns of addresses that are their network's own: its first, which RFC 1122 (3.2.1.3) reserves and Linux
// takes for a host's since 5.14, its last, which everybody else there takes for broadcast, and the first of an IPv6
// prefix, which any router there answers for (RFC 4291, 2.6.1). Networks of two or of one have none of these (RFC 3021,
// RFC 6164).
func (c checker) notOfAHost(s *nodeDecl) {
	for _, m := range c.of[s] {
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
				m.addrs[i].Warnf("%s is %s of %s, which no host should have; give %s another one%s", p.Addr(), what,
					p.Masked(), s.full, hostsOf(p))
			}
		}
	}
}

// hostsOf says which addresses of a prefix of IPv4 hosts may have.
func hostsOf(p netip.Prefix) string {
	if !p.Addr().Is4() {
		return ""
	}
	return fmt.Sprintf(", from %s to %s", p.Masked().Addr().Next(), lastOf(p).Prev())
}

// sizes warns of machines that send longer packets than the other end of their cable takes: the kernel throws them away
// on the cable, and tells nobody (is_skb_forwardable, net/core/dev.c). A port sends on what others send, and may well
// take more than they do.
func (c checker) sizes() {
	said := map[grammar.Identity]bool{}
	for _, m := range c.all {
		o := c.byEnd[m.Peer]
		if m.Type != topology.Veth || o == nil || m.MTU <= o.MTU || m.Master != "" || m.uplinkOf != nil ||
			m.node.body != hostBody {
			continue
		}
		at := m.ownMTU
		if !at.Given() {
			at = o.ownMTU
		}
		if at.Given() && !said[at.Identity()] {
			said[at.Identity()] = true
			at.Warnf("%s sends packets of up to %d bytes, and %s at the other end of its cable takes %d: "+
				"longer ones are lost on it, and nobody is told; give both ends one mtu", m.end, m.MTU, o.end, o.MTU)
		}
	}
}

// arp warns where the NIC or a bridge device speaks for an inner interface: Linux answers ARP for any of its addresses
// on any of its interfaces (ip-sysctl.rst, arp_ignore 0).
func (c checker) arp(s *nodeDecl, n *topology.Node) {
	if sysctlOf(n, "arp_ignore") != "0" {
		return
	}
	for _, m := range c.of[s] {
		if len(m.Addrs) == 0 {
			continue
		}
		switch {
		case (m.Type == topology.Macvlan || m.Type == topology.Macvtap) && m.above != nil && m.above.node == s:
			m.addrs[0].Warnf("%s answers ARP for %s too, with its own MAC, while arp_ignore is 0; "+
				"if that is not meant, write \"sysctls: {arp_ignore: 1}\" at %s", m.above.Name, m.Addrs[0].Addr(),
				s.full)
		case m.inner:
			o := c.byEnd[m.Peer]
			if o == nil || o.Master == "" || sysctlOf(n, "rp_filter") == "1" {
				continue
			}
			m.addrs[0].Warnf("bridge %s answers ARP for %s too, with its own MAC, while arp_ignore is 0 and "+
				"rp_filter is not "+
				"1; "+
				"if that is not meant, write \"sysctls: {rp_filter: 1}\" at %s", o.Master, m.Addrs[0].Addr(), s.full)
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
