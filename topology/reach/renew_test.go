package reach

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"labctl/switchcore"
	"labctl/topology"
)

// remake removes a host's interface and makes it again, with another index and another address of its own.
func remake(t testing.TB, host, addr string) {
	t.Helper()
	sh(t, host, "ip link del eth0")
	sh(t, "", "ip link add eth0 netns "+host+" type veth peer name "+host+" netns s1")
	sh(t, "s1", "ip link set dev "+host+" master s1 up")
	sh(t, host, "ip link set eth0 up; ip addr add "+addr+" dev eth0")
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); poll(nil, 5*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// TestListenersOfRemovedInterfaces: what was listened on and is gone proves nothing, unless it was renewed.
func TestListenersOfRemovedInterfaces(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	early, late := frameFrom(t, lab, "early", "a"), frameFrom(t, lab, "late", "a")
	for _, s := range []*topology.Send{early, late} {
		s.Dst.MAC = switchcore.MAC{255, 255, 255, 255, 255, 255}
	}
	e := seesTable(sees("early", "", "b"), sees("early", "", "c"), sees("late", "", "b"), sees("late", "", "c"))
	for _, c := range []struct {
		renewed, away bool
		want          []string
	}{
		{want: []string{"yes", "yes", Unknown, "yes"}},
		{renewed: true, want: []string{"yes", "yes", "yes", "yes"}},
		{renewed: true, away: true, want: []string{"yes", "yes", Unknown, "yes"}},
	} {
		ctx := context.Background()
		o := must(p.Overhear(ctx, []string{early.Name, late.Name}, e))
		must(p.Send(ctx, early))
		remake(t, "b", "10.0.0.2/24")
		if c.away {
			sh(t, "b", "ip link set eth0 down")
		}
		if c.renewed {
			if err := p.Renew(ctx, nil); err != nil {
				t.Error(err)
			}
		}
		must(p.Send(ctx, late))
		var got []string
		for _, k := range must(p.Judge(ctx, e)).Tables[0].Cells {
			if got = append(got, k.Result.Got); k.Result.Got == Unknown && !strings.Contains(k.Result.Detail, "rebuilt") {
				t.Errorf("unknown because %s", k.Result.Detail)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("renewed %v, away %v: got %v, want %v", c.renewed, c.away, got, c.want)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := p.Renew(context.Background(), nil); err != nil {
		t.Errorf("nobody listens: %v", err)
	}
}

// disturbed does something, once, when it is asked to be quiet: when the listeners are open.
type disturbed struct {
	*liveMachine
	do func()
}

func (m *disturbed) Quiet(context.Context) error {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return nil
}

// TestSeesWithAnInterfaceThatGoes: the same of a sees table's own request.
func TestSeesWithAnInterfaceThatGoes(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := &disturbed{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	q := sees("a", "b", "c")
	wantText(t, ask(t, p, false, q), "sees:a->b@c no\n")
	m.do = func() { remake(t, "c", "10.0.0.3/24") }
	rs := ask(t, p, false, q)
	if rs[0].Got != Unknown || !strings.Contains(rs[0].Detail, "c:eth0 was removed or rebuilt") {
		t.Errorf("got %s (%s), want unknown and why", rs[0].Got, rs[0].Detail)
	}
}

// TestSendersFollowTheirInterface: what is sent by an interface goes on by the one that takes its place.
func TestSendersFollowTheirInterface(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	ctx := context.Background()
	from, _ := lab.Target("a:eth0")
	to, _ := lab.Target("b")
	other, _ := lab.Target("c") // lies about a itself, whose MAC is another one later, would lead the stream's answers astray
	s := must(p.Stream(ctx, "chat", from, to, 10*time.Millisecond))
	defer s.Stop()
	f := frameFrom(t, lab, "beat", "a")
	f.Dst.MAC, f.Count, f.Every, f.Endless = switchcore.MAC{255, 255, 255, 255, 255, 255}, 0, 5*time.Millisecond, true
	k := must(p.Send(ctx, f))
	defer k.Stop()
	lies := must(p.Spoof(ctx, &topology.ARPSpoof{From: from, Victim: to, Claims: other, Every: 5 * time.Millisecond}))
	defer func() { _ = lies.Stop(true) }()
	until(t, "the stream is answered at first", func() bool { return s.Received() >= 3 })
	sh(t, "a", "ip link set eth0 down")
	remake(t, "a", "10.0.0.1/24")
	received, left, lied := s.Received(), k.Left(), lies.sent.Load()
	until(t, "the stream is answered again", func() bool { return s.Received() >= received+3 })
	until(t, "the frames leave again", func() bool { return k.Left() >= left+3 })
	until(t, "replies are forged again", func() bool { return lies.sent.Load() >= lied+3 })
	remake(t, "a", "10.0.0.7/24") // another address too
	received = s.Received()
	until(t, "the stream is answered at its new address", func() bool { return s.Received() >= received+3 })
	if k.Stop(); k.Wait(ctx) != nil {
		t.Errorf("ended with %v", k.Wait(ctx))
	}
}

// parking keeps a frame until it is asked whether it is idle, as a switch that has a suspect one does.
type parking struct {
	*liveMachine
	release func()
}

func (m *parking) Idle(context.Context) error {
	if do := m.release; do != nil {
		m.release = nil
		do()
	}
	return nil
}

// TestFramesUnderWayAreWaitedFor: a no about a forged frame needs switches that have nothing of it any more.
func TestFramesUnderWayAreWaitedFor(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "d 10.0.0.4/24")
	m := &parking{liveMachine: build(t, lab, steps+"s1: bridge link set dev a isolated on\ns1: bridge link set dev b isolated on\n")}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	f := frameFrom(t, lab, "one", "a")
	f.Dst.MAC = switchcore.MAC{255, 255, 255, 255, 255, 255}
	again := *f
	again.From, _ = lab.Target("d")
	again.Name, again.Src.MAC = "copy", must(p.bench().owners()).links["a"][1].MAC
	again.Payload = []byte("one")
	released := false
	m.release = func() {
		poll(nil, 2*farewell)
		released = true
		own := must(p.bench().owners())
		d, _ := own.link("d", "eth0")
		raw := must(p.bench().forge(own, &again, d))
		fd := must(m.Socket("d", 17, 3, 0))
		s := &Sending{b: p.bench(), g: &p.background, node: "d", fd: fd, index: d.Index, frame: raw}
		if err := s.put(); err != nil {
			t.Error(err)
		}
	}
	if got := acted(t, p, seesTable(sees("one", "", "b")), f); got != "sees:one@b yes\n" || !released {
		t.Errorf("got %s, released %v", got, released)
	}
}

// TestSeesListensAsLongAsAnswersTake: behind an answer that took its time a copy may take as long.
func TestSeesListensAsLongAsAnswersTake(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	if err := p.bench().open(); err != nil {
		t.Fatal(err)
	}
	own := must(p.bench().owners())
	a := &asking{b: p.bench(), bg: &p.background, own: own}
	w := newWatch(context.Background(), a)
	defer func() { _ = w.close(context.Background()) }()
	f := w.flow(sees("a", "b", "b"))
	if f.unknown != nil {
		t.Fatal(f.unknown)
	}
	f.pr.rtt = 100 * time.Millisecond
	if d := w.m.lingering(); d != 300*time.Millisecond {
		t.Errorf("listens on for %v after an answer that took 100 ms, want 300 ms", d)
	}
}
