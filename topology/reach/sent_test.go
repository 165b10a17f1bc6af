package reach

import (
	"context"
	"testing"
	"time"

	"labctl/topology/cause"
	"labctl/topology/expect"

	"golang.org/x/sys/unix"
)

// A ping knows its own requests, and whoever has it asked again leaves nobody asking for a neighbour, or that would go
// on without it.
func TestWhatAPingHasSent(t *testing.T) {
	lab, steps := segment(500, "a 10.0.0.1/24", "b 10.0.0.2/24")
	lab.Names = append(lab.Names, dead(0), dead(1))
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	asked := 0
	p.Investigate = func(_ context.Context, q expect.Question, again Again) []cause.Cause {
		asked++
		if err := again(nil); err != nil {
			t.Errorf("ask %s again: %v", q, err)
		}
		ns, err := m.Neighbours(q.A, unix.AF_INET)
		if err != nil {
			t.Error(err)
		}
		for _, n := range ns {
			if n.State == "INCOMPLETE" {
				t.Errorf("%s still asks for %s", q.A, n.IP)
			}
		}
		return nil
	}
	ask(t, p, true, expect.Question{Kind: "ping", A: "a", B: dead(0).Name})
	if ns, err := m.Neighbours("a", unix.AF_INET); err != nil || asked != 1 || len(ns) != 1 || ns[0].IP != dead(0).IP {
		t.Errorf("asked again %d times, a ping that keeps tables leaves %+v, %v", asked, ns, err)
	}
	asked = 0
	begin := time.Now()
	rs := ask(t, p, false, expect.Question{Kind: "ping", A: "a", B: "b"}, expect.Question{Kind: "ping", A: "a", B: dead(0).Name}, expect.Question{Kind: "ping", A: "b", B: dead(1).Name})
	end := time.Now()
	if asked != 2 {
		t.Errorf("%d pings were asked again", asked)
	}
	keys := map[uint32]bool{}
	for _, r := range rs {
		if r.Sent.Cookie != p.memory.cookie || len(r.Sent.Tries) == 0 {
			t.Errorf("%s: %+v", r.Question, r.Sent)
		}
		for _, try := range r.Sent.Tries {
			if keys[try.Key] || try.From.Before(begin) || try.Until.Before(try.From) || try.Until.After(end) {
				t.Errorf("%s: %+v", r.Question, try)
			}
			keys[try.Key] = true
		}
	}
	first, last := rs[0].Sent.Tries[0], rs[1].Sent.Tries[0]
	if last.From.Before(first.Until) && first.From.Before(last.Until) {
		t.Error("pings that are asked alone are under way at once")
	}
	if s := rs[1].Sent; !s.During(last.From) || s.During(begin) || s.During(end) {
		t.Errorf("under way at the wrong time: %+v", s)
	}
}
