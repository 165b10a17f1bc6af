//go:build linux

package kernel

import (
	"cmp"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology/plan"
)

// change carries out one operation that is a netlink request or two.
func (b *Builder) change(op plan.Op) error {
	switch o := op.(type) {
	case plan.AddVeth:
		near, far, err := b.both(o.Near.Node, o.Far.Node)
		if err != nil {
			return err
		}
		return addVeth(near, far, o)
	case plan.AddUpper:
		lower, upper, err := b.both(o.Lower.Node, o.Node)
		if err != nil {
			return err
		}
		return addUpper(lower, upper, o)
	case plan.AddVXLAN:
		under, upper, err := b.both(cmp.Or(o.Lower.Node, o.Node), o.Node)
		if err != nil {
			return err
		}
		return addVXLAN(under, upper, o)
	}
	node, request := linkRequest(op)
	if request == nil {
		node, request = addressRequest(op)
	}
	if request == nil {
		return fmt.Errorf("%T: no such operation", op)
	}
	n, err := b.space.of(node)
	if err != nil {
		return err
	}
	return request(n)
}

// both are the namespaces of two nodes.
func (b *Builder) both(one, other string) (x, y *namespace, err error) {
	if x, err = b.space.of(one); err == nil {
		y, err = b.space.of(other)
	}
	return x, y, err
}

// linkRequest is what an operation on an interface, a bridge or a port does in the namespace of its node; nil for other
// operations.
func linkRequest(op plan.Op) (node string, request func(*namespace) error) {
	switch o := op.(type) {
	case plan.AddBridge:
		return o.Node, func(n *namespace) error { return n.addBridge(o) }
	case plan.DelLink:
		return o.Node, func(n *namespace) error { return n.delLink(o.Name) }
	case plan.SetMaster:
		return o.Node, func(n *namespace) error { return n.setMaster(o.Name, o.Master) }
	case plan.SetUp:
		return o.Node, func(n *namespace) error { return n.setUp(o.Name, o.Up) }
	case plan.SetMAC:
		return o.Node, func(n *namespace) error {
			return n.onLink(o.Name, func(h *netlink.Handle,
				l netlink.Link) error {
				return h.LinkSetHardwareAddr(l, o.MAC[:])
			})
		}
	case plan.SetMTU:
		return o.Node, func(n *namespace) error {
			return n.onLink(o.Name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetMTU(l, o.MTU) })
		}
	case plan.SetPromisc:
		return o.Node, func(n *namespace) error { return n.setPromisc(o.Name, o.On) }
	case plan.SetBridge:
		return o.Node, func(n *namespace) error { return n.bridgeSettings(o.Name, o.From, o.To) }
	case plan.SetPort:
		return o.Node, func(n *namespace) error { return n.portSettings(o) }
	case plan.SetVXLAN:
		return o.Node, func(n *namespace) error { return tunnels{n}.setVXLAN(o.Name, o.From, o.To) }
	case plan.AddTunnelEntry:
		return o.Node, func(n *namespace) error { return tunnels{n}.addTunnelEntry(o) }
	case plan.DelTunnelEntry:
		return o.Node, func(n *namespace) error {
			return tunnels{n}.tunnelEntry(o.Name, o.TunnelEntry, (*netlink.Handle).NeighDel, unix.ENOENT, unix.ENODEV)
		}
	case plan.AddStatic:
		return o.Node, func(n *namespace) error { return n.staticEntry(o.Port, o.MAC, (*netlink.Handle).NeighSet) }
	case plan.DelStatic:
		return o.Node, func(n *namespace) error { return n.delStatic(o) }
	}
	return "", nil
}

// addressRequest is what an operation on an address, a route, a routing rule or a neighbour does in the namespace of
// its node; nil for other operations.
func addressRequest(op plan.Op) (node string, request func(*namespace) error) {
	switch o := op.(type) {
	case plan.AddAddr:
		return o.Node, func(n *namespace) error { return n.address(unix.RTM_NEWADDR, o.Name, o.Addr) }
	case plan.DelAddr:
		return o.Node, func(n *namespace) error {
			return tolerate(n.address(unix.RTM_DELADDR, o.Name, o.Addr), unix.EADDRNOTAVAIL, unix.ENODEV)
		}
	case plan.AddRoute:
		return o.Node, func(n *namespace) error { return n.route(o.Route, (*netlink.Handle).RouteAdd) }
	case plan.DelRoute:
		return o.Node, func(n *namespace) error {
			return tolerate(n.route(o.Whole(), (*netlink.Handle).RouteDel), unix.ESRCH, unix.ENODEV, unix.ENETUNREACH,
				unix.EHOSTUNREACH)
		}
	case plan.AddIPRule:
		return o.Node, func(n *namespace) error { return n.ipRule(o.IPRule, (*netlink.Handle).RuleAdd) }
	case plan.DelIPRule:
		return o.Node, func(n *namespace) error {
			return tolerate(n.ipRule(o.IPRule, (*netlink.Handle).RuleDel), unix.ENOENT, unix.EAFNOSUPPORT)
		}
	case plan.AddNeighbour:
		return o.Node, func(n *namespace) error { return n.neighbour(o.Neighbour, (*netlink.Handle).NeighSet) }
	case plan.DelNeighbour:
		return o.Node, func(n *namespace) error {
			return tolerate(n.neighbour(o.Neighbour, (*netlink.Handle).NeighDel), unix.ENOENT, unix.ENODEV)
		}
	}
	return "", nil
}
