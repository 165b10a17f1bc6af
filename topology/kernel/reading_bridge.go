//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/state"
)

// bridges puts together what bridges and their ports say of each other.
func (r *readingNode) bridges() error {
	for k := range r.links {
		br := r.out.Interfaces[k].Bridge
		if br == nil {
			continue
		}
		br.Ports, br.RootPort = nil, ""
		if of := r.of.Interface(r.links[k].Name); of != nil && of.Bridge != nil {
			asWritten(br, of.Bridge)
		}
		var ports []*readLinkInfo
		for j := range r.links {
			if p := &r.links[j]; p.master == r.links[k].index && p.Port != nil {
				ports = append(ports, p)
			}
		}
		// The kernel does not tell the order in which it floods. It puts a port at the head of its list, and gives it
		// the lowest number that is free (new_nbp and br_add_if, net/bridge/br_if.c).
		slices.SortFunc(ports, func(a, b *readLinkInfo) int { return b.Port.Number - a.Port.Number })
		for _, p := range ports {
			br.Ports = append(br.Ports, p.Name)
			if uint16(p.Port.Number) == r.links[k].rootPort {
				br.RootPort = p.Name
			}
			if br.STP {
				p.role(p.Port, &r.links[k])
			}
		}
	}
	return r.vlans()
}

// asWritten has times as they were written, where what is read is the same in the kernel's own measure, which is up to
// 10 ms long, or what is in their place while a tree changes.
func asWritten(br *state.Bridge, of *topology.BridgeSettings) {
	if br.TopologyChange && br.Ageing == 2*br.ForwardDelay {
		br.Ageing = of.Ageing
	}
	mcast := of.Mcast
	written := mcast.Intervals()
	for i, t := range br.Mcast.Intervals() {
		if (*t.Value - *written[i].Value).Abs() <= 10*time.Millisecond {
			*t.Value = *written[i].Value
		}
	}
}

// role says what a port is in a spanning tree, and by whose messages.
func (l *readLinkInfo) role(p *state.Port, br *readLinkInfo) {
	from := idText(l.ids[1][:])
	p.Designated = &state.Designated{Root: idText(l.ids[0][:]), Cost: int(l.fromCost), Bridge: from,
		Port: fmt.Sprintf("%04x", l.fromPort)}
	switch {
	case p.State == portStates[portDisabled]:
		p.Role, p.Designated = "disabled", nil
	case uint16(p.Number) == br.rootPort:
		p.Role = "root"
	case from == br.Bridge.ID && l.fromPort == l.portID:
		p.Role = "designated"
	default:
		p.Role = "alternate"
	}
}

// vlans reads the VLANs of bridges that filter them, and of their ports.
func (r *readingNode) vlans() error {
	filters := slices.ContainsFunc(r.out.Interfaces, func(i state.Interface) bool {
		return i.Bridge != nil && i.Bridge.VLANFiltering
	})
	if !filters {
		return nil
	}
	return r.reading(func(h *netlink.Handle) error {
		list, err := h.BridgeVlanList()
		if err != nil {
			return fmt.Errorf("list VLANs of bridge ports: %w", err)
		}
		for index, vlans := range list {
			i := r.link(int(index))
			if i == nil {
				continue
			}
			v := &topology.PortVLAN{}
			for _, k := range vlans {
				if k.PortVID() {
					v.PVID = int(k.Vid)
					continue
				}
				v.Tagged = append(v.Tagged, switchcore.VLANRange{First: int(k.Vid), Last: int(k.Vid)})
			}
			if br := r.bridgeOf(i); br == nil || !br.VLANFiltering {
				continue
			}
			if i.Port != nil {
				i.Port.VLAN = v
			} else {
				i.Bridge.VLAN = v
			}
		}
		return nil
	})
}

// bridgeOf is the bridge that an interface is, or is a port of, or nil.
func (r *readingNode) bridgeOf(i *state.Interface) *state.Bridge {
	if i.Bridge != nil {
		return i.Bridge
	}
	if m := r.out.Interface(i.Master); m != nil {
		return m.Bridge
	}
	return nil
}

// forwarding reads forwarding tables, and the addresses that adapters take beside their own.
func (r *readingNode) forwarding() error {
	for k := range r.out.Interfaces {
		i := &r.out.Interfaces[k]
		i.Unicast = nil
		if i.Tunnel != nil {
			i.Tunnel.FDB = nil
		}
		if i.Bridge != nil {
			i.Bridge.FDB = nil
		}
	}
	req, start := message(nil, unix.RTM_GETNEIGH, unix.NLM_F_DUMP, ndmsg(unix.AF_BRIDGE, 0))
	err := r.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWNEIGH && len(b) >= unix.SizeofNdMsg {
			r.forwardingEntry(b)
		}
	}, nil)
	if err != nil {
		return fmt.Errorf("list forwarding entries: %w", err)
	}
	return nil
}

func (r *readingNode) forwardingEntry(b []byte) {
	i := r.link(int(int32(binary.NativeEndian.Uint32(b[4:]))))
	if i == nil {
		return
	}
	status, flags := binary.NativeEndian.Uint16(b[8:]), b[10]
	e, master, remote := state.FDB{Port: i.Name, Static: status&unix.NUD_NOARP != 0}, 0, netip.Addr{}
	attributes(b[unix.SizeofNdMsg:], func(typ uint16, v []byte) {
		switch typ {
		case unix.NDA_LLADDR:
			if len(v) == 6 {
				e.MAC = switchcore.MAC(v)
			}
		case unix.NDA_DST:
			remote, _ = netip.AddrFromSlice(v)
		case unix.NDA_VLAN:
			e.VLAN = int(number16(v))
		case unix.NDA_MASTER:
			master = int(number32(v))
		case unix.NDA_CACHEINFO: // struct nda_cacheinfo: confirmed, used, updated, in hundredths of a second
			if len(v) >= 12 {
				e.Age = ticks(v[8:12])
			}
		}
	})
	switch m := r.link(master); {
	case i.Tunnel != nil && master == 0 && remote.IsValid():
		i.Tunnel.FDB = append(i.Tunnel.FDB, state.TunnelFDB{MAC: e.MAC, Remote: remote,
			Static: status&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0})
	case flags&unix.NTF_SELF != 0 && master == 0:
		if e.MAC[0]&1 == 0 {
			i.Unicast = append(i.Unicast, e.MAC)
		}
	case m == nil || m.Bridge == nil || status&unix.NUD_PERMANENT != 0: // local: fdb_to_nud, net/bridge/br_fdb.c
	default:
		if e.Static {
			e.Age = 0
		}
		m.Bridge.FDB = append(m.Bridge.FDB, e)
	}
}

// Of linux/if_bridge.h.
const (
	mdbaMDB      = 1
	mdbaRouter   = 2
	mdbaInfo     = 1
	mdbPermanent = 1

	querierOther4 = 3 // BRIDGE_QUERIER_IP_OTHER_TIMER
	querierOther6 = 7
)

// memberships reads which ports of bridges have members of which groups.
func (r *readingNode) memberships() error {
	for k := range r.out.Interfaces {
		if br := r.out.Interfaces[k].Bridge; br != nil {
			br.MDB, br.Routers = nil, nil
		}
	}
	req, start := message(nil, unix.RTM_GETMDB, unix.NLM_F_DUMP, make([]byte, 8)) // struct br_port_msg
	req[start+unix.NLMSG_HDRLEN] = unix.AF_BRIDGE
	err := r.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_GETMDB && typ != unix.RTM_NEWMDB || len(b) < 8 {
			return
		}
		i := r.link(int(int32(binary.NativeEndian.Uint32(b[4:]))))
		if i == nil || i.Bridge == nil {
			return
		}
		attributes(b[8:], func(typ uint16, v []byte) {
			if typ == mdbaRouter {
				attributes(v, func(_ uint16, v []byte) { // an index, and more
					i.Bridge.Routers = append(i.Bridge.Routers, r.nameOf(int(number32(v))))
				})
			}
			if typ != mdbaMDB {
				return
			}
			attributes(v, func(_ uint16, v []byte) {
				attributes(v, func(typ uint16, v []byte) {
					if typ == mdbaInfo {
						r.membership(i.Bridge, v)
					}
				})
			})
		})
	}, func(e unix.Errno) error { return tolerate(e, unix.EOPNOTSUPP) }) // a kernel that does not snoop
	if err != nil {
		return fmt.Errorf("list group memberships: %w", err)
	}
	return nil
}

// membership reads struct br_mdb_entry.
func (r *readingNode) membership(br *state.Bridge, v []byte) {
	if len(v) < 28 {
		return
	}
	e := state.MDB{Port: r.nameOf(int(number32(v))), Static: v[4] == mdbPermanent, VLAN: int(number16(v[6:8]))}
	switch binary.BigEndian.Uint16(v[24:]) {
	case unix.ETH_P_IP:
		e.Group = netip.AddrFrom4([4]byte(v[8:12])).String()
	case unix.ETH_P_IPV6:
		e.Group = netip.AddrFrom16([16]byte(v[8:24])).String()
	default:
		e.Group = switchcore.MAC(v[8:14]).String()
	}
	br.MDB = append(br.MDB, e)
}
