package switchcore

import (
	"encoding/binary"
	"time"
)

// express is judge for what nearly every frame is: unicast without a tag, from one easy port to another, with both stations known.
// The checks of sections 2.3 and 3.2 whose outcome is the same for every such frame are made by settle, which says so with
// port.express; the others come here in judge's order. What only Explain would ask for is not written down. It returns the one port
// that gets the frame; nil: judge shall decide, for which nothing has been changed but what judge changes in the same way.
// The caller has removed what has aged.
func (s *Switch) express(now time.Duration, p *port, d []byte, segment int) (*port, Rule) {
	if len(d) < 14 || d[12] == 0x81 && d[13] == 0 {
		return nil, RuleDrop
	}
	dst, src := binary.BigEndian.Uint64(d)>>16, binary.BigEndian.Uint64(d[6:])>>16
	if (dst|src)&groupBit != 0 || src == 0 || p.checkSource && src != p.station {
		return nil, RuleDrop
	}
	if p.learns && src != p.own {
		e := s.learned.find(keyOf(p.vlan, src))
		if e == nil || e.val != int32(p.id) {
			return nil, RuleDrop
		}
		e.at = now
	}
	q, rule := s.soleHolder(p.vlan, dst)
	if q == nil || q == p || !q.easy || q.vlan != p.vlan || q.mtu > 0 && payload(d, segment) > q.mtu {
		return nil, RuleDrop
	}
	return q, rule
}

// soleHolder is the only port that has the address, if it has it by its adapter or else by learning; nil if there is none, or several.
func (s *Switch) soleHolder(vlan uint16, addr uint64) (*port, Rule) {
	if e := s.static.find(keyOf(0, addr)); e != nil {
		if h := &s.holders[e.val]; h.next < 0 {
			return h.p, RuleStatic
		}
		return nil, RuleDrop
	}
	if e := s.learned.find(keyOf(vlan, addr)); e != nil {
		return s.ports[e.val], RuleLearned
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

// settleExpress finds out for which ports express may decide: those whose frames meet no check but that of their source with the
// address in use, on a switch that sends no second copy of unicast that is known.
func (s *Switch) settleExpress() {
	alone := s.pvlans == nil && len(s.promisc) == 0 && !s.conf.TransmitToUplink
	for _, p := range s.order {
		p.express = alone && p.easy && (!p.checkSource || p.checkMode == CheckEffective)
	}
}
