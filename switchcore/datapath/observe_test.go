//go:build linux

package datapath

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// fakeObserver says what tests tell it to say, as soon as it is asked for.
type fakeObserver struct {
	fd      int
	mu      sync.Mutex
	news    []news
	rereads map[switchcore.PortID]int
	// answer is what a re-read finds; nil: it never ends.
	answer func(switchcore.PortID) Seen
	// meanwhile is what happens once after the next time that there was something to tell.
	meanwhile func()
}

type news struct {
	port switchcore.PortID
	seen Seen
}

func newFakeObserver(t testing.TB) *fakeObserver {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return &fakeObserver{fd: fd, rereads: map[switchcore.PortID]int{}}
}

func (o *fakeObserver) FD() int { return o.fd }

func (o *fakeObserver) Drain(each func(switchcore.PortID, Seen)) {
	var b [8]byte
	_, _ = unix.Read(o.fd, b[:])
	o.mu.Lock()
	news := o.news
	o.news = nil
	var meanwhile func()
	if len(news) > 0 {
		meanwhile, o.meanwhile = o.meanwhile, nil
	}
	o.mu.Unlock()
	for _, n := range news {
		each(n.port, n.seen)
	}
	if meanwhile != nil {
		meanwhile()
	}
}

func (o *fakeObserver) Reread(id switchcore.PortID) {
	o.mu.Lock()
	o.rereads[id]++
	answer := o.answer
	o.mu.Unlock()
	if answer != nil {
		o.tell(id, answer(id))
	}
}

func (o *fakeObserver) tell(id switchcore.PortID, s Seen) {
	o.mu.Lock()
	o.news = append(o.news, news{id, s})
	o.mu.Unlock()
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	if _, err := unix.Write(o.fd, one[:]); err != nil {
		panic(err)
	}
}

func (o *fakeObserver) answers(f func(switchcore.PortID) Seen) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = f
}

func (o *fakeObserver) count(id switchcore.PortID) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rereads[id]
}

func adapter(mac switchcore.MAC) Seen {
	return Seen{Filter: switchcore.Filter{MAC: mac, AllMulti: true}, Up: true}
}

// observed is a switch that rejects forged transmits but lets guests change their address.
func observed(t *testing.T) (*Loop, *fakeObserver) {
	yes := true
	return observedWith(t, switchcore.Spec{MACChanges: &yes})
}

func observedWith(t *testing.T, policies switchcore.Spec) (*Loop, *fakeObserver) {
	guests(t, 2)
	c := standard(2)
	c.Spec = policies
	o := newFakeObserver(t)
	l := start(t, c, Options{Observer: o})
	for i := range 2 {
		o.tell(switchcore.PortID(i), adapter(guestMAC(i+1)))
		eventually(t, "the port is connected", func() bool { return state(l, i) == "forwarding" })
	}
	return l, o
}

// What the guest did before it sent is known when its frame is judged, without asking it again.
func TestAChangeBeforeAFrameIsKnownWhenItIsJudged(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	for i := 10; i < 210; i++ {
		o.tell(0, adapter(guestMAC(i)))
		f := frame(i, 2, "88b5 0000")
		send(t, a, f)
		hears(t, b, f)
	}
	if n := counters(l, 0).Drops[switchcore.MacForgery]; n != 0 || o.count(0) != 0 {
		t.Errorf("%d frames were dropped, %d re-reads", n, o.count(0))
	}
}

// An observer that is late is asked before a frame is punished, and the frames behind it wait in order.
func TestTheAdapterIsReadAgainBeforeAFrameIsPunished(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	o.answers(func(switchcore.PortID) Seen { return adapter(guestMAC(7)) })
	for i := range 20 {
		send(t, a, frame(7, 2, fmt.Sprintf("88b5 00%02x", i)))
	}
	for i := range 20 {
		hears(t, b, frame(7, 2, fmt.Sprintf("88b5 00%02x", i))) // forgets what comes too early
	}
	if n := o.count(0); n != 1 {
		t.Errorf("%d re-reads", n)
	}
	if n := counters(l, 0).Drops[switchcore.MacForgery]; n != 0 {
		t.Errorf("%d frames were dropped", n)
	}
}

// A forger costs ten re-reads a second, and no frame of others.
func TestReadingAgainIsLimited(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	o.answers(func(switchcore.PortID) Seen { return adapter(guestMAC(1)) })
	from := time.Now()
	for i := range 500 {
		send(t, a, frame(9, 2, "88b5 0000"))
		eventually(t, "the forged frame is dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] > uint64(i) })
	}
	most := rereads*(1+time.Since(from).Seconds()) + 1
	if n := o.count(0); n < 1 || float64(n) > most {
		t.Errorf("%d re-reads, at most %.0f are allowed", n, most)
	}
	f := frame(1, 2, "88b5 0100")
	send(t, a, f)
	hears(t, b, f)
}

// A frame that the known address did not send waits for a look at the adapter, and not for what may still be on its
// way.
func TestAForgedFrameWaitsForALookAndNoLonger(t *testing.T) {
	yes := true
	_, o := observedWith(t, switchcore.Spec{ForgedTransmits: &yes})
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	o.answers(func(switchcore.PortID) Seen {
		s, now := adapter(guestMAC(1)), time.Now().UnixNano()
		s.From, s.By = now, now
		return s
	})
	best := time.Hour
	for i := range rereads {
		begin := time.Now()
		f := frame(9, 2, fmt.Sprintf("88b5 %04x", i))
		send(t, a, f)
		hears(t, b, f)
		best = min(best, time.Since(begin))
	}
	if n := o.count(0); n != rereads || best >= changeGrace {
		t.Errorf("%d re-reads, %v at best", n, best)
	}
}

// A look that began before a frame came says nothing of it.
func TestALookThatBeganBeforeIsNoProof(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	began := time.Now().UnixNano()
	o.answers(func(switchcore.PortID) Seen { // it was read before, and by now the guest has another one, of which nobody has told yet
		o.mu.Lock()
		o.meanwhile = func() { o.tell(0, told(9, -1000, -1)) }
		o.mu.Unlock()
		s := adapter(guestMAC(1))
		s.From, s.By = began, time.Now().UnixNano()
		return s
	})
	f := frame(9, 2, "88b5 0000")
	send(t, a, f)
	hears(t, b, f)
	if n := counters(l, 0).Drops[switchcore.MacForgery]; n != 0 {
		t.Errorf("%d frames were dropped", n)
	}
}

// What waits for an observer is held, and what was taken is counted once.
func TestTrafficTellsOfWhatIsHeld(t *testing.T) {
	l, _ := observed(t)
	a := station(t, "g1", "e0")
	for range 3 {
		send(t, a, frame(1, 2, "88b5 0100"))
	}
	send(t, a, frame(9, 2, "88b5 0000")) // nobody answers
	eventually(t, "one of four is held", func() bool { n, held := l.Traffic(); return n == 4 && held })
	eventually(t, "it is judged", func() bool { n, held := l.Traffic(); return n == 4 && !held })
	if n := counters(l, 0).Drops[switchcore.MacForgery]; n != 1 {
		t.Errorf("%d frames were dropped", n)
	}
}

// Without an answer a frame is judged by what is known. Frames from the known address do not wait for that.
func TestAnObserverThatNeverAnswers(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	send(t, a, frame(9, 2, "88b5 0000"))
	send(t, a, frame(1, 2, "88b5 0100"))
	hears(t, b, frame(1, 2, "88b5 0100"))
	eventually(t, "the other frame is judged", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 1 })
	if n := o.count(0); n != 1 {
		t.Errorf("%d re-reads", n)
	}
}

// told is a change that was heard of between two times, counted from now in milliseconds.
func told(n int, after, by int) Seen {
	s, now := adapter(guestMAC(n)), time.Now()
	s.After, s.By = now.Add(time.Duration(after)*time.Millisecond).UnixNano(), now.Add(time.Duration(by)*time.Millisecond).UnixNano()
	return s
}

// Several changes that are told at once, and frames from before, between and after them that are judged at once.
func TestFramesAreJudgedByWhatWasSoWhenTheyWereSent(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	l.Do(func(time.Duration, *switchcore.Switch) { // the switch does nothing meanwhile
		for n := 10; n < 20; n++ {
			send(t, a, frame(max(n-1, 1), 2, fmt.Sprintf("88b5 %02x02", n)))
			if n == 10 {
				send(t, a, frame(1, 2, "88b5 0a01"))
			}
			o.tell(0, told(n, 0, 0))
			send(t, a, frame(n, 2, fmt.Sprintf("88b5 %02x01", n)))
			send(t, a, frame(1, 2, fmt.Sprintf("88b5 %02x00", n)))
		}
	})
	for n := 10; n < 20; n++ {
		if n > 10 {
			hears(t, b, frame(n-1, 2, fmt.Sprintf("88b5 %02x02", n)))
		}
		hears(t, b, frame(n, 2, fmt.Sprintf("88b5 %02x01", n)))
	}
	// One from guest 9, who never was there, and ten from the first address.
	eventually(t, "the others are dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 11 })
	if c := counters(l, 0); c.RxFrames != 31 {
		t.Errorf("%d frames were judged, want 31", c.RxFrames)
	}
}

// What happens while the observer tells of something else is known for the frames that come after it.
func TestAChangeWhileAnotherIsTold(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	o.mu.Lock()
	o.meanwhile = func() {
		o.tell(0, told(10, 0, 0))
		send(t, a, frame(10, 2, "88b5 0a00"))
		send(t, a, frame(9, 2, "88b5 0900"))
	}
	o.mu.Unlock()
	o.tell(0, told(9, 0, 0))
	hears(t, b, frame(10, 2, "88b5 0a00"))
	eventually(t, "the old address is dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 1 })
	if n := o.count(0); n > 1 {
		t.Errorf("%d re-reads", n)
	}
}

// An address that a guest gets later makes no frame right that was sent before.
func TestALaterAddressIsNoExcuse(t *testing.T) {
	l, o := observed(t)
	a := station(t, "g1", "e0")
	send(t, a, frame(9, 2, "88b5 0000")) // waits for an answer
	eventually(t, "the adapter is to be read again", func() bool { return o.count(0) == 1 })
	o.tell(0, told(9, 0, 0))
	eventually(t, "it is dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 1 })
}

// A change that was told late is known for a frame that was sent after it, and one from the old address is forged.
func TestAChangeThatIsToldLate(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	l.Do(func(time.Duration, *switchcore.Switch) {
		late := told(9, -1, 1000)
		send(t, a, frame(9, 2, "88b5 0900"))
		send(t, a, frame(1, 2, "88b5 0100"))
		send(t, b, frame(2, 9, "88b5 0200"))
		o.tell(0, late)
	})
	hears(t, b, frame(9, 2, "88b5 0900"))
	hears(t, a, frame(2, 9, "88b5 0200"))
	eventually(t, "the old address is dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 1 })
}

// What was read before the observer spoke is older than what it said, whoever is first.
func TestTheObserverKnowsBetter(t *testing.T) {
	guests(t, 2)
	o := newFakeObserver(t)
	l := start(t, standard(2), Options{Observer: o})
	down := adapter(guestMAC(1))
	down.Up = false
	l.Observe(0, down)
	l.Observe(0, adapter(guestMAC(1)))
	if s := state(l, 0); s != "forwarding" {
		t.Errorf("the observer has said nothing, and the port is %s", s)
	}
	o.tell(0, down)
	eventually(t, "the port is down", func() bool { return state(l, 0) == "down" })
	l.Observe(0, adapter(guestMAC(1)))
	if s := state(l, 0); s != "down" {
		t.Errorf("the observer knows better, and the port is %s", s)
	}
	o.tell(1, adapter(guestMAC(2)))
	eventually(t, "the other port is connected", func() bool { return state(l, 1) == "forwarding" })
	l.Observe(1, Seen{})
	if s := state(l, 1); s != "forwarding" {
		t.Errorf("the observer knows better, and the other port is %s", s)
	}
}

func TestAnAdapterThatIsGoneIsADisconnect(t *testing.T) {
	l, o := observed(t)
	o.tell(0, Seen{Gone: true})
	eventually(t, "the port is down", func() bool { return state(l, 0) == "down" })
	o.tell(0, adapter(guestMAC(1)))
	eventually(t, "another one was plugged in", func() bool { return state(l, 0) == "forwarding" })
	down := adapter(guestMAC(1))
	down.Up = false
	o.tell(0, down)
	eventually(t, "the port has no carrier", func() bool { return state(l, 0) == "down" })
}

// A guest's connection is announced, by a frame with nobody's tag but the uplink's.
func TestAnnouncementsAreSent(t *testing.T) {
	guests(t, 2)
	c := switchcore.Config{Ports: []switchcore.Port{
		{Name: "p1", Group: "G", Initial: guestMAC(1)}, {Name: "p2", Uplink: true},
	}, Groups: []switchcore.Group{{Name: "G", Spec: switchcore.Spec{VLAN: &switchcore.VLAN{ID: 10}}}}}
	o := newFakeObserver(t)
	var mu sync.Mutex
	var kinds []string
	outside := station(t, "g2", "e0")
	l := start(t, c, Options{Observer: o, Events: func(list []switchcore.Event) {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range list {
			kinds = append(kinds, e.Kind+" "+e.Port)
		}
	}})
	o.tell(1, Seen{Gone: true})
	eventually(t, "the uplink is down", func() bool { return state(l, 1) == "down" })
	o.tell(1, Seen{Up: true})
	eventually(t, "the uplink is back", func() bool { return state(l, 1) == "forwarding" })
	o.tell(0, adapter(guestMAC(1)))
	eventually(t, "the announcement arrives", func() bool {
		var r receiver
		var b [2048]byte
		n, control, _, _, err := unix.Recvmsg(outside, b[:], r.control[0][:], 0)
		if err != nil || control == 0 {
			return false
		}
		f := received{raw: b[:n]}
		r.auxdata(0, control, &f)
		return f.tagged && f.tci == 10 && switchcore.MAC(b[6:12]) == guestMAC(1) && b[12] == 0x80 && b[13] == 0x35
	})
	eventually(t, "the event is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, k := range kinds {
			if k == "connected p1" {
				return true
			}
		}
		return false
	})
}
