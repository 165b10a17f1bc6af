package reach

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

func (m *liveMachine) Neighbours(node string, family int) ([]topology.NeighbourEntry, error) {
	n, err := m.node(node)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	list, err := n.nl.NeighList(0, family)
	if err != nil {
		return nil, err
	}
	var out []topology.NeighbourEntry
	for _, e := range list {
		if e.State == netlink.NUD_NOARP {
			continue
		}
		ip, _ := netip.AddrFromSlice(e.IP)
		k := topology.NeighbourEntry{Index: e.LinkIndex, IP: ip.Unmap(), State: neighbourStates[e.State]}
		copy(k.MAC[:], e.HardwareAddr)
		out = append(out, k)
	}
	return out, nil
}

func (m *liveMachine) DeleteNeighbours(node string, entries []topology.NeighbourEntry) error {
	n, err := m.node(node)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range entries {
		fam := unix.AF_INET
		if e.IP.Is6() {
			fam = unix.AF_INET6
		}
		err := n.nl.NeighDel(&netlink.Neigh{LinkIndex: e.Index, Family: fam, IP: e.IP.AsSlice()})
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

func (m *liveMachine) FlushNeighbours(node string) (int, error) {
	count := 0
	for _, fam := range []int{unix.AF_INET, unix.AF_INET6} {
		ns, err := m.Neighbours(node, fam)
		if err != nil {
			return count, err
		}
		for _, e := range ns {
			if e.State == "PERMANENT" {
				continue
			}
			count++
			if err := m.DeleteNeighbours(node, []topology.NeighbourEntry{e}); err != nil {
				return count, err
			}
		}
	}
	return count, nil
}

func (m *liveMachine) FlushRoutes(node string) error {
	n, err := m.node(node)
	if err != nil {
		return err
	}
	return n.inside(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/route/flush", []byte("1"), 0); err != nil {
			return err
		}
		err := os.WriteFile("/proc/sys/net/ipv6/route/flush", []byte("1"), 0)
		if errors.Is(err, os.ErrNotExist) { // a namespace of an ordinary user has none
			return exec.Command("ip", "-6", "route", "flush", "cache").Run()
		}
		return err
	})
}

func (m *liveMachine) Route(node string, q topology.RouteQuery) (topology.RouteAnswer, error) {
	n, err := m.node(node)
	if err != nil {
		return topology.RouteAnswer{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	opt := &netlink.RouteGetOptions{Iif: q.IIF, Oif: q.OIF}
	if q.From.IsValid() {
		opt.SrcAddr = q.From.AsSlice()
	}
	rs, err := n.nl.RouteGetWithOptions(q.Dst.AsSlice(), opt)
	if err != nil {
		return topology.RouteAnswer{}, err
	}
	r := rs[0]
	out := topology.RouteAnswer{Index: r.LinkIndex, Local: r.Type == unix.RTN_LOCAL, Broadcast: r.Type == unix.RTN_BROADCAST, Redirected: r.Flags&0x40000 != 0, DoRedirect: r.Flags&0x1000000 != 0, MTU: r.MTU}
	if ip, ok := netip.AddrFromSlice(r.Gw); ok {
		out.Via = ip.Unmap()
	}
	if ip, ok := netip.AddrFromSlice(r.Src); ok {
		out.Src = ip.Unmap()
	}
	return out, nil
}

// Groups are those that iproute2 shows.
func (m *liveMachine) Groups(node, bridge string) ([]topology.GroupEntry, error) {
	out, err := exec.Command("ip", "netns", "exec", node, "bridge", "-j", "mdb", "show", "dev", bridge).Output()
	if err != nil {
		return nil, err
	}
	var tables []struct{ MDB []struct{ Port, Grp string } }
	if err := json.Unmarshal(out, &tables); err != nil {
		return nil, err
	}
	var entries []topology.GroupEntry
	for _, t := range tables {
		for _, e := range t.MDB {
			entries = append(entries, topology.GroupEntry{Group: e.Grp, Port: e.Port})
		}
	}
	return entries, nil
}

func (m *liveMachine) FDB(node, bridge string) ([]topology.FDBEntry, error) {
	n, err := m.node(node)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	br, err := n.nl.LinkByName(bridge)
	if err != nil {
		return nil, err
	}
	list, err := n.nl.NeighList(0, unix.AF_BRIDGE)
	if err != nil {
		return nil, err
	}
	var out []topology.FDBEntry
	for _, e := range list {
		if e.MasterIndex != br.Attrs().Index || e.State == netlink.NUD_PERMANENT {
			continue
		}
		l, err := n.nl.LinkByIndex(e.LinkIndex)
		if err != nil {
			return nil, err
		}
		f := topology.FDBEntry{Port: l.Attrs().Name}
		copy(f.MAC[:], e.HardwareAddr)
		out = append(out, f)
	}
	return out, nil
}

func (m *liveMachine) Forwards(node string, family, index int) (on bool, err error) {
	n, err := m.node(node)
	if err != nil {
		return false, err
	}
	key := "ipv4"
	if family == unix.AF_INET6 {
		key = "ipv6"
	}
	err = n.inside(func() error {
		i, err := net.InterfaceByIndex(index)
		if err != nil {
			return err
		}
		b, err := os.ReadFile("/proc/sys/net/" + key + "/conf/" + i.Name + "/forwarding")
		on = strings.TrimSpace(string(b)) == "1"
		return err
	})
	return on, err
}
