package labfile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

func (b *build) bridgeSettings(n *yaml.Node) *topology.BridgeSettings {
	return &topology.BridgeSettings{
		Ageing:        durationOf(field(n, "ageing"), 300*time.Second),
		STP:           boolOf(field(n, "stp"), false),
		ForwardDelay:  durationOf(field(n, "forward_delay"), topology.DefaultBridgeSettings().ForwardDelay),
		HelloTime:     durationOf(field(n, "hello_time"), topology.DefaultBridgeSettings().HelloTime),
		MaxAge:        durationOf(field(n, "max_age"), topology.DefaultBridgeSettings().MaxAge),
		VLANFiltering: boolOf(field(n, "vlan_filtering"), false),
		McastSnooping: boolOf(field(n, "mcast_snooping"), true),
		GroupFwdMask:  uint16(intOf(field(n, "group_fwd_mask"), 0)),
		Priority:      uint16(intOf(field(n, "priority"), 32768)),
	}
}

func newPort() *topology.PortSettings {
	return &topology.PortSettings{Learning: true, Flood: true, McastFlood: true, BcastFlood: true}
}

// portSettings applies "ports" of a bridge to its ports.
func (b *build) portSettings(s *site, br *made, n *yaml.Node, path string) {
	for k, v := range entries(field(n, "ports")) {
		at := problem.PathKey(problem.PathKey(path, "ports"), k.Value)
		m := b.made[topology.End{Node: s.full, Interface: k.Value}]
		if m == nil || m.Master != br.Name {
			if interfaceName().textOK(k.Value) == "" {
				b.errorf(k, at, "%s has no port %q%s", br.Name, k.Value, b.nearOrList(k.Value, func() []string { return b.portsOf(br) }))
			}
			continue
		}
		p := m.Port
		for _, f := range []struct {
			name string
			to   *bool
		}{{"learning", &p.Learning}, {"flood", &p.Flood}, {"mcast_flood", &p.McastFlood}, {"bcast_flood", &p.BcastFlood},
			{"isolated", &p.Isolated}, {"hairpin", &p.Hairpin}, {"locked", &p.Locked}, {"bpdu_guard", &p.BPDUGuard}} {
			*f.to = boolOf(field(v, f.name), *f.to)
		}
		p.Cost = intOf(field(v, "cost"), 0)
		m.Up = m.Up && boolOf(field(v, "up"), true)
		b.portMTU(m, v, at)
		if vk, vlan := entry(v, "vlan"); vlan != nil {
			p.VLAN = portVLAN(vlan)
			if !br.Bridge.VLANFiltering {
				b.errorf(vk, problem.PathKey(at, "vlan"), "%s does not filter VLANs; write \"vlan_filtering: true\" at the bridge", br.Name)
			}
		}
	}
}

// portMTU reads "mtu" of a port, which an interface of a host may have in its own place too.
func (b *build) portMTU(m *made, n *yaml.Node, path string) {
	k, v := entry(n, "mtu")
	switch {
	case v == nil:
	case m.ownMTU != nil && (m.site.kind != topology.VSwitch || m.taken):
		b.errorf(k, problem.PathKey(path, "mtu"), "stands at interface %s too, in line %d; write it once", m.Name, b.at(m.ownMTU).Line)
	default:
		m.MTU, m.ownMTU, m.mtuPath = intOf(v, m.MTU), v, problem.PathKey(path, "mtu")
	}
}

func portVLAN(n *yaml.Node) *topology.PortVLAN {
	if n.Kind == yaml.MappingNode {
		tagged, _ := parseVLANs(stringOf(field(n, "tagged"), ""))
		return &topology.PortVLAN{PVID: intOf(field(n, "pvid"), 0), Tagged: tagged}
	}
	if id, err := strconv.Atoi(n.Value); err == nil { // with quotes or without: it must not hang on them
		return &topology.PortVLAN{PVID: id}
	}
	tagged, _ := parseVLANs(n.Value)
	return &topology.PortVLAN{Tagged: tagged}
}

// stack finds what macvlans, macvtaps and VLANs sit on.
func (b *build) stack() {
	passthru := map[topology.End]*made{}
	users := map[topology.End]*made{}
	for _, m := range b.all {
		if m.lower == nil || m.lower.Kind != yaml.ScalarNode {
			continue
		}
		path := problem.PathKey(m.path, string(m.Type))
		where, name := m.site, m.lower.Value
		if node, ifname, ok := strings.Cut(name, ":"); ok {
			s, why := b.lookup(m.site, node)
			if s == nil {
				b.errorf(m.lower, path, "%s", why)
				continue
			}
			where, name = s, ifname
		}
		if where.skip {
			continue
		}
		lower := b.made[topology.End{Node: where.full, Interface: name}]
		if to, taken := b.alias[topology.End{Node: where.full, Interface: name}]; taken {
			b.errorf(m.lower, path, "%s:%s is an uplink of %s and belongs to it alone", where.full, name, to.Node)
			continue
		}
		if lower == nil {
			b.errorf(m.lower, path, "%s has no interface %q%s", where.full, name, b.Near(name, b.interfaceNames(where)))
			continue
		}
		m.Lower, m.above = lower.end, lower
		if m.Type == topology.VLAN {
			continue
		}
		if was := passthru[lower.end]; was != nil || m.Mode == "passthru" && users[lower.end] != nil {
			b.errorf(m.lower, path, "%s has a macvlan already, and one of them is passthru, which wants it alone", lower.end)
		}
		users[lower.end] = m
		if m.Mode == "passthru" {
			passthru[lower.end] = m
		}
	}
}

func (b *build) interfaceNames(s *site) func() []string {
	return func() (out []string) {
		for _, m := range b.of[s] {
			out = append(out, m.Name)
		}
		return out
	}
}

// masters puts ports into the bridges that stand in hosts, and checks the ports of all bridges.
func (b *build) masters() {
	for _, br := range b.all {
		if br.Type != topology.BridgeLink || br.site.kind == topology.Bridge {
			continue
		}
		for i, n := range br.ports {
			b.enslave(br, n, problem.PathIndex(problem.PathKey(br.path, "bridge"), i))
		}
		if br.body != nil {
			b.portSettings(br.site, br, br.body, br.path)
		}
	}
	ports := map[*made]int{}
	for _, m := range b.all {
		if m.Master == "" {
			continue
		}
		br := b.made[topology.End{Node: m.site.full, Interface: m.Master}]
		ports[br]++
		if ports[br] == maxPorts+1 {
			b.errorf(br.key, br.path, "%s has more than %d ports, which is the most a Linux bridge takes", br.Name, maxPorts)
		}
		if len(m.addrs) > 0 {
			b.errorf(m.addrs[0], problem.PathKey(m.path, "ip"), "%s: port %s has an address; move it to %s", br.Name, m.Name, br.Name)
		}
	}
	for _, m := range b.all {
		if m.above != nil && m.Type != topology.VLAN && m.above.Master != "" {
			b.errorf(m.lower, problem.PathKey(m.path, string(m.Type)), "%s is a port of %s; a %s cannot sit on a port: put it on %s",
				m.above.end, m.above.Master, m.Type, m.above.Master)
		}
	}
}

func (b *build) enslave(br *made, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode || interfaceName().textOK(n.Value) != "" {
		return
	}
	m := b.made[topology.End{Node: br.site.full, Interface: n.Value}]
	switch {
	case b.alias[topology.End{Node: br.site.full, Interface: n.Value}].Node != "":
		b.errorf(n, path, "%s is an uplink of %s and belongs to it alone", n.Value, b.alias[topology.End{Node: br.site.full, Interface: n.Value}].Node)
	case m == nil:
		if b.badEnd(br.site, n.Value) {
			return
		}
		b.errorf(n, path, "%s has no interface %q: no link ends on it and nothing makes it%s", br.site.full, n.Value, b.Near(n.Value, b.interfaceNames(br.site)))
	case m == br:
		b.errorf(n, path, "%s cannot be a port of itself", br.Name)
	case m.Type == topology.BridgeLink:
		b.errorf(n, path, "%s is a bridge, and a bridge cannot be a port of another: join them with a veth pair", m.Name)
	case m.Master != "":
		b.errorf(n, path, "%s is a port of %s already", m.Name, m.Master)
	default:
		m.Master, m.Port = br.Name, newPort()
	}
}

// badEnd reports whether a link was to make that interface, and something is wrong with it.
func (b *build) badEnd(s *site, name string) bool {
	if b.badEnds == nil {
		b.badEnds = map[topology.End]bool{}
		for at, ends := range b.ends {
			for _, e := range ends {
				if e.bad {
					b.badEnds[topology.End{Node: at.full, Interface: e.iface}] = true
				}
			}
		}
	}
	return b.badEnds[topology.End{Node: s.full, Interface: name}]
}

// loops finds interfaces that sit on themselves, over bridges and through nodes.
func (b *build) loops() {
	const visiting, done = 1, 2
	below := map[*made][]*made{}
	for _, m := range b.all {
		if m.above != nil {
			below[m] = append(below[m], m.above)
		}
		if m.Master != "" {
			br := b.made[topology.End{Node: m.site.full, Interface: m.Master}]
			below[br] = append(below[br], m)
		}
	}
	state := map[*made]int{}
	var trail []*made
	var visit func(m *made)
	visit = func(m *made) {
		state[m] = visiting
		trail = append(trail, m)
		for _, x := range below[m] {
			switch state[x] {
			case 0:
				visit(x)
			case visiting:
				b.loop(trail[slices.Index(trail, x):])
			}
		}
		trail = trail[:len(trail)-1]
		state[m] = done
	}
	for _, m := range b.all {
		if state[m] == 0 && len(below[m]) > 0 {
			visit(m)
		}
	}
}

func (b *build) loop(ring []*made) {
	var words []string
	for _, m := range append(slices.Clone(ring), ring[0]) {
		words = append(words, m.end.String())
	}
	first := slices.MinFunc(ring, func(x, y *made) int {
		return cmp.Or(cmp.Compare(x.Pos.Line, y.Pos.Line), cmp.Compare(x.Pos.Col, y.Pos.Col))
	})
	for _, m := range ring {
		m.broken = true
	}
	b.errorf(first.key, first.path, "sits on itself: %s", strings.Join(words, " on "))
}

// sizes gives an interface that sits on another no longer packets than that one has: the kernel would refuse. A bridge whose MTU is
// not given has the lowest of its ports, as the kernel has it (br_mtu_auto_adjust, net/bridge/br_if.c).
func (b *build) sizes() {
	lowest := map[topology.End]int{}
	for _, m := range b.all {
		if br := (topology.End{Node: m.site.full, Interface: m.Master}); m.Master != "" && (lowest[br] == 0 || m.MTU < lowest[br]) {
			lowest[br] = m.MTU
		}
	}
	for _, m := range b.all {
		if m.Type == topology.BridgeLink && m.ownMTU == nil && lowest[m.end] > 0 {
			m.MTU = lowest[m.end]
		}
	}
	for _, m := range b.all {
		b.size(m, 0)
	}
}

func (b *build) size(m *made, depth int) {
	if m.above == nil || m.broken || depth > maxDepth {
		return
	}
	b.size(m.above, depth+1)
	switch {
	case m.MTU <= m.above.MTU:
	case m.ownMTU == nil:
		m.MTU = m.above.MTU
	default:
		b.errorf(m.ownMTU, problem.PathKey(m.path, "mtu"), "%d is more than the %d of %s, on which it sits", m.MTU, m.above.MTU, m.above.end)
	}
}

// order puts the node's interfaces into the order in which they can be made.
func (b *build) order(s *site, n *topology.Node) {
	seen := map[*made]bool{}
	var visit func(m *made)
	visit = func(m *made) {
		if seen[m] {
			return
		}
		seen[m] = true
		if m.Master != "" {
			visit(b.made[topology.End{Node: s.full, Interface: m.Master}])
		}
		if m.above != nil && m.above.site == s {
			visit(m.above)
		}
		n.Interfaces = append(n.Interfaces, m.Interface)
	}
	for _, m := range b.of[s] {
		visit(m)
	}
	n.Index()
}

// ipv6 says whether the node has IPv6: when the lab or the node says so, and when it has such an address anyway. The
// namespace of a virtual switch never has: its ports must not speak for themselves.
func (b *build) ipv6(s *site, n *topology.Node) {
	n.IPv6 = boolOf(field(b.root, "ipv6"), false)
	own := b.key(s, "ipv6")
	n.IPv6 = boolOf(own, n.IPv6) && s.kind != topology.VSwitch
	for _, m := range b.of[s] {
		for i, p := range m.Addrs {
			if p.Addr().Is4() {
				continue
			}
			if !boolOf(own, true) {
				b.warnf(own, problem.PathKey(b.path(s), "ipv6"), "is false, but %s has an IPv6 address, %s, and so the node has IPv6; leave one of them out", m.Name, p)
			}
			n.IPv6 = true
			// RFC 8200 section 5; the kernel takes IPv6 off an interface below it (net/ipv6/addrconf.c, NETDEV_CHANGEMTU).
			if m.MTU < 1280 {
				b.errorf(m.addrs[i], problem.PathKey(m.path, "ip"), "%s has an MTU of %d, and IPv6 needs 1280", m.Name, m.MTU)
			}
		}
	}
}

// run reads the commands of a node.
func (b *build) run(s *site, n *topology.Node) {
	for i, v := range items(field(s.body, "run")) {
		c := topology.Command{Pos: b.at(v)}
		if v.Kind == yaml.ScalarNode {
			c.Sh = v.Value
		} else {
			c.Sh, c.Background = stringOf(field(v, "sh"), ""), boolOf(field(v, "background"), false)
			c.Ready = b.ready(v, problem.PathIndex(problem.PathKey(s.path, "run"), i))
		}
		n.Run = append(n.Run, c)
	}
}

// onBoth names two places of a file for a message.
func onBoth(what, first string, at problem.Pos, second string, line int) string {
	return fmt.Sprintf("%s is on %s (line %d) and %s (line %d)", what, first, at.Line, second, line)
}
