package switchcore

// pvlanMap tells for each VLAN id which private VLAN it belongs to.
type pvlanMap struct {
	of [4096]struct {
		primary  uint16
		isolated bool
	}
}

// newPVLANMap is nil on a switch without private VLANs.
func newPVLANMap(list []PVLAN) *pvlanMap {
	if len(list) == 0 {
		return nil
	}
	m := &pvlanMap{}
	for _, v := range list {
		m.of[v.Primary].primary = uint16(v.Primary)
		for _, c := range v.Community {
			m.of[c].primary = uint16(v.Primary)
		}
		if v.Isolated != 0 {
			m.of[v.Isolated].primary, m.of[v.Isolated].isolated = uint16(v.Primary), true
		}
	}
	return m
}

// primary returns the primary id of a private VLAN's id, 0 for other ids.
func (m *pvlanMap) primary(id uint16) uint16 {
	if m == nil {
		return 0
	}
	return m.of[id&0xfff].primary
}

// members adds all ids of a private VLAN to a set.
func (m *pvlanMap) members(primary uint16, to *vlanSet) {
	for id := range m.of {
		if m.of[id].primary == primary {
			to.add(id, id)
		}
	}
}

// permits is the table of PvlanPortType (vSphere API, VmwareDistributedVirtualSwitchPvlanPortType; RFC 5517, section
// 2): promiscuous talks with all, a community with itself, isolated with promiscuous only.
func (m *pvlanMap) permits(from, to uint16) bool {
	primary := m.of[to].primary
	return from == primary || to == primary || from == to && !m.of[to].isolated
}
