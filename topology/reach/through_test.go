package reach

import (
	"context"
	"testing"
	"time"

	"labctl/topology"
)

// TestSeesAtAPortOfASwitch: what leaves by a port is as much there as what comes in.
func TestSeesAtAPortOfASwitch(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	for _, h := range []string{"a", "b", "c"} {
		lab.Nodes[0].Interfaces = append(lab.Nodes[0].Interfaces, &topology.Interface{Name: h, Type: topology.Veth, Master: "s1"})
	}
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	wantText(t, ask(t, p, false, sees("a", "b", "s1:a"), sees("a", "b", "s1:b"), sees("a", "b", "s1:c")),
		"sees:a->b@s1:a yes\nsees:a->b@s1:b yes\nsees:a->b@s1:c no\n")
}

// TestSentBeforeAnybodyListened: a frame that left before there were listeners proves nothing by not being heard.
func TestSentBeforeAnybodyListened(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	ctx := context.Background()
	s := frameFrom(t, lab, "beat", "a")
	s.Dst, s.Every, s.Endless = topology.Station{Node: "b"}, time.Hour, true
	k, err := p.Send(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Stop()
	e := seesTable(sees("beat", "", "b"))
	o, err := p.Overhear(ctx, nil, e)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	k.Stop()
	r, err := p.Judge(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Tables[0].Cells[0].Result; k.Left() != 1 || c.Got != Unknown {
		t.Errorf("%d left before: %s (%s), want unknown", k.Left(), c.Got, c.Detail)
	}
}
