package labfile

import (
	"testing"

	"labctl/topology/expect"
)

// TestLegendSpeaksOfItsKind: the same word is explained by what the probe of that table does, and who is asked does not
// answer instead.
func TestLegendSpeaksOfItsKind(t *testing.T) {
	for _, c := range []struct {
		kind  string
		words []string
		want  string
	}{
		{"ping", []string{"no-arp", "broadcast"}, `
# no-arp     no answer to the sender's ARP request was received (From the sender's own address: Destination Host Unreachable)
# broadcast  the target is the sender's broadcast address (ping: Do you want to ping broadcast? Then -b.)
`},
		{"ping6", []string{"no-arp", "ok+redirect", "icmp:no-route@rt"}, `
# ok                a reply came back
# +redirect         with "ok": a router told of a shorter way (ICMPv6 redirect)
# no-arp            no answer to the sender's neighbour solicitation was received (From the sender's own address: Destination unreachable: Address unreachable)
# icmp:no-route@rt  an ICMP error from rt, or its own refusal (Destination unreachable: No route; RFC 4443)
`},
		{"answers", []string{"yes", "c", "b+c"}, `
# yes  who is asked answers the ARP request, and nobody else
# b+c  each of these answers
# c    answers the ARP request
`},
		{"arp", []string{"h2", "02:00:00:00:00:99", "srv:eth1"}, `
# 02:00:00:00:00:99  is the MAC in the entry, which no node of the lab has
# h2                 owns the MAC in the entry
# srv:eth1           owns the MAC in the entry
`},
		{"fdb", []string{"h1", "-"}, `
# -   the switch does not know this MAC
# h1  is the port that the switch has for it
`},
	} {
		if got := "\n" + expect.Legend(c.kind, c.words); got != c.want {
			t.Errorf("%s: got %s", c.kind, got)
		}
	}
}
