//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/state"
)

// readLinkInfo is an interface as RTM_NEWLINK has it.
type readLinkInfo struct {
	state.Interface
	index, master int
	link          int   // the lower, or a veth's other end; 0: none
	linkNS        int32 // of link's namespace; negative: the same
	rootPort      uint16
	ids           [3]bridgeID // of a port: the designated root and bridge
	portID        uint16
	fromPort      uint16
	fromCost      uint16
	below         int               // of a VXLAN: what it goes over
	conf          map[string]string // its values of net/ipv4/conf
}

// number is a value of four bytes.
func number(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// bool8 is a value of one byte that is yes or no.
func bool8(v []byte) bool { return len(v) == 1 && v[0] != 0 }

// ticks is a duration in hundredths of a second.
func ticks(v []byte) time.Duration { return time.Duration(number32(v)) * 10 * time.Millisecond }

func readLinkState(b []byte) readLinkInfo {
	flags := binary.NativeEndian.Uint32(b[8:])
	l := readLinkInfo{index: int(int32(binary.NativeEndian.Uint32(b[4:]))), linkNS: -1}
	l.Up, l.Carrier = flags&unix.IFF_UP != 0, flags&unix.IFF_UP != 0 && flags&unix.IFF_LOWER_UP != 0
	l.Promisc = flags&unix.IFF_PROMISC != 0
	if flags&unix.IFF_LOOPBACK != 0 {
		l.Kind = state.Loopback
	}
	attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_IFNAME:
			l.Name = word(v)
		case unix.IFLA_ADDRESS:
			if len(v) == 6 {
				l.MAC = switchcore.MAC(v)
			}
		case unix.IFLA_MTU:
			l.MTU = int(number32(v))
		case unix.IFLA_PROMISCUITY:
			l.Promiscuity = int(number32(v))
		case unix.IFLA_MASTER:
			l.master = int(number32(v))
		case unix.IFLA_LINK:
			l.link = int(number32(v))
		case unix.IFLA_LINK_NETNSID:
			l.linkNS = int32(number32(v))
		case unix.IFLA_LINKINFO:
			l.info(v)
		case unix.IFLA_AF_SPEC:
			attributes(v, func(typ uint16, v []byte) {
				if typ == unix.AF_INET {
					attributes(v, l.inetConf)
				}
			})
		}
	})
	if l.Tunnel != nil { // its IFLA_LINK is itself
		l.link = l.below
	}
	return l
}

// devconf4 numbers the values of net/ipv4/conf that decide, as IPV4_DEVCONF_* of linux/ip.h does.
var devconf4 = map[string]int{"forwarding": 1, "proxy_arp": 3, "accept_redirects": 4, "secure_redirects": 5,
	"send_redirects": 6, "shared_media": 7, "rp_filter": 8, "log_martians": 11, "arp_filter": 13, "medium_id": 14,
	"arp_announce": 18, "arp_ignore": 19, "arp_accept": 21, "arp_notify": 22, "accept_local": 23, "src_valid_mark": 24,
	"proxy_arp_pvlan": 25, "route_localnet": 26, "ignore_routes_with_linkdown": 29,
	"drop_unicast_in_l2_multicast": 30, "drop_gratuitous_arp": 31, "bc_forwarding": 32}

// inetConf reads an attribute of IFLA_AF_SPEC: all of an interface's net/ipv4/conf comes at once, where each file of
// them would cost a walk over every namespace's entry of the same name (fs/proc/proc_sysctl.c, proc_sys_compare).
func (l *readLinkInfo) inetConf(typ uint16, v []byte) {
	if typ != iflaInetConf {
		return
	}
	l.conf = map[string]string{}
	for name, n := range devconf4 {
		if at := 4 * (n - 1); len(v) >= at+4 {
			l.conf["net/ipv4/conf/"+l.Name+"/"+name] = strconv.Itoa(int(int32(number32(v[at:]))))
		}
	}
}

// info reads IFLA_LINKINFO: what kind of interface it is, and of which bridge it is a port.
func (l *readLinkInfo) info(b []byte) {
	slave := ""
	attributes(b, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			l.Kind = topology.LinkType(word(v))
		case unix.IFLA_INFO_SLAVE_KIND:
			slave = word(v)
		case unix.IFLA_INFO_DATA:
			switch l.Kind {
			case topology.BridgeLink:
				l.Bridge = &state.Bridge{}
				attributes(v, l.bridge)
			case topology.Macvlan, topology.Macvtap:
				attributes(v, l.macvlan)
			case topology.IPVLAN:
				attributes(v, l.ipvlan)
			case topology.VXLANLink:
				l.Tunnel = &state.Tunnel{DF: "unset"}
				attributes(v, l.vxlan)
			case topology.VLAN:
				attributes(v, func(typ uint16, v []byte) {
					if typ == nl.IFLA_VLAN_ID {
						l.VLANID = int(number16(v))
					}
				})
			}
		case unix.IFLA_INFO_SLAVE_DATA:
			if slave == "bridge" {
				l.Port = &state.Port{}
				attributes(v, l.port)
			}
		}
	})
}

// ipvlan reads an attribute of an ipvlan (linux/if_link.h).
func (l *readLinkInfo) ipvlan(typ uint16, v []byte) {
	switch typ {
	case nl.IFLA_IPVLAN_MODE:
		for word, n := range ipvlanModes {
			if n == netlink.IPVlanMode(number16(v)) {
				l.Mode = word
			}
		}
	case nl.IFLA_IPVLAN_FLAG:
		for word, n := range ipvlanFlags {
			if n == netlink.IPVlanFlag(number16(v)) {
				l.Flags = word
			}
		}
	}
}

// vxlan reads an attribute of a VXLAN (linux/if_link.h).
func (l *readLinkInfo) vxlan(typ uint16, v []byte) {
	t := l.Tunnel
	switch typ {
	case nl.IFLA_VXLAN_ID:
		t.ID = int(number32(v))
	case nl.IFLA_VXLAN_GROUP, nl.IFLA_VXLAN_GROUP6:
		t.Remote, _ = netip.AddrFromSlice(v)
	case nl.IFLA_VXLAN_LOCAL, nl.IFLA_VXLAN_LOCAL6:
		t.Local, _ = netip.AddrFromSlice(v)
	case nl.IFLA_VXLAN_LINK:
		l.below = int(number32(v))
	case nl.IFLA_VXLAN_TTL:
		if len(v) == 1 {
			t.TTL = int(v[0])
		}
	case nl.IFLA_VXLAN_LEARNING:
		t.Learning = bool8(v)
	case nl.IFLA_VXLAN_AGEING:
		t.Ageing = time.Duration(number32(v)) * time.Second
	case nl.IFLA_VXLAN_PORT:
		if len(v) == 2 {
			t.Port = int(binary.BigEndian.Uint16(v))
		}
	case iflaVXLANDF:
		for word, n := range vxlanDF {
			if len(v) == 1 && v[0] == n {
				t.DF = word
			}
		}
	}
}

var macvlanModeNames = map[uint32]string{nl.MACVLAN_MODE_PRIVATE: "private", nl.MACVLAN_MODE_VEPA: "vepa",
	nl.MACVLAN_MODE_BRIDGE: "bridge", nl.MACVLAN_MODE_PASSTHRU: "passthru", nl.MACVLAN_MODE_SOURCE: "source"}

func (l *readLinkInfo) macvlan(typ uint16, v []byte) {
	switch typ {
	case nl.IFLA_MACVLAN_MODE:
		l.Mode = macvlanModeNames[number32(v)]
	case nl.IFLA_MACVLAN_MACADDR_DATA:
		attributes(v, func(_ uint16, v []byte) {
			if len(v) == 6 {
				l.Sources = append(l.Sources, switchcore.MAC(v))
			}
		})
	}
}

// querierState is IFLA_BR_MCAST_QUERIER_STATE of linux/if_link.h, since Linux 5.15.
const querierState = nl.IFLA_BR_MCAST_MLD_VERSION + 3

// bridge reads an attribute of a bridge (linux/if_link.h).
func (l *readLinkInfo) bridge(typ uint16, v []byte) {
	b := l.Bridge
	for _, t := range b.Mcast.Intervals() {
		if int(typ) == mcastAttrs[t.Name] && len(v) == 8 { // in hundredths of a second
			*t.Value = time.Duration(binary.NativeEndian.Uint64(v)) * 10 * time.Millisecond
		}
	}
	switch typ {
	case nl.IFLA_BR_FORWARD_DELAY:
		b.ForwardDelay = ticks(v)
	case nl.IFLA_BR_HELLO_TIME:
		b.HelloTime = ticks(v)
	case nl.IFLA_BR_MAX_AGE:
		b.MaxAge = ticks(v)
	case nl.IFLA_BR_AGEING_TIME:
		b.Ageing = ticks(v)
	case nl.IFLA_BR_STP_STATE:
		b.STP = number32(v) != 0
	case nl.IFLA_BR_PRIORITY:
		b.Priority = number16(v)
	case nl.IFLA_BR_VLAN_FILTERING:
		b.VLANFiltering = bool8(v)
	case nl.IFLA_BR_MCAST_SNOOPING:
		b.McastSnooping = bool8(v)
	case nl.IFLA_BR_GROUP_FWD_MASK:
		b.GroupFwdMask = number16(v)
	case nl.IFLA_BR_BRIDGE_ID:
		b.ID = idText(v)
	case nl.IFLA_BR_ROOT_ID:
		b.Root = idText(v)
	case nl.IFLA_BR_ROOT_PATH_COST:
		b.RootCost = int(number32(v))
	case nl.IFLA_BR_TOPOLOGY_CHANGE:
		b.TopologyChange = bool8(v)
	case nl.IFLA_BR_MCAST_QUERIER:
		b.Mcast.Querier = bool8(v)
	case querierState:
		attributes(v, func(typ uint16, _ []byte) { // a timer is there while it runs (br_multicast_dump_querier_state)
			b.Querier = b.Querier || typ == querierOther4 || typ == querierOther6
		})
	case nl.IFLA_BR_ROOT_PORT:
		l.rootPort = number16(v)
	}
}

// idText is a bridge's ID as a state has it.
func idText(v []byte) string {
	if len(v) != 8 {
		return ""
	}
	return fmt.Sprintf("%02x%02x.%s", v[0], v[1], switchcore.MAC(v[2:]))
}

// port reads an attribute of a bridge port.
func (l *readLinkInfo) port(typ uint16, v []byte) {
	p := l.Port
	switch typ {
	case nl.IFLA_BRPORT_STATE:
		if len(v) == 1 {
			p.State = portState(v[0])
		}
	case nl.IFLA_BRPORT_NO:
		p.Number = int(number16(v))
	case nl.IFLA_BRPORT_COST:
		p.Cost = int(number32(v))
	case nl.IFLA_BRPORT_LEARNING:
		p.Learning = bool8(v)
	case nl.IFLA_BRPORT_UNICAST_FLOOD:
		p.Flood = bool8(v)
	case nl.IFLA_BRPORT_MCAST_FLOOD:
		p.McastFlood = bool8(v)
	case nl.IFLA_BRPORT_BCAST_FLOOD:
		p.BcastFlood = bool8(v)
	case nl.IFLA_BRPORT_ISOLATED:
		p.Isolated = bool8(v)
	case nl.IFLA_BRPORT_MODE:
		p.Hairpin = bool8(v)
	case brportLocked:
		p.Locked = bool8(v)
	case nl.IFLA_BRPORT_GUARD:
		p.BPDUGuard = bool8(v)
	case nl.IFLA_BRPORT_GROUP_FWD_MASK:
		p.GroupFwdMask = number16(v)
	case nl.IFLA_BRPORT_MAB:
		p.MAB = bool8(v)
	case nl.IFLA_BRPORT_NEIGH_SUPPRESS:
		p.NeighSuppress = bool8(v)
	case nl.IFLA_BRPORT_PRIORITY:
		p.Priority = int(number16(v))
	case nl.IFLA_BRPORT_MULTICAST_ROUTER:
		if len(v) == 1 {
			p.McastRouter = int(v[0])
		}
	case nl.IFLA_BRPORT_ROOT_ID:
		copy(l.ids[0][:], v)
	case nl.IFLA_BRPORT_BRIDGE_ID:
		copy(l.ids[1][:], v)
	case nl.IFLA_BRPORT_ID:
		l.portID = number16(v)
	case nl.IFLA_BRPORT_DESIGNATED_PORT:
		l.fromPort = number16(v)
	case nl.IFLA_BRPORT_DESIGNATED_COST:
		l.fromCost = number16(v)
	}
}
