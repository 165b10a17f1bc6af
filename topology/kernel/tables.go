//go:build linux

package kernel

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Tables reads what the kernel has of the nodes, and has it forget what it has learned. All methods are safe for
// concurrent use and may go on beside whatever changes the lab. For a node without a namespace the error wraps
// os.ErrNotExist.
type Tables struct{ space *Space }

// Tables are those of the space's nodes.
func (s *Space) Tables() Tables { return Tables{s} }

// reading lends the netlink.Handle of a node to f.
func (t Tables) reading(node string, f func(n *namespace, h *netlink.Handle) error) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	return n.reading(func(h *netlink.Handle) error { return f(n, h) })
}

// Links lists the interfaces with their addresses, by index.
func (t Tables) Links(node string) (out []topology.LinkState, err error) {
	err = t.reading(node, func(n *namespace, h *netlink.Handle) error {
		out, err = readLinks(h, node)
		return err
	})
	return out, err
}

func readLinks(h *netlink.Handle, nodeName string) ([]topology.LinkState, error) {
	links, err := h.LinkList()
	if err != nil {
		return nil, fmt.Errorf("%s: list interfaces: %w", nodeName, err)
	}
	out := make([]topology.LinkState, 0, len(links))
	at := map[int]int{}
	for _, l := range links {
		a := l.Attrs()
		k := topology.LinkState{Index: a.Index, Name: a.Name, Up: a.Flags&net.FlagUp != 0,
			State: operState(a.OperState), MTU: a.MTU}
		copy(k.MAC[:], a.HardwareAddr)
		at[a.Index] = len(out)
		out = append(out, k)
	}
	addrs, err := h.AddrList(nil, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("%s: list addresses: %w", nodeName, err)
	}
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.IP)
		i, known := at[a.LinkIndex]
		if !ok || !known {
			continue
		}
		ones, _ := a.Mask.Size()
		out[i].Addrs = append(out[i].Addrs, netip.PrefixFrom(ip.Unmap(), ones))
	}
	slices.SortFunc(out, func(a, b topology.LinkState) int { return a.Index - b.Index })
	return out, nil
}

// operState is the operational state as iproute2 writes it, without hyphens.
func operState(s netlink.LinkOperState) string { return strings.ReplaceAll(s.String(), "-", "") }

// FlushConntrack forgets the node's tracked connections.
func (t Tables) FlushConntrack(node string) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	var h *netlink.Handle
	err = n.enter(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: open netfilter socket: %w", node, err)
	}
	defer h.Close()
	if err := h.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		return fmt.Errorf("%s: forget connections: %w", node, err)
	}
	return nil
}
