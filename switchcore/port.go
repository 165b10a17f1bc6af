package switchcore

import (
	"fmt"
	"slices"
	"time"
)

// port is a port in operation: what is set for it, what happened to it, and what follows from both. What every frame
// asks for comes first, so that it shares cache lines.
type port struct {
	id          PortID
	vlan        uint16 // that it is in; unused by a trunk
	primary     uint16 // of a private VLAN port, else 0
	leaf        bool   // has a client; with profile Learning every port
	up          bool   // connected, and there is carrier
	blocked     bool
	simple      bool // up, in one ordinary VLAN, neither blocked nor isolated nor with an allow-list: see toHolder
	fastPath    bool // fastPath may decide about frames from it
	checkSource bool
	learns      bool
	allowOnly   bool
	tags        tagMode
	checkMode   SourceCheckMode
	mtu         int
	station     uint64 // requested.MAC as a number
	own         uint64 // accepted.MAC as a number; 0 with profile Learning, where every source is learned
	lastSerial  uint64 // of the frame that last had an output or loss here
	counters    Counters

	// What is set for it, and what the switch derives from that alone.
	conf    Port
	pol     Computed
	trunk   *vlanSet // of a trunk, else nil
	team    team
	ageing  time.Duration // how long an address learned here lives without being a source
	assumed bool          // its guest counts as asking for promiscuous reception

	// What happened to it.
	connected bool
	link      bool
	initial   MAC
	requested Filter

	// What settle derives from all that.
	refusedM  bool   // blocked because MAC changes are rejected
	accepted  Filter // what is granted; zero while blocked or down
	entries   int    // learned on this port, aged ones that nobody has asked for included
	announced MAC    // to the physical switch behind via
	via       *port
	answer    string // to the wish for promiscuous reception
	settled   bool   // settle has seen it before
}

// state is the port's state in a word.
func (p *port) state() string {
	switch {
	case !p.up:
		return "down"
	case p.blocked:
		return "blocked"
	}
	return "forwarding"
}

// why tells who or what keeps the port from forwarding, "" while it forwards.
func (p *port) why() string {
	switch {
	case p.conf.Down:
		return "unplugged by the administrator"
	case !p.connected:
		return "not connected"
	case !p.link:
		return "no carrier"
	}
	return p.blockedBy()
}

// whyInFull is why with the addresses that a refused change is about.
func (p *port) whyInFull() string {
	if p.up && p.refusedM {
		return fmt.Sprintf("%s, and the guest uses %s in place of its initial %s", p.why(), p.requested.MAC, p.initial)
	}
	return p.why()
}

// blockedBy names who blocked a port, "" for one that is not blocked.
func (p *port) blockedBy() string {
	switch {
	case p.refusedM:
		return "mac changes rejected"
	case p.pol.Blocked.Value:
		return "blocked by the administrator"
	}
	return ""
}

// asks tells whether the guest wants to receive everything.
func (p *port) asks() bool {
	return p.leaf && p.connected && (p.requested.Promiscuous || p.assumed)
}

// promiscuity is the answer to a guest that asks for promiscuous reception, "-" while it does not.
func (p *port) promiscuity() string {
	switch {
	case !p.asks():
		return "-"
	case p.pol.Promiscuous.Value:
		return "granted"
	}
	return "refused"
}

// maySend compares a frame's source with what the port's source check names: forged transmits of vSphere compare with
// the address that the adapter uses now (its effective address), other platforms with what the administrator gave.
func (p *port) maySend(src uint64) bool {
	switch p.checkMode {
	case CheckInitial:
		return src == p.initial.addr()
	case CheckAllowed:
		return p.allows(src)
	}
	return src == p.station
}

// mayOnly names what the port may send from while forged transmits are rejected.
func (p *port) mayOnly() string {
	switch p.checkMode {
	case CheckInitial:
		return fmt.Sprintf("the initial address of the port, %s", p.initial)
	case CheckAllowed:
		return fmt.Sprintf("the initial address of the port, %s, or one of its %d allowed ones",
			p.initial, len(p.pol.SourceCheck.Allowed))
	}
	return fmt.Sprintf("the address that the guest's adapter uses, %s", p.requested.MAC)
}

// allows tells whether the address is on the port's allow-list.
func (p *port) allows(addr uint64) bool {
	if addr == p.initial.addr() {
		return true
	}
	for i := range p.pol.SourceCheck.Allowed {
		if p.pol.SourceCheck.Allowed[i].addr() == addr {
			return true
		}
	}
	return false
}

// addresses are those that unicast is delivered to without learning.
func (p *port) addresses() []MAC {
	if !p.up || p.blocked {
		return nil
	}
	all := []MAC{p.accepted.MAC}
	if p.allowOnly {
		all = append([]MAC{p.initial}, p.pol.SourceCheck.Allowed...)
	}
	var list []MAC
	for _, m := range all {
		if m != (MAC{}) && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// isIn tells whether the port is in a VLAN of the tables.
func (p *port) isIn(fdb uint16) bool {
	if p.trunk != nil {
		return p.trunk.has(fdb)
	}
	return p.home() == fdb
}

// home is the VLAN that the port's own addresses are shown in: 0 for a trunk.
func (p *port) home() uint16 {
	switch {
	case p.trunk != nil:
		return 0
	case p.primary != 0:
		return p.primary
	}
	return p.vlan
}
