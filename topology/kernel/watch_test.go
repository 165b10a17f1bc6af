package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

var (
	portEnd  = topology.End{Node: "sw", Interface: "p0"}
	guestEnd = topology.End{Node: "g", Interface: "eth0"}
	firstMAC = switchcore.MAC{0, 0x50, 0x56, 0, 0, 1}
)

// cable is a guest on a port: sw:p0 -- g:eth0, and one more node, c.
func cable(t testing.TB) *held {
	t.Helper()
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "sw"}, plan.AddNamespace{Node: "g"}, plan.AddNamespace{Node: "c"})
	apply(t, s, plug(), plan.SetUp{Node: "g", Name: "eth0", Up: true})
	return s
}

func plug() plan.Op {
	return plan.AddVeth{Near: plan.VethEnd{Node: "sw", Name: "p0", MAC: switchcore.MAC{0xfe, 0x50, 0x56, 0, 0, 1}, MTU: 1500, Up: true},
		Far: plan.VethEnd{Node: "g", Name: "eth0", MAC: firstMAC, MTU: 1500}}
}

// watcher drains in the test's own goroutine.
type watcher struct {
	*Watch
	t     testing.TB
	space *held
	last  map[int]Seen
	calls int
}

func watch(t testing.TB, s *held) *watcher {
	t.Helper()
	w, err := s.Watch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &watcher{Watch: w, t: t, space: s, last: map[int]Seen{}}
}

func (w *watcher) follow(key int, adapter, port topology.End) {
	w.t.Helper()
	seen, err := w.Follow(key, adapter, port)
	if err != nil {
		w.t.Fatal(err)
	}
	w.last[key] = seen
}

func (w *watcher) drain() {
	w.Drain(func(key int, s Seen, _ When) { w.last[key] = s; w.calls++ })
}

// await waits for FD and drains until the port is as it should be.
func (w *watcher) await(what string, key int, ok func(Seen) bool) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok(w.last[key]) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: never seen; last: %+v", what, w.last[key])
		}
		w.pause(100 * time.Millisecond)
		w.drain()
	}
}

// pause waits for FD, at most so long, and says whether it is readable.
func (w *watcher) pause(most time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(w.FD()), Events: unix.POLLIN}}
	n, _ := unix.Poll(fds, int(most.Milliseconds()))
	return n > 0
}

// quiet drains while Quiet waits.
func (w *watcher) quiet() {
	w.t.Helper()
	done := make(chan error, 1)
	go func() { done <- w.Quiet(context.Background()) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				w.t.Fatal(err)
			}
			return
		default:
			w.pause(10 * time.Millisecond)
			w.drain()
		}
	}
}

func (w *watcher) want(what string, key int, want Seen) {
	w.t.Helper()
	w.quiet()
	if got := w.last[key]; got != want {
		w.t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// packetSocket stands for tcpdump: it makes an interface promiscuous as long as it is open.
func packetSocket(t testing.TB, s *held, e topology.End) (stop func()) {
	t.Helper()
	fd, index, err := s.PacketSocket(e)
	if err != nil {
		t.Fatal(err)
	}
	var m unix.PacketMreq
	m.Ifindex, m.Type = int32(index), unix.PACKET_MR_PROMISC
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
		t.Fatal(err)
	}
	return func() { unix.Close(fd) }
}

// Everything that a guest can do to its adapter, by iproute2, is known when Quiet returns.
func TestWatchSeesWhatGuestsDo(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	normal := Seen{MAC: firstMAC, Up: true, Carrier: true}
	promiscuous, bridged, other := normal, normal, normal
	promiscuous.Promiscuity = 1
	bridged.Promiscuity, bridged.AllMulti = 1, 1
	other.MAC[5] = 9
	down := normal
	down.Up, down.Carrier = false, false
	var stop func()
	for _, c := range []struct {
		do   string // ip …
		want Seen
	}{
		{"", normal},
		{"-n t.g link set eth0 promisc on", promiscuous},
		{"-n t.g link set eth0 promisc off", normal},
		{"start tcpdump", promiscuous},
		{"stop tcpdump", normal},
		{"-n t.g link add mv0 link eth0 type macvlan mode bridge", normal},
		{"-n t.g link set mv0 up", promiscuous},
		{"-n t.g link del mv0", normal},
		{"-n t.g link add mv0 link eth0 netns t.c type macvlan mode bridge", normal},
		{"-n t.c link set mv0 up", promiscuous},
		{"-n t.c link del mv0", normal},
		{"-n t.g link add br0 type bridge", normal},
		{"-n t.g link set eth0 master br0", bridged},
		{"-n t.g link set eth0 nomaster", normal},
		{"-n t.g link del br0", normal},
		{"-n t.g link set eth0 address 00:50:56:00:00:09", other},
		{"-n t.g link set eth0 address 00:50:56:00:00:01", normal},
		{"-n t.g link set eth0 down", down},
		{"-n t.g link set eth0 name nic7 up", normal},
		{"-n t.g link set nic7 promisc on", promiscuous},
		{"-n t.g link set nic7 promisc off name eth0", normal},
		{"-n t.g link add mv0 link eth0 type macvlan mode passthru", normal},
		{"-n t.g link set mv0 up", promiscuous},
		{"-n t.g link set mv0 address 00:50:56:00:00:09", func() Seen { s := promiscuous; s.MAC = other.MAC; return s }()},
		{"-n t.g link del mv0", normal},
	} {
		switch c.do {
		case "":
		case "start tcpdump":
			stop = packetSocket(t, s, guestEnd)
		case "stop tcpdump":
			stop()
		default:
			ip(t, c.do)
		}
		// Carriers take the kernel a moment (net/core/link_watch.c).
		if strings.HasSuffix(c.do, "up") || strings.HasSuffix(c.do, "down") {
			err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "sw", Kind: topology.VSwitch}, {Name: "g"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
		w.want(c.do, 7, c.want)
	}
}

// The same without Quiet: nobody tells a Watch that something was done by hand. What comes with a message comes at
// once, what comes without one soon after the message that goes with it.
func TestWatchHearsByItself(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	w.quiet()
	for _, c := range []struct {
		do   string
		want int // promiscuity
	}{
		{"-n t.g link add mv0 link eth0 type macvlan mode bridge", 0},
		{"-n t.g link set mv0 up", 1},
		{"-n t.g link del mv0", 0},
		{"-n t.g link add mv0 link eth0 netns t.c type macvlan mode private", 0},
		{"-n t.c link set mv0 up", 1},
		{"-n t.c link set mv0 down", 0},
		{"-n t.c link set mv0 up", 1},
		{"-n t.c link del mv0", 0},
		{"-n t.g link set eth0 promisc on", 1},
		{"-n t.g link set eth0 promisc off", 0},
	} {
		ip(t, c.do)
		start := time.Now()
		w.await(c.do, 7, func(s Seen) bool { return s.Promiscuity == c.want })
		if took := time.Since(start); took > pollEvery/2 {
			t.Errorf("%s: seen after %v, as if by polling alone", c.do, took)
		}
	}
}

// When "ip link set address" has returned, the next Drain knows, whatever else the machine does.
func TestWatchIsSynchronousWithMACChanges(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	beside := crowd(t, 500)
	missed, during, slow := 0, 0, time.Duration(0)
	for i := range 1000 {
		mac := firstMAC
		mac[4], mac[5] = byte(i>>8), byte(i)
		if err := s.change(plan.SetMAC{Node: "g", Name: "eth0", MAC: mac}); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-beside:
			if err != nil {
				t.Error(err)
			}
			beside = nil
		default:
		}
		if beside != nil {
			during++
		}
		start := time.Now()
		w.drain()
		slow = max(slow, time.Since(start))
		if w.last[7].MAC != mac {
			missed++
		}
	}
	if missed > 0 {
		t.Errorf("%d of 1000 changes were not known at the next Drain", missed)
	}
	if during < 10 {
		t.Errorf("only %d changes were made while the other lab was being removed", during)
	}
	t.Logf("%d changes were made meanwhile; the longest Drain took %v", during, slow)
	if beside != nil {
		if err := <-beside; err != nil {
			t.Error(err)
		}
	}
	w.quiet()
	if want := (switchcore.MAC{0, 0x50, 0x56, 0, 999 >> 8, 999 & 0xff}); w.last[7].MAC != want {
		t.Errorf("in the end it is %v, want %v", w.last[7].MAC, want)
	}
}

// crowd makes a lab of that many nodes in pairs and removes it while the caller goes on.
func crowd(t testing.TB, nodes int) <-chan error {
	t.Helper()
	j, err := openJournal(t.TempDir()+"/journal", "crowd", nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewSpace("crowd", true, j)
	if err != nil {
		t.Fatal(err)
	}
	var ops, links []plan.Op
	for i := range nodes {
		ops = append(ops, plan.AddNamespace{Node: fmt.Sprint("n", i)})
		if i%2 == 1 {
			links = append(links, plan.AddVeth{Near: plan.VethEnd{Node: fmt.Sprint("n", i), Name: "e", MAC: switchcore.MAC{2, 1, 0, 0, byte(i >> 8), byte(i)}, MTU: 1500, Up: true},
				Far: plan.VethEnd{Node: fmt.Sprint("n", i-1), Name: "e", MAC: switchcore.MAC{2, 2, 0, 0, byte(i >> 8), byte(i)}, MTU: 1500}})
		}
	}
	apply(t, hold(other), append(ops, links...)...)
	done := make(chan error, 1)
	go func() { done <- other.Remove() }()
	return done
}

// An interface that is moved out of the node, deleted, and made again.
func TestWatchFollowsWhereAdaptersGo(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	w.quiet()
	ip(t, "netns add nested")
	defer ip(t, "netns delete nested")
	ip(t, "-n t.g link set eth0 netns nested")
	ip(t, "-n nested link set eth0 name inner address 00:50:56:00:00:33 up promisc on")
	moved := Seen{MAC: switchcore.MAC{0, 0x50, 0x56, 0, 0, 0x33}, Promiscuity: 1, Up: true, Carrier: true}
	w.await("moved", 7, func(s Seen) bool { return s == moved })
	ip(t, "-n nested link set inner address 00:50:56:00:00:34")
	moved.MAC[5] = 0x34
	w.Reread(7) // as for a frame with an unknown source
	w.await("changed elsewhere", 7, func(s Seen) bool { return s == moved })
	ip(t, "-n nested link set inner promisc off name eth0 netns t.g")
	ip(t, "-n t.g link set eth0 up")
	back := Seen{MAC: moved.MAC, Up: true, Carrier: true}
	w.await("back", 7, func(s Seen) bool { return s == back })
	ip(t, "-n t.g link set eth0 address 00:50:56:00:00:35")
	w.drain()
	if back.MAC[5] = 0x35; w.last[7] != back {
		t.Errorf("a change after it came back: %+v", w.last[7])
	}
	ip(t, "-n t.g link delete eth0")
	w.drain()
	if !w.last[7].Gone {
		t.Errorf("deleted, and seen as %+v", w.last[7])
	}
	if _, err := w.Follow(7, guestEnd, portEnd); !errors.Is(err, unix.ENODEV) {
		t.Errorf("what is not there is followed: %v", err)
	}
	apply(t, s, plug(), plan.SetUp{Node: "g", Name: "eth0", Up: true})
	w.follow(7, guestEnd, portEnd)
	w.want("made again", 7, Seen{MAC: firstMAC, Up: true, Carrier: true})
	ip(t, "-n t.g link set eth0 address 00:50:56:00:00:36")
	w.drain()
	if w.last[7].MAC[5] != 0x36 {
		t.Errorf("a change after it was made again: %+v", w.last[7])
	}
}

func TestWatchTellsWhenANodeGoes(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	w.follow(8, topology.End{}, portEnd)
	if got := w.last[8]; got != (Seen{Up: true, Carrier: true}) {
		t.Errorf("a port without an adapter: %+v", got)
	}
	apply(t, s, plan.DelNamespace{Node: "g"})
	w.await("node gone", 7, func(s Seen) bool { return s.Gone })
	w.await("its cable too", 8, func(s Seen) bool { return s.Gone })
}

// A port whose guest is unplugged loses its carrier, and only its own end may tell.
func TestWatchOfAPortAlone(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(1, topology.End{}, portEnd)
	ip(t, "-n t.g link set eth0 down")
	w.await("unplugged", 1, func(s Seen) bool { return !s.Carrier && s.Up })
	ip(t, "-n t.g link set eth0 up")
	w.await("plugged in", 1, func(s Seen) bool { return s.Carrier })
	ip(t, "-n t.sw link set p0 down")
	w.await("down", 1, func(s Seen) bool { return !s.Carrier && !s.Up })
}

// A bridge speaks of its ports in link messages too, and "deleted" there means that they left it.
func TestBridgeMessagesAreNotTheInterfaces(t *testing.T) {
	b := make([]byte, unix.SizeofIfInfomsg)
	b[0] = unix.AF_BRIDGE
	binary.NativeEndian.PutUint32(b[4:], 5)
	f := &followed{key: 1, guest: &namespace{nsid: 3}, adapter: interfaceKey{3, 5}, flagsFD: -1}
	w := &Watch{links: map[interfaceKey][]*followed{{3, 5}: {f}}, guests: map[int32][]*followed{}, wanted: map[*followed]bool{}}
	m := readLink(b)
	w.messageLocked(3, true, &m)
	if f.seen.Gone {
		t.Error("a port that left its bridge is taken for deleted")
	}
	b[0] = unix.AF_UNSPEC
	m = readLink(b)
	w.messageLocked(3, true, &m)
	if !f.seen.Gone {
		t.Error("a deleted interface is not seen as such")
	}
}
