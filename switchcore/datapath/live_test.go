//go:build linux

package datapath

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

func TestPingThroughASwitch(t *testing.T) {
	guests(t, 2)
	start(t, learning(2), Options{})
	if !ping(t, 1, "10.0.0.2") {
		t.Error("no answer")
	}
	if !ping(t, 2, "10.0.0.1", "-s", "1472", "-M", "do") {
		t.Error("no answer to a frame of full length")
	}
	if !ping(t, 2, "10.0.0.1", "-s", "20000") {
		t.Error("no answer to a packet in fragments")
	}
}

// transfer sends 64 MB over TCP from a guest to another and compares what arrives.
func transfer(t *testing.T, from, to, addr string) {
	t.Helper()
	var ln net.Listener
	inside(t, to, func() (err error) { ln, err = net.Listen("tcp", addr); return err })
	defer ln.Close()
	sum := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			sum <- err.Error()
			return
		}
		defer c.Close()
		h := sha256.New()
		n, err := io.Copy(h, c)
		sum <- fmt.Sprint(n, hex.EncodeToString(h.Sum(nil)), err)
	}()
	var c net.Conn
	inside(t, from, func() (err error) { c, err = net.DialTimeout("tcp", addr, 5*time.Second); return err })
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	h := sha256.New()
	for i := range 64 {
		for k := range block {
			block[k] = byte(k*7 + k>>8 + i)
		}
		h.Write(block)
		if _, err := c.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	if want, got := fmt.Sprint(64<<20, hex.EncodeToString(h.Sum(nil)), error(nil)), <-sum; got != want {
		t.Errorf("arrived is %s, sent was %s", got, want)
	}
}

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

// station is a packet socket of a guest, for frames that no protocol would send.
func station(t *testing.T, guest, name string) int {
	t.Helper()
	var fd int
	inside(t, guest, func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
			return err
		}
		ifi, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: ifi.Index})
	})
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// frame is one from a guest to another, or to all (0), with what follows the addresses in hexadecimal.
func frame(from, to int, rest string) []byte {
	dst := guestMAC(to)
	if to == 0 {
		dst = switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	}
	src := guestMAC(from)
	b, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
	if err != nil {
		panic(err)
	}
	return append(append(dst[:], src[:]...), b...)
}

func send(t *testing.T, fd int, f []byte) {
	t.Helper()
	if _, err := unix.Write(fd, f); err != nil {
		t.Fatal(err)
	}
}

// hears waits for the frame, tag included, and forgets others that come before.
func hears(t *testing.T, fd int, want []byte) {
	t.Helper()
	var r receiver
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	eventually(t, fmt.Sprintf("%x arrives", want), func() bool {
		for {
			var b [2048]byte
			control := make([]byte, 64)
			n, c, _, _, err := unix.Recvmsg(fd, b[:], control, 0)
			if err != nil {
				return false
			}
			at := frameAt - vnetLen
			copy(r.slot(0)[frameAt:], b[:n])
			f := received{raw: r.slot(0)[at : at+vnetLen+n]}
			copy(r.control[0][:], control[:c])
			r.auxdata(0, &f)
			var whole [2048]byte
			if got := whole[:copyFrame(whole[:], f.raw, f.tagged, f.tci)]; bytes.Equal(got, want) {
				return true
			}
		}
	})
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

// A port does not hear what the switch sends by it: it would learn everybody there.
func TestOwnTransmissionsAreIgnored(t *testing.T) {
	guests(t, 3)
	l := start(t, learning(3), Options{})
	if !ping(t, 1, "10.0.0.2") {
		t.Fatal("no answer")
	}
	l.Do(func(now time.Duration, s *switchcore.Switch) {
		for _, e := range s.Table(now) {
			if !e.Static && guestMAC(int(e.Port)+1) != e.MAC {
				t.Errorf("%v was learned at port %d", e.MAC, e.Port)
			}
		}
	})
	if c := counters(l, 2); c.RxFrames != 0 {
		t.Errorf("the third guest has sent %d frames", c.RxFrames)
	}
}

// Whatever a socket caught before it was attached is not this port's.
func TestNothingOfOtherInterfacesEnters(t *testing.T) {
	guests(t, 3)
	core, err := switchcore.New(learning(2))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Start(core, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := packetPort(t, "p1")
	unix.Close(p.FD)
	if p.FD, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(networkOrder(unix.ETH_P_ALL))); err != nil {
		t.Fatal(err)
	}
	a := station(t, "g3", "e0")
	for range 10 {
		send(t, a, frame(3, 0, "88b5 0100"))
	}
	if err := l.Attach(0, p); err != nil {
		t.Fatal(err)
	}
	connect(l, 0, guestMAC(1))
	send(t, station(t, "g1", "e0"), frame(1, 0, "88b5 0200"))
	eventually(t, "the port's own frame is in", func() bool { return counters(l, 0).RxFrames > 0 })
	if n := counters(l, 0).RxFrames; n != 1 {
		t.Errorf("%d frames came in by the port, one was sent", n)
	}
}

func TestDeletedInterfaceIsADisconnect(t *testing.T) {
	guests(t, 2)
	l := start(t, learning(2), Options{})
	if !ping(t, 1, "10.0.0.2") {
		t.Fatal("no answer")
	}
	ip(t, "link set p2 down")
	eventually(t, "the port has no link", func() bool { return state(l, 1) == "down" })
	ip(t, "link set p2 up")
	eventually(t, "a ping is answered again", func() bool { return ping(t, 1, "10.0.0.2") })
	ip(t, "link delete p2")
	eventually(t, "the port is detached", func() bool {
		var gone bool
		l.do(func() { gone = l.port(1) == nil })
		return gone && state(l, 1) == "down"
	})
	found := false
	l.Do(func(_ time.Duration, s *switchcore.Switch) {
		for _, e := range s.Events() {
			found = found || e.Kind == switchcore.EventDisconnected && e.Port == "p2"
		}
	})
	if !found {
		t.Error("no event tells it")
	}
	ip(t, "link add p2 up type veth peer name e0 netns g2")
	if err := l.Attach(1, packetPort(t, "p2")); err != nil {
		t.Fatalf("cannot be attached again: %v", err)
	}
}

func state(l *Loop, id int) (s string) {
	l.Do(func(_ time.Duration, sw *switchcore.Switch) { s = sw.Status(switchcore.PortID(id)).State })
	return s
}

func TestAttachRefuses(t *testing.T) {
	guests(t, 1)
	l := start(t, learning(1), Options{})
	for what, f := range map[string]func() error{
		"a port that is in use":          func() error { return l.Attach(0, packetPort(t, "p1")) },
		"a port that is not there":       func() error { return l.Attach(7, packetPort(t, "p1")) },
		"an interface that is not there": func() error { p := packetPort(t, "p1"); p.Index = 9999; return l.Attach(7, p) },
		"a socket as a TAP":              func() error { p := packetPort(t, "p1"); p.Tap = true; return l.Attach(7, p) },
	} {
		if f() == nil {
			t.Errorf("%s was taken", what)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if l.Attach(0, packetPort(t, "p1")) == nil {
		t.Error("a closed loop takes ports")
	}
	l.Do(func(time.Duration, *switchcore.Switch) { t.Error("a closed loop runs functions") })
	if err := l.Close(); err != nil {
		t.Error("closed twice: ", err)
	}
}

func TestNothingStaysOpen(t *testing.T) {
	guests(t, 2)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	round := func() {
		core, err := switchcore.New(learning(2))
		if err != nil {
			t.Fatal(err)
		}
		l, err := Start(core, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range []string{"p1", "p2"} {
			if err := l.Attach(switchcore.PortID(i), packetPort(t, p)); err != nil {
				t.Fatal(err)
			}
		}
		_ = l.Attach(0, packetPort(t, "p1"))
		l.Detach(0)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	round()
	before := open()
	for range 5 {
		round()
	}
	if after := open(); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

func TestARemovedPortIsDetached(t *testing.T) {
	guests(t, 2)
	l := start(t, learning(2), Options{})
	l.Do(func(now time.Duration, s *switchcore.Switch) {
		if err := s.Configure(now, learning(1)); err != nil {
			t.Error(err)
		}
	})
	l.do(func() {
		if l.port(0) == nil || l.port(1) != nil {
			t.Errorf("attached are %v", l.ports)
		}
	})
	send(t, station(t, "g1", "e0"), frame(1, 0, "88b5 0100"))
	eventually(t, "the other port still works", func() bool { return counters(l, 0).RxFrames == 1 })
}

func TestATapChangesNothing(t *testing.T) {
	guests(t, 2)
	l := start(t, standard(2), Options{})
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	round := func() (all [2]switchcore.Counters) {
		before := [2]switchcore.Counters{counters(l, 0), counters(l, 1)}
		send(t, a, frame(1, 2, "88b5 0100"))
		send(t, a, frame(3, 2, "88b5 0200"))
		send(t, a, frame(1, 0, "88b5 0300"))
		hears(t, b, frame(1, 0, "88b5 0300"))
		for i := range all {
			all[i] = counters(l, i)
			all[i].RxFrames -= before[i].RxFrames
			all[i].TxFrames -= before[i].TxFrames
			all[i].RxBytes, all[i].TxBytes = 0, 0
			for r := range all[i].Drops {
				all[i].Drops[r] -= before[i].Drops[r]
			}
		}
		return all
	}
	promiscuity := func() string { return fields(ip(t, "-d link show"), "promiscuity") }
	without, quiet := round(), promiscuity()
	tap, small := l.Tap(TapFilter{}), l.Tap(TapFilter{Queue: 1, Points: []string{Drop}, Ports: []switchcore.PortID{0}})
	defer small.Close()
	if with := round(); with != without {
		t.Errorf("with a tap the counters say %+v, without %+v", with, without)
	}
	if p := promiscuity(); p != quiet {
		t.Errorf("with a tap promiscuity is %s, without %s", p, quiet)
	}
	round()
	if n := small.Lost(); n != 1 {
		t.Errorf("a queue of one has lost %d of two", n)
	}
	frames, err := tap.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range frames[:min(6, len(frames))] {
		got = append(got, fmt.Sprintf("%s %s %x %s", f.Point, f.Name, f.Data[14:15], f.Verdict))
	}
	want := []string{
		"PortInput p1 01 static: to p2", "PortOutput p2 01 static: to p2",
		"PortInput p1 02 dropped: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)",
		"Drop p1 02 dropped: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)",
		"PortInput p1 03 broadcast: to p2", "PortOutput p2 03 broadcast: to p2",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the tap has\n%s", strings.Join(got, "\n"))
	}
	tap.Close()
	if _, err := tap.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed tap says %v", err)
	}
}

// fields are the words that follow a word.
func fields(text, word string) string {
	var out []string
	list := strings.Fields(text)
	for i, f := range list {
		if f == word && i+1 < len(list) {
			out = append(out, list[i+1])
		}
	}
	return strings.Join(out, " ")
}

func TestDropsAreKeptAndWaitedFor(t *testing.T) {
	guests(t, 2)
	l := start(t, standard(2), Options{DropLog: 3})
	a := station(t, "g1", "e0")
	waited := make(chan error, 1)
	go func() { waited <- l.DropWait(context.Background(), 0) }()
	for i := range 5 {
		send(t, a, frame(7, 2, fmt.Sprintf("88b5 %02x", i)))
	}
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are recorded", func() bool { _, next, _ := l.Drops(0); return next == 5 })
	records, next, lost := l.Drops(0)
	if len(records) != 3 || next != 5 || lost != 2 {
		t.Fatalf("%d records, next %d, lost %d", len(records), next, lost)
	}
	for i, r := range records {
		if r.Seq != uint64(i+3) || r.Data[14] != byte(i+2) || r.Reason != switchcore.MacForgery || r.PortName != "p1" || r.Number == 0 || r.Point != Drop || r.Out != switchcore.NoPort {
			t.Errorf("record %d: %+v", i, r)
		}
	}
	if records, _, _ := l.Drops(next); len(records) != 0 {
		t.Errorf("asked for more: %v", records)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.DropWait(ctx, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("waited and got %v", err)
	}
	go func() { waited <- l.DropWait(context.Background(), 5) }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("waited on a closed loop and got %v", err)
	}
}

// A frame that is longer than an interface's MTU cannot leave there; others in the same batch can.
func TestFailedSendsAreCounted(t *testing.T) {
	guests(t, 3)
	l := start(t, learning(3), Options{})
	ip(t, "link set p2 mtu 1000")
	b := station(t, "g3", "e0")
	if ping(t, 1, "10.0.0.2", "-s", "1200", "-M", "do") {
		t.Fatal("a long frame was answered")
	}
	long := frame(1, 0, "88b5"+strings.Repeat("00", 1200))
	send(t, station(t, "g1", "e0"), long)
	hears(t, b, long)
	eventually(t, "the failure is counted", func() bool { return counters(l, 1).Drops[switchcore.MtuExceeded] > 0 })
	records, _, _ := l.Drops(0)
	if len(records) == 0 || records[len(records)-1].OutName != "p2" || records[len(records)-1].PortName != "p1" {
		t.Errorf("records are %+v", records)
	}
}

func TestATAPIsAPort(t *testing.T) {
	guests(t, 1)
	ip(t, "netns add g9")
	t.Cleanup(func() { ip(t, "netns delete g9") })
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	req, err := unix.NewIfreq("tap9")
	if err != nil {
		t.Fatal(err)
	}
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		t.Fatal(err)
	}
	ip(t, "link set tap9 address %v netns g9", guestMAC(9))
	ip(t, "-n g9 addr add 10.0.0.2/16 dev tap9")
	ip(t, "-n g9 link set tap9 up")
	core, err := switchcore.New(learning(2))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Start(core, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(l.Attach(0, packetPort(t, "p1")), l.Attach(1, Port{FD: fd, Tap: true})); err != nil {
		t.Fatal(err)
	}
	connect(l, 0, guestMAC(1))
	connect(l, 1, guestMAC(9))
	if !ping(t, 1, "10.0.0.2") {
		t.Fatal("no answer")
	}
	transfer(t, "g1", "g9", "10.0.0.2:5001")
	transfer(t, "g9", "g1", "10.0.0.1:5001")
	a, b := station(t, "g1", "e0"), station(t, "g9", "tap9")
	for _, rest := range []string{"88b5 0100", "8100 0005 88b5 0200", "8100 2005 8100 0006 88b5 0300"} {
		f := frame(1, 9, rest)
		send(t, a, f)
		hears(t, b, f)
		f = frame(9, 1, rest)
		send(t, b, f)
		hears(t, a, f)
	}
	if n := counters(l, 1).Drops[switchcore.TxFail]; n != 0 {
		t.Errorf("%d frames could not be sent", n)
	}
	ip(t, "-n g9 link delete tap9")
	eventually(t, "the port is detached", func() bool { return state(l, 1) == "down" })
}

// 100 guests hear 3,000 broadcasts a second.
func TestBroadcastsToAHundredPorts(t *testing.T) {
	const ports, frames = 100, 600
	guests(t, ports)
	l := start(t, learning(ports), Options{})
	a := station(t, "g1", "e0")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range frames / 30 {
		for range 30 {
			send(t, a, frame(1, 0, "88b5 0100"))
		}
		<-tick.C
	}
	eventually(t, "all frames are in", func() bool { return counters(l, 0).RxFrames >= frames })
	if n := l.Overruns(0); n != 0 {
		t.Errorf("%d frames were not taken in time", n)
	}
	for i := 1; i < ports; i++ {
		if c := counters(l, i); c.TxFrames < frames || c.Drops[switchcore.TxFail] != 0 {
			t.Errorf("port %d: %+v", i, c)
		}
	}
}
