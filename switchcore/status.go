package switchcore

import (
	"strconv"
	"strings"
)

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
		State: p.state(), Why: p.why(), Promiscuous: s.promiscuity(p),
		Initial: p.initial, Effective: p.requested.MAC,
		VLAN: s.vlanText(p), Policy: s.conf.compute(&p.conf), Uplinks: p.teamName(), Counters: p.counters,
	}
	if st.Uplinks == "" {
		st.Uplinks = "-"
	}
	return st
}

func (p *port) state() string {
	switch {
	case !p.up:
		return "down"
	case p.blocked:
		return "blocked"
	}
	return "forwarding"
}

func (p *port) why() string {
	switch {
	case p.conf.Down:
		return "unplugged by the administrator"
	case !p.connected:
		return "not connected"
	case !p.link:
		return "no carrier"
	}
	return p.blockedBy()
}

func (s *Switch) vlanText(p *port) string {
	if s.plain {
		return "-"
	}
	return p.pol.VLAN.String()
}

// String is the setting as a lab file says it, save that a trunk of VLAN 10 alone, "10-10" in a file, is "trunk 10": "10" is a
// port in VLAN 10.
func (v VLAN) String() string {
	switch v.Mode {
	case PrivateVLAN:
		return "pvlan " + strconv.Itoa(v.ID)
	case Trunk:
		if len(v.Ranges) == 1 && v.Ranges[0] == (VLANRange{0, 4094}) {
			return "trunk"
		}
		if len(v.Ranges) == 1 && v.Ranges[0].First == v.Ranges[0].Last {
			return "trunk " + strconv.Itoa(v.Ranges[0].First)
		}
		var parts []string
		for _, r := range v.Ranges {
			t := strconv.Itoa(r.First)
			if r.Last != r.First {
				t += "-" + strconv.Itoa(r.Last)
			}
			parts = append(parts, t)
		}
		return strings.Join(parts, ",")
	}
	return strconv.Itoa(v.ID)
}
