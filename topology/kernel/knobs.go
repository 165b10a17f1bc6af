//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// knobs are attributes of a bridge, or of a port of one, that a kernel may not know: then it takes a request and
// ignores them, or is built without them. So they are looked for afterwards. The numbers are those of linux/if_link.h.
type knobs struct {
	data *nl.RtAttr
	kept map[uint16]string // what was put into the request, by name
}

func (k *knobs) put(name string, attr int, value []byte) {
	k.data.AddRtAttr(attr, value)
	if k.kept == nil {
		k.kept = map[uint16]string{}
	}
	k.kept[uint16(attr)] = name
}

// mcastAttrs are the intervals of [topology.McastSettings] by their names.
var mcastAttrs = map[string]int{
	"mcast_query_interval":          nl.IFLA_BR_MCAST_QUERY_INTVL,
	"mcast_query_response_interval": nl.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL,
	"mcast_membership_interval":     nl.IFLA_BR_MCAST_MEMBERSHIP_INTVL,
	"mcast_querier_interval":        nl.IFLA_BR_MCAST_QUERIER_INTVL,
	"mcast_last_member_interval":    nl.IFLA_BR_MCAST_LAST_MEMBER_INTVL,
	"mcast_startup_query_interval":  nl.IFLA_BR_MCAST_STARTUP_QUERY_INTVL,
}

// mcast puts what differs. Intervals are in hundredths of a second (USER_HZ), in 64 bits.
func (k *knobs) mcast(from, to topology.McastSettings) {
	was := from.Intervals()
	for i, t := range to.Intervals() {
		if *t.Value != *was[i].Value {
			k.put(t.Name, mcastAttrs[t.Name], nl.Uint64Attr(uint64(*t.Value/(10*time.Millisecond))))
		}
	}
}

// setQuerier has a bridge ask or not, in a request of its own: when it begins to, it believes in its groups after the
// response interval that it has then (br_multicast_set_querier in net/bridge/br_multicast.c), and in one request it
// takes the intervals last (br_changelink in br_netlink.c).
func (n *namespace) setQuerier(name string, from, to bool) error {
	if from == to {
		return nil
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	k := &knobs{data: info.AddRtAttr(nl.IFLA_INFO_DATA, nil)}
	k.put("mcast_querier", nl.IFLA_BR_MCAST_QUERIER, []byte{byte(flag(to))})
	if err := n.setLink(name, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), info); err != nil {
		return err
	}
	return k.lacking(n, name, nl.IFLA_INFO_DATA)
}

// port puts what differs on a port.
func (k *knobs) port(from, to topology.PortSettings) {
	if from.MAB != to.MAB {
		k.put("mab", nl.IFLA_BRPORT_MAB, []byte{byte(flag(to.MAB))})
	}
	if from.NeighSuppress != to.NeighSuppress {
		k.put("neigh_suppress", nl.IFLA_BRPORT_NEIGH_SUPPRESS, []byte{byte(flag(to.NeighSuppress))})
	}
	if from.McastRouter != to.McastRouter {
		k.put("mcast_router", nl.IFLA_BRPORT_MULTICAST_ROUTER, []byte{byte(to.McastRouter)})
	}
	if from.GroupFwdMask != to.GroupFwdMask {
		k.put("group_fwd_mask", nl.IFLA_BRPORT_GROUP_FWD_MASK, nl.Uint16Attr(to.GroupFwdMask))
	}
	if from.Priority != to.Priority {
		k.put("priority", nl.IFLA_BRPORT_PRIORITY, nl.Uint16Attr(uint16(to.Priority)))
	}
}

// lacking is an [ErrUnsupported] that names what was put and the interface does not have: within is IFLA_INFO_DATA of a
// bridge, IFLA_INFO_SLAVE_DATA of a port.
func (k *knobs) lacking(n *namespace, name string, within uint16) error {
	if len(k.kept) == 0 {
		return nil
	}
	index, err := n.ifindex(name)
	if err != nil {
		return err
	}
	fixed := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(fixed[4:], uint32(index))
	req, start := message(nil, unix.RTM_GETLINK, 0, fixed)
	has := map[uint16]bool{}
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWLINK || len(b) < unix.SizeofIfInfomsg {
			return
		}
		attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
			if typ != unix.IFLA_LINKINFO {
				return
			}
			attributes(v, func(typ uint16, v []byte) {
				if typ == within {
					attributes(v, func(typ uint16, _ []byte) { has[typ] = true })
				}
			})
		})
	}, nil)
	if err != nil {
		return err
	}
	for attr, key := range k.kept {
		if !has[attr] {
			return fmt.Errorf("%w: its bridges have no %s", ErrUnsupported, key)
		}
	}
	return nil
}

// closed is a port that learns nothing and that nothing is flooded to.
func closed(node, name string) plan.SetPort {
	from := topology.DefaultPortSettings()
	to := from
	to.Learning, to.Flood, to.McastFlood, to.BcastFlood = false, false, false, false
	return plan.SetPort{Node: node, Name: name, From: from, To: to}
}
