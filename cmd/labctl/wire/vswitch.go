package wire

import (
	"time"

	"labctl/switchcore"
)

// Port is one line of "ports". Rx is what came in from the guest or the uplink, tx what went out to it.
type Port struct {
	Switch      string            `json:"switch"`
	Port        string            `json:"port"`
	Number      uint32            `json:"number"` // as ESXi would number it
	Group       string            `json:"group,omitempty"`
	VLAN        string            `json:"vlan"`
	State       string            `json:"state"` // forwarding blocked down
	Why         string            `json:"why,omitempty"`
	Initial     string            `json:"initial,omitempty"`
	Effective   string            `json:"effective,omitempty"`
	Promiscuous string            `json:"promiscuous"` // granted refused -
	Uplink      bool              `json:"uplink"`
	Policy      map[string]Policy `json:"policy,omitempty"`
	RxFrames    uint64            `json:"rx_frames"`
	RxBytes     uint64            `json:"rx_bytes"`
	TxFrames    uint64            `json:"tx_frames"`
	TxBytes     uint64            `json:"tx_bytes"`
	Drops       map[string]uint64 `json:"drops,omitempty"` // by reason
	// frames that the kernel threw away before the switch saw them
	Overruns uint64 `json:"overruns,omitempty"`
}

// Policy is a computed value and the level that it comes from: default, switch, group or port.
type Policy struct {
	Value string `json:"value"`
	From  string `json:"from"`
}

// PortOf turns a switch's own words into a line.
func PortOf(node string, st switchcore.PortStatus) Port {
	p := Port{Switch: node, Port: st.Name, Number: st.Number, Group: st.Group, VLAN: st.VLAN, State: st.State,
		Why:         st.Why,
		Promiscuous: st.Promiscuous, Uplink: st.Uplink, RxFrames: st.Counters.RxFrames, RxBytes: st.Counters.RxBytes,
		TxFrames: st.Counters.TxFrames, TxBytes: st.Counters.TxBytes, Drops: map[string]uint64{}}
	if st.Initial != (switchcore.MAC{}) {
		p.Initial = st.Initial.String()
	}
	if st.Effective != (switchcore.MAC{}) {
		p.Effective = st.Effective.String()
	}
	for _, r := range switchcore.Reasons() {
		if n := st.Counters.Drops[r]; n > 0 {
			p.Drops[r.String()] = n
		}
	}
	if !st.Uplink {
		p.Policy = map[string]Policy{}
		for _, d := range switchcore.Decisions() {
			p.Policy[d.Key] = verdictOf(*d.In(&st.Policy))
		}
	}
	return p
}

func verdictOf(s switchcore.Setting) Policy {
	word := "reject"
	if s.Value {
		word = "accept"
	}
	return Policy{word, s.From.String()}
}

// DroppedFrame is one dropped frame.
type DroppedFrame struct {
	Switch   string    `json:"switch"`
	Seq      uint64    `json:"seq"` // of the switch
	Time     time.Time `json:"time"`
	Point    string    `json:"point"`
	Reason   string    `json:"reason"`
	ESXi     string    `json:"esxi_reason,omitempty"`
	Function string    `json:"function"`
	Port     string    `json:"port"`   // where it ended
	Source   string    `json:"source"` // the port it came from, "" if the switch made it
	Number   uint32    `json:"number"` // of Source
	Length   int       `json:"length"`
	Offload  string    `json:"offload,omitempty"`
	What     string    `json:"what"`           // who speaks to whom, and of what
	Data     string    `json:"data"`           // hexadecimal, the frame's first bytes
	Lost     uint64    `json:"lost,omitempty"` // this many before it are not in the log any more
}

// SendParams is a forged frame in words.
type SendParams struct {
	From    string `json:"from"` // node with one interface, or node:if
	Src     string `json:"src,omitempty"`
	Dst     string `json:"dst"`
	VLAN    int    `json:"vlan,omitempty"`
	Type    uint16 `json:"type,omitempty"`
	Payload []byte `json:"payload,omitempty"`
	ICMP    string `json:"icmp,omitempty"` // FROM,TO
	ARP     string `json:"arp,omitempty"`  // request|reply,SENDERIP[@MAC],TARGETIP[@MAC]
	Count   int    `json:"count"`
	Every   int64  `json:"every_us,omitempty"`
	Size    int    `json:"size,omitempty"` // of explain: bytes of the packet
}

// Sent says what became of forged frames, as far as virtual switches can say it.
type Sent struct {
	Frames int            `json:"frames"`
	From   string         `json:"from"`
	Length int            `json:"length"`
	Data   string         `json:"data"` // hexadecimal
	Drops  []DroppedFrame `json:"drops"`
}

// ExplainParams asks a switch what it would do with a frame that comes in at a port.
type ExplainParams struct {
	Switch string     `json:"switch"`
	Port   string     `json:"port"`
	Frame  SendParams `json:"frame"`
}

// Explained is the switch's own account.
type Explained struct {
	Steps []string `json:"steps"`
	Drop  string   `json:"drop,omitempty"` // the reason, if nobody gets it
	Hint  string   `json:"hint,omitempty"` // what to set so that somebody does
	Fates []Fate   `json:"fates"`
}

// Fate is what becomes of the frame at one port.
type Fate struct {
	Port      string `json:"port"`
	Delivered bool   `json:"delivered"`
	Why       string `json:"why"`
	Hint      string `json:"hint,omitempty"`
}
