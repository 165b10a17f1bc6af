package switchcore

import (
	"fmt"
	"strings"
)

// narrator tells a passage, a sentence for each thing that was asked.
type narrator struct {
	*advisor
	sent  passage // as it came in: a hook may have put another frame in place
	e     *Explanation
	steps []string
}

// say adds a sentence, which begins with the question that it answers.
func (n *narrator) say(format string, args ...any) {
	n.steps = append(n.steps, fmt.Sprintf(format, args...))
}

// narrate tells the passage in the order in which the switch asks.
func (a *advisor) narrate(f Frame, e *Explanation) []string {
	a.w.parse()
	n := &narrator{advisor: a, sent: passage{f: f}, e: e}
	n.frame()
	if n.port() || n.header() || n.source() || n.stp() {
		return n.steps
	}
	local := e.Drop == LinkLocal
	if local && !a.conf.LearnBeforeLinkLocal {
		n.linkLocal()
		return n.steps
	}
	if n.vlan() || n.learning() {
		return n.steps
	}
	if local {
		n.linkLocal()
		return n.steps
	}
	if n.hook() {
		return n.steps
	}
	n.lookup()
	n.outputs()
	return n.steps
}

// frame introduces the frame as it came in.
func (n *narrator) frame() {
	o, p := &n.sent, n.w.p
	if !o.parse() {
		n.say("frame: %d bytes from port %s", len(o.f.Data), p.conf.Name)
		return
	}
	tag := "untagged"
	if o.tagged {
		tag = fmt.Sprintf("tagged %d", o.vid())
	}
	n.say("frame: %d bytes from port %s, %s to %s, %s",
		len(o.f.Data), p.conf.Name, keyOf(0, o.src).mac(), keyOf(0, o.dst).mac(), tag)
}

// port tells of a port that nothing passes.
func (n *narrator) port() (ended bool) {
	p := n.w.p
	if p.up && !p.blocked {
		return false
	}
	n.say("port: %s is %s (%s), so nothing passes: PortBlocked", p.conf.Name, p.state(), p.whyInFull())
	return true
}

// header tells what is wrong with the first bytes.
func (n *narrator) header() (ended bool) {
	if n.e.Drop != Malformed {
		return false
	}
	o := &n.sent
	switch {
	case n.w.replaced:
		n.say("hook: what it puts in place of the frame has no header: Malformed")
	case len(o.f.Data) < 14:
		n.say("header: an Ethernet header has 14 bytes: Malformed")
	case !o.parse():
		n.say("header: the tag is cut off: Malformed")
	case o.src == 0:
		n.say("header: no station has the source 00:00:00:00:00:00: Malformed")
	default:
		n.say("header: the source is a group, which no station can be: Malformed")
	}
	return true
}

// source tells what forged transmits say.
func (n *narrator) source() (ended bool) {
	p := n.w.p
	from := p.pol.ForgedTransmits.From
	switch {
	case !p.leaf:
		n.say("source: not checked, because an uplink has no policies")
	case n.e.Drop == MacForgery:
		n.say("source: forged transmits are rejected (%s), and the source is not %s: MacForgery", from, p.mayOnly())
		return true
	case p.checkSource:
		n.say("source: forged transmits are rejected (%s), and the source is %s, so it passes", from, p.mayOnly())
	case n.conf.Profile == Learning && from == LevelDefault:
		n.say("source: not checked with profile learning")
	case p.pol.ForgedTransmits.Value:
		n.say("source: forged transmits are accepted (%s), so any source passes", from)
	default:
		n.say("source: forged transmits are rejected (%s), but MAC learning is on and admits any source, so it passes",
			from)
	}
	return false
}

// stp tells of a spanning tree frame that a guest must not send.
func (n *narrator) stp() (ended bool) {
	if n.e.Drop != GuestBPDU {
		return false
	}
	n.say("spanning tree: %s is for bridges, and block_guest_bpdu is on: GuestBPDU", keyOf(0, n.w.dst).mac())
	return true
}

// linkLocal tells of a frame for the bridge itself.
func (n *narrator) linkLocal() {
	n.say("destination: %s is the bridge itself, and link_local is drop: LinkLocal", keyOf(0, n.w.dst).mac())
}

// vlan tells into which VLAN the frame comes.
func (n *narrator) vlan() (ended bool) {
	p, w, o := n.w.p, n.w, &n.sent
	mismatch := n.e.Drop == VlanMismatch
	switch {
	case n.vlanUnaware:
	case mismatch && p.trunk != nil && !p.trunk.has(o.vid()):
		n.say("vlan: the frame is %s, which the port's trunk (%s) does not take: VlanMismatch",
			vlanWords(o.vid()), p.pol.VLAN)
	case mismatch && !p.leaf:
		n.say("vlan: the frame is %s, and no port of this switch takes such frames: VlanMismatch", vlanWords(o.vid()))
	case mismatch:
		n.say("vlan: the frame is tagged %d, and a port that is in one VLAN (vlan: %s) takes untagged frames only: "+
			"VlanMismatch",
			o.vid(), p.pol.VLAN)
	case p.primary != 0:
		n.say("vlan: the port puts the frame into VLAN %d of the private VLAN %d", w.wire, w.fdb)
	case w.wire == 0:
		n.say("vlan: the frame is untagged and in no VLAN, as the port is")
	case p.trunk != nil:
		n.say("vlan: the frame is in VLAN %d by its tag, which the port takes", w.wire)
	default:
		n.say("vlan: the frame is untagged, and the port puts it into VLAN %d", w.wire)
	}
	return mismatch
}

// learning tells what becomes of the source in the table.
func (n *narrator) learning() (ended bool) {
	w, p := n.w, n.w.p
	if n.e.Drop == LearnLimit {
		n.say("learning: learned at this port: %d (limit: %d); this would be one more, and limit_policy is drop: "+
			"LearnLimit",
			n.fdb.alive(w.now, p), p.pol.Learning.Limit)
		return true
	}
	if !p.leaf || !p.learns {
		return false
	}
	n.sent.parse()
	src := n.sent.src // what was learned is the frame that came in
	e := n.fdb.find(w.now, keyOf(w.fdb, src))
	switch {
	case n.conf.Profile != Learning && (src == p.own || n.isStatic(w, src)):
		n.say("learning: the source is an adapter's own address, and that is never learned")
	case !w.known && n.conf.Profile == Learning:
		n.say("learning: the table is full (fdb_size: %d), so the frame passes and its source is not learned",
			n.conf.FDBSize)
	case !w.known:
		n.say("learning: the limit of this port (%d) is reached, and limit_policy is allow, so the frame passes and "+
			"its source is not learned",
			p.pol.Learning.Limit)
	case e == nil:
		n.say("learning: the source is new and will be learned at this port")
	case e.val == p:
		n.say("learning: the source is known at this port")
	default:
		n.say("learning: the source is known at port %s and will move to this one", e.val.conf.Name)
	}
	return false
}

// hook tells what an extension did.
func (n *narrator) hook() (ended bool) {
	switch {
	case n.e.Drop == Filtered:
		n.say("hook: it drops the frame: %s: Filtered", n.w.why)
		return true
	case n.w.replaced:
		n.say("hook: it puts another frame in place, %s to %s", keyOf(0, n.w.src).mac(), keyOf(0, n.w.dst).mac())
	}
	return false
}

// lookup tells where the destination is.
func (n *narrator) lookup() {
	w, v := n.w, &n.e.Verdict
	dst := keyOf(0, w.dst).mac()
	switch {
	case v.Drop == SamePort:
		n.say("lookup: %s is behind the port that the frame came from, and a switch never sends a frame back: SamePort",
			dst)
	case v.Drop == ReversePath && w.ended:
		n.say("lookup: the source is an address of this switch's own ports, so this is our own frame that came back: " +
			"ReversePath")
	case v.Drop == ReversePath:
		n.say("lookup: those who would get the frame receive by another uplink than %s: ReversePath", w.p.conf.Name)
	case v.Drop == UplinkDown:
		n.say("lookup: only an uplink could take the frame, and none of the port's team (%s) has a link: UplinkDown",
			w.p.team.members())
	case v.Drop == UnknownUnicast:
		n.nobody()
	case v.Drop != None:
		n.say("lookup: all that should get the frame lose it: %s", v.Drop)
	case v.Rule == RuleStatic:
		n.say("lookup: %s is the address of an adapter on this switch%s", dst, n.also())
	case v.Rule == RuleLearned:
		n.say("lookup: %s was learned on this switch%s", dst, n.also())
	case v.Rule == RuleBroadcast:
		n.say("lookup: a broadcast goes to everybody in its VLAN%s", n.andUplink())
	case v.Rule == RuleMulticast:
		n.say("lookup: a multicast frame goes to everybody in its VLAN who wants the group%s", n.andUplink())
	case v.Rule == RulePromiscuous:
		n.say("lookup: %s, and only promiscuous ports take such frames from outside", n.unknown())
	case n.conf.Profile == Learning:
		n.say("lookup: nobody is known to have %s, so the frame goes to all ports in its VLAN", dst)
	case n.conf.Profile == Standard:
		n.say("lookup: %s, so the frame goes to promiscuous ports%s", n.unknown(), n.andUplink())
	default:
		n.say("lookup: %s, so the frame goes to ports that learn with unicast_flooding or are promiscuous%s",
			n.unknown(), n.andUplink())
	}
}

// also tells who else gets known unicast: the promiscuous ports that overhear it, or uplinks that it is sent to all the
// same.
func (n *narrator) also() string {
	var names []string
	for _, o := range n.e.Out[n.w.direct:] {
		names = append(names, n.byID[o.Port].conf.Name)
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "; " + names[0] + " gets a copy too"
	}
	return "; " + strings.Join(names, ", ") + " get copies too"
}

// andUplink adds the uplink to those who get the frame.
func (n *narrator) andUplink() string {
	if n.w.p.leaf && len(n.uplinks) > 0 {
		return ", and to the uplink of the sender's team"
	}
	return ""
}

// unknown says that nobody has the destination, or who has it and cannot be reached.
func (n *narrator) unknown() string {
	dst := keyOf(0, n.w.dst).mac()
	q := n.owner()
	if q == nil {
		return fmt.Sprintf("nobody on this switch is known to have %s", dst)
	}
	c := n.reach(n.w, q)
	switch c {
	case CauseBlocked, CauseDown:
		return fmt.Sprintf("%s is the guest at port %s, which is %s (%s) and thereby not in the table",
			dst, q.conf.Name, q.state(), q.whyInFull())
	case CauseOtherVLAN:
		return fmt.Sprintf("%s is the guest at port %s (vlan: %s), which is not in the frame's VLAN",
			dst, q.conf.Name, q.pol.VLAN)
	}
	return fmt.Sprintf("%s is the guest at port %s, which is kept away (%s)", dst, q.conf.Name, c)
}

// nobody is the end of a frame that no port takes. Its reason has the name of the most frequent case, but broadcasts
// have it too.
func (n *narrator) nobody() {
	w := n.w
	nowhere := ", and there is no uplink to send it to"
	if !w.p.leaf {
		nowhere = ", and what came by an uplink leaves by none"
	}
	if n.conf.Profile == Learning {
		nowhere = ""
	}
	if !w.group() {
		n.say("lookup: %s%s: UnknownUnicast", n.unknown(), nowhere)
		return
	}
	why := "no other port takes it"
	others := 0
	for _, t := range n.e.Fates {
		if t.Cause == CauseOtherVLAN {
			others++
		}
	}
	if others > 0 && others == len(n.e.Fates) {
		why = fmt.Sprintf("no other port is in VLAN %d", w.wire)
		if w.wire == 0 {
			why = "all other ports are in VLANs"
		}
	}
	n.say("lookup: the frame is for a group and %s, but %s%s: UnknownUnicast", vlanWords(w.wire), why, nowhere)
}

// outputs tells of each copy how it leaves, or that it does not.
func (n *narrator) outputs() {
	for _, o := range n.e.Out {
		tag := "untagged"
		if o.Tagged {
			tag = fmt.Sprintf("tagged %d", o.TCI&0xfff)
		}
		n.say("output: to %s, %s", n.byID[o.Port].conf.Name, tag)
	}
	for _, l := range n.e.Lost {
		q := n.byID[l.Port]
		if l.Reason == PortBlocked {
			n.say("output: lost at %s, which is %s (%s): %s", q.conf.Name, q.state(), q.whyInFull(), l.Reason)
			continue
		}
		n.say("output: lost at %s: %s", q.conf.Name, l.Reason)
	}
}
