package reach

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
)

// Prober asks a running lab questions. The exported fields may be changed between calls only; the methods may be called
// concurrently, and take turns, since one's traffic would be another's answer. Close it when the lab ends.
type Prober struct {
	Lab           *topology.Lab // the lab as it is, after the sets of its steps
	Machine       Machine
	NeighbourRoom int           // instead of Machine.NeighbourRoom when positive
	Patience      time.Duration // what silence means; 4 s when zero
	All           bool          // Judge also probes the cells that are not judged

	// Investigate, if not nil, is told of each ping that did not get through, before anything else is asked, and
	// returns what stopped it, or "". It may have the ping asked again to watch what that meets: again sends one
	// request, from the tables that it would find, and returns when what follows at once is over. Then, before the
	// tables are forgotten, it calls then, if that is not nil; if then returns true, another request follows, which
	// finds the neighbours that the first one found. What then is given says which way the frames went. Streams wait
	// meanwhile. It must not call the Prober's methods.
	Investigate Investigator

	// Waiting, if not nil, is told every second of a wait that a person would wonder about: for what, and how much of
	// it is over. It must return soon and not call the Prober's methods.
	Waiting func(what string, second, total int)

	mu         sync.Mutex // a call's
	memory     memory
	background background
}

// Ask asks the questions and returns their results in the same order. Kept is "neighbours: kept": nothing is forgotten,
// pings go one after the other, and one that misses a redirect may be asked again after 20.5 s; otherwise every pair is
// asked as if alone in a lab just brought up, and the tables are afterwards as the last answered pair, flow or request
// left them. Pings come first, then answers and sees, then streams, then what is only read. The error is ctx's or a
// question of a kind that is not known; what could not be asked is a Result.
func (p *Prober) Ask(ctx context.Context, qs []expect.Question, kept bool) ([]Result, error) {
	return p.ask(ctx, qs, nil, kept, false)
}

// ask is [Prober.Ask]. Of questions that are counted, by their places, a number is wanted, and all that come are waited
// for; nil: of none. With look nothing is sent or waited for.
func (p *Prober) ask(ctx context.Context, qs []expect.Question, counted []bool, kept, look bool) ([]Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bench()
	b.clock.tell = spentOf(ctx)
	if err := b.open(); err != nil {
		return nil, err
	}
	out := make([]Result, len(qs))
	byKind := map[string][]int{}
	var afterPings []int
	for i, q := range qs {
		pr := probeOf(q.Kind)
		if pr == nil {
			return nil, fmt.Errorf("question %d: no probe is called %q", i, q.Kind)
		}
		out[i] = Result{Question: q, Got: Unknown}
		if pr.afterPings && !kept {
			afterPings = append(afterPings, i)
		} else {
			byKind[q.Kind] = append(byKind[q.Kind], i)
		}
	}
	own, err := b.owners()
	if err != nil {
		for i := range out {
			out[i].Detail = err.Error()
		}
		return out, nil
	}
	a := &asking{b: b, bg: &p.background, own: own, kept: kept, look: look, counted: counted, out: out,
		afterPings: afterPings}
	for i := range probes {
		over := b.clock.in(probes[i].part)
		probes[i].ask(a, ctx, byKind[probes[i].kind])
		over()
	}
	return out, ctx.Err()
}

// Close closes the sockets. The prober may be used again: it opens new ones. It must be called when a node of the same
// Lab is made again; another Lab is noticed.
func (p *Prober) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory.close()
}

// bench is what a call's probes work with.
func (p *Prober) bench() *bench {
	b := &bench{lab: p.Lab, machine: p.Machine, patience: p.Patience, roomGiven: p.NeighbourRoom,
		investigate: p.Investigate,
		waiting:     p.Waiting, clock: &clock{}, busy: p.background.busy, memory: &p.memory}
	if b.patience <= 0 {
		b.patience = patience
	}
	return b
}

// Mark says that the set of a step has been done: streams that are only looked at are judged by what was sent since.
func (p *Prober) Mark() { p.background.setMark(p.Lab) }

// Address is what a ping, a connection or a datagram is sent to; the zero Addr where the question has no such target.
func (p *Prober) Address(q expect.Question) netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	to := q.B
	if expect.KindOf(q.Kind).Ports {
		to, _, _ = expect.SocketTarget(q.B)
	}
	t, _ := p.bench().target(to)
	switch q.Kind {
	case "ping", "mtu", "tcp", "udp":
		return t.IP
	case "ping6", "mtu6", "tcp6", "udp6":
		return t.IP6
	}
	return netip.Addr{}
}

// Stream begins to send echo requests, one at once and then one every so often, until ctx is done or it is stopped. It
// has a socket of its own and disturbs no question except as its packets do. Tables know it by its name; a later one of
// the same name takes its place there.
func (p *Prober) Stream(ctx context.Context, name string, from, to topology.Target,
	every time.Duration) (*Stream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return startStream(ctx, p.bench(), &p.background, name, from, to, every)
}

// Send forges frames and sends them from inside a node, as the node's own root would by a packet socket: no address,
// route or neighbour of the node plays a part, and its own address filter does not. The first frame, and all that have
// no time between them, have been sent when it returns; the others go on in the background until they are sent, ctx is
// done or it is stopped. Stations are resolved to the addresses that their interfaces have at this moment. Tables know
// it by its name, as [Prober.Overhear] says.
func (p *Prober) Send(ctx context.Context, a *topology.Send) (*Sending, error) {
	p.mu.Lock()
	s, err := newSending(p.bench(), &p.background, a)
	p.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("send from %s: %w", a.From.Text, err)
	}
	return s.begin(ctx, a)
}

// Overhear opens the listeners of the sees tables of an expectation, nil being none, that speak of frames which will be
// sent under the names given, or which are being sent in the background, and of no others: they are promiscuous, and so
// part of the experiment. It returns when the switches have noticed. It is called before a step acts; [Prober.Judge],
// or [Overhearing.Settle], listens to the end and closes them. Without such tables it opens nothing. Close it in any
// case.
func (p *Prober) Overhear(ctx context.Context, names []string, e *expect.Expectation) (*Overhearing, error) {
	o, cells := p.background.newOverhearing(p.bench(), names, sightings(e, p.All))
	if len(cells) == 0 {
		return o, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := o.begin(ctx, cells); err != nil {
		return nil, err
	}
	return o, nil
}

// Renew says that nodes were rebuilt: the step's open listeners hear on at their interfaces, and at those of other
// nodes that went with them. It returns when the switches have noticed. A question whose listener has nothing to hear
// on any more becomes [Unknown], unless it has heard already.
func (p *Prober) Renew(ctx context.Context, nodes []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.forgetLimits(nodes)
	o := p.background.listening()
	if o == nil {
		return nil
	}
	return o.renew(ctx, p.bench(), nodes)
}
