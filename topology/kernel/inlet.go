//go:build linux

package kernel

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// Inlet is the way from a virtual switch into an interface that it shares with the node that has it, as interface indexes there.
type Inlet struct {
	Out    int // what is sent here leaves by the shared interface: by the ports of a bridge, by the wire of an adapter
	Holder int // what is sent here reaches the node as if the shared interface had received it; 0: what is sent to Out does
	Key    int // of the interface that was made for it
}

// AddInlet makes the way into a shared interface. To a bridge the frames come in by a port: so they reach the node itself too, which
// what is sent through the bridge device does not (br_dev_xmit). The port neither learns nor is anything flooded to it: what the
// switch is to hear it hears at the bridge device. With another interface what comes out of the inlet's outer end is redirected to
// where the interface receives (tc-mirred(8)). An inlet that is there already is made anew. Not beside Apply and Remove.
func (s *Space) AddInlet(uplink topology.End, mtu int) (in Inlet, err error) {
	if err := s.DelInlet(uplink); err != nil {
		return in, err
	}
	n, err := s.node(uplink.Node)
	if err != nil {
		return in, err
	}
	defer n.rest()
	var bridge bool
	err = s.onLink(uplink.Node, uplink.Interface, func(_ *netlink.Handle, l netlink.Link) error {
		in.Out, bridge = l.Attrs().Index, l.Type() == "bridge"
		return nil
	})
	names := topology.InletOf(uplink)
	if err == nil && bridge {
		err = s.intoBridge(uplink, names, mtu)
	} else if err == nil {
		err = s.intoAdapter(uplink, names, mtu)
	}
	if err == nil {
		in.Key, err = s.indexOf(topology.End{Node: uplink.Node, Interface: names.Inner})
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

func (s *Space) intoBridge(bridge topology.End, in topology.Inlet, mtu int) error {
	node := bridge.Node
	if err := s.addInlet(node, in, mtu); err != nil {
		return err
	}
	return s.changes(
		plan.SetMaster{Node: node, Name: in.Outer, Master: bridge.Interface},
		plan.SetPort{Node: node, Name: in.Outer, From: topology.PortSettings{Learning: true, Flood: true, McastFlood: true, BcastFlood: true}},
		plan.SetUp{Node: node, Name: in.Inner, Up: true},
		plan.SetUp{Node: node, Name: in.Outer, Up: true})
}

func (s *Space) intoAdapter(uplink topology.End, in topology.Inlet, mtu int) error {
	node := uplink.Node
	err := s.onLink(node, uplink.Interface, func(_ *netlink.Handle, l netlink.Link) error {
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
	if err := s.addInlet(node, in, mtu); err != nil {
		return err
	}
	if err := s.redirect(node, in.Outer, uplink.Interface); err != nil {
		return unsupported(tolerateAs(err, unix.ENOENT, unix.EOPNOTSUPP), "tc's clsact, u32 and mirred, which a shared adapter needs")
	}
	return s.changes(
		plan.SetUp{Node: node, Name: in.Inner, Up: true},
		plan.SetUp{Node: node, Name: in.Outer, Up: true})
}

// addInlet makes the veth pair, down.
func (s *Space) addInlet(node string, in topology.Inlet, mtu int) error {
	err := s.change(plan.AddVeth{Near: plan.VethEnd{Node: node, Name: in.Outer, MAC: in.MAC, MTU: mtu}, Far: plan.VethEnd{Node: node, Name: in.Inner, MAC: in.Peer, MTU: mtu}})
	if err != nil {
		return err
	}
	return s.speechless(node, in.Outer, in.Inner)
}

func (s *Space) changes(ops ...plan.Op) error {
	for _, op := range ops {
		if err := s.change(op); err != nil {
			return err
		}
	}
	return nil
}

// redirect has all that one interface receives received by another instead.
func (s *Space) redirect(node, from, to string) error {
	return s.onLink(node, from, func(h *netlink.Handle, l netlink.Link) error {
		target, err := h.LinkByName(to)
		if err != nil {
			return err
		}
		at := netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}
		if err := h.QdiscAdd(&netlink.Clsact{QdiscAttrs: at}); err != nil {
			return err
		}
		action := netlink.NewMirredAction(target.Attrs().Index)
		action.MirredAction = netlink.TCA_INGRESS_REDIR
		return h.FilterAdd(&netlink.U32{
			FilterAttrs: netlink.FilterAttrs{LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_MIN_INGRESS, Priority: 1, Protocol: unix.ETH_P_ALL},
			Actions:     []netlink.Action{action},
		})
	})
}

// tolerateAs turns one error into another.
func tolerateAs(err, from, to error) error {
	if errors.Is(err, from) {
		return to
	}
	return err
}

// DelInlet takes it away. One that is not there is no error.
func (s *Space) DelInlet(uplink topology.End) error {
	n, err := s.node(uplink.Node)
	if err != nil {
		return nil // it went with its namespace
	}
	defer n.rest()
	if err := s.change(plan.DelLink{Node: uplink.Node, Name: topology.InletOf(uplink).Outer}); err != nil {
		return fmt.Errorf("take away the way into %s: %w", uplink, err)
	}
	return nil
}

// speechless keeps the node from saying anything by interfaces that are not its own: a link-local address would be announced.
func (s *Space) speechless(node string, names ...string) error {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	for _, name := range names {
		err := s.onLink(node, name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetIP6AddrGenMode(l, none) })
		if err := tolerate(err, unix.EAFNOSUPPORT, unix.EOPNOTSUPP); err != nil {
			return err
		}
	}
	return nil
}

func (s *Space) indexOf(e topology.End) (int, error) {
	n, err := s.node(e.Node)
	if err != nil {
		return 0, err
	}
	r := requestByName(e.Interface)
	if err := s.ioctl(n, unix.SIOCGIFINDEX, &r); err != nil {
		return 0, fmt.Errorf("%s has no interface %s: %w", e.Node, e.Interface, err)
	}
	return int(r.int32()), nil
}
