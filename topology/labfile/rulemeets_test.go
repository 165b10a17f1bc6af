package labfile

import (
	"testing"

	"labctl/topology/rules"
)

// A rule excludes pings only by protocols that are certain.
func TestMeets(t *testing.T) {
	const nft = "nft"
	for _, c := range []struct {
		form, rule string
		want       rules.Meets
	}{
		{"iptables", "-A FORWARD -j DROP", rules.MeetsAny},
		{"iptables", "-A FORWARD -p icmp -j DROP", rules.MeetsAny},
		{"iptables", "-A FORWARD -p udp -j DROP", rules.MeetsTunnel},
		{"iptables", "-A FORWARD -pudp -j DROP", rules.MeetsTunnel},
		{"iptables", "-I FORWARD 1 -p tcp --dport 80 -j DROP", rules.MeetsTunnel},
		{"iptables", "-A FORWARD --protocol=17 -j DROP", rules.MeetsTunnel},
		{"iptables", "-A FORWARD --protocol TCP -j DROP", rules.MeetsTunnel},
		{"iptables", "-A FORWARD ! -p udp -j DROP", rules.MeetsAny},
		{"iptables", "-A FORWARD -p all -j DROP", rules.MeetsAny},
		{"iptables", "-A FORWARD -p gre -j DROP", rules.MeetsAny},
		{"iptables", "-A FORWARD -p vrrp -j DROP", rules.MeetsNone},
		{"iptables", "-A FORWARD -p sctp -j DROP", rules.MeetsNone},
		{"iptables", `-A FORWARD -m comment --comment "-p udp" -j DROP`, rules.MeetsAny},
		{"iptables", "-A FORWARD -m comment --comment -pudp -j DROP", rules.MeetsAny},
		{"ip6tables", "-A FORWARD -p ipv6-icmp -j DROP", rules.MeetsAny},
		{"ip6tables", "-A FORWARD -p udp -j DROP", rules.MeetsTunnel},
		{nft, "counter drop", rules.MeetsAny},
		{nft, "udp dport 53 counter drop", rules.MeetsTunnel},
		{nft, "ip saddr 10.0.0.1 tcp dport { 80, 443 } drop", rules.MeetsTunnel},
		{nft, "tcp dport != 22 drop", rules.MeetsTunnel},
		{nft, "tcp flags syn drop", rules.MeetsTunnel},
		{nft, "meta l4proto udp drop", rules.MeetsTunnel},
		{nft, "meta l4proto == udp drop", rules.MeetsTunnel},
		{nft, "meta l4proto != udp drop", rules.MeetsAny},
		{nft, "meta l4proto { tcp, udp } drop", rules.MeetsTunnel},
		{nft, "meta l4proto { tcp, icmp } drop", rules.MeetsAny},
		{nft, "meta l4proto { 6, 17-99 } drop", rules.MeetsAny},
		{nft, "ip protocol vrrp drop", rules.MeetsNone},
		{nft, "ip protocol icmp drop", rules.MeetsAny},
		{nft, "ip6 nexthdr tcp drop", rules.MeetsTunnel},
		{nft, `iifname "udp" drop`, rules.MeetsAny},
		{nft, `counter drop comment "udp dport"`, rules.MeetsAny},
		{nft, "th dport 53 drop", rules.MeetsAny},
	} {
		text := "      x:\n        " + c.form + ": |\n          " + c.rule + "\n"
		if c.form == nft {
			text = "      x:\n        nft: |\n          table inet f { chain c { type filter hook forward priority 0; policy accept; " + c.rule + "; } }\n"
		}
		for _, r := range rulesLab(t, text).Node("s1").Rules[0].Listed() {
			if r.Meets != c.want {
				t.Errorf("%s: %d, want %d", c.rule, r.Meets, c.want)
			}
		}
	}
}
