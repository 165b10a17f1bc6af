package switchcore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// TestTwin sends random frames through random switches in random states, and through the naive twin beside each.
func TestTwin(t *testing.T) {
	worlds, frames := 800, 125
	if os.Getenv("LABCTL_PROOF") != "" {
		worlds *= 10 // a million frames
	}
	drops, delivered := map[Reason]int{}, 0
	for seed := range worlds {
		w, err := newWorld(rand.New(rand.NewPCG(uint64(seed), 3)))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range frames {
			if w.chance(6) {
				if err := w.event(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			v, err := w.step()
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			drops[v.drop]++
			delivered += len(v.out)
		}
		if err := w.miscounted(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%d copies delivered, drops %v", delivered, drops)
	// What the generator must reach, or the comparison proves little.
	for _, r := range []Reason{MacForgery, PortBlocked, VlanMismatch, UplinkDown, UnknownUnicast, SamePort, ReversePath, GuestBPDU, LearnLimit,
		PvlanIsolation, Malformed, LinkLocal, MtuExceeded} {
		if drops[r] < 10 {
			t.Errorf("only %d frames were dropped by %v", drops[r], r)
		}
	}
}

// bytesAsChoices takes decisions from a fuzzer's input; when it is used up, all are 0.
type bytesAsChoices struct{ b []byte }

func (c *bytesAsChoices) IntN(n int) int {
	if len(c.b) == 0 {
		return 0
	}
	v := int(c.b[0])
	c.b = c.b[1:]
	if n > 256 && len(c.b) > 0 {
		v = v<<8 | int(c.b[0])
		c.b = c.b[1:]
	}
	return v % n
}

// FuzzForward: whatever configuration, events and frames the input stands for, the twin agrees and the invariants hold.
func FuzzForward(f *testing.F) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := &bytesAsChoices{b}
		w, err := newWorld(in)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; len(in.b) > 0 && n < 200; n++ {
			if err := w.event(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.step(); err != nil {
				t.Fatal(err)
			}
			if err := invariants(w.s, w.now); err != nil {
				t.Fatal(w.fail("", Frame{}, err.Error()))
			}
		}
	})
}

// FuzzFrame: no bytes make the switch panic, answer by the ingress port, or learn what no station can have; asked again
// after the same past it says the same.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{}, uint16(0), false, 0)
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\x00\x50\x56\x00\x00\x41\x81\x00\x00\x0a\x81\x00\x00\x0b"), uint16(0), false, 0)
	f.Add([]byte("\x00\x50\x56\x00\x00\x48\x00\x50\x56\x00\x00\x41\x81\x00"), uint16(10), true, 1448)
	f.Fuzz(func(t *testing.T, data []byte, tci uint16, tagged bool, segment int) {
		frame := Frame{Data: data, TCI: tci, Tagged: tagged, Segment: segment}
		for _, setup := range []string{standardSetup, distributedSetup, "switch profile=simple_vswitch\nport g\nport h\n", "switch profile=learning\nport g vlan=10\nport h vlan=trunk\n"} {
			a, b := newStory(), newStory()
			for _, w := range []*story{a, b} {
				if err := w.run(setup + "start"); err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range a.s.Ports() {
				before := slices.Clone(data)
				e := a.s.Explain(0, id, frame)
				e.Out, e.Lost = slices.Clone(e.Out), slices.Clone(e.Lost)
				v := a.s.Forward(0, id, frame)
				if err := agree(a.s, id, e, v); err != nil {
					t.Fatal(err)
				}
				if again := b.s.Forward(0, id, frame); fmt.Sprint(again) != fmt.Sprint(v) {
					t.Fatalf("first %v, replayed %v", v, again)
				}
				if !slices.Equal(before, data) {
					t.Fatal("the frame was changed")
				}
				if slices.ContainsFunc(v.Out, func(o Output) bool { return o.Port == id }) {
					t.Fatalf("out of the port it came in by: %v", v)
				}
			}
			if err := invariants(a.s, 0); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// invariants of a switch at rest.
func invariants(s *Switch, now time.Duration) error {
	c := s.Config()
	learned := 0
	for _, e := range s.Table(now) {
		if e.MAC[0]&1 != 0 || e.MAC == (MAC{}) {
			return fmt.Errorf("%x is in the table", e.MAC)
		}
		if !slices.Contains(s.Ports(), e.Port) {
			return fmt.Errorf("port %d of the table is not a port", e.Port)
		}
		if !e.Static {
			learned++
		}
	}
	if c.Profile == Learning && c.FDBSize > 0 && learned > c.FDBSize {
		return fmt.Errorf("%d addresses learned, at most %d may be", learned, c.FDBSize)
	}
	if c.Profile != Learning && learned > 4096*len(c.Ports) {
		return fmt.Errorf("%d addresses learned by %d ports", learned, len(c.Ports))
	}
	return nil
}

// TestReplay: the same past gives the same answers, and Explain in between changes nothing.
func TestReplay(t *testing.T) {
	for seed := range uint64(300) {
		var verdicts [2][]string
		for i := range verdicts {
			w, err := newWorld(rand.New(rand.NewPCG(seed, 5)))
			if err != nil {
				t.Fatal(err)
			}
			for range 40 {
				if err := w.event(); err != nil {
					t.Fatal(err)
				}
				id, _, f := w.frame()
				if i == 1 {
					w.s.Explain(w.now, id, f)
				}
				v := w.s.Forward(w.now, id, f)
				verdicts[i] = append(verdicts[i], fmt.Sprint(v), fmt.Sprint(w.s.Table(w.now)), fmt.Sprint(w.s.Events()), fmt.Sprint(w.s.Announcements()))
			}
			for _, id := range w.s.Ports() {
				verdicts[i] = append(verdicts[i], fmt.Sprintf("%+v", w.s.Status(id)))
			}
		}
		if i := firstDifference(verdicts[0], verdicts[1]); i >= 0 {
			t.Fatalf("seed %d: %s\nand %s", seed, verdicts[0][i], verdicts[1][i])
		}
	}
}

func firstDifference(a, b []string) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// TestInvariants is FuzzForward with a few thousand random states.
func TestInvariants(t *testing.T) {
	for seed := range uint64(1000) {
		w, err := newWorld(rand.New(rand.NewPCG(seed, 6)))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := w.event(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.step(); err != nil {
				t.Fatal(err)
			}
			if err := invariants(w.s, w.now); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}
