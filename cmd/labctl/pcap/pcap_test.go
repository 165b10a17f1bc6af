//go:build linux

package pcap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore/datapath"
)

// frame makes an Ethernet frame of 60 bytes at least: to, from, and what follows.
func frame(rest ...byte) []byte {
	f := append([]byte{0, 0x1b, 0x8b, 0xae, 0xd2, 0x8a, 0, 0x11, 0x22, 0x33, 0x44, 0x55}, rest...)
	for len(f) < 60 {
		f = append(f, 0)
	}
	return f
}

var captured = []wire.CapturedFrame{
	{Time: time.Unix(1700000000, 123456789), Name: "vSwitch0:guest", Point: datapath.PortInput, Verdict: "dropped: MacForgery", Length: 60, Data: frame(8, 0, 0x45, 0, 0, 20)},
	{Time: time.Unix(1700000000, 123456790), Name: "vSwitch0:guest", Point: datapath.Drop, Verdict: "MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)", Length: 60, Data: frame(8, 0, 0x45, 0, 0, 20)},
	{Time: time.Unix(1700000001, 0), Name: "vSwitch0:up", Point: datapath.UplinkSnd, Verdict: "broadcast: to up, other", Length: 64, Data: frame(0x81, 0, 0, 5, 8, 6)[:60]},
	{Time: time.Unix(1700000002, 0), Name: "h1:eth0", Point: wire.VnicTx, Verdict: "", Length: 65226, Data: bytes.Repeat([]byte{8}, 65226)},
}

// written is a file with the frames above; the place of the last one is not announced.
func written(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	places := []wire.CapturePlace{{Name: "vSwitch0:guest", Description: "port 2: PortInput, PortOutput, Drop"}, {Name: "vSwitch0:up", Description: "uplink 1: UplinkRcv, UplinkSnd, Drop"}}
	f, err := NewFile(&b, places, time.Unix(1700000000, 0))
	if err == nil {
		err = errors.Join(f.Write(captured[:2]), f.Write(captured[2:]), f.End(time.Unix(1700000003, 0), wire.CaptureEnd{Lost: map[string]uint64{"vSwitch0:up": 7}}))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCaptureFileComesBack(t *testing.T) {
	r, err := pcapgo.NewNgReader(bytes.NewReader(written(t)), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range captured {
		data, info, o, err := r.ReadPacketDataWithOptions()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, want.Data) || !info.Timestamp.Equal(want.Time) || info.Length != want.Length {
			t.Errorf("frame %d: %d of %d bytes at %v, want %d of %d at %v", i, len(data), info.Length, info.Timestamp, len(want.Data), want.Length, want.Time)
		}
		if len(o.Comments) != 1 || o.Comments[0] != comment(&want) {
			t.Errorf("frame %d: comments %q, want %q", i, o.Comments, comment(&want))
		}
		in, err := r.Interface(info.InterfaceIndex)
		if err != nil || in.Name != want.Name {
			t.Errorf("frame %d is of %q (%v), want %q", i, in.Name, err, want.Name)
		}
	}
	if _, _, err := r.ReadPacketData(); err != io.EOF {
		t.Errorf("behind the last frame: %v", err)
	}
	for id, want := range []struct{ received, lost uint64 }{{2, 0}, {8, 7}, {1, 0}} {
		in, err := r.Interface(id)
		if st := in.Statistics; err != nil || st.PacketsReceived != want.received || st.PacketsDropped != want.lost {
			t.Errorf("%s: received %d, lost %d (%v), want %v", in.Name, st.PacketsReceived, st.PacketsDropped, err, want)
		}
	}
}

func TestTsharkReadsCaptureFiles(t *testing.T) {
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark is not there: sudo apt-get install tshark, as scripts/setup.sh does")
	}
	cmd := exec.Command(path, "-n", "-r", "-", "-T", "fields", "-E", "separator=|", "-e", "frame.interface_name", "-e", "frame.interface_description",
		"-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.packet_flags_direction", "-e", "frame.comment")
	cmd.Stdin = bytes.NewReader(written(t))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := `vSwitch0:guest|port 2: PortInput, PortOutput, Drop|1700000000.123456789|60|0x00000001|PortInput: dropped: MacForgery
vSwitch0:guest|port 2: PortInput, PortOutput, Drop|1700000000.123456790|60||Drop: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)
vSwitch0:up|uplink 1: UplinkRcv, UplinkSnd, Drop|1700000001.000000000|64|0x00000002|UplinkSnd: broadcast: to up, other
h1:eth0||1700000002.000000000|65226|0x00000002|VnicTx
`
	if string(out) != want {
		t.Errorf("tshark says\n%swant\n%s", out, want)
	}
}

func TestCaptureFileOfNothing(t *testing.T) {
	if _, err := NewFile(io.Discard, nil, time.Unix(0, 0)); err == nil {
		t.Error("a file without interfaces was begun")
	}
}

func TestFramesAreDescribed(t *testing.T) {
	arp := append([]byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 10, 0, 0, 1}, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2)
	reply := append(bytes.Clone(arp[:8]), append([]byte{0, 2}, arp[10:]...)...)
	rarp := append([]byte{0x80, 0x35}, append(bytes.Clone(arp[2:8]), append([]byte{0, 3}, arp[10:]...)...)...)
	ip := func(proto byte, payload ...byte) []byte {
		h := []byte{8, 0, 0x45, 0, 0, byte(20 + len(payload)), 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
		return append(h, payload...)
	}
	tcp := []byte{0x1f, 0x90, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12, 0, 0, 0, 0, 0, 0}
	const who = "00:11:22:33:44:55 > 00:1b:8b:ae:d2:8a"
	for want, data := range map[string][]byte{
		who + ", ARP, who-has 10.0.0.2 tell 10.0.0.1":   frame(arp...),
		who + ", ARP, 10.0.0.1 is-at 00:11:22:33:44:55": frame(reply...),
		who + ", RARP": frame(rarp...),
		who + ", 10.0.0.1 > 10.0.0.2, ICMP echo request, id 3, seq 7": frame(ip(1, 8, 0, 0, 0, 0, 3, 0, 7)...),
		who + ", 10.0.0.1.8080 > 10.0.0.2.80, TCP [S.]":               frame(ip(6, tcp...)...),
		who + ", 10.0.0.1.53 > 10.0.0.2.67, UDP":                      frame(ip(17, 0, 53, 0, 67, 0, 8, 0, 0)...),
		who + ", 10.0.0.1 > 10.0.0.2, OSPF":                           frame(ip(89)...),
		who + ", vlan 10 p 5, 10.0.0.1.53 > 10.0.0.2.67, UDP":         frame(append([]byte{0x81, 0, 0xa0, 10}, ip(17, 0, 53, 0, 67, 0, 8, 0, 0)...)...),
		who + ", 802.3, LLC 42 42":                                    frame(0, 0x26, 0x42, 0x42, 3),
		who + ", ethertype 0x88b5":                                    frame(0x88, 0xb5),
		"no Ethernet frame: 01 02 03":                                 {1, 2, 3},
	} {
		if have := DescribeFrame(data); have != want {
			t.Errorf("%s\nwant %s", have, want)
		}
	}
	c := captured[1]
	if line := Line(&c); !strings.Contains(line, "Drop       vSwitch0:guest  "+who) || !strings.HasSuffix(line, ", length 60  [MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)]") {
		t.Error(line)
	}
}

// No bytes from a wire may make describing them panic.
func FuzzDescribeFrame(f *testing.F) {
	for _, c := range captured[:3] {
		f.Add(c.Data)
	}
	f.Add([]byte{})
	f.Add(frame(0x81, 0, 0, 5, 0x81, 0))
	f.Fuzz(func(_ *testing.T, data []byte) { DescribeFrame(data) })
}

func TestDescribePacket(t *testing.T) {
	for _, c := range []struct {
		etherType uint16
		hex       string
		want      string
	}{
		{0x0800, "4500001c000100004001f78dc0a8320dc0a8320f0800f7fd00010001", "192.168.50.13 > 192.168.50.15, ICMP echo request, id 1, seq 1"},
		{0, "4500001c000100004001f78dc0a8320dc0a8320f0800f7fd00010001", "192.168.50.13 > 192.168.50.15, ICMP echo request, id 1, seq 1"},
		{0x0806, "00010800060400025254007460" + "4ac0a8320f5254009f5dc1c0a8320d", "ARP, 192.168.50.15 is-at 52:54:00:74:60:4a"},
		{0x88cc, "0207", "LinkLayerDiscovery (0x88cc)"},
		{0x0800, "45", "ethertype 0x0800, 45"},
	} {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := DescribePacket(c.etherType, data); got != c.want {
			t.Errorf("%04x %s: %q, want %q", c.etherType, c.hex, got, c.want)
		}
	}
}
