package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Route is a static route. One of type unicast has Via, Dev or both, or else NextHops; other types have none of them.
// It has no place in the file: routes are compared, and one that has only moved is the same.
type Route struct {
	Dst      netip.Prefix // 0.0.0.0/0 and ::/0 for default
	Type     string       // unicast blackhole unreachable prohibit
	Via      netip.Addr
	Dev      string
	Metric   int
	Src      netip.Addr
	OnLink   bool
	Table    uint32    // 0: main
	NextHops []NextHop // two or more, among which the kernel chooses for each flow
}

// NextHop is one of several ways of a route. Via or Dev may be missing, not both; IPv6 needs Via.
type NextHop struct {
	Via    netip.Addr
	Dev    string
	Weight int // 1 to 256
	OnLink bool
}

// Same reports whether two routes are one.
func (r Route) Same(o Route) bool {
	return slices.Equal(r.NextHops, o.NextHops) && r.Dst == o.Dst && r.Type == o.Type && r.Via == o.Via &&
		r.Dev == o.Dev && r.Metric == o.Metric && r.Src == o.Src && r.OnLink == o.OnLink && r.Table == o.Table
}

// Hops are the ways of a route that is to a gateway or a device: its next hops, or its own as the only one.
func (r Route) Hops() []NextHop {
	if len(r.NextHops) > 0 {
		return r.NextHops
	}
	return []NextHop{{Via: r.Via, Dev: r.Dev, Weight: 1, OnLink: r.OnLink}}
}

// The tables that every kernel has (linux/rtnetlink.h, enum rt_class_t). [Route.Table] and [IPRule.Table] have 0 for
// main.
const (
	DefaultTable = 253
	MainTable    = 254
	LocalTable   = 255
)

// IPRule is a rule of routing policy (ip-rule(8)): which table is asked for the route of a packet. It holds for one
// family. The zero value of a selector takes every packet.
type IPRule struct {
	Priority uint32       `json:"priority"` // 1 to 4294967295, of a family unique in its node
	V6       bool         `json:"v6,omitzero"`
	Not      bool         `json:"not,omitzero"` // of all packets but those that the selectors take
	From     netip.Prefix `json:"from,omitzero"`
	To       netip.Prefix `json:"to,omitzero"`
	IIF      string       `json:"iif,omitzero"` // "lo": what the node itself sends
	OIF      string       `json:"oif,omitzero"`
	Mark     uint32       `json:"mark,omitzero"`      // of MarkMask's bits
	MarkMask uint32       `json:"mark_mask,omitzero"` // 0: whatever the mark
	TOS      uint8        `json:"tos,omitzero"`       // without the two bits of ECN; 0: whatever it is
	Proto    uint8        `json:"proto,omitzero"`     // IP protocol; 0: any
	SPort    PortRange    `json:"sport,omitzero"`
	DPort    PortRange    `json:"dport,omitzero"`

	Action string `json:"action"`         // table, or blackhole unreachable prohibit
	Table  uint32 `json:"table,omitzero"` // of action table; 0: main
	// of action table: routes whose prefix is no longer than this do not count; -1: all count
	Suppress int `json:"suppress"`
}

// PortRange are the ports from First to Last, both included; the zero value is any.
type PortRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// LoopbackName is the name of every namespace's loopback interface.
const LoopbackName = "lo"

// Addressed are the interfaces that may have addresses: those that are made, and "lo" if the file gives it any.
func (n *Node) Addressed() []*Interface {
	if n.Loopback == nil {
		return n.Interfaces
	}
	return append(slices.Clip(n.Interfaces), n.Loopback)
}

// String is the rule as "ip rule add" takes it.
func (r IPRule) String() string {
	not := ""
	if r.Not {
		not = "not "
	}
	return fmt.Sprintf("%spriority %d %s", not, r.Priority, r.words())
}

// Selects is the rule without its priority, in the words of ip-rule(8).
func (r IPRule) Selects() string {
	if r.Not {
		return "not " + r.words()
	}
	return r.words()
}

func (r IPRule) words() string {
	w := []string{"from all"}
	if r.From.IsValid() {
		w[0] = "from " + selector(r.From)
	}
	say := func(given bool, format string, args ...any) {
		if given {
			w = append(w, fmt.Sprintf(format, args...))
		}
	}
	say(r.To.IsValid(), "to %s", selector(r.To))
	say(r.IIF != "", "iif %s", r.IIF)
	say(r.OIF != "", "oif %s", r.OIF)
	say(r.MarkMask == ^uint32(0), "fwmark %#x", r.Mark)
	say(r.MarkMask != 0 && r.MarkMask != ^uint32(0), "fwmark %#x/%#x", r.Mark, r.MarkMask)
	say(r.TOS != 0, "tos %#x", r.TOS)
	say(r.Proto != 0, "ipproto %d", r.Proto)
	say(r.SPort != PortRange{}, "sport %s", r.SPort)
	say(r.DPort != PortRange{}, "dport %s", r.DPort)
	if r.Action != "table" {
		say(true, "%s", r.Action)
	} else {
		say(true, "table %s", TableName(r.Table))
	}
	say(r.Suppress >= 0, "suppress_prefixlength %d", r.Suppress)
	return strings.Join(w, " ")
}

// selector is a prefix as ip-rule(8) shows it.
func selector(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// TableName is what iproute2 calls a routing table, whatever the machine's rt_tables says: its number, or main, default
// or local. 0 is main.
func TableName(table uint32) string {
	switch table {
	case 0, MainTable:
		return "main"
	case DefaultTable:
		return "default"
	case LocalTable:
		return "local"
	}
	return strconv.FormatUint(uint64(table), 10)
}

// String is the range as ip-rule(8) has it: 80, or 1000-2000.
func (p PortRange) String() string {
	if p.First == p.Last {
		return fmt.Sprint(p.First)
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}
