//go:build linux

package datapath

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
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
			r.auxdata(0, c, &f)
			var whole [2048]byte
			if got := whole[:copyFrame(whole[:], f.raw, f.tagged, f.tci)]; bytes.Equal(got, want) {
				return true
			}
		}
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

// What leaves by an uplink is as long as an Ethernet wants it, tag included; what guests send each other stays as it
// is.
func TestShortFramesAreLongerOnAnUplink(t *testing.T) {
	guests(t, 3)
	c := switchcore.Config{Ports: []switchcore.Port{
		{Name: "p1", Group: "plain", Initial: guestMAC(1)}, {Name: "p2", Uplink: true}, {Name: "p3", Group: "tagged", Initial: guestMAC(3)},
	}, Groups: []switchcore.Group{{Name: "plain"}, {Name: "tagged", Spec: switchcore.Spec{VLAN: &switchcore.VLAN{ID: 5}}}}}
	start(t, c, Options{})
	a, wire, b := station(t, "g1", "e0"), station(t, "g2", "e0"), station(t, "g3", "e0")
	zeros := func(n int) string { return strings.Repeat("00", n) }
	send(t, a, frame(1, 9, "88b5 01"))
	hears(t, wire, frame(1, 9, "88b5 01"+zeros(60-15)))
	send(t, a, frame(1, 9, "88b5 02"+zeros(60-15)))
	hears(t, wire, frame(1, 9, "88b5 02"+zeros(60-15)))
	send(t, b, frame(3, 9, "88b5 03"))
	hears(t, wire, frame(3, 9, "8100 0005 88b5 03"+zeros(60-19)))
	send(t, wire, frame(9, 1, "88b5 04"))
	hears(t, a, frame(9, 1, "88b5 04"))
}

// Carrying a frame leaves nothing for the garbage collector.
func TestCarryingDoesNotAllocate(t *testing.T) {
	guests(t, 2)
	l := start(t, standard(2), Options{})
	a := station(t, "g1", "e0")
	f := frame(1, 2, "88b5 0000")
	round := func(n uint64) {
		want := counters(l, 0).RxFrames + n
		for range n {
			send(t, a, f)
		}
		eventually(t, "all are in", func() bool { return counters(l, 0).RxFrames >= want })
	}
	round(100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	round(10000)
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 1000 {
		t.Errorf("%d allocations for 10000 frames", n)
	}
}

// ownsTheMachine reports whether root here is the machine's own, and not that of a user namespace (user_namespaces(7)):
// then nothing is refused that these tests do.
func ownsTheMachine(t *testing.T) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(b)), " ") == "0 0 4294967295"
}

// joined is a switch between guest 1 and a TAP descriptor, behind which guest n has 10.0.0.2 on an interface. Before it
// returns, long segments, open checksums and tags have passed both ways.
func joined(t *testing.T, fd, n int, name string) *Loop {
	t.Helper()
	core, err := switchcore.New(learning(2))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Start(core, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := errors.Join(l.Attach(0, packetPort(t, "p1")), l.Attach(1, Port{FD: fd, Tap: true})); err != nil {
		t.Fatal(err)
	}
	connect(l, 0, guestMAC(1))
	connect(l, 1, guestMAC(n))
	if !ping(t, 1, "10.0.0.2") || !ping(t, n, "10.0.0.1", "-s", "20000") {
		t.Fatal("no answer")
	}
	far := fmt.Sprint("g", n)
	transfer(t, "g1", far, "10.0.0.2:5001")
	transfer(t, far, "g1", "10.0.0.1:5001")
	a, b := station(t, "g1", "e0"), station(t, far, name)
	for _, rest := range []string{"88b5 0100", "8100 0005 88b5 0200", "8100 2005 8100 0006 88b5 0300"} {
		f := frame(1, n, rest)
		send(t, a, f)
		hears(t, b, f)
		f = frame(n, 1, rest)
		send(t, b, f)
		hears(t, a, f)
	}
	if n := counters(l, 1).Drops[switchcore.TxFail]; n != 0 {
		t.Errorf("%d frames could not be sent", n)
	}
	return l
}

func TestATAPIsAPort(t *testing.T) {
	guests(t, 1)
	ip(t, "netns add g9")
	t.Cleanup(func() { ip(t, "netns delete g9") })
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == unix.EACCES && !ownsTheMachine(t) {
		t.Log("the mode of /dev/net/tun keeps this user out; root runs the rest")
		return
	}
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
	l := joined(t, fd, 9, "tap9")
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
	if n := l.Overruns()[0]; n != 0 {
		t.Errorf("%d frames were not taken in time", n)
	}
	for i := 1; i < ports; i++ {
		if c := counters(l, i); c.TxFrames < frames || c.Drops[switchcore.TxFail] != 0 {
			t.Errorf("port %d: %+v", i, c)
		}
	}
}
