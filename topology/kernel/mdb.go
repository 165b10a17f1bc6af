//go:build linux

package kernel

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// Of linux/if_bridge.h: a dump of RTM_GETMDB has a message for each bridge, behind a struct br_port_msg, with its
// entries three levels deep in MDBA_MDB, MDBA_MDB_ENTRY and MDBA_MDB_ENTRY_INFO.
const (
	sizeofPortMsg = 8
	mdbaNested    = 1  // of MDBA_MDB, MDBA_MDB_ENTRY and MDBA_MDB_ENTRY_INFO alike
	sizeofEntry   = 28 // struct br_mdb_entry
)

// Groups lists who has joined a group at a bridge, as "bridge mdb show" does: by group and port, each pair once,
// whatever the VLAN and the source. While a bridge does not snoop the kernel shows none. For a bridge that is not there
// the error wraps ENODEV.
func (t Tables) Groups(node, bridge string) ([]topology.GroupEntry, error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	links, err := n.conn.dump(unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	master, names := int32(0), map[int32]string{}
	for _, l := range links {
		if names[l.index] = l.name; l.name == bridge {
			master = l.index
		}
	}
	if master == 0 {
		return nil, fmt.Errorf("%s has no bridge %s: %w", node, bridge, unix.ENODEV)
	}
	req, start := message(nil, unix.RTM_GETMDB, unix.NLM_F_DUMP,
		append([]byte{unix.AF_BRIDGE}, make([]byte, sizeofPortMsg-1)...))
	var out []topology.GroupEntry
	err = n.conn.exchange(finish(req, start), func(_ uint16, b []byte) {
		if len(b) < sizeofPortMsg || int32(binary.NativeEndian.Uint32(b[4:])) != master {
			return
		}
		within(b[sizeofPortMsg:], 3, func(e []byte) {
			if len(e) >= sizeofEntry {
				out = append(out, groupEntry(e, names))
			}
		})
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: list groups: %w", node, err)
	}
	slices.SortFunc(out, func(a, b topology.GroupEntry) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Port, b.Port))
	})
	return slices.Compact(out), nil
}

// within hands over what is so many levels deep in attributes with the number 1.
func within(b []byte, levels int, f func([]byte)) {
	attributes(b, func(typ uint16, v []byte) {
		switch {
		case typ != mdbaNested:
		case levels == 1:
			f(v)
		default:
			within(v, levels-1, f)
		}
	})
}

// groupEntry reads a struct br_mdb_entry: ifindex, state, flags, vid, an address of 16 bytes, and its EtherType, which
// is 0 of a MAC.
func groupEntry(e []byte, names map[int32]string) topology.GroupEntry {
	out := topology.GroupEntry{Port: names[int32(binary.NativeEndian.Uint32(e))]}
	switch addr := e[8:24]; binary.BigEndian.Uint16(e[24:]) {
	case unix.ETH_P_IP:
		out.Group = netip.AddrFrom4([4]byte(addr[:4])).String()
	case unix.ETH_P_IPV6:
		out.Group = netip.AddrFrom16([16]byte(addr)).String()
	default:
		out.Group = switchcore.MAC(addr[:6]).String()
	}
	return out
}
