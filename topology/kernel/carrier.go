//go:build linux

package kernel

import (
	"golang.org/x/sys/unix"
	"labctl/topology"
)

// Carriers reads them for all interfaces of a node, by their index. It makes the kernel act on nothing.
func (t Tables) Carriers(node string) (map[int]topology.Carrier, error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	links, err := n.conn.dump(unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	out := make(map[int]topology.Carrier, len(links))
	for _, l := range links {
		flags := l.flags & (unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING | unix.IFF_NOARP |
			unix.IFF_LOOPBACK | unix.IFF_POINTOPOINT)
		out[int(l.index)] = topology.Carrier{Changes: l.changes, Flags: flags, State: l.oper, Bridge: l.bridge}
	}
	return out, nil
}
