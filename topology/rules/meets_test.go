package rules

import "testing"

// A rule excludes pings only by protocols that are certain.
func TestMeets(t *testing.T) {
	const nft = "nft"
	for _, c := range []struct {
		form, rule string
		want       Meets
	}{
		{"iptables", "-A FORWARD -j DROP", MeetsAny},
		{"iptables", "-A FORWARD -p icmp -j DROP", MeetsAny},
		{"iptables", "-A FORWARD -p udp -j DROP", MeetsTunnel},
		{"iptables", "-A FORWARD -pudp -j DROP", MeetsTunnel},
		{"iptables", "-I FORWARD 1 -p tcp --dport 80 -j DROP", MeetsTunnel},
		{"iptables", "-A FORWARD --protocol=17 -j DROP", MeetsTunnel},
		{"iptables", "-A FORWARD --protocol TCP -j DROP", MeetsTunnel},
		{"iptables", "-A FORWARD ! -p udp -j DROP", MeetsAny},
		{"iptables", "-A FORWARD -p all -j DROP", MeetsAny},
		{"iptables", "-A FORWARD -p gre -j DROP", MeetsAny},
		{"iptables", "-A FORWARD -p vrrp -j DROP", MeetsNone},
		{"iptables", "-A FORWARD -p sctp -j DROP", MeetsNone},
		{"iptables", `-A FORWARD -m comment --comment "-p udp" -j DROP`, MeetsAny},
		{"iptables", "-A FORWARD -m comment --comment -pudp -j DROP", MeetsAny},
		{"ip6tables", "-A FORWARD -p ipv6-icmp -j DROP", MeetsAny},
		{"ip6tables", "-A FORWARD -p udp -j DROP", MeetsTunnel},
		{nft, "counter drop", MeetsAny},
		{nft, "udp dport 53 counter drop", MeetsTunnel},
		{nft, "ip saddr 10.0.0.1 tcp dport { 80, 443 } drop", MeetsTunnel},
		{nft, "tcp dport != 22 drop", MeetsTunnel},
		{nft, "tcp flags syn drop", MeetsTunnel},
		{nft, "meta l4proto udp drop", MeetsTunnel},
		{nft, "meta l4proto == udp drop", MeetsTunnel},
		{nft, "meta l4proto != udp drop", MeetsAny},
		{nft, "meta l4proto { tcp, udp } drop", MeetsTunnel},
		{nft, "meta l4proto { tcp, icmp } drop", MeetsAny},
		{nft, "meta l4proto { 6, 17-99 } drop", MeetsAny},
		{nft, "ip protocol vrrp drop", MeetsNone},
		{nft, "ip protocol icmp drop", MeetsAny},
		{nft, "ip6 nexthdr tcp drop", MeetsTunnel},
		{nft, `iifname "udp" drop`, MeetsAny},
		{nft, `counter drop comment "udp dport"`, MeetsAny},
		{nft, "th dport 53 drop", MeetsAny},
	} {
		text := c.rule
		if c.form == nft {
			text = "table inet f { chain c { type filter hook forward priority 0; policy accept; " + c.rule + "; } }"
		}
		for _, r := range readWell(t, c.form, text).Listed() {
			if r.Meets[Echo] != c.want {
				t.Errorf("%s: %d, want %d", c.rule, r.Meets[Echo], c.want)
			}
		}
	}
}

// TestMeetsOfPorts: a rule for the other protocol of the two is none of a connection's.
func TestMeetsOfPorts(t *testing.T) {
	for _, c := range []struct {
		form, rule string
		tcp, udp   Meets
	}{
		{"iptables", "-A FORWARD -j DROP", MeetsAny, MeetsAny},
		{"iptables", "-A FORWARD -p icmp -j DROP", MeetsAny, MeetsAny}, // it may be what an error was dropped by
		{"iptables", "-A FORWARD -p udp --dport 53 -j DROP", MeetsTunnel, MeetsAny},
		{"iptables", "-A FORWARD -p 6 -j DROP", MeetsAny, MeetsTunnel},
		{"iptables", "-A FORWARD -p sctp -j DROP", MeetsNone, MeetsNone},
		{"nft", "tcp dport 22 drop", MeetsAny, MeetsTunnel},
		{"nft", "meta l4proto { tcp, udp } drop", MeetsAny, MeetsAny},
		{"nft", "ip protocol vrrp drop", MeetsNone, MeetsNone},
	} {
		text := c.rule
		if c.form == "nft" {
			text = "table inet f { chain c { type filter hook forward priority 0; policy accept; " + c.rule + "; } }"
		}
		for _, r := range readWell(t, c.form, text).Listed() {
			if r.Meets[TCP] != c.tcp || r.Meets[UDP] != c.udp {
				t.Errorf("%s: %d %d, want %d %d", c.rule, r.Meets[TCP], r.Meets[UDP], c.tcp, c.udp)
			}
		}
	}
}
