package labfile

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
)

// addresses gives a MAC to every interface that has none. They derive from the lab's and the interface's names, so that
// the same file gives the same bytes; what a step changes moves nobody else's.
func (b *build) addresses() {
	used := make(map[switchcore.MAC]bool, len(b.all))
	// Who comes first gets an address that two would have; the order of the file must not decide that.
	all := slices.SortedFunc(slices.Values(b.all), func(x, y *made) int {
		return cmp.Or(strings.Compare(x.end.Node, y.end.Node), strings.Compare(x.end.Interface, y.end.Interface))
	})
	for _, m := range all {
		if !m.MAC.IsZero() {
			used[m.MAC] = true
		}
	}
	for _, m := range all {
		if !m.MAC.IsZero() {
			continue
		}
		if was, ok := b.macs[m.end]; ok {
			m.MAC = was
			used[was] = true
		}
	}
	kept := func(m *made, mac switchcore.MAC) {
		m.MAC = mac
		used[mac] = true
		b.macs[m.end] = mac
	}
	for _, m := range all {
		if m.MAC.IsZero() && m.link != nil && !b.portEnd(m) {
			kept(m, b.derive(m, used, switchcore.MAC{0x00, 0x50, 0x56}, 22))
		}
	}
	for _, m := range all {
		switch {
		case !m.MAC.IsZero():
		case m.link != nil:
			kept(m, b.farMAC(m, used))
		case m.Type == topology.Veth || m.Type == topology.Macvtap && m.Mode != "passthru" || m.Type == topology.Macvlan && m.Mode != "passthru":
			kept(m, b.derive(m, used, switchcore.MAC{0x02}, 40))
		}
	}
	for _, m := range all { // a VLAN and a passthru macvlan have the address of what they sit on
		b.inherit(m, used, 0)
	}
}

// portEnd reports whether an end of a link is a port rather than a machine's NIC: on a bridge node or a virtual switch, or between two hosts
// if its node puts it into a bridge.
func (b *build) portEnd(m *made) bool {
	if m.taken {
		return false // a vmnic: a machine's NIC, whichever switch has it
	}
	if m.site.kind == topology.Bridge || m.site.kind == topology.VSwitch {
		return true
	}
	far := b.made[m.Peer]
	return m.Master != "" && far != nil && far.site.kind != topology.Bridge && (far.site.kind != topology.VSwitch || far.taken)
}

// derive finds the first free address from the hash of the interface's name on.
func (b *build) derive(m *made, used map[switchcore.MAC]bool, base switchcore.MAC, bits int) switchcore.MAC {
	h := fnv.New64a()
	h.Write([]byte(b.lab.Name + "\x00" + m.end.Node + "\x00" + m.end.Interface))
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
		if !used[mac] {
			return mac
		}
	}
}

// farMAC is the far end's address with first byte fe, as libvirt has it: a bridge then takes the NIC's, which is lower.
func (b *build) farMAC(m *made, used map[switchcore.MAC]bool) switchcore.MAC {
	far := b.made[m.Peer]
	if far != nil && !far.MAC.IsZero() && !b.portEnd(far) {
		mac := far.MAC
		mac[0] = 0xfe
		if !used[mac] {
			return mac
		}
	}
	return b.derive(m, used, switchcore.MAC{0xfe, 0x50, 0x56}, 22)
}

// inherit takes the address of what the interface sits on, or one of its own if that has none yet.
func (b *build) inherit(m *made, used map[switchcore.MAC]bool, depth int) {
	if !m.MAC.IsZero() || m.Type == topology.BridgeLink || depth > maxDepth {
		return
	}
	if m.above != nil {
		b.inherit(m.above, used, depth+1)
		m.MAC = m.above.MAC
	}
	if m.MAC.IsZero() {
		m.MAC = b.derive(m, used, switchcore.MAC{0x02}, 40)
		used[m.MAC] = true
	}
}
