//go:build linux

package kernel

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/plan"
)

// accepted are texts that the tools take; a pure reader that refuses one of them keeps somebody from their lab.
var accepted = []struct{ form, text string }{
	{"iptables", "-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT"},
	{"iptables", "-A INPUT -p udp --dport 53 --jump=DROP"},
	{"iptables", "-N LOGDROP\n-A LOGDROP -m limit --limit 5/min -j NFLOG --nflog-group 1\n-A LOGDROP --jump DROP\n-A FORWARD -m iprange --src-range 10.0.0.1-10.0.0.9 -g LOGDROP"},
	{"iptables", "-t nat -A POSTROUTING -o eth0 -j MASQUERADE\n-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:8080"},
	{"iptables", "-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\n-t mangle -A PREROUTING -j MARK --set-mark 1"},
	{"iptables", "-t raw -A PREROUTING -p icmp -j CT --notrack\n-t raw -A OUTPUT -j TRACE"},
	{"iptables", "-A FORWARD -m physdev --physdev-in eth0 -m mac --mac-source 02:00:00:00:00:01 -m comment --comment 'no -j DORP' -j REJECT --reject-with icmp-host-prohibited"},
	{"iptables", "-A INPUT -m recent --name x --set\n-A INPUT -m statistic --mode random --probability 0.5 -j RETURN\n-A INPUT -p tcp -m multiport --dports 1,2"},
	{"ip6tables", "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT\n-A INPUT -m hl --hl-lt 255 -j DROP"},
	{"nft", "table inet t {\n\tset s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.1 } }\n\tmap m { type inet_service : verdict; elements = { 22 : accept, 80 : jump web } }\n\tchain web { counter packets 0 bytes 0 return; }\n\tchain in {\n\t\ttype filter hook input priority filter - 5; policy drop;\n\t\tct state vmap { established : accept, related : accept, invalid : drop }\n\t\ttcp dport vmap @m\n\t\tip saddr @s counter accept\n\t\tmeta l4proto { icmp, ipv6-icmp } accept\n\t\tiifname \"lo\" accept\n\t}\n}"},
	{"nft", "define net = { 10.0.0.0/8, 172.16.0.0/12 }\ndefine ssh=22\ntable ip t {\n\tchain c {\n\t\ttype filter hook forward priority 0\n\t\tip saddr $net tcp dport $ssh ip ttl set 5 meta mark set 0x1 ct mark set mark accept\n\t\ttcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n\t\t@nh,0,8 0x45 counter\n\t\tip daddr . tcp dport { 10.0.0.1 . 80 } drop\n\t\tlimit rate over 10/second burst 5 packets drop\n\t}\n}"},
	{"nft", "add table ip t\nadd chain ip t c { type nat hook postrouting priority srcnat; policy accept; }\nadd rule ip t c ip saddr 10.0.0.0/24 counter masquerade\ninsert rule ip t c oifname \"eth0\" snat to 10.0.0.5\nadd set ip t s { type ipv4_addr; }\nadd rule t c ip daddr @s return"},
	{"nft", "table bridge t {\n\tcounter n { }\n\tchain f {\n\t\ttype filter hook prerouting priority -300; policy accept;\n\t\tether type arp arp operation request counter name n\n\t\tvlan id 5 drop\n\t\tether saddr . ip saddr { 02:00:00:00:00:01 . 10.0.0.1 } accept\n\t\tmeta pkttype multicast drop\n\t\tlog group 2 prefix \"x\" continue\n\t}\n}"},
	{"nft", "table ip t {\n\tflags dormant\n\tct helper f { type \"ftp\" protocol tcp; \n}\n\tlimit l { rate 5/second; \n}\n\tquota q { over 5 mbytes; \n}\n\tset seen { type ipv4_addr; size 9; flags dynamic, timeout; timeout 5s; \n}\n\tchain c { update @seen { ip saddr limit rate 5/second } accept; fib saddr type local drop; jump d; \n}\n\tchain d { numgen inc mod 2 vmap { 0 : accept, 1 : drop }; notrack; queue num 1; \n}\n}"},
	{"nft", "table arp t { chain c { type filter hook input priority 0; arp operation reply arp saddr ip 10.0.0.1 drop; }; }"},
	{"nft", "table netdev t { chain c { type filter hook ingress device \"eth0\" priority 0; ip protocol udp dup to \"eth0\"; }; }"},
	{"nft", "table inet t {\n\tchain c {\n\t\ttype route hook output priority mangle\n\t\tskuid 0 socket transparent 1 meta mark set 1\n\t\toif lo tcp dport 53 counter\n\t}\n}\n"},
}

// refused are texts that neither takes.
var refused = []struct{ form, text, says string }{
	{"iptables", "-A FORWARD -j DORP", `no target is called "DORP"`},
	{"iptables", "-A FORWARD --jump=DORP", `no target is called "DORP"`},
	{"iptables", "-A FORWARD -jDORP", `no target is called "DORP"`},
	{"iptables", "-A FORWARD -j nowhere", `no target is called "nowhere"`},
	{"iptables", "-A FORWARD -g nowhere", `has no chain "nowhere"`},
	{"iptables", "-A FORWARD -m stat --state NEW -j DROP", `no match is called "stat"`},
	{"iptables", "-A FORWARD -j MASQUERADE", "works in table nat only"},
	{"ip6tables", "-t nat -N six\n-A INPUT -j six", `no target is called "six"`},
	{"nft", "table ip t {\n\tchian c { }\n}", `"chian" begins nothing in a table; did you mean "chain"?`},
	{"nft", "table ip t {\n\tchain c {\n\t\tip saddr 10.0.0.1 dorp\n\t}\n}", `"dorp" begins nothing that nft knows in a rule; did you mean "drop"?`},
	{"nft", "table ip t {\n\tchain c {\n\t\tcuonter\n\t}\n}", `"cuonter" begins nothing that nft knows`},
	{"nft", "table ip t {\n\tchain c {\n\t\tjump nowhere\n\t}\n}", `has no chain "nowhere"`},
	{"nft", "table ip t {\n\tchain c {\n\t\ttcp dport vmap { 22 : jump nowhere }\n\t}\n}", `has no chain "nowhere"`},
	{"nft", "table ip t {\n\tchain c {\n\t\tip saddr @gone drop\n\t}\n}", `no set, map or flowtable "gone"`},
	{"nft", "table ip t {\n\tchain c {\n\t\tip saddr $gone drop\n\t}\n}", "nothing defines $gone"},
	{"nft", "table ip t {\n\tchain c {\n\t\ttype filter hook forwrad priority 0;\n\t}\n}", `no hook "forwrad"; want prerouting`},
	{"nft", "table ip t {\n\tchain c {\n\t\ttype fliter hook forward priority 0;\n\t}\n}", `"fliter" is not a type of a chain`},
	{"nft", "table ip t {\n\tchain c {\n\t\ttype filter hook forward;\n\t}\n}", "lacks its priority"},
	{"nft", "table ip t { }\nadd rule ip u c drop", "makes no table ip u"},
	{"nft", "table ip t { }\nadd rule ip t c drop", `table ip t has no chain "c"`},
	{"nft", "table inet t { chain c { }; }\nadd rule t c drop", "makes no table ip t"},
	{"nft", "table netdev t { chain c { type filter hook input priority 0; }; }", "want ingress or egress"},
}

// TestReaderAgreesWithTheTools: what the pure reader refuses the tools refuse too, and what they take it takes.
func TestReaderAgreesWithTheTools(t *testing.T) {
	s := withTool(t)
	const lab = "format: 1\nlab: t\nnodes:\n  a:\n    ip: 10.0.0.1/24\n    rules:\n      x:\n        %s: |\n%s  b: {ip: 10.0.0.2/24}\nlinks: [a -- b]\n"
	apply(t, s, plan.New(load(t, "format: 1\nlab: t\nnodes: {a: {ip: 10.0.0.1/24, ipv6: true}, b: {}}\nlinks: [a -- b]\n"), "t").Ops...)
	read := func(form, text string) (*labfile.File, string) {
		var body strings.Builder
		for line := range strings.SplitSeq(text, "\n") {
			body.WriteString("          " + strings.ReplaceAll(line, "\t", "  ") + "\n")
		}
		l, problems := labfile.Load("x.yaml", []byte(strings.Replace(strings.Replace(lab, "%s", form, 1), "%s", body.String(), 1)))
		return l, problems.Errors().Error()
	}
	ask := func(form, text string) error {
		p := rulePart{tool: form, text: text + "\n"}
		if form != "nft" {
			p.text = ""
			table := ""
			for line := range strings.SplitSeq(text, "\n") {
				now := "filter"
				if rest, ok := strings.CutPrefix(line, "-t "); ok {
					now, line, _ = strings.Cut(rest, " ")
				}
				if now != table && table != "" {
					p.text += "COMMIT\n"
				}
				if now != table {
					p.text += "*" + now + "\n"
				}
				table = now
				p.text += line + "\n"
			}
			p.text += "COMMIT\n"
		}
		return s.tryLoad("a", p)
	}
	for _, c := range accepted {
		l, problems := read(c.form, c.text)
		if l == nil {
			t.Errorf("the reader refuses this:\n%s\n%s", c.text, problems)
			continue
		}
		for _, p := range ruleParts(plan.SetRules{Node: "a", To: l.Node("a").Rules}) {
			if err := s.tryLoad("a", p); err != nil {
				t.Logf("%s does not take this here, so it proves nothing: %v\n%s", c.form, err, c.text)
			}
		}
	}
	for _, c := range refused {
		if err := ask(c.form, c.text); err == nil {
			t.Errorf("%s takes this:\n%s", c.form, c.text)
		}
		if l, problems := read(c.form, c.text); l != nil || !strings.Contains(problems, c.says) {
			t.Errorf("the reader says %q, want %q, of\n%s", problems, c.says, c.text)
		}
	}
}

// tryLoad loads a part and takes everything away again: iptables-restore --test does not ask the kernel.
func (s *held) tryLoad(node string, p rulePart) error {
	_, err := s.Rules.load(context.Background(), node, p)
	_, _, _ = s.Rules.tools.call(context.Background(), node, "flush ruleset\n", "nft", "-f", "-")
	return err
}

// TestIncludeIsRefusedWhereNftTakesIt: a text must not read files, wherever nft would let it.
func TestIncludeIsRefusedWhereNftTakesIt(t *testing.T) {
	s := withTool(t)
	apply(t, s, plan.New(load(t, "format: 1\nlab: t\nnodes: {a: {ip: 10.0.0.1/24}, b: {}}\nlinks: [a -- b]\n"), "t").Ops...)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, at := range []string{"%s\ntable ip t { }", "table ip t {\n%s\n}", "table ip t {\nchain c {\n%s\n}\n}", "table ip t {\nchain c {\ntype filter hook input priority 0; %s\n}\n}",
		"table ip t {\nset s {\ntype ipv4_addr\n%s\n}\n}", "table ip t {\nmap s {\ntype ipv4_addr : verdict; %s\n}\n}", "table ip t {\ncounter n {\n%s\n}\n}",
		"table ip t {\nquota n {\n%s\n}\n}", "table ip t {\nlimit n {\n%s\n}\n}", "table ip t {\nflowtable n {\n%s\n}\n}", "table ip t {\nct helper n {\n%s\n}\n}",
		"table ip t {\nct timeout n {\n%s\n}\n}", "table ip t {\n\\\n%s\n}", "table ip t {%s\n}", "add table ip t;%s", "add chain ip t c { type filter hook input priority 0; %s\n}",
		"table ip t {\nchain c {\ncounter comment \"x\";%s\n}\n}"} {
		for _, word := range []string{"include ", "include", "\tinclude\t"} {
			text := strings.Replace(at, "%s", word+`"`+empty+`"`, 1)
			if _, words, err := s.Rules.tools.call(context.Background(), "a", text+"\n", "nft", "-c", "-f", "-"); err == nil {
				taken++
			} else {
				t.Logf("nft itself refuses %q: %s", text, words)
			}
			lab := "format: 1\nlab: t\nnodes:\n  a:\n    rules: {x: {nft: " + strconv.Quote(text) + "}}\n  b: {}\nlinks: [a -- b]\n"
			if l, problems := labfile.Load("x.yaml", []byte(lab)); l != nil || !strings.Contains(problems.Error(), "nothing depends on where a lab file is read") {
				t.Errorf("%q: %v", text, problems)
			}
		}
	}
	if taken < 20 {
		t.Errorf("nft takes %d of these, so the test shows little", taken)
	}
}
