//go:build linux

package datapath

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"labctl/switchcore"
)

// longest is the longest frame that a tap has seen at a point.
func longest(tap *Tap, point string) (n, segment int) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // only what is there
	frames, _ := tap.Next(ctx)
	for _, f := range frames {
		if f.Point == point && f.Length > n {
			n, segment = f.Length, f.Segment
		}
	}
	return n, segment
}

func TestOffloadsPassIntact(t *testing.T) {
	guests(t, 2)
	l := start(t, learning(2), Options{})
	tap := l.Tap(TapFilter{Snap: 64, Queue: 1 << 20})
	defer tap.Close()
	transfer(t, "g1", "g2", "10.0.0.2:5001")
	if n, segment := longest(tap, PortOutput); n < 32<<10 || segment != 1500 {
		t.Errorf("the longest frame that left has %d bytes in segments of %d; offloads were not used", n, segment)
	}
}

// Two switches with a trunk between: untagged, tagged, untagged, with all offloads.
func TestTCPThroughATrunk(t *testing.T) {
	guests(t, 2)
	ip(t, "link add u1 up type veth peer name u2")
	t.Cleanup(func() { ip(t, "link delete u1") })
	ip(t, "link set u2 up")
	carry(t, "u1", "u2")
	vlan := switchcore.VLAN{ID: 10}
	var loops []*Loop
	for i := 1; i <= 2; i++ {
		c := switchcore.Config{Ports: []switchcore.Port{
			{Name: fmt.Sprint("u", i), Uplink: true},
			{Name: fmt.Sprint("p", i), Group: "G", Initial: guestMAC(i)},
		}, Groups: []switchcore.Group{{Name: "G", Spec: switchcore.Spec{VLAN: &vlan}}}}
		l := start(t, c, Options{})
		connect(l, 1, guestMAC(i))
		loops = append(loops, l)
	}
	tap := loops[0].Tap(TapFilter{Points: []string{UplinkSnd}, Snap: 64, Queue: 1 << 20})
	defer tap.Close()
	if !ping(t, 1, "10.0.0.2") {
		t.Fatal("no answer")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	frames, err := tap.Next(ctx)
	if err != nil || len(frames) == 0 || !bytes.Equal(frames[0].Data[12:16], []byte{0x81, 0, 0, 10}) {
		t.Fatalf("on the trunk: %v %+v", err, frames)
	}
	transfer(t, "g1", "g2", "10.0.0.2:5001")
	if n, segment := longest(tap, UplinkSnd); n < 32<<10 || segment != 1500 {
		t.Errorf("the longest frame on the trunk has %d bytes in segments of %d", n, segment)
	}
}

// On a switch that keeps what it is given, all tags survive.
func TestTagsSurvive(t *testing.T) {
	guests(t, 2)
	start(t, learning(2), Options{})
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	for _, rest := range []string{
		"88b5 0100",                     // none; and a short frame
		"8100 0005 88b5 0200",           // a VLAN
		"8100 e000 88b5 0300",           // a priority alone
		"8100 2005 8100 0006 88b5 0400", // two
		"88a8 0005 8100 0006 88b5 0500", // a provider's
	} {
		for _, to := range []int{0, 2} {
			f := frame(1, to, rest)
			send(t, a, f)
			hears(t, b, f)
		}
	}
}

// Virtual switch tagging between a trunk port (guest tagging) and an access port.
func TestTagsArePutInAndTakenOut(t *testing.T) {
	guests(t, 2)
	access, trunk := switchcore.VLAN{ID: 10}, switchcore.VLAN{Mode: switchcore.Trunk, Ranges: []switchcore.VLANRange{{First: 10, Last: 20}}}
	c := standard(2)
	c.Groups = []switchcore.Group{{Name: "A", Spec: switchcore.Spec{VLAN: &access}}, {Name: "T", Spec: switchcore.Spec{VLAN: &trunk}}}
	c.Profile = switchcore.Distributed
	c.Ports[0].Group, c.Ports[1].Group = "A", "T"
	l := start(t, c, Options{})
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	send(t, a, frame(1, 2, "88b5 0100"))
	hears(t, b, frame(1, 2, "8100 000a 88b5 0100"))
	send(t, b, frame(2, 1, "8100 000a 88b5 0200"))
	hears(t, a, frame(2, 1, "88b5 0200"))
	send(t, b, frame(2, 1, "8100 0015 88b5 0300"))
	eventually(t, "the drop is recorded", func() bool {
		records, _, _ := l.Drops(0)
		return len(records) == 1 && records[0].Reason == switchcore.VlanMismatch && records[0].PortName == "p2" &&
			records[0].Length == 20 && bytes.Equal(records[0].Data, frame(2, 1, "8100 0015 88b5 0300"))
	})
}
