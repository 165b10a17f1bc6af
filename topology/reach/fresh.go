package reach

import (
	"fmt"
	"slices"
	"time"

	"labctl/topology"
	"labctl/topology/schedule"
)

// Times of the fresh mode. A pair that is not decided after quick is asked again later together with others; it costs
// time to say so too early, never truth.
const (
	quicker  = 4 * time.Millisecond // once there were manySlow of them
	manySlow = 128

	maxChunk = 512 // pairs between two looks for entries that nobody expected
)

// fresh asks every pair as if alone in a lab just brought up.
type fresh struct {
	*exchange
	permanent  map[entry]bool // entries that stay: the file's, or a person's
	pending    pendingForget
	maxPending int       // entries
	slowAt     time.Time // when a pair was last not decided at once
}

func newFresh(m *exchange) *fresh { return &fresh{exchange: m} }

// run asks the pairs, and leaves the tables as the last one that was answered does.
func (m *fresh) run() error {
	if err := m.ask(); err != nil {
		return err
	}
	m.leave()
	return nil
}

// ask asks the pairs.
//
// First each alone, one after the other, for a moment: most are decided by then, and only what they left behind is
// forgotten, before the first pair that could notice. The rest wait for something that does not come. Those go in
// batches, each from empty tables, put together so that no pair waits for a node that another pair makes ask: an
// incomplete entry is completed by any request of its owner. That this held is checked afterwards against what each
// pair was waiting for when it was alone; a pair for which it did not is asked once more with nobody else.
func (m *fresh) ask() error {
	room := m.b.room()
	if room < 1 {
		return errNoRoom
	}
	m.maxPending = min(room*entriesPerPair, pendingAtMost)
	if err := m.b.forgetAll(m.ctx); err != nil {
		return err
	}
	if err := m.findPermanent(); err != nil {
		return err
	}
	slow, err := m.runSequential()
	if err != nil {
		return err
	}
	var limited, rest []*pair
	for _, pr := range slow {
		if m.limited(pr) {
			limited = append(limited, pr)
		} else {
			rest = append(rest, pr)
		}
	}
	over := m.b.clock.in(PartBatches)
	err = m.runBatches(rest)
	if over(); err != nil {
		return err
	}
	over = m.b.clock.in(PartLimited)
	err = m.runRateLimited(limited)
	if over(); err != nil {
		return err
	}
	m.grace()
	for _, pr := range m.pairs {
		m.byKernel(pr)
	}
	m.closeTries()
	if err := m.investigate(false); err != nil {
		return err
	}
	if len(slow) > 0 {
		return m.b.forgetAll(m.ctx)
	}
	return nil
}

// findPermanent notes which entries are permanent: a deletion by address would take them too.
func (m *fresh) findPermanent() error {
	m.permanent = map[entry]bool{}
	return m.b.everyNeighbour(m.v6, func(node string, n topology.NeighbourEntry) {
		if n.State == "PERMANENT" {
			m.permanent[entry{node, n.Index, n.IP}] = true
		}
	})
}

// withoutPermanent takes the permanent entries off what a pair leaves behind: they were there before, and stay.
func (m *fresh) withoutPermanent(t residue) residue {
	t.entries = slices.DeleteFunc(t.entries, func(h hop) bool { return m.permanent[entry(h)] })
	return t
}

// leave makes the tables what the last answered pair of the table leaves behind, whatever order the pairs were asked
// in: a step with "neighbours: kept" begins there.
func (m *fresh) leave() {
	for _, pr := range slices.Backward(m.pairs) {
		if pr.word != "ok" {
			continue
		}
		last := *pr
		last.again()
		// The next request of the same ping, and so the same connection: rules that see the first of each see it once.
		m.request(&last, pr.key&^0xffff|(pr.key+1)&0xffff)
		m.await(&last, m.b.patience)
		return
	}
}

// runSequential asks the pairs one after the other and returns those not decided at once.
func (m *fresh) runSequential() (slow []*pair, err error) {
	for chunk := range slices.Chunk(schedule.Order(m.pairs, (*pair).ends), maxChunk) {
		for _, pr := range chunk {
			if err := m.askQuickly(pr, len(slow)); err != nil {
				return nil, err
			}
			if err := m.deferForget(pr); err != nil {
				return nil, err
			}
			if pr.word == "" {
				slow = append(slow, pr)
			}
		}
		if err := m.flushPending(); err != nil {
			return nil, err
		}
		n, err := m.unexpectedEntries()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		slow = slices.DeleteFunc(slow, func(pr *pair) bool { return slices.Contains(chunk, pr) })
		again, err := m.carefully(chunk)
		if err != nil {
			return nil, err
		}
		slow = append(slow, again...)
	}
	return slow, nil
}

// carefully asks the pairs of a chunk again, since some pair left more behind than its way says; now every node forgets
// everything after each.
func (m *fresh) carefully(chunk []*pair) (slow []*pair, err error) {
	for _, pr := range chunk {
		if err := m.b.forgetAll(m.ctx); err != nil {
			return nil, err
		}
		if err := m.askQuickly(pr, 0); err != nil {
			return nil, err
		}
		if pr.word == "" {
			slow = append(slow, pr)
		}
	}
	return slow, m.b.forgetAll(m.ctx)
}

// A request of an earlier pair may still be on its way when that pair has been forgotten: a macvlan hands broadcasts on
// by a kernel thread, a virtual switch by a process. Whoever it reaches then knows a neighbour that it never asked for.
const (
	lateFor   = 250 * time.Millisecond // how long after a pair that was not decided at once this is looked for
	lateTries = 3
)

// askQuickly tries a pair for a moment; if that does not decide it, it notes who waits for whom.
func (m *fresh) askQuickly(pr *pair, slow int) error {
	for range lateTries {
		if err := m.try(pr, slow); err != nil {
			return err
		}
		if pr.word != "" && time.Since(m.slowAt) > lateFor {
			break
		}
		told, err := m.learnedUnasked(pr)
		if err != nil {
			return err
		}
		if pr.learnedUnasked = told; !told {
			break
		}
		if err := m.b.forgetAll(m.ctx); err != nil {
			return err
		}
	}
	if pr.word == "" {
		m.slowAt = time.Now()
	}
	return nil
}

func (m *fresh) try(pr *pair, slow int) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	pr.again()
	m.tracePair(pr)
	pr.traces = m.withoutPermanent(pr.traces)
	m.b.ready(m.ctx, 1) // here, since what is owed must not wait long
	// Copies of the pair before still belong to that, and its broadcasts are nobody's news any more once they have
	// arrived.
	if err := m.b.machine.Idle(m.ctx); err != nil {
		return err
	}
	m.closeTries()
	if err := m.clear(pr); err != nil {
		return err
	}
	m.send(pr)
	d := quick
	if slow > manySlow {
		d = quicker
	}
	m.awaitBriefly(pr, d)
	m.learn(pr)
	if pr.word != "" && !pr.arp {
		return nil
	}
	var err error
	if pr.arp {
		if pr.holds, pr.exact, err = m.b.holds(m.own, pr.from, pr.dst); err != nil {
			return err
		}
	}
	if pr.word == "" {
		if err := m.flushPending(); err != nil {
			return err
		}
		pr.seen, err = m.snapshot(m.v6)
	}
	return err
}

// unexpectedEntries counts the entries, in the whole lab, that forgetting has missed.
func (m *fresh) unexpectedEntries() (int, error) {
	count := 0
	err := m.b.everyNeighbour(m.v6, func(_ string, n topology.NeighbourEntry) {
		if n.State != "PERMANENT" && n.State != "NONE" && n.State != "NOARP" {
			count++
		}
	})
	return count, err
}

// forget removes what the pair left behind, as its way says.
func (m *fresh) forget(pr *pair) error {
	t := pr.traces
	if t.all {
		return m.b.forgetAll(m.ctx)
	}
	if err := m.b.machine.Idle(m.ctx); err != nil {
		return err
	}
	if err := m.forgetEntries(t.entries); err != nil {
		return err
	}
	for _, n := range t.flush {
		if _, err := m.b.machine.FlushNeighbours(n); err != nil {
			return fmt.Errorf("forget the neighbours of %s: %w", n, err)
		}
	}
	routes := t.routes
	if pr.redirect != "" && !slices.Contains(routes, pr.sock.node) {
		routes = append(slices.Clone(routes), pr.sock.node)
	}
	for _, n := range routes {
		if err := m.b.machine.FlushRoutes(n); err != nil {
			return fmt.Errorf("forget the redirected routes of %s: %w", n, err)
		}
	}
	return nil
}

// settle decides a pair that nothing came for, and reads what its arp cell asks.
func (m *fresh) settle(pr *pair) error {
	if err := m.look(pr); err != nil {
		return err
	}
	m.giveUp(pr)
	return nil
}

// look reads what the tables say of a pair: that its neighbour failed, if nothing came, and what its arp cell asks.
func (m *fresh) look(pr *pair) error {
	if err := m.unanswered(pr); err != nil || !pr.arp {
		return err
	}
	var err error
	pr.holds, pr.exact, err = m.b.holds(m.own, pr.from, pr.dst)
	return err
}
