package reach

import (
	"errors"
	"time"

	"labctl/topology"
	"labctl/topology/schedule"

	"golang.org/x/sys/unix"
)

// A router's own "no route" errors: five to each source, then one a second (ip_error, net/ipv4/route.c). So a try after
// more than a second is answered; the others are for a redirect that has taken its turn.
const (
	errorSpace = 1050 * time.Millisecond
	errorTries = 3
)

// limited reports whether the pair waits for an error that a router may keep to itself: its own "no route".
func (m *fresh) limited(pr *pair) bool {
	w := pr.path
	if w == nil || len(pr.seen.waiting) > 0 || w.err == nil || w.errAt == pr.sock.node {
		return false
	}
	on, err := m.b.machine.Forwards(w.errAt, family(m.v6), w.errIn)
	if err == nil && !on {
		return false // it has no errors for what is for others (ip_error)
	}
	if errors.Is(w.err, unix.EHOSTUNREACH) {
		return on || !m.closed(pr) // one that forwards has an unreachable route, be it for others alone
	}
	return errors.Is(w.err, unix.ENETUNREACH) || errors.Is(w.err, unix.EACCES)
}

// closed reports whether the node that would not send the request on does not forward at all: it knows a way itself,
// and still has none for others (ip_route_input_slow). Such a node says nothing, at whatever rate.
func (m *fresh) closed(pr *pair) bool {
	r, err := m.b.machine.Route(pr.path.errAt, topology.RouteQuery{Dst: pr.dst})
	return err == nil && !r.Local
}

// runRateLimited asks each source's pairs one after the other, more than a second apart, until they are answered or
// have been asked often enough. Those that nothing came for are listened for together to the end.
func (m *fresh) runRateLimited(prs []*pair) error {
	turns := schedule.NewTurns(prs, func(pr *pair) string { return pr.sock.node }, errorTries)
	var lost []*pair
	for turns.Left() > 0 {
		if err := m.b.forgetAll(m.ctx); err != nil {
			return err
		}
		m.closeTries()
		begin := time.Now()
		round := turns.Round()
		for _, pr := range round {
			pr.again()
			m.send(pr)
		}
		m.awaitAll(round, begin.Add(errorSpace))
		if err := m.resolved(round); err != nil {
			return err
		}
		for _, pr := range round {
			if !turns.Over(pr, pr.word != "") {
				continue
			}
			if err := m.look(pr); err != nil {
				return err
			}
			lost = append(lost, pr)
		}
		if turns.Left() > 0 {
			m.rest(begin.Add(errorSpace))
		}
		if err := m.ctx.Err(); err != nil {
			return err
		}
	}
	for _, pr := range lost {
		if !pr.nothing {
			m.awaitAll([]*pair{pr}, pr.sent.Add(m.b.patience))
		}
		m.giveUp(pr)
	}
	return m.ctx.Err()
}

// resolved waits for the pairs as long as some node still asks for a neighbour: a request may be waiting there.
func (m *fresh) resolved(prs []*pair) error {
	for _, pr := range prs {
		if pr.word == "" {
			if err := m.quiet(pr, m.b.patience, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest lets a limiter's second pass.
func (m *fresh) rest(until time.Time) {
	for m.ctx.Err() == nil && time.Now().Before(until) {
		m.poll(nil, time.Until(until))
	}
}
