package reach

import (
	"context"
	"testing"
	"time"

	"labctl/topology/expect"
)

// TestStreamToNobody: what a stream sends is seen to leave, wherever it goes.
func TestStreamToNobody(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	from, _ := lab.Target("a")
	to, _ := lab.Target("b")
	s := must(p.Stream(context.Background(), "chat", from, to, 20*time.Millisecond))
	defer s.Stop()
	for end := time.Now().Add(5 * time.Second); s.Received() < 3 && time.Now().Before(end); {
		poll(nil, 5*time.Millisecond)
	}
	q := func(at string) expect.Question { return expect.Question{Kind: "sees", A: "chat", At: at} }
	wantText(t, ask(t, p, true, q("c")), "sees:chat->@c no\n")
	sh(t, "a", "ip neigh replace 10.0.0.2 dev eth0 lladdr "+sh(t, "c", "cat /sys/class/net/eth0/address")[:17])
	later := *lab
	p.Lab = &later // as after the set of a step
	rs := ask(t, p, true, q("b"), q("c"))
	wantText(t, rs, "sees:chat->@b no\nsees:chat->@c yes\n")
	if want := "not captured; requests of the stream left a"; rs[0].Detail != want {
		t.Errorf("%s, want %s", rs[0].Detail, want)
	}
}
