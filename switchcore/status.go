package switchcore

// PortStatus is what can be seen of a port from outside.
type PortStatus struct {
	Name, Group string
	Number      uint32 // in the manner of ESXi's port ids; stable while the port exists
	Uplink      bool
	State       string // "forwarding", "blocked" (both ways) or "down" (unplugged, or no carrier)
	Why         string // who blocked it, or took it down; "" while forwarding
	Promiscuous string // "granted", "refused", or "-" when the guest does not ask
	Initial     MAC    // of the administrator, else the first one seen
	Effective   MAC    // what the guest uses; zero while nobody is connected
	VLAN        string // as in a lab file: "0", "10", "trunk", "10,20-30", "pvlan 101"; "-" on a switch without VLANs
	Policy      Computed
	Uplinks     string // the uplink of this port's frames now; several, with commas, if a hash chooses; "-" for none
	Counters    Counters
}

// firstNumber is what ESXi counts from: port set 3, whose port 1 is the switch's own.
const firstNumber = 0x03000002

// Status returns what there is to see of a port; the zero value if there is no such port.
func (s *Switch) Status(id PortID) PortStatus {
	p := s.port(id)
	if p == nil {
		return PortStatus{}
	}
	st := PortStatus{
		Name: p.conf.Name, Group: p.conf.Group, Number: firstNumber + uint32(p.id), Uplink: p.conf.Uplink,
		State: p.state(), Why: p.why(), Promiscuous: p.promiscuity(),
		Initial: p.initial, Effective: p.requested.MAC,
		VLAN: s.vlanText(p), Policy: s.conf.compute(&p.conf), Uplinks: p.team.inUse(), Counters: p.counters,
	}
	if st.Uplinks == "" {
		st.Uplinks = "-"
	}
	return st
}

// Guest returns what is known of the adapter behind a port: whether one is there, whether it has carrier, and what its
// driver has programmed into it. The zero values if there is no such port.
func (s *Switch) Guest(id PortID) (connected, link bool, f Filter) {
	p := s.port(id)
	if p == nil {
		return false, false, Filter{}
	}
	return p.connected, p.link, p.requested.clone()
}

// vlanText is the VLAN setting in words, "-" where there are no VLANs.
func (s *Switch) vlanText(p *port) string {
	if s.vlanUnaware {
		return "-"
	}
	return p.pol.VLAN.String()
}
