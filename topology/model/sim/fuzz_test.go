package sim

import (
	"strings"
	"testing"

	"labctl/topology/state"
)

// FuzzRules: whatever is loaded is read, or said not to be, and a packet comes through it.
func FuzzRules(f *testing.F) {
	f.Add("table inet t { chain f { type filter hook forward priority 0; policy drop; ip saddr 10.0.0.0/8 ct state new accept; }; }",
		"-A FORWARD ! -s 10.0.0.1 -p icmp --icmp-type 8/0 -j DROP")
	f.Add("table bridge t { chain f { type filter hook prerouting priority -300; arp saddr ether . arp saddr ip != { 02:00:00:00:00:01 . 10.0.0.1 } drop; }; }",
		"-I INPUT 3 -m state --state NEW,RELATED -j REJECT --reject-with icmp-admin-prohibited")
	f.Add("table netdev t { chain f { type filter hook egress device \"e\" priority 0; ether saddr set 02:00:00:00:00:09; }; }", "-P OUTPUT DROP")
	f.Add("table ip t { set s { type ipv4_addr; }; chain c { jump c; }; }", "-A SUB -j SUB")
	f.Fuzz(func(t *testing.T, nft, iptables string) {
		args := strings.Fields(iptables)
		if len(args) < 2 {
			return
		}
		w := &World{}
		n := &node{w: w, name: "n", known: map[connection]*connectionState{}}
		n.filter = newFilter(n, &state.Node{Name: "n", Rules: []state.RuleSet{{Name: "a", Form: "nft", Text: nft},
			{Name: "b", Form: "iptables", Lines: []state.RuleLine{{Table: "filter", Args: args}}}}})
		p := newPacket(0x0a000001, 0x0a000002, 64, protoICMP, []byte{icmpEcho, 0, 0, 0, 0, 1, 0, 0})
		fr := ethernet(broadcastMAC, broadcastMAC, typeIP, p)
		d := &device{node: n, name: "e"}
		for at := range n.filter.chains {
			n.filter.run(at.family, at.hook, &meeting{f: &fr, p: p, in: d, out: d, state: "new"})
		}
	})
}
