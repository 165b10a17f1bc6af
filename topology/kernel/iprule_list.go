//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Of linux/fib_rules.h.
const (
	fibRuleInvert = 2 // FIB_RULE_INVERT
	ruleToTable   = 1 // FR_ACT_TO_TBL
)

// ruleActions are the other actions of rules that have a word in ip-rule(8), by their numbers in linux/fib_rules.h.
var ruleActions = map[byte]string{2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}

// IPRules are the rules of a node's routing policy as the kernel has them, by family and priority, its own too. A
// selector that a lab file cannot say is not in them. Package netlink reads no action of a rule.
func (t Tables) IPRules(node string) (out []topology.IPRule, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	for _, family := range Families {
		fixed := make([]byte, unix.SizeofRtMsg)
		fixed[0] = byte(family)
		req, start := message(nil, unix.RTM_GETRULE, unix.NLM_F_DUMP, fixed)
		err := n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
			if typ == unix.RTM_NEWRULE && len(b) >= unix.SizeofRtMsg && int(b[0]) == family {
				out = append(out, readIPRule(b))
			}
		}, func(e unix.Errno) error {
			if e == unix.EAFNOSUPPORT || e == unix.EOPNOTSUPP { // a kernel without IPv6
				return nil
			}
			return fmt.Errorf("%s: list routing rules: %w", node, e)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readIPRule reads struct fib_rule_hdr, which is as long as struct rtmsg, and its attributes.
func readIPRule(b []byte) topology.IPRule {
	r := topology.IPRule{V6: b[0] == unix.AF_INET6, TOS: b[3], Suppress: -1, Action: ruleActions[b[7]],
		Not: binary.NativeEndian.Uint32(b[8:])&fibRuleInvert != 0}
	if b[7] == ruleToTable {
		r.Action = "table"
	}
	table, masked := uint32(b[4]), false
	attributes(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		number := uint32(0)
		if len(v) >= 4 {
			number = binary.NativeEndian.Uint32(v)
		}
		switch typ {
		case nl.FRA_SRC:
			r.From = prefixOf(v, b[2])
		case nl.FRA_DST:
			r.To = prefixOf(v, b[1])
		case nl.FRA_IIFNAME:
			r.IIF = strings.TrimRight(string(v), "\x00")
		case nl.FRA_OIFNAME:
			r.OIF = strings.TrimRight(string(v), "\x00")
		case nl.FRA_PRIORITY:
			r.Priority = number
		case nl.FRA_FWMARK:
			r.Mark = number
		case nl.FRA_FWMASK:
			r.MarkMask, masked = number, true
		case nl.FRA_TABLE:
			table = number
		case nl.FRA_SUPPRESS_PREFIXLEN:
			r.Suppress = int(int32(number))
		case nl.FRA_IP_PROTO:
			r.Proto = slices.Concat(v, []byte{0})[0]
		case nl.FRA_SPORT_RANGE:
			r.SPort = portRange(v)
		case nl.FRA_DPORT_RANGE:
			r.DPort = portRange(v)
		}
	})
	if r.Mark != 0 && !masked {
		r.MarkMask = ^uint32(0)
	}
	if r.Table = table; table == topology.MainTable || r.Action != "table" {
		r.Table = 0
	}
	return r
}

// prefixOf is a prefix of an attribute's address.
func prefixOf(v []byte, bits byte) netip.Prefix {
	a, _ := netip.AddrFromSlice(v)
	return netip.PrefixFrom(a, int(bits))
}

func portRange(v []byte) topology.PortRange {
	if len(v) < 4 {
		return topology.PortRange{}
	}
	return topology.PortRange{First: binary.NativeEndian.Uint16(v), Last: binary.NativeEndian.Uint16(v[2:])}
}
