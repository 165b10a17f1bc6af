package topology

import (
	"fmt"
	"hash/fnv"

	"labctl/switchcore"
)

// MaxInterface is how long the name of an interface may be, in bytes: IFNAMSIZ of linux/if.h, without the zero at its
// end.
const MaxInterface = 15

// Inlet is the veth pair by which a virtual switch sends into an interface that it shares with its holder. Both ends
// are in the holder's namespace, because a packet's mark ends at the border of one (skb_scrub_packet), and by its mark
// the switch knows its own.
type Inlet struct {
	Outer string // lc-<uplink>: what the frames come out of; a port of the bridge if the uplink is one
	Inner string // lx-<uplink>: what the switch sends by
	// MAC is that of Outer: higher than others, so that the bridge's address, the lowest of its ports, stays as it is.
	MAC  switchcore.MAC
	Peer switchcore.MAC // of Inner
}

// InletOf names the inlet of a shared uplink. Names that would be longer than an interface's may be end in a checksum.
func InletOf(uplink End) Inlet {
	h := fnv.New32a()
	_, _ = h.Write([]byte(uplink.String()))
	sum := h.Sum32()
	name := uplink.Interface
	if len(name) > MaxInterface-len("lc-") {
		name = fmt.Sprintf("%s%04x", name[:MaxInterface-len("lc-")-4], sum&0xffff)
	}
	a, b, c, d := byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
	return Inlet{Outer: "lc-" + name, Inner: "lx-" + name,
		MAC: switchcore.MAC{0xfe, 0xff, a, b, c, d}, Peer: switchcore.MAC{0xfe, 0xfe, a, b, c, d}}
}
