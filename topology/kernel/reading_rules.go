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

// foreign finds the tables of nftables that no rule set of the lab makes. Those by which labctl keeps a node away from
// what belongs to a virtual switch (see BlockIngress) are not among them.
func (r *readingNode) foreign() error {
	r.out.Foreign = nil
	err := r.dumpNFT(unix.NFT_MSG_GETTABLE, func(family string, attrs []byte) {
		name := ""
		attributes(attrs, func(typ uint16, v []byte) {
			if typ == unix.NFTA_TABLE_NAME {
				name = word(v)
			}
		})
		if !(family == "netdev" && strings.HasPrefix(name, "labctl-")) && !madeBy(r.of.Loaded(), family, name) {
			r.out.Foreign = append(r.out.Foreign, family+" "+name)
		}
	})
	if err = tolerate(err, unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EINVAL); err != nil {
		return fmt.Errorf("list tables of rules: %w", err)
	}
	return nil
}

// madeBy reports whether one of some rule sets makes a table.
func madeBy(sets []*rules.Set, family, name string) bool {
	return slices.ContainsFunc(sets, func(set *rules.Set) bool {
		of := "ip"
		if set.Form == "ip6tables" {
			of = "ip6"
		}
		return slices.Contains(set.Tables, rules.NFTable{Family: family, Name: name}) || family == of &&
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
