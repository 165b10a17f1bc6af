//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology/rules"
	"labctl/topology/state"
)

// rules finds which rule sets of the lab have their tables, and the tables of nftables that none of them makes. Those
// by which labctl keeps a node away from what belongs to a virtual switch (see BlockIngress) are not among them.
func (r *readingNode) rules() error {
	r.out.Rules, r.out.Foreign = nil, nil
	tables := map[rules.NFTable]bool{}
	err := r.dumpNFT(unix.NFT_MSG_GETTABLE, func(family string, attrs []byte) {
		attributes(attrs, func(typ uint16, v []byte) {
			if typ == unix.NFTA_TABLE_NAME {
				tables[rules.NFTable{Family: family, Name: word(v)}] = true
			}
		})
	})
	if err = tolerate(err, unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EINVAL); err != nil {
		return fmt.Errorf("list tables of rules: %w", err)
	}
	legacy, err := r.legacyRules(true)
	if err != nil {
		return err
	}
	loaded := r.of.Loaded()
	for t := range tables {
		if !(t.Family == "netdev" && strings.HasPrefix(t.Name, "labctl-")) && !madeBy(loaded, t.Family, t.Name) {
			r.out.Foreign = append(r.out.Foreign, t.String())
		}
	}
	for _, set := range loaded {
		if there(set, tables, len(legacy) > 0) {
			r.out.Rules = append(r.out.Rules, state.SetOf(set))
		}
	}
	return nil
}

// there reports whether all tables of a set are there. Those of iptables may be legacy ones, which are not listed.
func there(set *rules.Set, tables map[rules.NFTable]bool, legacy bool) bool {
	gone := func(t rules.NFTable) bool { return !tables[t] }
	if slices.ContainsFunc(set.Tables, gone) {
		return false
	}
	return legacy || !slices.ContainsFunc(set.Lines, func(l rules.Line) bool {
		return l.Table != "" && gone(rules.NFTable{Family: xtFamily(set), Name: l.Table})
	})
}

// xtFamily is the family of the tables that a set's commands of iptables write.
func xtFamily(set *rules.Set) string {
	if set.Form == "ip6tables" {
		return "ip6"
	}
	return "ip"
}

// madeBy reports whether one of some rule sets makes a table.
func madeBy(sets []*rules.Set, family, name string) bool {
	return slices.ContainsFunc(sets, func(set *rules.Set) bool {
		return slices.Contains(set.Tables, rules.NFTable{Family: family, Name: name}) || family == xtFamily(set) &&
			slices.ContainsFunc(set.Lines, func(l rules.Line) bool { return l.Table == name })
	})
}

// connections reads what connection tracking knows, if the node tracks any.
func (r *readingNode) connections() error {
	r.out.Conntrack = nil
	return r.enter(func() error {
		b, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
		if errors.Is(err, os.ErrNotExist) || strings.TrimSpace(string(b)) == "0" {
			return nil
		}
		if err != nil {
			return err
		}
		h, err := netlink.NewHandle(unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		defer h.Close()
		for _, family := range Families {
			list, err := h.ConntrackTableList(netlink.ConntrackTable, netlink.InetFamily(family))
			if err != nil {
				return fmt.Errorf("list tracked connections: %w", err)
			}
			for _, f := range list {
				r.out.Conntrack = append(r.out.Conntrack, state.Connection{Protocol: int(f.Forward.Protocol),
					Request: flowOf(f.Forward), Reply: flowOf(f.Reverse)})
			}
		}
		return nil
	})
}

func flowOf(t netlink.IPTuple) state.Flow {
	return state.Flow{Src: addrOf(t.SrcIP), Dst: addrOf(t.DstIP), SrcPort: int(t.SrcPort), DstPort: int(t.DstPort)}
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
