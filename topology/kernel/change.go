//go:build linux

package kernel

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology/plan"
)

// change carries out one operation that is a netlink request or two.
func (s *Space) change(op plan.Op) error {
	switch o := op.(type) {
	case plan.AddVeth:
		return s.addVeth(o)
	case plan.AddBridge:
		return s.addBridge(o)
	case plan.AddUpper:
		return s.addUpper(o)
	case plan.DelLink:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkDel(l) }, unix.ENODEV)
	case plan.SetMaster:
		return s.setMaster(o)
	case plan.SetUp:
		return s.setUp(o)
	case plan.SetMAC:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error {
			return h.LinkSetHardwareAddr(l, o.MAC[:])
		})
	case plan.SetMTU:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetMTU(l, o.MTU) })
	case plan.SetPromisc:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error {
			if o.On {
				return h.SetPromiscOn(l)
			}
			return h.SetPromiscOff(l)
		})
	case plan.SetBridge:
		return s.bridgeSettings(o.Node, o.Name, o.From, o.To)
	case plan.SetPort:
		return s.portSettings(o)
	case plan.AddStatic:
		return s.staticEntry(o.Node, o.Port, o.MAC, (*netlink.Handle).NeighSet)
	case plan.DelStatic:
		return s.delStatic(o)
	case plan.AddAddr:
		return s.address(unix.RTM_NEWADDR, o.Node, o.Name, o)
	case plan.DelAddr:
		return tolerate(s.address(unix.RTM_DELADDR, o.Node, o.Name, plan.AddAddr(o)), unix.EADDRNOTAVAIL, unix.ENODEV)
	case plan.AddRoute:
		return s.route(o.Node, o.Route, (*netlink.Handle).RouteAdd)
	case plan.DelRoute:
		return tolerate(s.route(o.Node, o.Route, (*netlink.Handle).RouteDel), unix.ESRCH, unix.ENODEV, unix.ENETUNREACH, unix.EHOSTUNREACH)
	case plan.AddNeighbour:
		return s.neighbour(o.Node, o.Neighbour, (*netlink.Handle).NeighSet)
	case plan.DelNeighbour:
		return tolerate(s.neighbour(o.Node, o.Neighbour, (*netlink.Handle).NeighDel), unix.ENOENT, unix.ENODEV)
	}
	return fmt.Errorf("%T: no such operation", op)
}

// tolerate turns errors that mean "there was nothing to do" into none.
func tolerate(err error, none ...error) error {
	for _, n := range none {
		if errors.Is(err, n) {
			return nil
		}
	}
	return err
}

// ifindex finds an interface. Those of a fresh namespace are known, because their indexes were chosen here.
func (s *Space) ifindex(n *node, name string) (int, error) {
	n.mu.Lock()
	i, ok := n.index[name]
	n.mu.Unlock()
	if ok {
		return i, nil
	}
	h, err := s.rtnl(n)
	if err != nil {
		return 0, err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return 0, linkError(n, name, err)
	}
	return l.Attrs().Index, nil
}

func linkError(n *node, name string, err error) error {
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return fmt.Errorf("%s has no interface %s: %w", n.name, name, unix.ENODEV)
	}
	return err
}

// choose picks the next index in a fresh namespace, another one than not; 0 lets the kernel choose.
func (n *node) choose(name string, not int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.fresh {
		return 0
	}
	i := n.next
	if i == not {
		i++
	}
	n.next = i + 1
	n.index[name] = i
	return i
}

func (s *Space) onLink(nodeName, name string, f func(*netlink.Handle, netlink.Link) error, none ...error) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	h, err := s.rtnl(n)
	if err != nil {
		return err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return tolerate(linkError(n, name, err), none...)
	}
	return tolerate(f(h, l), none...)
}

// send sends one hand-made request on the node's wire and waits for its acknowledgement.
func (s *Space) send(n *node, req *nl.NetlinkRequest) error {
	return s.exchange(n, req.Serialize(), func(uint16, []byte) {}, func(e unix.Errno) error { return e })
}

// setLink changes an existing interface: what is RTM_NEWLINK, or RTM_SETLINK for a bridge port; msg gets its index.
func (s *Space) setLink(nodeName, name string, what int, msg *nl.IfInfomsg, attrs ...nl.NetlinkRequestData) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	index, err := s.ifindex(n, name)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(what, unix.NLM_F_ACK)
	msg.Index = int32(index)
	req.AddData(msg)
	for _, a := range attrs {
		req.AddData(a)
	}
	return s.send(n, req)
}

func (s *Space) setUp(o plan.SetUp) error {
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Change = unix.IFF_UP
	if o.Up {
		msg.Flags = unix.IFF_UP
	}
	return s.setLink(o.Node, o.Name, unix.RTM_NEWLINK, msg)
}

func (s *Space) setMaster(o plan.SetMaster) error {
	n, err := s.node(o.Node)
	if err != nil {
		return err
	}
	m, err := s.ifindex(n, o.Master)
	if err != nil {
		return err
	}
	return s.setLink(o.Node, o.Name, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(m))))
}
