// Package switchcore decides: it is a virtual switch as a value, with the policies of vSphere's switches, that says of
// every frame where it goes and, for every port that it does not go to, why not. It does no input or output, reads no
// clock, starts nothing and locks nothing: whoever owns a [Switch] calls it from one place at a time and passes the
// time in.
package switchcore

// PortID names a port of one switch as long as the port exists. IDs are small, and used again after a port is gone.
type PortID int32

// NoPort stands for the port that is not there.
const NoPort PortID = -1

// Frame is an Ethernet frame without preamble and frame check sequence. Its outermost 802.1Q tag is either in Data, or
// beside it in TCI with Tagged set, as Linux hands it over (packet(7), PACKET_AUXDATA); never both for the same tag.
// Data is read, never kept or changed.
type Frame struct {
	Data   []byte
	TCI    uint16 // priority, DEI and VLAN id of a tag that is not in Data
	Tagged bool
	// Segment is, of a frame that will be segmented (GSO), the longest payload of a piece as it would be on the wire,
	// in bytes; else 0.
	Segment int
}

// Filter is what the guest's driver has programmed into its adapter: what it wants to receive.
type Filter struct {
	MAC         MAC   `json:"mac,omitzero"` // the effective address
	Promiscuous bool  `json:"promiscuous,omitzero"`
	AllMulti    bool  `json:"all_multi,omitzero"`
	Groups      []MAC `json:"groups,omitzero"` // exact multicast addresses; unused while AllMulti
}
