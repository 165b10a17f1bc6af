package switchcore

// Cause is why a port was left out without losing anything: it is not a drop.
type Cause uint8

// The causes.
const (
	CauseNone          Cause = iota
	CauseInput               // the frame ended before any port was looked at
	CauseSamePort            // it came from this port, and the port is not a hairpin
	CauseDown                // the port is not connected, or has no carrier
	CauseOtherVLAN           // the port is not in the frame's VLAN
	CauseIsolated            // a private VLAN or port isolation forbids it
	CauseBlocked             // the port is blocked
	CauseFilterNoMatch       // the guest's accepted filter does not have the destination
	CauseReversePath         // the frame came by an uplink that is not this port's
	CauseFromUplink          // from uplink to uplink nothing goes
	CauseKnownHere           // an uplink, and the destination is known on this switch
	CauseOtherUplink         // teaming chose another uplink
)

var causeNames = [...]string{"None", "Input", "SamePort", "Down", "OtherVLAN", "Isolated", "Blocked",
	"FilterNoMatch", "ReversePath", "FromUplink", "KnownHere", "OtherUplink"}

// String is the cause's name, such as "FilterNoMatch".
func (c Cause) String() string {
	if int(c) >= len(causeNames) {
		return "Cause(?)"
	}
	return causeNames[c]
}
