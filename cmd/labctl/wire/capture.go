package wire

import "time"

// The points of a node's own interface, by the names that vSphere gives them. Those of a switch are datapath's.
const (
	VnicTx = "VnicTx" // the guest sends
	VnicRx = "VnicRx" // the guest receives
)

// CaptureParams says what to copy.
type CaptureParams struct {
	What  []string `json:"what"`  // NODE, NODE:INTERFACE, SWITCH or SWITCH:PORT
	Drops bool     `json:"drops"` // of switches, only what they drop
	// of nodes: ask the interface for frames to any address, as a sniffer there would
	Promiscuous bool `json:"promiscuous"`
}

// CapturePlace is a place where frames are copied: a port of a switch, or an interface of a node.
type CapturePlace struct {
	Name        string `json:"name"`        // vSwitch0:guest, h1:eth0
	Description string `json:"description"` // what it is, and its points
}

// CapturedFrame is one frame at one point.
type CapturedFrame struct {
	Time    time.Time `json:"time"`
	Name    string    `json:"name"` // of a [CapturePlace]; one that was not announced came later
	Point   string    `json:"point"`
	Verdict string    `json:"verdict,omitempty"` // of a switch
	Length  int       `json:"length"`
	// the whole frame, with its tags; more than the MTU where it is cut only later (TSO)
	Data []byte `json:"data"`
}

// CaptureEnd is what is left to say when a capture is over.
type CaptureEnd struct {
	// frames that were not copied, by place; those of a switch are all at its first place
	Lost map[string]uint64 `json:"lost"`
	Why  string            `json:"why,omitempty"`
}

// CaptureItem is one line of a capture's stream. The first one has the places.
type CaptureItem struct {
	Places []CapturePlace  `json:"places,omitempty"`
	Frames []CapturedFrame `json:"frames,omitempty"`
}
