package reach

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
)

// Unknown is the outcome of a question that could not be asked. It is never what a file wants.
const Unknown = "unknown"

// patience is how long nothing must come back before that is called silence: longer than the 3.06 s that a stock kernel
// takes to give up a neighbour.
const patience = 4 * time.Second

// Prober asks a running lab questions. The exported fields may be changed between calls only; the methods may be called
// concurrently, and take turns, since one's traffic would be another's answer. Close it when the lab ends.
type Prober struct {
	Lab           *topology.Lab // the lab as it stands, after the sets of its steps
	Machine       Machine
	NeighbourRoom int           // instead of Machine.NeighbourRoom when positive
	Patience      time.Duration // what silence means; 4 s when zero
	All           bool          // Judge also probes the cells that are not judged

	// Investigate, if not nil, is told of each ping that did not get through, before anything else is asked, and returns what stopped
	// it, or "". It may have the ping asked again to watch what that meets: again sends one request, from the tables that it would
	// find, and returns when what follows at once is over. With between, which is called then, another request follows, which finds the
	// neighbours that the first one found. Streams wait meanwhile. It must not call the Prober's methods.
	Investigate func(ctx context.Context, failed expect.Question, again func(between func()) error) string

	// Waiting, if not nil, is told every second of a wait that a person would wonder about: for what, and how much of it is over.
	// It must return soon and not call the Prober's methods.
	Waiting func(what string, second, total int)

	mu        sync.Mutex
	lab       *topology.Lab // that the sockets were opened for
	sockets   map[socketKey]*echoSocket
	cookie    [8]byte // in every probe of this prober: tells them from a stranger's ping
	redirects map[limiter]*redirected
	ids       identifiers

	hush     sync.RWMutex // held for writing while streams must not send
	named    sync.Mutex   // guards what follows; never held while something is waited for
	streams  map[string]*Stream
	sendings map[string]*Sending // in the background
	over     *Overhearing        // the listeners that are open, nil if none are
	mark     time.Time           // when the set of the step was done
	markLab  *topology.Lab
	forged   time.Time // when the last forged frame was sent
}

// Result is the answer to a question.
type Result struct {
	Question expect.Question
	Got      string        // a word of the table's grammar; [Unknown] when it could not be asked
	Exact    []string      // Got said to the interface, where a node's several interfaces can be told apart (arp, answers, route)
	Detail   string        // a sentence for a person, in ping's own words where it has some
	RTT      time.Duration // of an answered ping, else 0
	Why      string        // what stopped a ping that did not get through, rules and switches, where the caller finds it out; else ""
	Hops     []Hop         // of a ping that did not get through: where, by its outcome, somebody may have asked for a next hop in vain
	Sent     Sent          // of a ping

	lost int // of a count of frames: how many more there may be
}

// Ask asks the questions and returns their results in the same order. Kept is "neighbours: kept": nothing is forgotten,
// pings go one after the other, and one that misses a redirect may be asked again after 20.5 s; otherwise every pair is asked as if alone in a lab just brought up, and the tables are
// afterwards as the last answered pair, flow or request left them. Pings come first, then answers and sees, then streams, then
// what is only read. The error is ctx's or a question of a kind that is not known; what could not be asked is a Result.
func (p *Prober) Ask(ctx context.Context, qs []expect.Question, kept bool) ([]Result, error) {
	return p.ask(ctx, qs, kept, false)
}

// ask is [Prober.Ask]; with look nothing is sent or waited for.
func (p *Prober) ask(ctx context.Context, qs []expect.Question, kept, look bool) ([]Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.init(); err != nil {
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
	own, err := p.owners()
	if err != nil {
		for i := range out {
			out[i].Detail = err.Error()
		}
		return out, nil
	}
	a := &asking{p: p, own: own, kept: kept, look: look, out: out, afterPings: afterPings}
	for i := range probes {
		probes[i].ask(a, ctx, byKind[probes[i].kind])
	}
	return out, ctx.Err()
}

// asking is one call of Ask.
type asking struct {
	p    *Prober
	own  *owners
	kept bool
	look bool // take what is known, send nothing
	out  []Result

	afterPings []int // questions that are answered by what pings leave behind
}

// fail says of some questions that they could not be asked.
func (a *asking) fail(at []int, err error) {
	for _, i := range at {
		a.out[i].Got, a.out[i].Detail = Unknown, err.Error()
	}
}

func (p *Prober) init() error {
	if p.lab != p.Lab {
		// A node of another lab may be another namespace, in which an old socket would go on asking the dead one.
		if err := p.closeLocked(); err != nil {
			return err
		}
		p.lab = p.Lab
	}
	if p.sockets != nil {
		return nil
	}
	if p.cookie == [8]byte{} { // once: a stream outlives the lab that it was begun in
		var b [12]byte
		if _, err := rand.Read(b[:]); err != nil {
			return fmt.Errorf("choose an identifier for probes: %w", err)
		}
		copy(p.cookie[:], b[:8])
		p.ids.next = binary.BigEndian.Uint32(b[8:])
	}
	p.sockets = map[socketKey]*echoSocket{}
	if p.redirects == nil { // routers remember across a step's set, which makes another Lab and closes the sockets
		p.redirects = map[limiter]*redirected{}
	}
	return nil
}

// Close closes the sockets. The prober may be used again: it opens new ones. It must be called when a node of the same Lab
// is made again; another Lab is noticed.
func (p *Prober) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closeLocked()
}

func (p *Prober) closeLocked() error {
	var errs []error
	for _, s := range p.sockets {
		errs = append(errs, s.close())
	}
	p.sockets = nil
	return errors.Join(errs...)
}

// Mark says that the set of a step has been done: streams that are only looked at are judged by what was sent since.
func (p *Prober) Mark() {
	p.named.Lock()
	defer p.named.Unlock()
	p.mark, p.markLab = time.Now(), p.Lab
}

// marked is the moment of the last mark. Another Lab is another state: nobody having said so, it began when it was noticed.
func (p *Prober) marked() time.Time {
	p.named.Lock()
	defer p.named.Unlock()
	if p.markLab != p.Lab {
		p.mark, p.markLab = time.Now(), p.Lab
	}
	return p.mark
}

func (p *Prober) patience() time.Duration {
	if p.Patience > 0 {
		return p.Patience
	}
	return patience
}

// unknownRoom is taken when the machine does not say: half of a stock machine's gc_thresh3 of 1024.
const unknownRoom = 512

// entriesPerPair is how many neighbour entries a pair may make: two for each of two hops.
const entriesPerPair = 4

// room is how many pairs may be under way at once without overflowing the machine's neighbour table; 0: none.
func (p *Prober) room() int {
	n := p.NeighbourRoom
	if n <= 0 {
		n = p.Machine.NeighbourRoom()
	}
	if n < 0 {
		n = unknownRoom
	}
	return min(n/entriesPerPair, maxBatch)
}

// forgetAll makes every node forget its neighbour entries and redirected routes, when nothing is under way that would tell them anew.
func (p *Prober) forgetAll(ctx context.Context) error {
	if err := p.Machine.Idle(ctx); err != nil {
		return err
	}
	for _, n := range p.Lab.Nodes {
		if _, err := p.Machine.FlushNeighbours(n.Name); err != nil {
			return fmt.Errorf("forget the neighbours of %s: %w", n.Name, err)
		}
	}
	return forgetRoutes(p)
}

// forgetRoutes makes every node forget the routes that it was redirected to.
func forgetRoutes(p *Prober) error {
	for _, n := range p.Lab.Nodes {
		if err := p.Machine.FlushRoutes(n.Name); err != nil {
			return fmt.Errorf("forget the redirected routes of %s: %w", n.Name, err)
		}
	}
	return nil
}
