package reach

import (
	"context"
	"strings"
	"testing"

	"labctl/switchcore"
	"labctl/topology/expect"
)

// TestListenersThatAreNotPromiscuous: without asking, a veth hears all that arrives, and the detail says what is for
// others; the interface stays as it is.
func TestListenersThatAreNotPromiscuous(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	steps += "s1: ip link set s1 type bridge ageing_time 0 && ip link set s1 type bridge fdb_flush\n"
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	r, err := p.Judge(context.Background(), counted("a->b@c yes"))
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Tables[0].Cells[0].Result.Detail; d != "it was captured there" {
		t.Errorf("a promiscuous listener says %q", d)
	}
	plain := counted("a->b@b yes", "a->b@c yes")
	for _, c := range plain.Tables[0].Cells {
		c.Question.With = "promiscuous=false"
	}
	if r, err = p.Judge(context.Background(), plain); err != nil {
		t.Fatal(err)
	}
	b, c := r.Tables[0].Cells[0].Result, r.Tables[0].Cells[1].Result
	if b.Got != "yes" || b.Detail != "it was captured there" {
		t.Errorf("b: %s: %s", b.Got, b.Detail)
	}
	if c.Got != "yes" || !strings.Contains(c.Detail, "for another MAC") {
		t.Errorf("c: %s: %s", c.Got, c.Detail)
	}
	sh(t, "c", "ip link set eth0 promisc on")
	if r, err = p.Judge(context.Background(), plain); err != nil {
		t.Fatal(err)
	}
	if d := r.Tables[0].Cells[1].Result.Detail; !strings.Contains(d, "something else keeps c:eth0 promiscuous") {
		t.Errorf("c, promiscuous: %s", d)
	}
}

// watching notes how many listen promiscuously at an interface when the listeners are open.
type watching struct {
	*liveMachine
	most int
}

func (m *watching) Quiet(ctx context.Context) error {
	if s, err := m.Interface("c", "eth0"); err == nil {
		m.most = max(m.most, s.Promiscuity)
	}
	return m.liveMachine.Quiet(ctx)
}

// TestNotPromiscuousAsksForNothing: neither for what is sent nor for a pair is anything asked of the interface, and
// what is asked both ways at once is not answered.
func TestNotPromiscuousAsksForNothing(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := &watching{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	all := frameFrom(t, lab, "all", "a")
	all.Dst.MAC = switchcore.MAC{255, 255, 255, 255, 255, 255}
	plain, promiscuous := sees("all", "", "c"), sees("all", "", "c")
	plain.With = "promiscuous=false"
	flow := sees("a", "b", "c")
	flow.With = plain.With
	for _, c := range []struct {
		asks []expect.Question
		most int
		want string
	}{
		{[]expect.Question{plain, flow}, 0, "sees,promiscuous=false:all@c yes\nsees,promiscuous=false:a->b@c no\n"},
		{[]expect.Question{promiscuous}, 1, "sees:all@c yes\n"},
		{[]expect.Question{plain, promiscuous}, 1, "sees,promiscuous=false:all@c unknown\nsees:all@c yes\n"},
	} {
		m.most = 0
		if got := acted(t, p, seesTable(c.asks...), all); got != c.want {
			t.Errorf("%s\nwant:\n%s", got, c.want)
		}
		if m.most != c.most {
			t.Errorf("%v: promiscuity %d, want %d", c.asks, m.most, c.most)
		}
	}
}
