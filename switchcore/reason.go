package switchcore

// Reason says why a frame did not get further. The list is closed: a frame that is not delivered to anybody has exactly
// one of these, and docs/drop-reasons.md has a section for each.
type Reason uint8

// The reasons.
const (
	None           Reason = iota // not dropped
	MacForgery                   // a source that the port may not send from, while forged transmits are rejected
	PortBlocked                  // the port is blocked by policy or administrator, or not connected
	VlanMismatch                 // the port does not take the tag, or nobody uses the VLAN of a frame from outside
	TxFail                       // the data path could not send
	UplinkDown                   // only an uplink could have taken the frame, and none of the sender's team is usable
	UnknownUnicast               // nobody takes the frame, be it unicast or for a group, and no uplink is there for it
	SamePort                     // the destination is behind the port the frame came from
	ReversePath                  // our own group frame came back, or it came by an uplink that is not the receiver's
	GuestBPDU                    // a guest's spanning tree frame, with Net.BlockGuestBPDU
	LearnLimit                   // the port has learned all it may, and the policy is to drop
	PvlanIsolation               // a private VLAN or port isolation forbids the pair of ports
	Malformed                    // shorter than a header, or with a source that no station can have
	LinkLocal                    // addressed to the bridge itself, 01:80:c2:00:00:00 to 0f (IEEE 802.1Q 8.6.3)
	MtuExceeded                  // longer than the egress can carry
	Filtered                     // a hook dropped it
	ReceiveFilter                // the egress has an allow-list, and the destination is not on it
	numReasons
)

// reasons is what is known of each reason. ESXi's texts, codes and functions are given only where a source has them:
// the text of MacForgery from a pktcap-uw listing, the codes from the VMkernel API's list of 16.
var reasons = [numReasons]struct {
	name, text string
	code       int
	function   string
}{
	None:           {"None", "", 0, "-"},
	MacForgery:     {"MacForgery", "MAC Forgery Drop", 12, "L2Sec_FilterSrcMACForgeries"},
	PortBlocked:    {"PortBlocked", "", 14, "-"},
	VlanMismatch:   {"VlanMismatch", "VLAN Mismatch", 9, "-"},
	TxFail:         {"TxFail", "", 1, "-"},
	UplinkDown:     {"UplinkDown", "", 3, "-"},
	UnknownUnicast: {"UnknownUnicast", "", 0, "-"},
	SamePort:       {"SamePort", "", 0, "-"},
	ReversePath:    {"ReversePath", "", 0, "-"},
	GuestBPDU:      {"GuestBPDU", "", 0, "-"},
	LearnLimit:     {"LearnLimit", "", 0, "-"},
	PvlanIsolation: {"PvlanIsolation", "", 0, "-"},
	Malformed:      {"Malformed", "", 0, "-"},
	LinkLocal:      {"LinkLocal", "", 0, "-"},
	MtuExceeded:    {"MtuExceeded", "", 0, "-"},
	Filtered:       {"Filtered", "", 0, "-"},
	ReceiveFilter:  {"ReceiveFilter", "", 0, "-"},
}

// String is labctl's name of the reason, such as "MacForgery".
func (r Reason) String() string {
	if r >= numReasons {
		return "Reason(?)"
	}
	return reasons[r].name
}

// ESXi returns how ESXi reports the reason: its text, or "", the code of the VMkernel API, or 0, and the function that
// drops, or "-". What no source tells is not guessed.
func (r Reason) ESXi() (text string, code int, function string) {
	if r >= numReasons {
		return "", 0, "-"
	}
	return reasons[r].text, reasons[r].code, reasons[r].function
}

// Reasons returns all reasons but None, in the order of their values.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons-1)
	for r := None + 1; r < numReasons; r++ {
		all = append(all, r)
	}
	return all
}

// Rule is what decided where a frame goes.
type Rule uint8

// The rules.
const (
	RuleDrop           Rule = iota // dropped before or by the decision, see Verdict.Drop
	RuleStatic                     // the destination is the address of an adapter
	RuleLearned                    // the destination was learned
	RuleUnknownUnicast             // nobody is known to have the destination
	RuleBroadcast
	RuleMulticast
	RulePromiscuous // nobody is known to have the destination, and only promiscuous ports took the frame
)

var ruleNames = [...]string{"drop", "static", "learned", "unknown-unicast", "broadcast", "multicast", "promiscuous"}

// String is the rule in a word.
func (r Rule) String() string {
	if int(r) >= len(ruleNames) {
		return "rule(?)"
	}
	return ruleNames[r]
}
