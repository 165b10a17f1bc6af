//go:build linux

package kernel

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// Inlet is the way from a virtual switch into an interface that it shares with the node that has it, as interface
// indexes there.
type Inlet struct {
	Out int // what is sent here leaves by the shared interface: by the ports of a bridge, by the wire of an adapter
	// what is sent here reaches the node as if the shared interface had received it; 0: what is sent to Out does
	Holder int
	Key    int // of the interface that was made for it
}

// AddInlet makes the way into a shared interface. To a bridge the frames come in by a port: so they reach the node
// itself too, which what is sent through the bridge device does not (br_dev_xmit). The port neither learns nor is
// anything flooded to it: what the switch is to hear it hears at the bridge device. With another interface what comes
// out of the inlet's outer end is redirected to where the interface receives (tc-mirred(8)). An inlet that is there
// already is made again. Not beside a [Builder] and Remove.
func (s *Space) AddInlet(uplink topology.End, mtu int) (in Inlet, err error) {
	if err := s.DelInlet(uplink); err != nil {
		return in, err
	}
	n, err := s.of(uplink.Node)
	if err != nil {
		return in, err
	}
	defer n.closeSockets()
	var bridge bool
	err = n.onLink(uplink.Interface, func(_ *netlink.Handle, l netlink.Link) error {
		in.Out, bridge = l.Attrs().Index, l.Type() == "bridge"
		return nil
	})
	names := topology.InletOf(uplink)
	if err == nil && bridge {
		err = intoBridge(n, uplink.Interface, names, mtu)
	} else if err == nil {
		err = intoAdapter(n, uplink, names, mtu)
	}
	if err == nil {
		var index int32
		index, err = n.ioctls.indexOf(names.Inner)
		in.Key = int(index)
	}
	if err != nil {
		return in, fmt.Errorf("make a way into %s: %w", uplink, err)
	}
	if bridge {
		in.Out = in.Key
	} else {
		in.Holder = in.Key
	}
	return in, nil
}

// DelInlet takes it away. One that is not there is not an error.
func (s *Space) DelInlet(uplink topology.End) error {
	n, err := s.of(uplink.Node)
	if err != nil {
		return nil // it went with its namespace
	}
	defer n.closeSockets()
	if err := n.delLink(topology.InletOf(uplink).Outer); err != nil {
		return fmt.Errorf("take away the way into %s: %w", uplink, err)
	}
	return nil
}

func intoBridge(n *namespace, bridge string, in topology.Inlet, mtu int) error {
	if err := addInletVeth(n, in, mtu); err != nil {
		return err
	}
	if err := n.setMaster(in.Outer, bridge); err != nil {
		return err
	}
	if err := n.portSettings(closed(n.node, in.Outer)); err != nil {
		return err
	}
	return inletUp(n, in)
}

func intoAdapter(n *namespace, uplink topology.End, in topology.Inlet, mtu int) error {
	err := n.onLink(uplink.Interface, func(_ *netlink.Handle, l netlink.Link) error {
		if len(l.Attrs().HardwareAddr) != len(in.MAC) {
			return fmt.Errorf("%s has no Ethernet address", uplink)
		}
		// By this address the kernel decides, before it redirects, what is for the node (eth_type_trans).
		in.MAC = switchcore.MAC(l.Attrs().HardwareAddr)
		return nil
	})
	if err != nil {
		return err
	}
	if err := addInletVeth(n, in, mtu); err != nil {
		return err
	}
	if err := redirect(n, in.Outer, uplink.Interface); err != nil {
		return unsupported(tolerateAs(err, unix.ENOENT, unix.EOPNOTSUPP),
			"tc's clsact, u32 and mirred, which a shared adapter needs")
	}
	return inletUp(n, in)
}

// addInletVeth makes the veth pair, down.
func addInletVeth(n *namespace, in topology.Inlet, mtu int) error {
	err := addVeth(n, n, plan.AddVeth{
		Near: plan.VethEnd{Node: n.node, Name: in.Outer, MAC: in.MAC, MTU: mtu},
		Far:  plan.VethEnd{Node: n.node, Name: in.Inner, MAC: in.Peer, MTU: mtu}})
	if err != nil {
		return err
	}
	return withoutLinkLocal(n, in.Outer, in.Inner)
}

func inletUp(n *namespace, in topology.Inlet) error {
	if err := n.setUp(in.Inner, true); err != nil {
		return err
	}
	return n.setUp(in.Outer, true)
}

// redirect has all that one interface receives received by another instead.
func redirect(n *namespace, from, to string) error {
	return n.onLink(from, func(h *netlink.Handle, l netlink.Link) error {
		target, err := h.LinkByName(to)
		if err != nil {
			return err
		}
		at := netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0),
			Parent: netlink.HANDLE_CLSACT}
		if err := h.QdiscAdd(&netlink.Clsact{QdiscAttrs: at}); err != nil {
			return err
		}
		action := netlink.NewMirredAction(target.Attrs().Index)
		action.MirredAction = netlink.TCA_INGRESS_REDIR
		return h.FilterAdd(&netlink.U32{
			FilterAttrs: netlink.FilterAttrs{LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_MIN_INGRESS,
				Priority: 1, Protocol: unix.ETH_P_ALL},
			Actions: []netlink.Action{action},
		})
	})
}

// withoutLinkLocal keeps the node from saying anything by interfaces that are not its own: a link-local address would
// be announced.
func withoutLinkLocal(n *namespace, names ...string) error {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	for _, name := range names {
		err := n.onLink(name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetIP6AddrGenMode(l, none) })
		if err := tolerate(err, unix.EAFNOSUPPORT, unix.EOPNOTSUPP); err != nil {
			return err
		}
	}
	return nil
}
