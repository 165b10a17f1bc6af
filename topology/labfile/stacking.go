package labfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// minMTU is the least that an Ethernet interface can have (ETH_MIN_MTU of linux/if_ether.h).
const minMTU = 68

// maxStack is how many interfaces may sit on each other.
const maxStack = 100

// stacking finds what interfaces sit on: macvlans, ipvlans, VLANs and VXLANs on others, bridges on their ports.
type stacking struct{ *ifaces }

// takesAll reports whether an interface takes over what its lower receives (rx_handler of the kernel), so that nobody
// else can: not a bridge, and none of another kind.
func (m *ifaceBuild) takesAll() bool {
	return m.Type == topology.Macvlan || m.Type == topology.Macvtap || m.Type == topology.IPVLAN
}

// lowers finds what interfaces sit on.
func (t stacking) lowers() {
	passthru := map[topology.End]*ifaceBuild{}
	users := map[topology.End]*ifaceBuild{}
	for _, m := range t.all {
		if !m.lower.IsSingle() {
			continue
		}
		lower := t.lowerOf(m)
		if lower == nil {
			continue
		}
		m.Lower, m.above = lower.end, lower
		if !m.takesAll() {
			continue
		}
		if t.beside(m, users[lower.end]) {
			continue
		}
		if was := passthru[lower.end]; was != nil || m.Mode == "passthru" && users[lower.end] != nil {
			m.lower.Errorf("%s has a macvlan already, and one of them is passthru, which wants it alone", lower.end)
		}
		users[lower.end] = m
		if m.Mode == "passthru" {
			passthru[lower.end] = m
		}
	}
}

// beside refuses an ipvlan beside a macvlan, and one of another mode than those that the lower has: they have one
// between them (drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new).
func (t stacking) beside(m, was *ifaceBuild) (refused bool) {
	switch {
	case was == nil || m.Type != topology.IPVLAN && was.Type != topology.IPVLAN:
		return false
	case m.Type != was.Type:
		m.lower.Errorf("%s has the %s %s already, and an interface has macvlans or ipvlans, not both", m.Lower,
			was.Type, was.end)
	case m.Mode != was.Mode || m.Flags != was.Flags:
		m.lower.Errorf("%s is on %s too, with mode %s and flags %s, and all ipvlans of an interface have the same",
			was.end, m.Lower, was.Mode, was.Flags)
	default:
		return false
	}
	return true
}

// lowerOf is the interface that another says it sits on; nil if there is none, which has been said.
func (t stacking) lowerOf(m *ifaceBuild) *ifaceBuild {
	where, name := m.node, m.lower.Word()
	if node, ifname, ok := strings.Cut(name, ":"); ok {
		s, why := t.lookup(m.node, node)
		if s == nil {
			m.lower.Errorf("%s", why)
			return nil
		}
		where, name = s, ifname
	}
	if where.skip {
		return nil
	}
	if to, moved := t.moved[topology.End{Node: where.full, Interface: name}]; moved {
		m.lower.Errorf("%s:%s is an uplink of %s and belongs to it alone", where.full, name, to.Node)
		return nil
	}
	lower := t.at(where, name)
	if lower == nil {
		m.lower.Errorf("%s has no interface %q%s", where.full, name, t.doc.Near(name, t.namesOf(where)))
	}
	return lower
}

// masters puts ports into the bridges in hosts, and checks the ports of all bridges.
func (t stacking) masters() {
	bad := badEnds(t.cabling)
	for _, br := range t.all {
		if br.Type != topology.BridgeLink || br.node.body == bridgeBody {
			continue
		}
		for _, v := range br.ports.Items() {
			t.enslave(br, v, bad)
		}
		if br.entry.Given() {
			t.portSettings(br, br.entry)
		}
	}
	ports := map[*ifaceBuild]int{}
	for _, m := range t.all {
		if m.Master == "" {
			continue
		}
		br := t.byEnd[m.bridgeOf()]
		ports[br]++
		if ports[br] == maxPorts+1 {
			br.key.Errorf("%s has more than %d ports, which is the most a Linux bridge takes", br.Name, maxPorts)
		}
		if len(m.addrs) > 0 {
			m.addrs[0].Errorf("%s: port %s has an address; move it to %s", br.Name, m.Name, br.Name)
		}
	}
	for _, m := range t.all {
		if m.above != nil && m.takesAll() && m.above.Master != "" {
			m.lower.Errorf("%s is a port of %s; a %s cannot sit on a port: put it on %s",
				m.above.end, m.above.Master, m.Type, m.above.Master)
		}
	}
}

func (t stacking) enslave(br *ifaceBuild, v grammar.Value, bad map[topology.End]bool) {
	name := v.Word()
	if !v.IsSingle() || grammar.InterfaceName().Refuses(name) != "" {
		return
	}
	m, end := t.at(br.node, name), topology.End{Node: br.node.full, Interface: name}
	switch {
	case t.moved[end].Node != "":
		v.Errorf("%s is an uplink of %s and belongs to it alone", name, t.moved[end].Node)
	case m == nil:
		if bad[end] {
			return
		}
		v.Errorf("%s has no interface %q: no link ends on it and nothing makes it%s", br.node.full, name,
			t.doc.Near(name, t.namesOf(br.node)))
	case m == br:
		v.Errorf("%s cannot be a port of itself", br.Name)
	case m.Type == topology.BridgeLink:
		v.Errorf("%s is a bridge, and a bridge cannot be a port of another: join them with a veth pair", m.Name)
	case m.Master != "":
		v.Errorf("%s is a port of %s already", m.Name, m.Master)
	default:
		m.Master, m.Port = br.Name, newPort()
	}
}

// badEnds are the interfaces that links were to make, where something is wrong with the link.
func badEnds(c *cabling) map[topology.End]bool {
	out := map[topology.End]bool{}
	for s, ends := range c.ends {
		for _, e := range ends {
			if e.bad {
				out[topology.End{Node: s.full, Interface: e.iface}] = true
			}
		}
	}
	return out
}

// loops finds interfaces that sit on themselves, over bridges and through nodes.
func (t stacking) loops() {
	const visiting, done = 1, 2
	below := map[*ifaceBuild][]*ifaceBuild{}
	for _, m := range t.all {
		if m.above != nil {
			below[m] = append(below[m], m.above)
		}
		if m.Master != "" {
			br := t.byEnd[m.bridgeOf()]
			below[br] = append(below[br], m)
		}
	}
	state := map[*ifaceBuild]int{}
	var trail []*ifaceBuild
	var visit func(m *ifaceBuild)
	visit = func(m *ifaceBuild) {
		state[m] = visiting
		trail = append(trail, m)
		for _, x := range below[m] {
			switch state[x] {
			case 0:
				visit(x)
			case visiting:
				refuseLoop(trail[slices.Index(trail, x):])
			}
		}
		trail = trail[:len(trail)-1]
		state[m] = done
	}
	for _, m := range t.all {
		if state[m] == 0 && len(below[m]) > 0 {
			visit(m)
		}
	}
}

func refuseLoop(ring []*ifaceBuild) {
	var words []string
	for _, m := range append(slices.Clone(ring), ring[0]) {
		words = append(words, m.end.String())
	}
	first := slices.MinFunc(ring, func(x, y *ifaceBuild) int {
		return cmp.Or(cmp.Compare(x.Pos.Line, y.Pos.Line), cmp.Compare(x.Pos.Col, y.Pos.Col))
	})
	for _, m := range ring {
		m.broken = true
	}
	first.key.Errorf("sits on itself: %s", strings.Join(words, " on "))
}

// sizes gives an interface that sits on another no longer packets than that one has: the kernel would refuse. A bridge
// whose MTU is not given has the lowest of its ports, as the kernel has it (br_mtu_auto_adjust, net/bridge/br_if.c).
func (t stacking) sizes() {
	ports := map[topology.End][]*ifaceBuild{}
	for _, m := range t.all {
		if m.Master != "" {
			ports[m.bridgeOf()] = append(ports[m.bridgeOf()], m)
		}
	}
	z := sizing{ports, map[*ifaceBuild]bool{}}
	for _, m := range t.all {
		z.size(m, 0)
	}
}

// sizing finds the MTU of each interface once.
type sizing struct {
	ports map[topology.End][]*ifaceBuild
	done  map[*ifaceBuild]bool
}

func (z sizing) size(m *ifaceBuild, depth int) {
	if m.broken || z.done[m] || depth > maxStack {
		return
	}
	z.done[m] = true
	if m.Type == topology.BridgeLink && !m.ownMTU.Given() {
		lowest := 0
		for _, p := range z.ports[m.end] {
			if z.size(p, depth+1); lowest == 0 || p.MTU < lowest {
				lowest = p.MTU
			}
		}
		if lowest > 0 {
			m.MTU = lowest
		}
	}
	if m.above == nil {
		return
	}
	z.size(m.above, depth+1)
	most, why := m.above.MTU, ""
	if m.VXLAN != nil {
		most -= m.VXLAN.Headroom()
		why = fmt.Sprintf(", less the %d that its header takes", m.VXLAN.Headroom())
	}
	switch {
	case !m.ownMTU.Given() && (m.MTU > most || m.VXLAN != nil):
		m.MTU = max(most, minMTU) // as the kernel has it (vxlan_config_apply, drivers/net/vxlan)
	case m.MTU > most:
		m.ownMTU.Errorf("%d is more than the %d of %s, on which it sits%s", m.MTU, m.above.MTU, m.above.end, why)
	}
}

// order puts the node's interfaces into the order in which they can be made.
func (t stacking) order(s *nodeDecl, n *topology.Node) {
	seen := map[*ifaceBuild]bool{}
	var visit func(m *ifaceBuild)
	visit = func(m *ifaceBuild) {
		if seen[m] {
			return
		}
		seen[m] = true
		if m.Master != "" {
			visit(t.byEnd[m.bridgeOf()])
		}
		if m.above != nil && m.above.node == s {
			visit(m.above)
		}
		n.Interfaces = append(n.Interfaces, m.Interface)
	}
	for _, m := range t.of[s] {
		visit(m)
	}
	n.Index()
}
