package reach

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

func mac(s string) switchcore.MAC {
	m, err := switchcore.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

// forging is a lab of guest, 00:50:56:00:00:04, and of gw with two interfaces.
func forging() (*Prober, *owners) {
	lab := &topology.Lab{Nodes: []*topology.Node{
		{Name: "guest", Kind: topology.Host, Interfaces: []*topology.Interface{{Name: "ens192"}}},
		{Name: "gw", Kind: topology.Host, Interfaces: []*topology.Interface{{Name: "eth0"}, {Name: "eth1"}}},
	}}
	return &Prober{Lab: lab}, &owners{lab: lab, links: map[string][]topology.LinkState{
		"guest": {{Index: 2, Name: "ens192", MAC: mac("00:50:56:00:00:04"), Up: true}},
		"gw":    {{Index: 2, Name: "eth0", MAC: mac("00:1b:8b:ae:d2:8a"), Up: true}, {Index: 3, Name: "eth1", MAC: mac("00:1b:8b:ae:d2:8b"), Up: true}},
	}}
}

func TestForge(t *testing.T) {
	p, own := forging()
	zeros := func(n int) string { return strings.Repeat("00", n) }
	broadcast := topology.Station{MAC: switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	for _, c := range []struct {
		name string
		send topology.Send
		want string // hexadecimal, blanks for the reader
		err  string
	}{
		// The frame of the article on forged transmits, as its capture of the drop lists it.
		{name: "scapy", send: topology.Send{Src: topology.Station{MAC: mac("00:11:22:33:44:55")}, Dst: topology.Station{Node: "gw", Interface: "eth0"},
			Echo: &topology.Echo{From: addr("192.168.0.4"), To: addr("192.168.0.1")}},
			want: "001b8baed28a 001122334455 0800 4500001c 00010000 4001f98a c0a80004 c0a80001 0800f7ff00000000" + zeros(18)},
		{name: "own source, raw payload", send: topology.Send{Dst: topology.Station{MAC: mac("01:80:c2:00:00:00")}, Type: 0x0027, Payload: []byte{0x42, 0x42, 3}},
			want: "0180c2000000 005056000004 0027 424203" + zeros(43)},
		{name: "tagged, of full length", send: topology.Send{Dst: broadcast, VLAN: 10, Type: 0x88cc, Payload: make([]byte, 50)},
			want: "ffffffffffff 005056000004 8100000a 88cc" + zeros(50)},
		{name: "tagged and padded", send: topology.Send{Dst: broadcast, VLAN: 4094, Type: 0x88cc},
			want: "ffffffffffff 005056000004 81000ffe 88cc" + zeros(42)},
		{name: "ARP reply", send: topology.Send{Dst: broadcast, ARP: &topology.ARP{Op: 2, SenderMAC: topology.Station{Node: "guest"}, SenderIP: addr("10.0.0.1"), TargetIP: addr("10.0.0.2")}},
			want: "ffffffffffff 005056000004 0806 0001080006040002 005056000004 0a000001 000000000000 0a000002" + zeros(18)},
		{name: "several interfaces", send: topology.Send{Dst: topology.Station{Node: "gw"}}, err: "gw has 2 interfaces: write gw:INTERFACE"},
		{name: "no such interface", send: topology.Send{Dst: topology.Station{Node: "gw", Interface: "eth7"}}, err: "gw has no interface eth7 now"},
		{name: "two families", send: topology.Send{Echo: &topology.Echo{From: addr("10.0.0.1"), To: addr("fd00::1")}}, err: "same family"},
		{name: "ARP for IPv6", send: topology.Send{ARP: &topology.ARP{Op: 1, SenderIP: addr("fd00::1")}}, err: "IPv4 addresses only"},
	} {
		got, err := p.bench().forge(own, &c.send, own.links["guest"][0])
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got the error %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if want := strings.ReplaceAll(c.want, " ", ""); err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: got  %x, %v\nwant %s", c.name, got, err, want)
		}
	}
}

func TestForgeEcho6(t *testing.T) {
	p, own := forging()
	b, err := p.bench().forge(own, &topology.Send{Echo: &topology.Echo{From: addr("fd00::1"), To: addr("fd00::2")}}, own.links["guest"][0])
	if err != nil || len(b) != 62 || b[12] != 0x86 || b[54] != echo6 {
		t.Fatalf("got %x, %v", b, err)
	}
	pseudo := append(append([]byte{}, b[22:54]...), 0, 0, 0, 8, 0, 0, 0, 58)
	if sum := checksum(append(pseudo, b[54:]...)); sum != 0 {
		t.Errorf("the checksum is off by %#x", sum)
	}
}

// TestContent: a frame is the same one with another tag, without, with the tag beside it, and with other padding.
func TestContent(t *testing.T) {
	p, own := forging()
	frame := func(vlan, typ int, payload string) []byte {
		s := topology.Send{Dst: topology.Station{MAC: mac("00:00:00:00:00:02")}, VLAN: vlan, Type: uint16(typ), Payload: []byte(payload)}
		b, err := p.bench().forge(own, &s, own.links["guest"][0])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain, _ := content(frame(0, 0x1234, "hello"))
	for _, c := range []struct {
		name  string
		frame []byte
		tags  []uint16
		same  bool
		vids  []uint16
	}{
		{"itself", frame(0, 0x1234, "hello"), nil, true, nil},
		{"tagged", frame(10, 0x1234, "hello"), nil, true, []uint16{10}},
		{"tag and priority beside it", frame(0, 0x1234, "hello"), []uint16{0xe00a}, true, []uint16{10}},
		{"two tags", frame(20, 0x1234, "hello"), []uint16{10}, true, []uint16{10, 20}},
		{"cut", frame(0, 0x1234, "hello")[:20], nil, true, nil},
		{"another type", frame(0, 0x1235, "hello"), nil, false, nil},
		{"another payload", frame(0, 0x1234, "hellO"), nil, false, nil},
		{"no frame", []byte{1, 2, 3}, nil, false, nil},
	} {
		got, vids := content(c.frame, c.tags...)
		if (got == plain) != c.same || !slices.Equal(vids, c.vids) {
			t.Errorf("%s: the same: %v, tags %v; want %v, %v", c.name, got == plain, vids, c.same, c.vids)
		}
	}
}

// TestTagOf reads what the kernel says of a tag that it took out of a frame.
func TestTagOf(t *testing.T) {
	data := make([]byte, 20)
	data[0], data[16] = unix.TP_STATUS_VLAN_VALID, 10
	oob := make([]byte, unix.CmsgSpace(len(data)))
	oob[0], oob[8], oob[12] = byte(unix.CmsgLen(len(data))), byte(unix.SOL_PACKET&0xff), unix.PACKET_AUXDATA
	oob[9] = byte(unix.SOL_PACKET >> 8)
	copy(oob[16:], data)
	if got := tagOf(oob); !slices.Equal(got, []uint16{10}) {
		t.Errorf("got %v, want the tag 10", got)
	}
	oob[16] = 0
	if got := tagOf(oob); got != nil {
		t.Errorf("got %v of a frame that had no tag", got)
	}
}

// FuzzContent: whatever is captured, comparing it ends without a panic.
func FuzzContent(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0, 10, 0x81, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) { content(b) })
}
