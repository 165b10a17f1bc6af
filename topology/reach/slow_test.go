package reach

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/silence"
)

// slow is a machine whose switches take their time: what a test has under way arrives when the machine is asked to be
// idle or quiet, or later.
type slow struct {
	*liveMachine
	idle, quiet func()
}

func (m *slow) Idle(context.Context) error {
	if m.idle != nil {
		m.idle()
	}
	return nil
}

func (m *slow) Quiet(context.Context) error {
	if m.quiet != nil {
		m.quiet()
	}
	return nil
}

// witness hears the prober's requests at some nodes. Not safe for concurrent use.
type witness struct {
	taps []*tap
	p    *Prober
}

func newWitness(t testing.TB, p *Prober, m Machine, nodes ...string) *witness {
	t.Helper()
	p.mu.Lock()
	err := p.bench().open() // the filter needs the prober's cookie
	p.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{p: p}
	own := must(p.bench().owners())
	for _, n := range nodes {
		l, _ := own.link(n, "eth0")
		tap, err := openTap(m, n, l.Index, unix.ETH_P_ALL, false, marked(p.memory.cookie))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tap.close)
		w.taps = append(w.taps, tap)
	}
	return w
}

// requests are those that have left, or have arrived, since the last time.
func (w *witness) requests(outgoing bool) (frames [][]byte) {
	buf := make([]byte, 256)
	for _, t := range w.taps {
		for {
			f, out, ok := t.next(buf)
			if !ok {
				break
			}
			if out == outgoing {
				frames = append(frames, bytes.Clone(f))
			}
		}
	}
	return frames
}

// TestAPairWaitsForTheOneBefore: a pair is asked when all that the one before has sent was delivered.
func TestAPairWaitsForTheOneBefore(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := &slow{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	w := newWitness(t, p, m, "a", "b", "c")
	var counts []int
	m.idle = func() { counts = append(counts, len(w.requests(true))) }
	rs := ask(t, p, false, everyPair("ping", "a", "b", "c")...)
	for _, r := range rs {
		if r.Got != "ok" {
			t.Fatalf("%s->%s: %s", r.Question.A, r.Question.B, r.Detail)
		}
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	if total != len(rs) || slices.Max(counts) != 1 {
		t.Errorf("requests between one time that the switches were idle and the next: %v, want one of %d each time", counts, len(rs))
	}
}

// copying is a lab in which c gets a copy of a request from a to b, by another way: when and as deliver says, called
// with what brings it.
func copying(t *testing.T) (p *Prober, m *slow, w *witness, toC func(frame []byte)) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	lab.Nodes[0].Switch = &topology.Switch{} // its frames take as long as those of a program
	m = &slow{liveMachine: build(t, lab, steps)}
	p = &Prober{Lab: lab, Machine: m}
	t.Cleanup(func() { p.Close() })
	w = newWitness(t, p, m, "b")
	links := must(m.Links("s1"))
	i := slices.IndexFunc(links, func(l topology.LinkState) bool { return l.Name == "c" })
	fd, err := m.Socket("s1", unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return p, m, w, func(frame []byte) {
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: links[i].Index}); err != nil {
			t.Error(err)
		}
	}
}

// TestACopyThatIsLate: a listener is asked when the switches are idle and the copies have had their time.
func TestACopyThatIsLate(t *testing.T) {
	for _, c := range []struct {
		name string
		late time.Duration
	}{{"under way in a switch", 0}, {"under way behind it", linger / 2}} {
		t.Run(c.name, func(t *testing.T) {
			p, m, w, toC := copying(t)
			var last []byte
			var sent sync.WaitGroup
			m.idle = func() {
				got := w.requests(false)
				if len(got) == 0 {
					return
				}
				last = got[len(got)-1] // the marked one
				if c.late == 0 {
					toC(last)
					return
				}
				sent.Add(1)
				time.AfterFunc(c.late, func() { defer sent.Done(); toC(last) })
			}
			wantText(t, ask(t, p, false, sees("a", "b", "c")), "sees:a->b@c yes\n")
			sent.Wait()
			if last == nil {
				t.Error("nothing was under way, so this proves nothing")
			}
		})
	}
}

// TestAForgedFrameThatIsLate: it has no answer that would tell that it should be there by now.
func TestAForgedFrameThatIsLate(t *testing.T) {
	p, _, _, toC := copying(t)
	sh(t, "a", "ping -n -c1 -W5 10.0.0.2")
	s := frameFrom(t, p.Lab, "one", "a")
	s.Dst = topology.Station{Node: "b"}
	e := seesTable(sees("one", "", "b"), sees("one", "", "c"))
	ctx := context.Background()
	o, err := p.Overhear(ctx, []string{s.Name}, e)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	k, err := p.Send(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	time.AfterFunc(farewell/4, func() { defer close(done); toC(k.Frame()) })
	r, err := p.Judge(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	<-done
	for _, c := range r.Tables[0].Cells {
		if c.Result.Got != "yes" {
			t.Errorf("%s: %s (%s)", c.Cell.Question, c.Result.Got, c.Result.Detail)
		}
	}
}

// TestSwitchesKnowTheListeners: the marked request is sent when the switches know who listens, and only then.
func TestSwitchesKnowTheListeners(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := &slow{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	w := newWitness(t, p, m, "a")
	var before []int
	var listened []bool
	m.quiet = func() {
		before = append(before, len(w.requests(true)))
		s := must(m.Interface("c", "eth0"))
		listened = append(listened, s.Promiscuity > 0)
	}
	wantText(t, ask(t, p, false, sees("a", "b", "c")), "sees:a->b@c no\n")
	if len(before) != 2 || before[0] != 0 || before[1] == 0 || !listened[0] || listened[1] {
		t.Errorf("requests before each time that the switches had to notice: %v, with a listener: %v; want none with one, then some without", before, listened)
	}
}

// counting is rules that have counted what is under way only when the switches are idle.
type counting struct {
	ruledMachine
	arrived bool
	look    error // why silence cannot be proven
}

func (m *counting) Quiet(context.Context) error { m.arrived = true; return nil }

func (m *counting) LateSenders() ([]string, error) { return nil, nil }

func (m *counting) Look(context.Context) (silence.Look, error) { return silence.Look{}, m.look }

func (m *counting) Fence() error { return nil }

func (m *counting) Hits(string) (map[string]uint64, error) {
	if !m.arrived {
		return map[string]uint64{"deny/1": 2}, nil
	}
	return map[string]uint64{"deny/1": 3}, nil
}

// TestHitsOfWhatIsUnderWay: packets are counted when they have had their time to arrive at the rules, or when it is
// proven that they have arrived.
func TestHitsOfWhatIsUnderWay(t *testing.T) {
	for _, look := range []error{errors.ErrUnsupported, nil} {
		p := &Prober{Lab: &topology.Lab{}, Machine: &counting{look: look}}
		begin := time.Now()
		p.background.forged = begin
		if look == nil {
			p.background.forged = begin.Add(time.Minute)
		}
		r := ask(t, p, true, expect.Question{Kind: "hits", A: "virbr6/deny/1"})[0]
		if took := time.Since(begin); r.Got != "3" || look != nil && took < farewell || took > time.Minute {
			t.Errorf("%s hits after %v; want 3, and no sooner than %v after the last forged frame, unless silence is proven (%v)",
				r.Got, took, farewell, look)
		}
	}
}
