//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// Link is an interface of a node as the kernel has it.
type Link struct {
	Index int
	Name  string
	MAC   switchcore.MAC
	Up    bool // administratively
	Addrs []netip.Prefix
}

// Neighbour is an entry of a neighbour table. State is a word of ip-neighbour(8) in capitals.
type Neighbour struct {
	Index int
	IP    netip.Addr
	MAC   switchcore.MAC
	State string
}

// RouteQuery asks for the route to Dst; with From and IIF, for that of a packet from From that came in on IIF.
type RouteQuery struct {
	Dst  netip.Addr
	From netip.Addr
	IIF  string
	OIF  string // locally sent by a socket bound to it
}

// Route is the kernel's answer.
type Route struct {
	Via        netip.Addr
	Index      int
	Src        netip.Addr
	Local      bool
	Broadcast  bool // the destination is a broadcast address of the node
	Redirected bool
	DoRedirect bool
}

// Socket opens a socket inside the node's namespace. The caller owns the descriptor.
func (s *Space) Socket(nodeName string, domain, typ, proto int) (fd int, err error) {
	err = s.Enter(nodeName, func() error {
		fd, err = unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("%s: open socket: %w", nodeName, err)
	}
	return fd, nil
}

// Links lists the interfaces with their addresses, by index. Like all readings it may go on beside whatever changes the lab; for a
// node without a namespace the error wraps os.ErrNotExist.
func (s *Space) Links(nodeName string) (out []Link, err error) {
	err = s.reading(nodeName, func(h *netlink.Handle) error {
		out, err = readLinks(h, nodeName)
		return err
	})
	return out, err
}

func readLinks(h *netlink.Handle, nodeName string) ([]Link, error) {
	links, err := h.LinkList()
	if err != nil {
		return nil, fmt.Errorf("%s: list interfaces: %w", nodeName, err)
	}
	out := make([]Link, 0, len(links))
	at := map[int]int{}
	for _, l := range links {
		a := l.Attrs()
		k := Link{Index: a.Index, Name: a.Name, Up: a.Flags&net.FlagUp != 0}
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
	slices.SortFunc(out, func(a, b Link) int { return a.Index - b.Index })
	return out, nil
}

var neighbourStates = map[int]string{
	netlink.NUD_NONE: "NONE", netlink.NUD_INCOMPLETE: "INCOMPLETE", netlink.NUD_REACHABLE: "REACHABLE", netlink.NUD_STALE: "STALE",
	netlink.NUD_DELAY: "DELAY", netlink.NUD_PROBE: "PROBE", netlink.NUD_FAILED: "FAILED", netlink.NUD_PERMANENT: "PERMANENT",
}

// FlushRoutes forgets redirected and cached routes, as "ip route flush cache" does.
func (s *Space) FlushRoutes(nodeName string) error {
	return s.Enter(nodeName, func() error {
		if err := writeSysctl("net/ipv4/route/flush", "1"); err != nil {
			return err
		}
		err := writeSysctl("net/ipv6/route/flush", "1")
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return nil // a kernel without IPv6; or no redirect was ever accepted
		}
		return err
	})
}

// Flags of a looked-up route (linux/in_route.h).
const (
	rtcfRedirected = 0x00040000
	rtcfDoRedirect = 0x01000000
)

// Routes prints a node's routes as the kernel has them, both families, without those of the local table.
func (s *Space) Routes(nodeName string) (out []RouteEntry, err error) {
	err = s.reading(nodeName, func(h *netlink.Handle) error {
		out, err = readRoutes(h, nodeName)
		return err
	})
	return out, err
}

func readRoutes(h *netlink.Handle, nodeName string) ([]RouteEntry, error) {
	links, err := h.LinkList()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	list, err := h.RouteList(nil, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("%s: list routes: %w", nodeName, err)
	}
	var out []RouteEntry
	for _, r := range list {
		e := RouteEntry{Dst: "default", Dev: names[r.LinkIndex], Type: routeTypeName(r.Type), Protocol: r.Protocol.String(), Metric: r.Priority}
		if r.Dst != nil && r.Dst.String() != "0.0.0.0/0" && r.Dst.String() != "::/0" {
			e.Dst = r.Dst.String()
		} else if r.Family == unix.AF_INET6 {
			e.Dst = "default (ipv6)"
		}
		if r.Gw != nil {
			e.Via = r.Gw.String()
		}
		if r.Src != nil {
			e.Src = r.Src.String()
		}
		out = append(out, e)
	}
	return out, nil
}

// RouteEntry is one route in iproute2's words.
type RouteEntry struct {
	Dst      string `json:"dst"`
	Via      string `json:"via,omitempty"`
	Dev      string `json:"dev,omitempty"`
	Src      string `json:"src,omitempty"`
	Type     string `json:"type"`
	Protocol string `json:"protocol"`
	Metric   int    `json:"metric,omitempty"`
}

func routeTypeName(t int) string {
	for _, name := range []string{"unicast", "blackhole", "unreachable", "prohibit"} {
		if routeTypes[name] == t {
			return name
		}
	}
	return strconv.Itoa(t)
}

// NeighbourLimit is gc_thresh3, or -1 where it cannot be seen: only the machine's own namespace shows it.
func NeighbourLimit() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return -1
	}
	return n
}

// NeighbourEntries reads the size of the machine's whole ARP table from an open /proc/net/stat/arp_cache: the first column, in hex.
func NeighbourEntries(f *os.File) (int, error) {
	b := make([]byte, 4096)
	n, err := f.ReadAt(b, 0)
	if n == 0 && err != nil {
		return 0, err
	}
	lines := strings.Split(string(b[:n]), "\n")
	if len(lines) < 2 || len(strings.Fields(lines[1])) == 0 {
		return 0, errors.New("no entries column")
	}
	v, err := strconv.ParseInt(strings.Fields(lines[1])[0], 16, 64)
	return int(v), err
}

// NeighbourOverflows reads from the same file how often the machine's ARP table was full, on all processors together. It
// counts since the machine was started.
func NeighbourOverflows(f *os.File) (uint64, error) {
	b := make([]byte, 64<<10)
	n, err := f.ReadAt(b, 0)
	if n == 0 && err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(b[:n])), "\n")
	column := slices.Index(strings.Fields(lines[0]), "table_fulls")
	if column < 0 {
		return 0, errors.New("no table_fulls column")
	}
	var sum uint64
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		if column >= len(words) {
			return 0, errors.New("a line without its table_fulls")
		}
		v, err := strconv.ParseUint(words[column], 16, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// Families are the address families of neighbour tables.
var Families = []int{unix.AF_INET, unix.AF_INET6}

// FlushConntrack forgets the node's tracked connections.
func (s *Space) FlushConntrack(nodeName string) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	var h *netlink.Handle
	err = s.enter(n, func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: open netfilter socket: %w", nodeName, err)
	}
	defer h.Close()
	if err := h.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		return fmt.Errorf("%s: forget connections: %w", nodeName, err)
	}
	return nil
}
