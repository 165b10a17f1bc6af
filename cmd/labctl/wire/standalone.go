package wire

// SwitchShow is what "switch show" shows of a switch.
type SwitchShow struct {
	Name    string       `json:"name"`
	State   string       `json:"state"` // running, dead, not answering
	PID     int          `json:"pid,omitempty"`
	Preset  string       `json:"preset,omitempty"`
	Ports   []SwitchPort `json:"ports"` // in the order in which they were added
	Entries []FDBEntry   `json:"entries"`
}

// SwitchPort is a port of such a switch. Device is the interface by its name today.
type SwitchPort struct {
	Port
	Device string `json:"device"`
}

// AddPort describes a port that a running switch is to have; its sockets come beside them.
type AddPort struct {
	Name   string `json:"name"`
	Index  int    `json:"index"`
	Group  string `json:"group,omitempty"`
	Uplink bool   `json:"uplink,omitempty"`
	MAC    string `json:"mac,omitempty"`
}

// DeletePort names the port that a running switch is to let go of.
type DeletePort struct {
	Name string `json:"name"`
}
