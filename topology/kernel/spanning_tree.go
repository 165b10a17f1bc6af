//go:build linux

package kernel

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
)

// bridgeID is a bridge's priority and address, as IEEE 802.1D compares them.
type bridgeID [8]byte

// treeBridge is a bridge that takes part in a spanning tree, as the kernel has it.
type treeBridge struct {
	node, name string
	id, root   bridgeID
	cost       uint32        // to the root
	delay, age time.Duration // forward delay and max age, of the root that it believes in
	ports      []treePort
}

// treePort is a port of it with a carrier. What it holds is what it says itself, or else the best that it heard there.
type treePort struct {
	name       string
	id         uint16
	state      uint8
	guard      bool // a BPDU that comes in switches it off
	root, from bridgeID
	cost       uint16 // all that the kernel tells of it
	fromPort   uint16
}

func (b *treeBridge) designated(p *treePort) bool { return p.from == b.id && p.fromPort == p.id }

// current says whether a port holds what the bridge that told it would say now by that port.
func (p *treePort) current(from []*treeBridge) bool {
	if len(from) == 0 {
		return false // it is gone, and what it said has to age
	}
	b := from[0]
	return p.root == b.root && p.cost == uint16(b.cost) &&
		slices.ContainsFunc(b.ports, func(q treePort) bool { return q.id == p.fromPort && q.state != portDisabled })
}

// stpKernel is BR_KERNEL_STP of net/bridge/br_private.h: it is the kernel that builds the tree.
const stpKernel = 1

// treeOf reads what a bridge says of its tree (linux/if_link.h, IFLA_INFO_DATA); nil if there is none. Times are in
// hundredths of a second.
func treeOf(data []byte) *treeBridge {
	b, on := &treeBridge{}, false
	attributes(data, func(typ uint16, v []byte) {
		switch typ {
		case nl.IFLA_BR_STP_STATE:
			on = number32(v) == stpKernel
		case nl.IFLA_BR_ROOT_ID:
			copy(b.root[:], v)
		case nl.IFLA_BR_BRIDGE_ID:
			copy(b.id[:], v)
		case nl.IFLA_BR_ROOT_PATH_COST:
			b.cost = number32(v)
		case nl.IFLA_BR_FORWARD_DELAY:
			b.delay = time.Duration(number32(v)) * 10 * time.Millisecond
		case nl.IFLA_BR_MAX_AGE:
			b.age = time.Duration(number32(v)) * 10 * time.Millisecond
		}
	})
	if !on {
		return nil
	}
	return b
}

// hold reads one attribute of a bridge port (linux/if_link.h, IFLA_PROTINFO).
func (p *treePort) hold(typ uint16, v []byte) {
	switch typ {
	case nl.IFLA_BRPORT_GUARD:
		p.guard = len(v) == 1 && v[0] != 0
	case nl.IFLA_BRPORT_ROOT_ID:
		copy(p.root[:], v)
	case nl.IFLA_BRPORT_BRIDGE_ID:
		copy(p.from[:], v)
	case nl.IFLA_BRPORT_DESIGNATED_PORT:
		p.fromPort = number16(v)
	case nl.IFLA_BRPORT_DESIGNATED_COST:
		p.cost = number16(v)
	case nl.IFLA_BRPORT_ID:
		p.id = number16(v)
	}
}

func number16(v []byte) uint16 {
	if len(v) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(v)
}

func number32(v []byte) uint32 {
	if len(v) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(v)
}
