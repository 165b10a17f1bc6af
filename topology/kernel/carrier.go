//go:build linux

package kernel

import "golang.org/x/sys/unix"

// Carrier is what an interface is like towards what it is plugged into. As long as it is the same, the kernel has thrown nothing away
// on its account.
type Carrier struct {
	Changes uint32 // how often the carrier came or went
	Flags   uint32 // of IFF_UP, IFF_LOWER_UP, IFF_RUNNING, IFF_NOARP, IFF_LOOPBACK and IFF_POINTOPOINT
	State   uint8  // RFC 2863's ifOperStatus, which changes when the kernel acts on the carrier
	Bridge  bool   // it is a Linux bridge
}

// Carriers reads them for all interfaces of a node, by their index. It makes the kernel act on nothing.
func (t Tables) Carriers(node string) (map[int]Carrier, error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	links, err := n.conn.dump(unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	out := make(map[int]Carrier, len(links))
	for _, l := range links {
		flags := l.flags & (unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING | unix.IFF_NOARP | unix.IFF_LOOPBACK | unix.IFF_POINTOPOINT)
		out[int(l.index)] = Carrier{Changes: l.changes, Flags: flags, State: l.oper, Bridge: l.bridge}
	}
	return out, nil
}
