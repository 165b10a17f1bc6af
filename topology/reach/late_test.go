package reach

import (
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
)

// belated lets a request of b reach a only when a has been made to forget b, once.
type belated struct {
	*liveMachine
	arrive func()
}

func (m *belated) DeleteNeighbours(node string, entries []topology.NeighbourEntry) error {
	err := m.liveMachine.DeleteNeighbours(node, entries)
	if node == "a" && m.arrive != nil {
		m.arrive()
		m.arrive = nil
	}
	return err
}

// interrupting lets a request of b reach a while a waits in a batch, once: when it has been made to forget for the
// second time.
type interrupting struct {
	*liveMachine
	flushed int
	arrive  func()
}

func (m *interrupting) FlushNeighbours(node string) (int, error) {
	n, err := m.liveMachine.FlushNeighbours(node)
	if node != "a" {
		return n, err
	}
	if m.flushed++; m.flushed == 2 {
		time.AfterFunc(50*time.Millisecond, m.arrive)
	}
	return n, err
}

// TestTellingInABatch: who is told of its neighbour while it waits for the answer that never comes is asked again.
func TestTellingInABatch(t *testing.T) {
	lab, live := order(t)
	m := &interrupting{liveMachine: live}
	p := &Prober{Lab: lab, Machine: m, Patience: 1200 * time.Millisecond}
	defer p.Close()
	own := must(p.bench().owners())
	b, _ := own.link("b", "eth0")
	arrived := make(chan struct{})
	m.arrive = func() {
		sh(t, "a", "ip neigh replace 10.0.0.2 lladdr "+b.MAC.String()+" dev eth0 nud stale")
		close(arrived)
	}
	wantText(t, ask(t, p, false, expect.Question{Kind: "ping", A: "a", B: "b"}), "ping:a->b no-arp\n")
	select {
	case <-arrived:
	default:
		t.Error("nothing came meanwhile, so this proves nothing")
	}
}

// TestLateRequest: a pair must not find what an earlier pair's broadcast has left at its sender after that was
// forgotten.
func TestLateRequest(t *testing.T) {
	lab, live := order(t)
	m := &belated{liveMachine: live}
	p := &Prober{Lab: lab, Machine: m, Patience: 1200 * time.Millisecond}
	defer p.Close()
	own := must(p.bench().owners())
	b, _ := own.link("b", "eth0")
	arrived := false
	m.arrive = func() {
		arrived = true
		sh(t, "a", "ip neigh replace 10.0.0.2 lladdr "+b.MAC.String()+" dev eth0 nud stale")
	}
	ping := func(a, b string) expect.Question { return expect.Question{Kind: "ping", A: a, B: b} }
	wantText(t, ask(t, p, false, ping("b", "a"), ping("a", "b")), "ping:b->a silent\nping:a->b no-arp\n")
	if !arrived {
		t.Error("nothing came late, so this proves nothing")
	}
}
