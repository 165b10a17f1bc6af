package switchcore

import "time"

// Output is one copy of a frame: the port it leaves by and the outermost 802.1Q tag that it has there. Whoever sends it
// takes the frame without its outermost tag and adds this one; Tagged false means none. A port that keeps what was sent
// (trunk, uplink, a VLAN-transparent switch) gets the same tag back, so priority tags and inner tags survive.
type Output struct {
	Port   PortID
	Tagged bool
	TCI    uint16
}

// Loss is a copy that was decided upon and did not leave by its port.
type Loss struct {
	Port   PortID
	Reason Reason
}

// Verdict is what a switch decided about one frame. Its slices belong to the switch and are valid until its next call.
type Verdict struct {
	Out []Output
	// Drop is None exactly if Out is not empty. If there are losses it repeats the first one's, which is counted there
	// only; see Input.
	Drop Reason
	Rule Rule
	VLAN uint16 // the VLAN the frame was taken to be in; of a private VLAN the primary
	Lost []Loss
	Data []byte // what a Hook put in place of Frame.Data; else nil
}

// Input is the reason for which the frame was dropped as a whole, counted at the port it came from: Drop, unless Lost
// tells where it ended.
func (v Verdict) Input() Reason {
	if len(v.Lost) > 0 {
		return None
	}
	return v.Drop
}

// Entry is one known address. A static one is the address of the adapter at a port; Age is the time since a learned one
// was last seen as a source.
type Entry struct {
	MAC    MAC
	VLAN   uint16 // 0 for a static address of a trunk port, which holds in all of its VLANs
	Port   PortID
	Static bool
	Age    time.Duration
}

// Announcement is a frame that the switch itself sends: RFC 903 reverse ARP for "notify switches". The frame has no tag
// in it.
type Announcement struct {
	Frame   []byte
	Outputs []Output
}

// Event is a change of state that somebody may wait for. Kind is one of the Event constants, Port a name or "" for the
// switch. EventPolicyChanged is told once for each policy, by the farthest level where its value or origin changed
// (switch, group, port): Cause is the policy as a lab file calls it, Old and New are value and origin, such as "reject
// (default)" and "accept (group VMs)".
type Event struct{ Kind, Port, Old, New, Cause string }

// The kinds of events.
const (
	EventConnected          = "connected"
	EventDisconnected       = "disconnected"
	EventLinkUp             = "link-up"
	EventLinkDown           = "link-down"
	EventMACChanged         = "mac-changed"
	EventMACChangeRefused   = "mac-change-refused"
	EventPortBlocked        = "port-blocked"
	EventPortUnblocked      = "port-unblocked"
	EventPromiscuousGranted = "promiscuous-granted"
	EventPromiscuousRefused = "promiscuous-refused"
	EventPromiscuousEnded   = "promiscuous-ended"
	EventPolicyChanged      = "policy-changed"
	EventUplinkFailover     = "uplink-failover"
	EventMACLearned         = "mac-learned"
	EventMACMoved           = "mac-moved"
	EventMACAged            = "mac-aged"
	EventEventsLost         = "events-lost"
)

// Counters of one port, since it was made. Rx is what came from behind the port into the switch, Tx what was handed to
// the port to be sent; frames that could not be sent are in Tx and in Drops[TxFail]. Bytes are without preamble and
// check sequence.
type Counters struct {
	RxFrames, RxBytes, TxFrames, TxBytes uint64
	Drops                                [numReasons]uint64 // by Reason: of frames from this port, and of copies to it

	// The counters of the NSX API, MacLearningCounters.
	MACsLearned, MACNotLearnedAllowed, MACNotLearnedDropped uint64
}
