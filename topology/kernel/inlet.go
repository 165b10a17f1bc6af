//go:build linux

package kernel

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// AddInlet makes the way by which a virtual switch sends into a bridge that it shares with the node that has it, and returns the
// index of the interface to send by. To the bridge the frames come in by a port: so they reach the node itself too, which what is
// sent through the bridge device does not (br_dev_xmit). The port neither learns nor is anything flooded to it: what the switch is
// to hear it hears at the bridge device. An inlet that is there already is made anew. Not beside Apply and Remove.
func (s *Space) AddInlet(bridge topology.End, mtu int) (index int, err error) {
	if err := s.DelInlet(bridge); err != nil {
		return 0, err
	}
	n, err := s.node(bridge.Node)
	if err != nil {
		return 0, err
	}
	defer n.rest()
	in := topology.InletOf(bridge)
	node := bridge.Node
	defaults := topology.PortSettings{Learning: true, Flood: true, McastFlood: true, BcastFlood: true}
	err = s.change(topology.AddVeth{Near: topology.VethEnd{Node: node, Name: in.Outer, MAC: in.MAC, MTU: mtu}, Far: topology.VethEnd{Node: node, Name: in.Inner, MAC: in.Peer, MTU: mtu}})
	if err == nil {
		err = s.speechless(node, in.Outer, in.Inner)
	}
	for _, op := range []topology.Op{
		topology.SetMaster{Node: node, Name: in.Outer, Master: bridge.Interface},
		topology.SetPort{Node: node, Name: in.Outer, From: defaults},
		topology.SetUp{Node: node, Name: in.Inner, Up: true},
		topology.SetUp{Node: node, Name: in.Outer, Up: true},
	} {
		if err == nil {
			err = s.change(op)
		}
	}
	if err == nil {
		index, err = s.indexOf(topology.End{Node: node, Interface: in.Inner})
	}
	if err != nil {
		return 0, fmt.Errorf("make a way into %s: %w", bridge, err)
	}
	return index, nil
}

// DelInlet takes it away. One that is not there is no error.
func (s *Space) DelInlet(uplink topology.End) error {
	n, err := s.node(uplink.Node)
	if err != nil {
		return nil // it went with its namespace
	}
	defer n.rest()
	if err := s.change(topology.DelLink{Node: uplink.Node, Name: topology.InletOf(uplink).Outer}); err != nil {
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
