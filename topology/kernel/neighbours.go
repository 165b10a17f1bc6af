//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Families are the address families of neighbour tables.
var Families = []int{unix.AF_INET, unix.AF_INET6}

// neighbourStates are the words of ip-neighbour(8).
var neighbourStates = map[int]string{
	netlink.NUD_NONE: "NONE", netlink.NUD_INCOMPLETE: "INCOMPLETE", netlink.NUD_REACHABLE: "REACHABLE",
	netlink.NUD_STALE: "STALE",
	netlink.NUD_DELAY: "DELAY", netlink.NUD_PROBE: "PROBE", netlink.NUD_FAILED: "FAILED",
	netlink.NUD_PERMANENT: "PERMANENT",
}

// Neighbours lists a neighbour table, without NOARP entries.
func (t Tables) Neighbours(node string, family int) ([]topology.NeighbourEntry, error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	var b [64]byte
	req, start := message(b[:0], unix.RTM_GETNEIGH, unix.NLM_F_DUMP, ndmsg(family, 0))
	var out []topology.NeighbourEntry
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg {
			return
		}
		state := int(binary.NativeEndian.Uint16(b[8:]))
		if state&unix.NUD_NOARP != 0 {
			return
		}
		k := topology.NeighbourEntry{Index: int(int32(binary.NativeEndian.Uint32(b[4:]))),
			State: neighbourStates[state]}
		attributes(b[unix.SizeofNdMsg:], func(typ uint16, v []byte) {
			switch typ {
			case unix.NDA_DST:
				k.IP, _ = netip.AddrFromSlice(v)
			case unix.NDA_LLADDR:
				copy(k.MAC[:], v)
			}
		})
		if k.IP.IsValid() {
			out = append(out, k)
		}
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: list neighbours: %w", node, err)
	}
	return out, nil
}

// ndmsg is the fixed part of a request about neighbours.
func ndmsg(family, index int) []byte {
	b := make([]byte, unix.SizeofNdMsg)
	b[0] = byte(family)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return b
}

// maxDelete is how many removals go into one request; their answers must fit into the socket's buffer.
const maxDelete = 64

// DeleteNeighbours removes the entries with these interfaces and addresses. One that is not there is not an error.
func (t Tables) DeleteNeighbours(node string, entries []topology.NeighbourEntry) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	var b [512]byte
	for len(entries) > 0 {
		now := entries[:min(len(entries), maxDelete)]
		entries = entries[len(now):]
		req := b[:0]
		for i, e := range now {
			flags := uint16(0)
			if i == len(now)-1 {
				flags = unix.NLM_F_ACK // the others are answered only if they fail
			}
			var start int
			req, start = message(req, unix.RTM_DELNEIGH, flags, ndmsg(familyOf(e.IP), e.Index))
			req = finish(attribute(req, unix.NDA_DST, e.IP.AsSlice()), start)
		}
		err := n.conn.exchange(req, nil, func(e unix.Errno) error { return tolerate(e, unix.ENOENT) })
		if err != nil {
			return fmt.Errorf("%s: forget neighbours: %w", node, err)
		}
	}
	return nil
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// FlushNeighbours removes all entries that are not permanent, and says how many.
func (t Tables) FlushNeighbours(node string) (int, error) {
	var doomed []topology.NeighbourEntry
	for _, family := range Families {
		list, err := t.Neighbours(node, family)
		if err != nil {
			return 0, err
		}
		for _, e := range list {
			if e.State != "PERMANENT" {
				doomed = append(doomed, e)
			}
		}
	}
	return len(doomed), t.DeleteNeighbours(node, doomed)
}
