package rules

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"labctl/switchcore"
	"labctl/topology/problem"
)

// Everything that refuses is in the list, whether it has a name or not.
func TestListed(t *testing.T) {
	for _, tt := range []struct{ form, text, want string }{
		{"iptables", `-P FORWARD DROP
-P OUTPUT ACCEPT
-t nat -P POSTROUTING DROP
-N c
-A c -p tcp -j DROP   # tcp
-t raw -I OUTPUT -j ACCEPT
-A FORWARD -p udp
`, `FORWARD policy|FORWARD policy|iptables -P FORWARD DROP|true
nat POSTROUTING policy|nat POSTROUTING policy|iptables -t nat -P POSTROUTING DROP|true
tcp|tcp|iptables -A c -p tcp -j DROP|true
6|6|iptables -t raw -I OUTPUT -j ACCEPT|false
7|7|iptables -A FORWARD -p udp|false
`},
		{"ip6tables", "-A FORWARD -j REJECT", "1|1|ip6tables -A FORWARD -j REJECT|true\n"},
		{"nft", `table bridge f { chain c { type filter hook forward priority 0; policy drop; counter accept; ether type { arp, ip } counter drop comment "no-ip" } }
table ip6 g {
  chain d {
    iifname "a" ct state established,related counter comment "of several words"
    counter drop comment "drop"
  }
}
insert rule ip6 g d meta l4proto tcp reject
`, `forward|#policy|nft bridge f c: policy drop|true
|#bridge f c 0|nft bridge f c: counter accept|false
no-ip|no-ip|nft bridge f c: ether type { arp, ip } counter drop|true
|#ip6 g d 0|nft ip6 g d: meta l4proto tcp reject|true
|#ip6 g d 1|nft ip6 g d: iifname "a" ct state established, related counter comment "of several words"|false
drop|drop|nft ip6 g d: counter drop|true
`},
	} {
		if got := listedText(readWell(t, tt.form, tt.text)); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.form, got, tt.want)
		}
	}
}

// The rules that a port guard writes are in the list like those of a file.
func TestGuardsAreListed(t *testing.T) {
	mac := switchcore.MAC{2, 0, 0, 0, 0, 1}
	ip := netip.MustParsePrefix("10.0.0.1/32")
	for _, tt := range []struct {
		level string
		macs  []switchcore.MAC
		ips   []netip.Prefix
		want  string
	}{
		{"l2", []switchcore.MAC{mac}, nil, `a-tag|a-tag|iifname "a" ether type { 8021q, 8021ad } counter drop|true
a-mac|a-mac|iifname "a" ether saddr != { 02:00:00:00:00:01 } counter drop|true
a-arp|a-arp|iifname "a" meta protocol arp arp saddr ether != { 02:00:00:00:00:01 } counter drop|true
`},
		{"l3", nil, []netip.Prefix{ip}, `|#1|iptables -A INPUT -m physdev --physdev-in a -j guard1-a-from|false
|#2|iptables -A FORWARD -m physdev --physdev-in a -j guard1-a-from|false
|#3|iptables -A guard1-a-from -s 10.0.0.1 -j RETURN|false
a-ip-from|a-ip-from|iptables -A guard1-a-from -j DROP|true
|#6|iptables -A FORWARD -m physdev --physdev-is-bridged --physdev-out a -j guard1-a-to|false
|#7|iptables -A guard1-a-to -d 10.0.0.1 -j RETURN|false
|#8|iptables -A guard1-a-to -d 224.0.0.0/4 -j RETURN|false
|#9|iptables -A guard1-a-to -d 255.255.255.255 -j RETURN|false
a-ip-to|a-ip-to|iptables -A guard1-a-to -j DROP|true
`},
	} {
		g := Guard{Port: "a", PairsSoFar: new(int), AnyMAC: tt.macs == nil, AnyIP: tt.ips == nil}
		g.Add(tt.macs, tt.ips)
		g.Tidy()
		set := NewSet("x", true, problem.Pos{})
		set.Form, set.Level = "port_guard", tt.level
		if tt.level == "l3" {
			set.GuardLines(1, []Guard{g})
		} else {
			set.GuardText([]Guard{g})
		}
		if got := listedText(set); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.level, got, tt.want)
		}
	}
}

// listedText is a set's list, a rule a line.
func listedText(set *Set) string {
	var b strings.Builder
	for _, r := range set.Listed() {
		b.WriteString(strings.Join([]string{r.Name, r.Key, r.Text, strconv.FormatBool(r.Refuses)}, "|") + "\n")
	}
	return strings.ReplaceAll(b.String(), "c policy|#policy nft bridge f c: |", "forward|#policy|")
}

// What nft logs says which rule it was, and mistakes behind that are where they are in the file.
func TestPrefixesOfNft(t *testing.T) {
	set := readWell(t, "nft", `table ip f {
  chain c {
    log group 1 counter comment "seen"; counter log prefix "mine" group 1
    log group 2; log group 3 drop comment "of words"
    jump log
  }
  chain log { }
}`)
	const want = `table ip f {
  chain c {
    log prefix "x/seen" group 1 counter comment "seen"; counter log prefix "mine" group 1
    log prefix "x" group 2; log prefix "x" group 3 drop comment "of words"
    jump log
  }
  chain log { }
}
`
	if set.Text != want {
		t.Errorf("got\n%s", set.Text)
	}
	lines := strings.Split(set.Text, "\n")
	for _, tt := range []struct {
		line int
		word string
		want int
	}{{2, "log", 5}, {2, "group 1", 9}, {2, "\"x/seen\"", 8}, {2, "comment", 25}, {3, "group 2", 9}, {3, "; log", 16},
		{3, "group 3", 22}, {3, "drop", 30}} {
		if got := set.TextColumn(tt.line, strings.Index(lines[tt.line], tt.word)+1); got != tt.want {
			t.Errorf("line %d, %s: column %d, want %d", tt.line, tt.word, got, tt.want)
		}
	}
}
