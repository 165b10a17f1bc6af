package labfile

import (
	"net/netip"
	"slices"

	"labctl/topology/labfile/grammar"
)

// maxJoins keeps a file from asking for more sockets than a supervisor can open: there is one for each group.
const maxJoins = 256

// joinsKey is "joins" of whatever has addresses.
func joinsKey() grammar.Key {
	group := grammar.Address()
	group.Want = "a multicast address, as 239.1.1.1"
	return grammar.Key{Name: "joins", Shape: &grammar.Shape{Form: grammar.Either,
		Want: "a multicast address, as 239.1.1.1, or a list of them", Doc: "groups that the interface has joined",
		Any: []*grammar.Shape{group, {Form: grammar.List, Want: "a list of multicast addresses", Of: group,
			Max: maxJoins}}}}
}

// readJoins reads the groups of an interface, and where each of them is. Good is false if some were refused.
func readJoins(list grammar.Value) (groups []netip.Addr, at []grammar.Value, good bool) {
	good = true
	for v := range list.OneOrMore() {
		group, err := netip.ParseAddr(v.Word())
		if err != nil || grammar.AddressText(v.Word()) != "" {
			good = false
			continue
		}
		if why := notJoinable(group); why != "" {
			v.Errorf("%s %s", group, why)
			good = false
			continue
		}
		if slices.Contains(groups, group) {
			v.Errorf("%s appears here twice", group)
			continue
		}
		groups, at = append(groups, group), append(at, v)
	}
	return groups, at, good
}

// notJoinable says why joining a group has no effect that anybody could see, or "". For all hosts of a link, and for
// what does not leave the host, nobody ever reports: RFC 2236, section 6; RFC 3810, section 6.
func notJoinable(group netip.Addr) string {
	switch {
	case !group.IsMulticast():
		return "is not a multicast address (224.0.0.0/4, ff00::/8); an address of the interface belongs in \"ip\""
	case group == netip.AddrFrom4([4]byte{224, 0, 0, 1}), group == netip.IPv6LinkLocalAllNodes():
		return "is for all hosts of the link, and each has joined it anyway, without a report; leave it out"
	case group.Is6() && group.As16()[1]&0xf <= 1: // the scope (RFC 4291, 2.7)
		return "does not leave the host, so nobody can send to it there; a group of a link is ff02::1234"
	}
	return ""
}
