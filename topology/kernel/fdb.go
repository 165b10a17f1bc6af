//go:build linux

package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// FDB lists the forwarding entries of a bridge, see namespace.fdb.
func (t Tables) FDB(node, bridge string) ([]topology.FDBEntry, error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	return n.fdb(bridge)
}

// TunnelFDB lists the forwarding entries of a VXLAN, learned and static, by MAC. For one that is not there the error
// wraps ENODEV.
func (t Tables) TunnelFDB(node, name string) (out []topology.FDBEntry, err error) {
	err = t.reading(node, func(n *namespace, h *netlink.Handle) error {
		out, err = readTunnelFDB(n, h, name)
		return err
	})
	return out, err
}

func readTunnelFDB(n *namespace, h *netlink.Handle, name string) (out []topology.FDBEntry, err error) {
	l, err := h.LinkByName(name)
	if err != nil {
		return nil, n.linkError(name, err)
	}
	list, err := h.NeighList(l.Attrs().Index, unix.AF_BRIDGE)
	if err != nil {
		return nil, fmt.Errorf("%s: list forwarding entries of %s: %w", n.node, name, err)
	}
	for _, e := range list {
		if !ofTunnel(&e) {
			continue
		}
		remote, _ := netip.AddrFromSlice(e.IP)
		k := topology.FDBEntry{Port: remote.Unmap().String(), Static: e.State&kept != 0}
		copy(k.MAC[:], e.HardwareAddr)
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b topology.FDBEntry) int {
		return cmp.Or(slices.Compare(a.MAC[:], b.MAC[:]), cmp.Compare(a.Port, b.Port))
	})
	return out, nil
}

// kept are the states of entries that nobody has learned.
const kept = netlink.NUD_PERMANENT | netlink.NUD_NOARP

// ofTunnel reports whether an entry is a VXLAN's own, and not its bridge's: only those have a remote
// (vxlan_fdb_info, drivers/net/vxlan).
func ofTunnel(e *netlink.Neigh) bool { return e.MasterIndex == 0 && e.IP != nil }

// FlushFDB forgets what the bridges and VXLANs of a node have learned; static entries stay.
func (t Tables) FlushFDB(node string) error {
	return t.reading(node, func(_ *namespace, h *netlink.Handle) error { return flushFDB(h, node) })
}

// fdb lists the forwarding entries of a bridge, learned and static, by MAC and VLAN, without the addresses of the
// bridge itself and of its ports. For a bridge that is not there the error wraps ENODEV.
func (n *namespace) fdb(bridge string) (out []topology.FDBEntry, err error) {
	err = n.reading(func(h *netlink.Handle) error {
		out, err = readFDB(h, n.node, bridge)
		return err
	})
	return out, err
}

func readFDB(h *netlink.Handle, nodeName, bridge string) ([]topology.FDBEntry, error) {
	links, err := h.LinkList()
	if err != nil {
		return nil, err
	}
	master, names := 0, map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
		if l.Attrs().Name == bridge {
			master = l.Attrs().Index
		}
	}
	if master == 0 {
		return nil, fmt.Errorf("%s has no bridge %s: %w", nodeName, bridge, unix.ENODEV)
	}
	list, err := h.NeighList(0, unix.AF_BRIDGE)
	if err != nil {
		return nil, fmt.Errorf("%s: list forwarding entries: %w", nodeName, err)
	}
	var out []topology.FDBEntry
	for _, e := range list {
		if e.MasterIndex != master || e.State&netlink.NUD_PERMANENT != 0 { // local: fdb_to_nud, net/bridge/br_fdb.c
			continue
		}
		k := topology.FDBEntry{Port: names[e.LinkIndex], VLAN: e.Vlan, Static: e.State&netlink.NUD_NOARP != 0}
		copy(k.MAC[:], e.HardwareAddr)
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b topology.FDBEntry) int {
		return cmp.Or(slices.Compare(a.MAC[:], b.MAC[:]), cmp.Compare(a.VLAN, b.VLAN))
	})
	return out, nil
}

func flushFDB(h *netlink.Handle, nodeName string) error {
	list, err := h.NeighList(0, unix.AF_BRIDGE)
	if err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		if e.MasterIndex == 0 && !ofTunnel(e) || e.State&kept != 0 {
			continue
		}
		if e.Flags |= netlink.NTF_MASTER; ofTunnel(e) {
			e.Flags = netlink.NTF_SELF
		}
		if err := tolerate(h.NeighDel(e), unix.ENOENT); err != nil {
			return fmt.Errorf("%s: forget %s: %w", nodeName, e.HardwareAddr, err)
		}
	}
	return nil
}

// staticEntry does something with a bridge's static entry at a port. NOARP is what the kernel calls static.
func (n *namespace) staticEntry(port string, mac switchcore.MAC, do func(*netlink.Handle, *netlink.Neigh) error) error {
	return n.onLink(port, func(h *netlink.Handle, l netlink.Link) error {
		return do(h, &netlink.Neigh{LinkIndex: l.Attrs().Index, Family: unix.AF_BRIDGE, State: netlink.NUD_NOARP,
			Flags: netlink.NTF_MASTER, HardwareAddr: mac[:]})
	})
}

// delStatic removes an entry. It may have moved: a frame from its MAC on another port takes it there, and it stays
// static (br_fdb_update, net/bridge/br_fdb.c).
func (n *namespace) delStatic(o plan.DelStatic) error {
	err := n.staticEntry(o.Port, o.MAC, (*netlink.Handle).NeighDel)
	if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	list, err := n.fdb(o.Bridge)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.MAC == o.MAC && e.Static {
			err := n.staticEntry(e.Port, o.MAC, (*netlink.Handle).NeighDel)
			return tolerate(err, unix.ENOENT, unix.ENODEV)
		}
	}
	return nil
}
