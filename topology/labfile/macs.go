package labfile

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
)

// macGiver gives a MAC to every interface that has none. They derive from the lab's and the interface's names, so that
// the same file gives the same bytes; what a step changes moves nobody else's.
type macGiver struct {
	*ifaces
	lab     string
	derived map[topology.End]switchcore.MAC // by all labs of the file
	used    map[switchcore.MAC]bool
}

func (g *macGiver) give() {
	g.used = make(map[switchcore.MAC]bool, len(g.all))
	// Who comes first gets an address that two would have; the order of the file must not decide that.
	all := slices.SortedFunc(slices.Values(g.all), func(x, y *ifaceBuild) int {
		return cmp.Or(strings.Compare(x.end.Node, y.end.Node), strings.Compare(x.end.Interface, y.end.Interface))
	})
	for _, m := range all {
		if !m.MAC.IsZero() {
			g.used[m.MAC] = true
		}
	}
	for _, m := range all {
		if !m.MAC.IsZero() {
			continue
		}
		if was, ok := g.derived[m.end]; ok {
			m.MAC = was
			g.used[was] = true
		}
	}
	for _, m := range all {
		if m.MAC.IsZero() && m.link != nil && !g.isPort(m) {
			g.keep(m, g.derive(m, switchcore.MAC{0x00, 0x50, 0x56}, 22))
		}
	}
	for _, m := range all {
		switch {
		case !m.MAC.IsZero():
		case m.link != nil:
			g.keep(m, g.farMAC(m))
		case m.Type == topology.Veth || m.VXLAN != nil || (m.Type == topology.Macvtap || m.Type == topology.Macvlan) &&
			m.Mode != "passthru":
			g.keep(m, g.derive(m, switchcore.MAC{0x02}, 40))
		}
	}
	for _, m := range all { // a VLAN, an ipvlan and a passthru macvlan have the address of what they sit on
		g.inherit(m, 0)
	}
}

// keep gives an interface an address that it has in the labs of all steps.
func (g *macGiver) keep(m *ifaceBuild, mac switchcore.MAC) {
	m.MAC = mac
	g.used[mac] = true
	g.derived[m.end] = mac
}

// isPort reports whether an end of a link is a port rather than a machine's NIC: on a bridge node or a virtual switch,
// or between two hosts if its node puts it into a bridge.
func (g *macGiver) isPort(m *ifaceBuild) bool {
	if m.movedToSwitch {
		return false // a vmnic: a machine's NIC, whichever switch has it
	}
	if m.node.body != hostBody {
		return true
	}
	far := g.byEnd[m.Peer]
	return m.Master != "" && far != nil && far.node.body != bridgeBody &&
		(far.node.body != switchBody || far.movedToSwitch)
}

// derive finds the first free address from the hash of the interface's name on.
func (g *macGiver) derive(m *ifaceBuild, base switchcore.MAC, bits int) switchcore.MAC {
	h := fnv.New64a()
	h.Write([]byte(g.lab + "\x00" + m.end.Node + "\x00" + m.end.Interface))
	n := h.Sum64()
	n ^= n >> 32
	mask := uint64(1)<<bits - 1
	for ; ; n++ {
		mac := base
		v := n & mask
		for i := 5; i > 0 && v > 0; i-- {
			mac[i] |= byte(v)
			v >>= 8
		}
		if !g.used[mac] {
			return mac
		}
	}
}

// farMAC is the far end's address with first byte fe, as libvirt has it: a bridge then takes the NIC's, which is lower.
func (g *macGiver) farMAC(m *ifaceBuild) switchcore.MAC {
	far := g.byEnd[m.Peer]
	if far != nil && !far.MAC.IsZero() && !g.isPort(far) {
		mac := far.MAC
		mac[0] = 0xfe
		if !g.used[mac] {
			return mac
		}
	}
	return g.derive(m, switchcore.MAC{0xfe, 0x50, 0x56}, 22)
}

// inherit takes the address of what the interface sits on, or one of its own if that has none yet.
func (g *macGiver) inherit(m *ifaceBuild, depth int) {
	if !m.MAC.IsZero() || m.Type == topology.BridgeLink || depth > maxStack {
		return
	}
	if m.above != nil {
		g.inherit(m.above, depth+1)
		m.MAC = m.above.MAC
	}
	if m.MAC.IsZero() {
		m.MAC = g.derive(m, switchcore.MAC{0x02}, 40)
		g.used[m.MAC] = true
	}
}
