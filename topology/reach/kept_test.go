package reach

import (
	"testing"
	"time"

	"labctl/topology/expect"
)

// TestKeptSilenceIsShared: pairs that get nothing back wait together, and each for its own time.
func TestKeptSilenceIsShared(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	steps += "b: sysctl -qw net.ipv4.icmp_echo_ignore_all=1\nc: sysctl -qw net.ipv4.icmp_echo_ignore_all=1\n"
	p := &Prober{Lab: lab, Machine: build(t, lab, steps), Patience: 2 * time.Second}
	defer p.Close()
	ping := func(a, b string) expect.Question { return expect.Question{Kind: "ping", A: a, B: b} }
	began := time.Now()
	wantText(t, ask(t, p, true, ping("a", "b"), ping("a", "c"), ping("b", "c"), ping("b", "a")),
		"ping:a->b silent\nping:a->c silent\nping:b->c silent\nping:b->a ok\n")
	if took := time.Since(began); took < p.Patience || took > 2*p.Patience {
		t.Errorf("it took %v, want one patience of %v for the three", took, p.Patience)
	}
}
