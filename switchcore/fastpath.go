package switchcore

import (
	"encoding/binary"
	"time"
)

// fastPath is judge for what nearly every frame is: unicast without a tag, from one simple port to another, with both
// stations known. The checks of enter and unicastFromLeaf whose outcome is the same for every such frame are made
// beforehand by layFastPaths, which says so with port.fastPath; the others come here in judge's order. What only
// Explain would ask for is not written down. It returns the one port that gets the frame; nil: judge has to decide, for
// which nothing has been changed but what judge changes in the same way. The caller has removed what has aged.
func (r *relay) fastPath(now time.Duration, p *port, d []byte, segment int) (*port, Rule) {
	if len(d) < 14 || d[12] == 0x81 && d[13] == 0 {
		return nil, RuleDrop
	}
	dst, src := binary.BigEndian.Uint64(d)>>16, binary.BigEndian.Uint64(d[6:])>>16
	if (dst|src)&groupBit != 0 || src == 0 || p.checkSource && src != p.station {
		return nil, RuleDrop
	}
	if p.learns && src != p.own {
		e := r.fdb.learned.find(keyOf(p.vlan, src))
		if e == nil || e.val != p {
			return nil, RuleDrop
		}
		e.at = now
	}
	q, rule := r.soleHolder(p.vlan, dst)
	if q == nil || q == p || !q.simple || q.vlan != p.vlan || q.mtu > 0 && payload(d, segment) > q.mtu {
		return nil, RuleDrop
	}
	return q, rule
}

// soleHolder is the only port that has the address, if it has it by its adapter or else by learning; nil if there is
// none, or several.
func (r *relay) soleHolder(vlan uint16, addr uint64) (*port, Rule) {
	if e := r.stations.index.find(keyOf(0, addr)); e != nil {
		if h := &r.stations.holders[e.val]; h.next < 0 {
			return h.p, RuleStatic
		}
		return nil, RuleDrop
	}
	if e := r.fdb.learned.find(keyOf(vlan, addr)); e != nil {
		return e.val, RuleLearned
	}
	return nil, RuleDrop
}

// payload is the length of a frame without tag as found.payload has it.
func payload(d []byte, segment int) int {
	if segment > 0 {
		return segment
	}
	return len(d) - 14
}

// layFastPaths finds out for which ports fastPath may decide: those whose frames meet no check but that of their source
// with the address in use, on a switch that sends no second copy of unicast that is known.
func (r *relay) layFastPaths() {
	alone := r.pvlans == nil && len(r.promisc) == 0 && !r.conf.TransmitToUplink
	for _, p := range r.order {
		p.fastPath = alone && p.simple && (!p.checkSource || p.checkMode == CheckEffective)
	}
}
