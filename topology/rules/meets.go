package rules

import (
	"slices"
	"strings"
)

// talkProtocols are the protocols that carry neither an echo nor ARP or neighbour discovery, by name and number
// (protocols(5)), and that nobody makes a tunnel of; tunnelProtocols are those that one may be made of in user space.
func talkProtocols() []string {
	return []string{"sctp", "132", "dccp", "33", "igmp", "2", "pim", "103", "ospf", "89", "vrrp", "112"}
}

func tunnelProtocols() []string { return []string{"tcp", "6", "udp", "17", "udplite", "136"} }

// Meets is what a rule may meet of a ping, a connection or a datagram, as far as its protocol says.
type Meets int

const (
	// what was sent, an ICMP error, ARP or neighbour discovery, or nothing in the rule excludes it
	MeetsAny    Meets = iota
	MeetsTunnel       // only what a tunnel over TCP or UDP has packed in
	MeetsNone         // nothing
)

// Traffic is what is asked whether a rule meets it.
type Traffic int

const (
	Echo Traffic = iota // a ping
	TCP
	UDP
)

// protocols are the names of the traffic's own protocol that are not ICMP's.
func (t Traffic) protocols() []string {
	switch t {
	case TCP:
		return []string{"tcp", "6"}
	case UDP:
		return []string{"udp", "17"}
	}
	return nil
}

// meetsOf is what a rule may meet of some traffic whose packets have one of these protocols.
func (t Traffic) meetsOf(protocols []string) Meets {
	out := MeetsNone
	for _, p := range protocols {
		switch p = strings.ToLower(p); {
		case slices.Contains(t.protocols(), p):
			return MeetsAny
		case slices.Contains(tunnelProtocols(), p):
			out = min(out, MeetsTunnel)
		case !slices.Contains(talkProtocols(), p):
			return MeetsAny
		}
	}
	if len(protocols) == 0 {
		return MeetsAny
	}
	return out
}

// of is what a rule may meet of each traffic, by what says so of one.
func of(one func(Traffic) Meets) (all [3]Meets) {
	for t := range all {
		all[t] = one(Traffic(t))
	}
	return all
}

// meets is what a line of iptables may meet: its -p says.
func (l *Line) meets(t Traffic) Meets {
	for i, a := range l.Args {
		// what may be the value of an option is none itself
		if i == 0 || l.Args[i-1] == "!" || strings.HasPrefix(l.Args[i-1], "--") {
			continue
		}
		protocol := ""
		switch {
		case (a == "-p" || a == "--protocol") && i+1 < len(l.Args):
			protocol = l.Args[i+1]
		case strings.HasPrefix(a, "--protocol="):
			protocol = strings.TrimPrefix(a, "--protocol=")
		case strings.HasPrefix(a, "-p"):
			protocol = a[2:]
		default:
			continue
		}
		return t.meetsOf([]string{protocol})
	}
	return MeetsAny
}

// nftMeets is what a rule of nft may meet: every condition holds at once, so one that names protocols is enough.
func (t Traffic) nftMeets(s []nftToken) Meets {
	out := MeetsAny
	for i := range s {
		out = max(out, t.nftMatch(s[i:]))
	}
	return out
}

// nftMatch is what the condition that these words begin with lets through; words that are none exclude nothing.
func (t Traffic) nftMatch(s []nftToken) Meets {
	fields := []string{"dport", "sport", "length", "checksum", "flags", "sequence", "ackseq", "window", "doff",
		"reserved", "urgptr", "vtag"}
	if len(s) > 1 && s[0].is("tcp", "udp", "udplite", "sctp", "dccp") && s[1].is(fields...) {
		return t.meetsOf([]string{s[0].text})
	}
	keys := [][2]string{{"meta", "l4proto"}, {"ip", "protocol"}, {"ip6", "nexthdr"}}
	if len(s) < 3 || !slices.ContainsFunc(keys, func(k [2]string) bool { return s[0].is(k[0]) && s[1].is(k[1]) }) {
		return MeetsAny
	}
	value := s[2:]
	if value[0].is("==") {
		value = value[1:]
	}
	switch {
	case len(value) == 0 || value[0].quoted:
		return MeetsAny
	case !value[0].is("{"):
		return t.meetsOf([]string{value[0].text})
	}
	var protocols []string
	for _, w := range value[0].inside {
		if !w.is("\n") {
			protocols = append(protocols, w.text)
		}
	}
	return t.meetsOf(protocols)
}
