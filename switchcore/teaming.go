package switchcore

import (
	"encoding/binary"
	"slices"
	"strings"
)

// team is the choice of an uplink for the frames of one port: NIC teaming of vSphere.
type team struct {
	policy   TeamingPolicy
	failback bool
	port     uint64 // whose team it is, for OriginatingPort
	active   []*port
	standby  []*port
	usable   []*port
}

// choose is the uplink for a frame of the station addr, or nil. Which bits go into the choice is documented (vSphere
// Networking, "Load Balancing Algorithms Available for Virtual Switches"), the formulas are not: these are labctl's.
func (t *team) choose(f *Frame, addr uint64) *port {
	n := uint64(len(t.usable))
	if n == 0 {
		return nil
	}
	switch t.policy {
	case SourceMAC:
		return t.usable[addr&0xff%n]
	case IPHash:
		return t.usable[f.ipHash()%n]
	case Explicit:
		return t.usable[0]
	}
	return t.usable[t.port%n]
}

// ipHash is the exclusive or of source and destination address; frames that are not IP are taken at the same offsets.
func (f *Frame) ipHash() uint64 {
	d := f.Data
	at := 12
	if !f.Tagged && d[12] == 0x81 && d[13] == 0 {
		at = 16
	}
	if binary.BigEndian.Uint16(d[at:]) == 0x86dd && len(d) >= at+2+40 {
		var h uint32
		for i := at + 10; i < at+42; i += 4 {
			h ^= binary.BigEndian.Uint32(d[i:])
		}
		return uint64(h)
	}
	if len(d) < at+22 {
		return 0
	}
	return uint64(binary.BigEndian.Uint32(d[at+14:]) ^ binary.BigEndian.Uint32(d[at+18:]))
}

// station is the uplink by which the port's own station is reached from outside, or nil. With an IP hash the physical
// switch has one channel, whose first member stands for all.
func (t *team) station(addr uint64) *port {
	if t.policy == IPHash && len(t.usable) > 0 {
		return t.usable[0]
	}
	return t.choose(nil, addr)
}

// settle brings up to date which uplinks may be used. Every active one that has failed is replaced by the next standby;
// without failback those in use stay in use as long as they live.
func (t *team) settle() {
	var use []*port
	add := func(from []*port) {
		for _, u := range from {
			if u.up && !u.blocked && len(use) < max(1, len(t.active)) && !slices.Contains(use, u) {
				use = append(use, u)
			}
		}
	}
	if !t.failback {
		var members []*port
		for _, u := range t.usable {
			if slices.Contains(t.active, u) || slices.Contains(t.standby, u) {
				members = append(members, u)
			}
		}
		add(members)
	}
	add(t.active)
	add(t.standby)
	t.usable = use
}

// inUse is what the port's frames leave by, as people read it: one name, or several of which a hash chooses.
func (t *team) inUse() string {
	switch t.policy {
	case SourceMAC, IPHash:
		return portNames(t.usable, ",")
	}
	if u := t.choose(nil, 0); u != nil {
		return u.conf.Name
	}
	return ""
}

// members are the names of all uplinks of the team.
func (t *team) members() string { return portNames(slices.Concat(t.active, t.standby), ", ") }

// portNames joins the names of ports.
func portNames(list []*port, between string) string {
	var names []string
	for _, p := range list {
		names = append(names, p.conf.Name)
	}
	return strings.Join(names, between)
}
