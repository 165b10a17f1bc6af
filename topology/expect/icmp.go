package expect

import (
	"fmt"
	"slices"
	"strings"
)

// icmpType is an ICMP error: its name in a cell, its number, and what ping(8) of iputils prints for it.
type icmpType struct {
	name       string
	v6         bool
	typ, code  uint8
	says, from string // from: the document that defines it
}

// icmpTypes is the one list of ICMP errors. A name may mean an error of both families.
var icmpTypes = []icmpType{
	{"net-unreachable", false, 3, 0, "Destination Net Unreachable", "RFC 792"},
	{"host-unreachable", false, 3, 1, "Destination Host Unreachable", "RFC 792"},
	{"proto-unreachable", false, 3, 2, "Destination Protocol Unreachable", "RFC 792"},
	{"port-unreachable", false, 3, 3, "Destination Port Unreachable", "RFC 792"},
	{"frag-needed", false, 3, 4, "Frag needed and DF set", "RFC 792"},
	{"source-route-failed", false, 3, 5, "Source Route Failed", "RFC 792"},
	{"net-unknown", false, 3, 6, "Destination Net Unknown", "RFC 1122"},
	{"host-unknown", false, 3, 7, "Destination Host Unknown", "RFC 1122"},
	{"host-isolated", false, 3, 8, "Source Host Isolated", "RFC 1122"},
	{"net-prohibited", false, 3, 9, "Destination Net Prohibited", "RFC 1122"},
	{"host-prohibited", false, 3, 10, "Destination Host Prohibited", "RFC 1122"},
	{"net-tos", false, 3, 11, "Destination Net Unreachable for Type of Service", "RFC 1122"},
	{"host-tos", false, 3, 12, "Destination Host Unreachable for Type of Service", "RFC 1122"},
	{"admin-prohibited", false, 3, 13, "Packet filtered", "RFC 1812"},
	{"precedence-violation", false, 3, 14, "Precedence Violation", "RFC 1812"},
	{"precedence-cutoff", false, 3, 15, "Precedence Cutoff", "RFC 1812"},
	{"source-quench", false, 4, 0, "Source Quench", "RFC 792"},
	{"redirect-net", false, 5, 0, "Redirect Network", "RFC 792"},
	{"redirect", false, 5, 1, "Redirect Host", "RFC 792"},
	{"ttl-exceeded", false, 11, 0, "Time to live exceeded", "RFC 792"},
	{"reassembly-timeout", false, 11, 1, "Frag reassembly time exceeded", "RFC 792"},
	{"param-problem", false, 12, 0, "Parameter problem", "RFC 792"},
	{"no-route", true, 1, 0, "Destination unreachable: No route", "RFC 4443"},
	{"admin-prohibited", true, 1, 1, "Destination unreachable: Administratively prohibited", "RFC 4443"},
	{"beyond-scope", true, 1, 2, "Destination unreachable: Beyond scope of source address", "RFC 4443"},
	{"host-unreachable", true, 1, 3, "Destination unreachable: Address unreachable", "RFC 4443"},
	{"port-unreachable", true, 1, 4, "Destination unreachable: Port unreachable", "RFC 4443"},
	{"policy-failed", true, 1, 5, "Destination unreachable: Source address failed ingress/egress policy", "RFC 4443"},
	{"reject-route", true, 1, 6, "Destination unreachable: Reject route to destination", "RFC 4443"},
	{"packet-too-big", true, 2, 0, "Packet too big", "RFC 4443"},
	{"ttl-exceeded", true, 3, 0, "Time exceeded: Hop limit", "RFC 4443"},
	{"reassembly-timeout", true, 3, 1, "Time exceeded: Defragmentation failure", "RFC 4443"},
	{"param-problem", true, 4, 0, "Parameter problem: Wrong header field", "RFC 4443"},
}

// icmpWords are the names in icmpTypes, each once, in its order.
var icmpWords = func() []string {
	var names []string
	for _, t := range icmpTypes {
		if !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names
}()

// ICMPWord is the name that cells use for an ICMP (v6: ICMPv6) error: host-unreachable. One that has no name is called
// by its numbers, type3-code16.
func ICMPWord(v6 bool, typ, code uint8) string {
	for _, t := range icmpTypes {
		if t.v6 == v6 && t.typ == typ && t.code == code {
			return t.name
		}
	}
	return fmt.Sprintf("type%d-code%d", typ, code)
}

// isNumberedICMP reports whether name is one that [ICMPWord] makes up.
func isNumberedICMP(name string) bool {
	var typ, code uint8
	n, err := fmt.Sscanf(name, "type%d-code%d", &typ, &code)
	return err == nil && n == 2 && strings.TrimSpace(name) == fmt.Sprintf("type%d-code%d", typ, code)
}
