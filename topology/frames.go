package topology

import (
	"net/netip"
	"time"

	"labctl/switchcore"
)

// ARPSpoof is unsolicited ARP replies, as dsniff's arpspoof(8) sends them, until stopped: to Victim, that the address
// of Claims is at From's MAC; with Both also to Claims, that Victim's is.
type ARPSpoof struct {
	Name   string
	From   Target // a node with one interface, or node:if
	Victim Target
	Claims Target
	Both   bool
	Every  time.Duration // between two replies to the same victim
}

// Send is forged frames from a node's interface.
type Send struct {
	Name     string
	From     Target // a node with one interface, or node:if
	Src, Dst Station
	VLAN     int // 802.1Q tag; 0: none
	Type     uint16
	Payload  []byte // behind Type
	Echo     *Echo  // an ICMP echo request instead of Type and Payload
	ARP      *ARP   // instead of them, too
	Count    int
	Every    time.Duration // between two; 0: one at once after the other
	Endless  bool          // Every without Count: until stopped, in the background
}

// Station is who a frame is from or for. The zero Station as a source is the interface's own address.
type Station struct {
	MAC       switchcore.MAC // literal, of a name, or ff:ff:ff:ff:ff:ff
	Node      string         // the address that this node's interface has at the moment
	Interface string         // "" is the node's only one
}

// Echo is an ICMP echo request.
type Echo struct{ From, To netip.Addr }

// ARP is an ARP packet (RFC 826). A zero Station is 00:00:00:00:00:00.
type ARP struct {
	Op                 uint16 // 1 request, 2 reply
	SenderMAC          Station
	TargetMAC          Station
	SenderIP, TargetIP netip.Addr
}

// String is the station as a lab file would say it.
func (s Station) String() string {
	switch {
	case s.Node != "" && s.Interface != "":
		return s.Node + ":" + s.Interface
	case s.Node != "":
		return s.Node
	case s.MAC == switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		return "broadcast"
	}
	return s.MAC.String()
}
