package switchcore

// vlanSet is a set of VLAN ids.
type vlanSet [64]uint64

func (v *vlanSet) has(id uint16) bool { return v[id>>6&63]>>(id&63)&1 != 0 }

func (v *vlanSet) add(first, last int) {
	for id := max(first, 0); id <= last && id <= 4095; id++ {
		v[id>>6] |= 1 << (id & 63)
	}
}

func (v *vlanSet) join(o *vlanSet) {
	for i := range v {
		v[i] |= o[i]
	}
}

// lowest returns the least id of the set, 0 if it is empty.
func (v *vlanSet) lowest() uint16 {
	for id := range uint16(4096) {
		if v.has(id) {
			return id
		}
	}
	return 0
}

// tagMode is what a port does with the tags of the frames that leave by it.
type tagMode uint8

const (
	tagsNever   tagMode = iota // the port is in one VLAN, so its frames have no tag
	tagsOfTrunk                // the VLAN is shown, and where there is none what was sent
	tagsAreData                // of a VLAN-unaware switch: what was sent
)
