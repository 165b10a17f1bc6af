//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Neighbours lists a neighbour table, without NOARP entries.
func (s *Space) Neighbours(nodeName string, family int) ([]Neighbour, error) {
	n, err := s.node(nodeName)
	if err != nil {
		return nil, err
	}
	var b [64]byte
	req, start := message(b[:0], unix.RTM_GETNEIGH, unix.NLM_F_DUMP, ndmsg(family, 0))
	var out []Neighbour
	err = s.exchange(n, finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg {
			return
		}
		state := int(binary.NativeEndian.Uint16(b[8:]))
		if state&unix.NUD_NOARP != 0 {
			return
		}
		k := Neighbour{Index: int(int32(binary.NativeEndian.Uint32(b[4:]))), State: neighbourStates[state]}
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
	}, func(e unix.Errno) error { return e })
	if err != nil {
		return nil, fmt.Errorf("%s: list neighbours: %w", nodeName, err)
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

// DeleteNeighbours removes the entries with these interfaces and addresses. One that is not there is no error.
func (s *Space) DeleteNeighbours(nodeName string, entries []Neighbour) error {
	n, err := s.node(nodeName)
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
		err := s.exchange(n, req, func(uint16, []byte) {}, func(e unix.Errno) error { return tolerate(e, unix.ENOENT) })
		if err != nil {
			return fmt.Errorf("%s: forget neighbours: %w", nodeName, err)
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
func (s *Space) FlushNeighbours(nodeName string) (int, error) {
	var doomed []Neighbour
	for _, family := range Families {
		list, err := s.Neighbours(nodeName, family)
		if err != nil {
			return 0, err
		}
		for _, e := range list {
			if e.State != "PERMANENT" {
				doomed = append(doomed, e)
			}
		}
	}
	return len(doomed), s.DeleteNeighbours(nodeName, doomed)
}

// Route asks the kernel which way the node would send. The error is the lookup's own errno.
func (s *Space) Route(nodeName string, q RouteQuery) (Route, error) {
	n, err := s.node(nodeName)
	if err != nil {
		return Route{}, err
	}
	fixed := make([]byte, unix.SizeofRtMsg)
	fixed[0], fixed[1] = byte(familyOf(q.Dst)), byte(q.Dst.BitLen())
	if q.From.IsValid() {
		fixed[2] = byte(q.From.BitLen())
	}
	var b [128]byte
	req, start := message(b[:0], unix.RTM_GETROUTE, 0, fixed)
	req = attribute(req, unix.RTA_DST, q.Dst.AsSlice())
	if q.From.IsValid() {
		req = attribute(req, unix.RTA_SRC, q.From.AsSlice())
	}
	for _, dev := range []struct {
		name string
		typ  uint16
	}{{q.IIF, unix.RTA_IIF}, {q.OIF, unix.RTA_OIF}} {
		if dev.name == "" {
			continue
		}
		index, err := s.linkIndex(n, dev.name)
		if err != nil {
			return Route{}, err
		}
		req = attribute(req, dev.typ, binary.NativeEndian.AppendUint32(nil, index))
	}
	var out Route
	found := false
	err = s.exchange(n, finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWROUTE && len(b) >= unix.SizeofRtMsg {
			out, found = readRoute(b), true
		}
	}, func(e unix.Errno) error { return e })
	if err == nil && !found {
		err = unix.ENETUNREACH
	}
	return out, err
}

func readRoute(b []byte) Route {
	flags := binary.NativeEndian.Uint32(b[8:])
	r := Route{Local: b[7] == unix.RTN_LOCAL, Broadcast: b[7] == unix.RTN_BROADCAST, Redirected: flags&rtcfRedirected != 0, DoRedirect: flags&rtcfDoRedirect != 0}
	attributes(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.RTA_OIF && len(v) >= 4:
			r.Index = int(binary.NativeEndian.Uint32(v))
		case typ == unix.RTA_GATEWAY:
			r.Via, _ = netip.AddrFromSlice(v)
		case typ == unix.RTA_VIA && len(v) >= 2: // a gateway of the other family
			r.Via, _ = netip.AddrFromSlice(v[2:])
		case typ == unix.RTA_PREFSRC:
			r.Src, _ = netip.AddrFromSlice(v)
		}
	})
	return r
}

// linkIndex asks for the interface of that name.
func (s *Space) linkIndex(n *node, name string) (index uint32, err error) {
	var b [64]byte
	req, start := message(b[:0], unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg))
	req = attribute(req, unix.IFLA_IFNAME, append([]byte(name), 0))
	err = s.exchange(n, finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWLINK && len(b) >= unix.SizeofIfInfomsg {
			index = binary.NativeEndian.Uint32(b[4:])
		}
	}, func(e unix.Errno) error { return fmt.Errorf("%s has no interface %s: %w", n.name, name, e) })
	return index, err
}
