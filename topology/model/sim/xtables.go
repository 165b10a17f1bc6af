package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology/state"
)

// xtables are the commands of iptables of a node (iptables(8), iptables-extensions(8)). What is not read here makes the
// rule one that the model cannot read.
type xtables struct {
	chains map[[2]string]*chain // by table and name
	tracks bool
}

func newXTables() *xtables { return &xtables{chains: map[[2]string]*chain{}} }

// xtPriorities are the priorities of the tables (linux/netfilter_ipv4.h).
func xtPriorities() map[string]int {
	return map[string]int{"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
}

func (x *xtables) chain(table, name string) *chain {
	k := [2]string{table, name}
	if x.chains[k] == nil {
		x.chains[k] = &chain{name: name, priority: xtPriorities()[table]}
	}
	return x.chains[k]
}

// add takes one command.
func (x *xtables) add(set string, l state.RuleLine) {
	c := x.chain(l.Table, l.Args[1])
	switch l.Args[0] {
	case "-P":
		c.drops = len(l.Args) > 2 && l.Args[2] == "DROP"
	case "-A":
		c.rules = append(c.rules, x.rule(set, l, l.Args[2:]))
	case "-I":
		args, at := l.Args[2:], 0
		if len(args) > 0 {
			if n, err := strconv.Atoi(args[0]); err == nil {
				args, at = args[1:], n-1
			}
		}
		c.rules = slices.Insert(c.rules, max(0, min(at, len(c.rules))), x.rule(set, l, args))
	}
}

// hook puts the kernel's own chains where they are met.
func (x *xtables) hook(f *filter) {
	for _, table := range []string{"raw", "mangle", "nat", "filter", "security"} {
		for _, name := range []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"} {
			c := x.chains[[2]string{table, name}]
			if c == nil {
				continue
			}
			at := hookAt{"ip", strings.ToLower(name)}
			f.chains[at] = append(f.chains[at], c)
		}
	}
	f.tracks = f.tracks || x.tracks
}

// xtReader reads the words of one rule.
type xtReader struct {
	*xtables
	r     *rule
	words []string
	table string
	not   bool // a "!" is in front of the option at hand
}

// rule reads what a rule asks for and does.
func (x *xtables) rule(set string, l state.RuleLine, args []string) *rule {
	r := &rule{counts: true}
	if l.Name != "" {
		r.name = set + "/" + l.Name
	}
	rd := &xtReader{xtables: x, r: r, words: args, table: l.Table}
	for len(rd.words) > 0 && r.unread == "" {
		rd.not = rd.words[0] == "!"
		if rd.not {
			rd.words = rd.words[1:]
		}
		rd.option()
	}
	if l.Table != "filter" && r.verdict == rejects {
		r.unread = "-t " + l.Table
	}
	if r.unread != "" {
		r.unread = set + ": " + strings.Join(l.Args, " ")
	}
	return r
}

// value takes the next word.
func (x *xtReader) value() string {
	if len(x.words) == 0 {
		x.r.unread = "a value is missing"
		return ""
	}
	v := x.words[0]
	x.words = x.words[1:]
	return v
}

// match adds a condition, turned round if a "!" is in front of it.
func (x *xtReader) match(m func(*meeting) bool) {
	not := x.not
	x.r.matches = append(x.r.matches, func(p *meeting) bool { return m(p) != not })
	x.not = false
}

// option reads one option with its values.
func (x *xtReader) option() {
	not := x.not
	name := x.value()
	if len(x.words) > 0 && x.words[0] == "!" { // the old place of it
		x.words, not = x.words[1:], true
	}
	if head, value, joined := strings.Cut(name, "="); joined && strings.HasPrefix(name, "--") {
		name, x.words = head, append([]string{value}, x.words...)
	}
	x.not = not
	switch name {
	case "-m", "--match":
		x.extension(x.value())
	case "-j", "--jump":
		x.target(x.value())
	case "-p", "--protocol", "--proto":
		x.protocol(x.value())
	case "-s", "--source", "--src":
		x.address(x.value(), packet.src)
	case "-d", "--destination", "--dst":
		x.address(x.value(), packet.dst)
	case "-i", "--in-interface":
		x.device(x.value(), func(m *meeting) *device { return m.in })
	case "-o", "--out-interface":
		x.device(x.value(), func(m *meeting) *device { return m.out })
	case "--physdev-in":
		x.device(x.value(), func(m *meeting) *device { return m.physIn })
	case "--physdev-out":
		x.device(x.value(), func(m *meeting) *device { return m.physOut })
	case "--physdev-is-in":
		x.match(func(m *meeting) bool { return m.physIn != nil })
	case "--physdev-is-out":
		x.match(func(m *meeting) bool { return m.physOut != nil })
	case "--physdev-is-bridged":
		x.match(func(m *meeting) bool { return m.bridged })
	case "--state", "--ctstate":
		x.tracks = true
		states := strings.Split(strings.ToLower(x.value()), ",")
		x.match(func(m *meeting) bool { return slices.Contains(states, m.state) })
	case "--mac-source":
		x.mac(x.value())
	case "--icmp-type":
		x.icmpType(x.value())
	case "--comment":
		x.value()
	default:
		x.r.unread = name
	}
}

// extension names a module; its options are read where they come.
func (x *xtReader) extension(name string) {
	if !slices.Contains([]string{"physdev", "state", "conntrack", "mac", "icmp", "comment", "tcp", "udp"}, name) {
		x.r.unread = name
	}
}

// target reads what the rule does.
func (x *xtReader) target(name string) {
	switch name {
	case "ACCEPT":
		x.r.verdict = accepts
	case "DROP":
		x.r.verdict = drops
	case "RETURN":
		x.r.verdict = returns
	case "NFLOG":
		x.words = nil
	case "REJECT":
		x.r.verdict, x.r.code = rejects, 3
		if len(x.words) > 1 && x.words[0] == "--reject-with" {
			codes := map[string]byte{"icmp-net-unreachable": 0, "icmp-host-unreachable": 1, "icmp-proto-unreachable": 2,
				"icmp-port-unreachable": 3, "icmp-net-prohibited": 9, "icmp-host-prohibited": 10,
				"icmp-admin-prohibited": 13}
			code, ok := codes[x.words[1]]
			if x.r.code = code; !ok {
				x.r.unread = x.words[1]
			}
			x.words = x.words[2:]
		}
	default:
		if name == strings.ToUpper(name) && x.chains[[2]string{x.table, name}] == nil {
			x.r.unread = name
			return
		}
		x.r.verdict, x.r.to = jumps, x.chain(x.table, name)
	}
}

func (x *xtReader) protocol(name string) {
	number, err := strconv.Atoi(name)
	names := map[string]int{"icmp": 1, "tcp": 6, "udp": 17, "all": 0, "igmp": 2, "sctp": 132, "gre": 47, "esp": 50}
	if n, ok := names[strings.ToLower(name)]; ok {
		number, err = n, nil
	}
	if err != nil {
		x.r.unread = name
		return
	}
	x.match(func(m *meeting) bool { return number == 0 || m.p != nil && int(m.p.protocol()) == number })
}

// address reads addresses with their masks, any of which may be.
func (x *xtReader) address(text string, of func(packet) uint32) {
	var list []netip.Prefix
	for word := range strings.SplitSeq(text, ",") {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, err := netip.ParseAddr(word)
			if err != nil || !a.Is4() {
				x.r.unread = word
				return
			}
			p = netip.PrefixFrom(a, 32)
		}
		list = append(list, p.Masked())
	}
	x.match(func(m *meeting) bool {
		return m.p != nil && slices.ContainsFunc(list, func(p netip.Prefix) bool {
			return (of(m.p)^number(p.Addr()))&mask(p.Bits()) == 0
		})
	})
}

// device reads the name of an interface, or the beginning of names and a "+".
func (x *xtReader) device(name string, of func(*meeting) *device) {
	head, open := strings.CutSuffix(name, "+")
	x.match(func(m *meeting) bool {
		d := of(m)
		return d != nil && (d.name == name || open && strings.HasPrefix(d.name, head))
	})
}

func (x *xtReader) mac(text string) {
	mac, err := switchcore.ParseMAC(strings.ToLower(text))
	if err != nil {
		x.r.unread = text
		return
	}
	x.match(func(m *meeting) bool { return m.f != nil && m.f.src() == mac })
}

// icmpType reads a type by its number or name, with a code or without.
func (x *xtReader) icmpType(text string) {
	names := map[string][2]int{"any": {-1, -1}, "echo-reply": {0, -1}, "pong": {0, -1},
		"destination-unreachable": {3, -1},
		"network-unreachable":     {3, 0}, "host-unreachable": {3, 1}, "protocol-unreachable": {3, 2},
		"port-unreachable": {3, 3}, "fragmentation-needed": {3, 4}, "redirect": {5, -1}, "network-redirect": {5, 0},
		"host-redirect": {5, 1}, "echo-request": {8, -1}, "ping": {8, -1}, "time-exceeded": {11, -1},
		"ttl-exceeded": {11, -1}, "ttl-zero-during-transit": {11, 0}}
	want, ok := names[text]
	if !ok {
		typ, code, _ := strings.Cut(text, "/")
		n, err := strconv.Atoi(typ)
		if want = [2]int{n, -1}; err != nil {
			x.r.unread = text
			return
		}
		if c, err := strconv.Atoi(code); err == nil {
			want[1] = c
		}
	}
	x.match(func(m *meeting) bool {
		t := -1
		if m.p != nil {
			t = m.p.icmpType()
		}
		return t >= 0 && (want[0] < 0 || t == want[0]) && (want[1] < 0 || int(m.p.body()[1]) == want[1])
	})
}
