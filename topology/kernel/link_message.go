//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// linkMessage is what RTM_NEWLINK and RTM_DELLINK say of an interface.
type linkMessage struct {
	family                uint8
	index                 int32
	flags                 uint32 // as everybody is shown them: without what rawFlags adds
	mac                   switchcore.MAC
	promiscuity, allMulti int
	link                  int32 // the lower, or a veth's other end; 0: none
	linkNS                int32 // the number of link's namespace there; negative: the same namespace
	moved                 bool  // deleted only here: it went to another namespace
	stacked               bool  // it is not a veth, and what is under it is in another namespace
	bridgePort            bool
	state                 uint8 // of a bridge port
}

// readLink reads a message's payload, which is not kept.
func readLink(b []byte) linkMessage {
	m := linkMessage{family: b[0], index: int32(binary.NativeEndian.Uint32(b[4:])),
		flags: binary.NativeEndian.Uint32(b[8:]), linkNS: -1}
	veth := false
	attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.IFLA_ADDRESS && len(v) == 6:
			m.mac = switchcore.MAC(v)
		case typ == unix.IFLA_LINKINFO:
			veth = m.readInfo(v)
		case typ == unix.IFLA_NEW_NETNSID || typ == unix.IFLA_NEW_IFINDEX:
			m.moved = true
		case len(v) != 4:
		case typ == unix.IFLA_PROMISCUITY:
			m.promiscuity = int(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_ALLMULTI: // since Linux 6.1
			m.allMulti = int(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_LINK:
			m.link = int32(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_LINK_NETNSID:
			m.linkNS = int32(binary.NativeEndian.Uint32(v))
		}
	})
	m.stacked = m.linkNS >= 0 && !veth
	return m
}

// readInfo reads IFLA_LINKINFO and says whether the interface is a veth.
func (m *linkMessage) readInfo(b []byte) (veth bool) {
	attributes(b, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			veth = string(bytes.TrimRight(v, "\x00")) == "veth"
		case unix.IFLA_INFO_SLAVE_KIND:
			m.bridgePort = string(bytes.TrimRight(v, "\x00")) == "bridge"
		case unix.IFLA_INFO_SLAVE_DATA: // of a bridge port, if the kind says so; nobody asks otherwise
			attributes(v, func(typ uint16, v []byte) {
				if typ == brportState && len(v) == 1 {
					m.state = v[0]
				}
			})
		}
	})
	return veth
}

// Of linux/if.h: what an interface is shown to be and its own flags do not have.
const shownFlags = unix.IFF_RUNNING | unix.IFF_LOWER_UP | unix.IFF_DORMANT | unix.IFF_PROMISC | unix.IFF_ALLMULTI

// rawFlags are the interface's own flags, as sysfs has them (net/core/dev.c, dev_get_flags and __dev_set_promiscuity).
func (m *linkMessage) rawFlags() uint32 {
	f := m.flags &^ shownFlags
	if m.promiscuity > 0 {
		f |= unix.IFF_PROMISC
	}
	if m.allMulti > 0 {
		f |= unix.IFF_ALLMULTI
	}
	return f
}

// getLink asks for an interface by index, or by name if that is given, in the conn's namespace, or in the one that has
// this number there if it is not negative. It waits for RTNL.
func (c *conn) getLink(index int32, name string, ns int32) (linkMessage, error) {
	fixed := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(fixed[4:], uint32(index))
	req, start := message(nil, unix.RTM_GETLINK, 0, fixed)
	if name != "" {
		req = attribute(req, unix.IFLA_IFNAME, append([]byte(name), 0))
	}
	if ns >= 0 {
		req = attribute(req, unix.IFLA_TARGET_NETNSID, binary.NativeEndian.AppendUint32(nil, uint32(ns)))
	}
	var m linkMessage
	err := c.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWLINK && len(b) >= unix.SizeofIfInfomsg {
			m = readLink(b)
		}
	}, nil)
	return m, err
}
