//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Of linux/netconf.h and linux/rtnetlink.h.
const (
	rtmGetNetconf     = 82
	rtmNewNetconf     = 80
	netconfIfindex    = 1 // NETCONFA_IFINDEX
	netconfForwarding = 2
	netconfProxy      = 5 // NETCONFA_PROXY_NEIGH
)

// netconf reads one setting of all interfaces of a family, by their index; negative ones are "all" and "default".
func (c *conn) netconf(family int, setting uint16) (map[int]bool, error) {
	out := map[int]bool{}
	req, start := message(nil, rtmGetNetconf, unix.NLM_F_DUMP, []byte{byte(family), 0, 0, 0})
	err := c.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != rtmNewNetconf || len(b) < 4 {
			return
		}
		index, on := 0, false
		attributes(b[4:], func(typ uint16, v []byte) {
			if len(v) != 4 {
				return
			}
			switch typ {
			case netconfIfindex:
				index = int(int32(binary.NativeEndian.Uint32(v)))
			case setting:
				on = binary.NativeEndian.Uint32(v) != 0
			}
		})
		out[index] = on
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: read settings of interfaces: %w", c.node, err)
	}
	return out, nil
}

// Forwards reports whether the node forwards packets of a family that come in at an interface.
func (t Tables) Forwards(node string, family, index int) (bool, error) {
	n, err := t.space.of(node)
	if err != nil {
		return false, err
	}
	on, err := n.conn.netconf(family, netconfForwarding)
	return on[index], err
}
