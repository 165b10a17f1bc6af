//go:build linux

package datapath

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

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
		l.do(func() { gone = l.owner.attached.port(1) == nil })
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

// The first port's socket sends for all, so that its error may be reported to a frame of others. Those must not be
// lost, and it must be detached all the same.
func TestDeletedInterfaceUnderTraffic(t *testing.T) {
	guests(t, 3)
	l := start(t, learning(3), Options{})
	a, b := station(t, "g2", "e0"), station(t, "g3", "e0")
	send(t, b, frame(3, 0, "88b5 0000"))
	hears(t, a, frame(3, 0, "88b5 0000"))
	done := make(chan error)
	go func() {
		done <- exec.Command("ip", "link", "delete", "p1").Run()
	}()
	for deleted := false; !deleted; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			deleted = true
		default:
		}
		send(t, a, frame(2, 3, "88b5 0100"))
		hears(t, b, frame(2, 3, "88b5 0100"))
	}
	eventually(t, "the port is detached", func() bool {
		var gone bool
		l.do(func() { gone = l.owner.attached.port(0) == nil })
		return gone && state(l, 0) == "down"
	})
	if n := counters(l, 2).Drops[switchcore.TxFail]; n != 0 {
		t.Errorf("%d frames of others were lost", n)
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
		if l.owner.attached.port(0) == nil || l.owner.attached.port(1) != nil {
			t.Errorf("attached are %v", l.owner.attached.ports)
		}
	})
	send(t, station(t, "g1", "e0"), frame(1, 0, "88b5 0100"))
	eventually(t, "the other port still works", func() bool { return counters(l, 0).RxFrames == 1 })
}

// Who calls while the owner ends is told that nothing was done.
func TestACallThatCameTooLateHasNotRun(t *testing.T) {
	core, err := switchcore.New(learning(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Start(core, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ran := false
	told := make(chan bool)
	if !l.do(func() {
		l.owner.stop = true
		go func() { told <- l.do(func() { ran = true }) }()
		// The owner has taken its last calls, and this one comes after them.
		for waits := false; !waits; runtime.Gosched() {
			l.mu.Lock()
			waits = len(l.calls) > 0
			l.mu.Unlock()
		}
	}) {
		t.Error("the owner's last call has run, and is said not to have")
	}
	if said := <-told; said || ran {
		t.Errorf("the late call has run: %v, and is said to have: %v", ran, said)
	}
	if l.do(func() { ran = true }) || ran {
		t.Error("a call on a closed loop has run")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Sending has been refused by the socket of a port, which may be closed by the time at which its interface would be
// looked at: then nobody would take it off the list of those that wait.
func TestAClosedPortIsNotWaitedFor(t *testing.T) {
	core, err := switchcore.New(learning(1))
	if err != nil {
		t.Fatal(err)
	}
	w := newOwner(core, Options{}, &commands{wakeFD: -1}, newDropLog(1))
	p := &port{id: 0}
	for _, attached := range []bool{false, true} {
		if attached {
			w.attached.add(p)
		}
		w.fwd.tx.refused, w.intake.troubled = []*port{p}, []trouble{{p, unix.ENETDOWN}}
		w.checkTroubled()
		if waits := len(w.waiting.ports) > 0; waits != attached {
			t.Errorf("a port that is attached: %v, waits: %v", attached, waits)
		}
		if len(w.fwd.tx.refused) > 0 || len(w.intake.troubled) > 0 {
			t.Error("what was seen to is still there")
		}
	}
}
