package reach

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
)

// matrix is the pings of one family in one call of Ask.
type matrix struct {
	p     *Prober
	ctx   context.Context
	own   *owners
	v6    bool
	pairs []*pair
	tries map[uint32]*pair // by the key of the request
	open  []*pair          // whose last try is not over
	ways  map[wayKey]*way

	permanent map[entry]bool // entries that stay: the file's, or a person's

	owed   owed
	mayOwe int              // entries
	turned int              // redirects that have come
	mute   map[limiter]bool // that were waited out, and sent nothing all the same
	slowAt time.Time        // when a pair was last not decided at once

	pkt [echoLen]byte
	buf [2048]byte
}

func newMatrix(ctx context.Context, a *asking) *matrix {
	return &matrix{p: a.p, ctx: ctx, own: a.own, tries: map[uint32]*pair{}, ways: map[wayKey]*way{}}
}

type wayKey struct {
	node, oif string
	dst       netip.Addr
}

// echoes asks the ping questions of one family, and in fresh mode the arp questions that go with them.
func (a *asking) echoes(ctx context.Context, at []int, v6 bool) {
	m := newMatrix(ctx, a)
	m.v6 = v6
	index := map[[2]string]*pair{}
	for _, i := range at {
		m.add(a, index, i)
	}
	for _, i := range a.afterPings {
		if to, ok := a.p.target(a.out[i].Question.B); ok && to.IP.IsValid() == v6 {
			continue
		}
		if pr := m.add(a, index, i); pr != nil {
			pr.arp = true
		}
	}
	if len(m.pairs) == 0 {
		return
	}
	run := m.fresh
	if a.kept {
		run = m.kept
	}
	err := run()
	for _, pr := range m.pairs {
		if pr.word == "" && err != nil {
			pr.decide(Unknown, err.Error())
		}
		m.report(a, pr)
	}
}

// add finds or makes the pair of a question; nil, and the reason in the result, when it cannot be asked.
func (m *matrix) add(a *asking, index map[[2]string]*pair, i int) *pair {
	q := a.out[i].Question
	pr := index[[2]string{q.A, q.B}]
	if pr == nil {
		var err error
		if pr, err = m.pair(q, m.v6); err != nil {
			a.fail([]int{i}, err)
			return nil
		}
		index[[2]string{q.A, q.B}] = pr
		m.pairs = append(m.pairs, pr)
	}
	pr.asked = append(pr.asked, i)
	return pr
}

func (m *matrix) pair(q expect.Question, v6 bool) (*pair, error) {
	from, to, err := m.p.ends(q)
	if err != nil {
		return nil, err
	}
	pr := &pair{from: from, to: to, dst: to.IP}
	if v6 {
		pr.dst = to.IP6
	}
	if !pr.dst.IsValid() {
		return nil, fmt.Errorf("%s has no address of this family", q.B)
	}
	if pr.sock, err = m.p.echoSocket(from.Node, v6); err != nil {
		return nil, err
	}
	if v6 {
		pr.addr = &unix.SockaddrInet6{Addr: pr.dst.As16()}
	} else {
		pr.addr = &unix.SockaddrInet4{Addr: pr.dst.As4()}
	}
	if from.Interface == "" {
		return pr, nil
	}
	l, ok := m.own.link(from.Node, from.Interface)
	if !ok {
		return nil, fmt.Errorf("%s has no interface %s now", from.Node, from.Interface)
	}
	pr.bind(l)
	return pr, nil
}

// ends resolves the two sides of a question; the first must be a node.
func (p *Prober) ends(q expect.Question) (from, to topology.Target, err error) {
	from, ok := p.target(q.A)
	if !ok || from.Node == "" {
		return from, to, fmt.Errorf("%q is not a node of this lab", q.A)
	}
	if to, ok = p.target(q.B); !ok {
		return from, to, fmt.Errorf("%q is neither a node nor a name of this lab", q.B)
	}
	return from, to, nil
}

// report writes a pair's outcome into the results of its questions.
func (m *matrix) report(a *asking, pr *pair) {
	word, detail := pr.outcome()
	if word == "" {
		word, detail = Unknown, "not asked"
	}
	pr.over()
	for _, i := range pr.asked {
		r := &a.out[i]
		if r.Question.Kind == "arp" {
			r.Got, r.Exact, r.Detail = pr.holds, pr.exact, "after: "+detail
			if pr.holds == "" || word == Unknown {
				r.Got, r.Exact, r.Detail = Unknown, nil, detail
			}
			continue
		}
		r.Got, r.Detail, r.RTT, r.Hops, r.Sent = word, detail, pr.rtt, pr.suspects(), Sent{a.p.cookie, pr.tries}
	}
}

// wayTo walks there, once for each sender and address.
func (m *matrix) wayTo(node string, q topology.RouteQuery) *way {
	k := wayKey{node, q.OIF, q.Dst}
	w := m.ways[k]
	if w == nil {
		w = m.own.walk(m.p.Machine, node, q)
		m.ways[k] = w
	}
	return w
}

// query is the sender's own look-up of its route.
func (pr *pair) query() topology.RouteQuery {
	if pr.bound.OIF != "" {
		return pr.bound
	}
	return topology.RouteQuery{Dst: pr.dst}
}

// plot finds out which way the pair goes and what that leaves behind.
func (m *matrix) plot(pr *pair) {
	w := m.wayTo(pr.sock.node, pr.query())
	pr.way = w
	var back *way
	if w.src.IsValid() && len(w.hops) > 0 {
		back = m.wayTo(w.nodes[len(w.nodes)-1], topology.RouteQuery{Dst: w.src})
	}
	pr.back = back
	pr.traces = m.spare(left(w, back))
}

// send makes a new try, which is a connection of its own to connection tracking: the entry of an earlier one may come from rules that
// are not loaded any more. A refusal by the sender's kernel decides the pair.
func (m *matrix) send(pr *pair) {
	m.p.ready(m.ctx, 1)
	m.request(pr, m.p.ids.take(time.Now()))
}

// request makes a try with the request of that key.
func (m *matrix) request(pr *pair, key uint32) {
	pr.key = key
	m.tries[key] = pr
	m.tried(pr)
	putEcho(m.pkt[:], pr.sock.v6, key, m.p.cookie)
	pr.sent = time.Now()
	if err := pr.sock.send(m.pkt[:], pr.oob, pr.addr); err != nil {
		pr.refused(err)
	}
}

// drain takes in all that has arrived at a socket.
func (m *matrix) drain(s *echoSocket) {
	for {
		ev, ok := s.receive(m.buf[:], m.p.cookie)
		if !ok {
			return
		}
		if ev.kind == gotRedirect {
			m.turned++
			m.p.told(s.node, m.own.ofAddr(ev.from), time.Now())
		}
		if ev.ofReply {
			continue
		}
		if pr := m.tries[ev.key]; pr != nil && pr.key == ev.key && pr.sock == s {
			pr.event(ev, m.own, time.Now())
		}
	}
}

// await waits at most d, counted from the sending, for the pair to be decided.
func (m *matrix) await(pr *pair, d time.Duration) {
	for {
		m.drain(pr.sock)
		left := d - time.Since(pr.sent)
		if pr.word != "" || left <= 0 || m.ctx.Err() != nil {
			return
		}
		m.poll([]*echoSocket{pr.sock}, left)
	}
}

// awaitAll waits until all are decided, at most until the deadline.
func (m *matrix) awaitAll(prs []*pair, deadline time.Time) {
	for {
		var socks []*echoSocket
		for _, pr := range prs {
			if pr.word == "" {
				socks = addSocket(socks, pr.sock)
			}
		}
		for _, s := range socks {
			m.drain(s)
		}
		undecided := false
		for _, pr := range prs {
			undecided = undecided || pr.word == ""
		}
		left := time.Until(deadline)
		if !undecided || left <= 0 || m.ctx.Err() != nil {
			return
		}
		m.poll(socks, left)
	}
}

func addSocket(socks []*echoSocket, s *echoSocket) []*echoSocket {
	if n := len(socks); n > 0 && socks[n-1] == s {
		return socks
	}
	for _, o := range socks {
		if o == s {
			return socks
		}
	}
	return append(socks, s)
}

// maxNap bounds a wait so that a cancelled context is noticed.
const maxNap = 100 * time.Millisecond

func (m *matrix) poll(socks []*echoSocket, d time.Duration) {
	var one [1]unix.PollFd
	fds := one[:0]
	for _, s := range socks {
		fds = append(fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	poll(fds, min(d, maxNap))
	for i, f := range fds {
		if f.Revents&unix.POLLERR != 0 {
			socks[i].clear()
		}
	}
}

// linger is how long duplicates and late redirects are waited for at least once all is decided; behind virtual switches, which
// are threads that wait for a processor, longer.
const (
	linger         = 20 * time.Millisecond
	lingerSwitched = 60 * time.Millisecond
	lingerAtMost   = 500 * time.Millisecond
)

// lingering is how long to listen on: a copy takes about as long as the answer took, and a machine that is busy is so for both.
func (m *matrix) lingering() time.Duration {
	d := linger
	if slices.ContainsFunc(m.p.Lab.Nodes, func(n *topology.Node) bool { return n.Switch != nil }) {
		d = lingerSwitched
	}
	for _, pr := range m.pairs {
		d = max(d, 3*pr.rtt)
	}
	return min(d, lingerAtMost)
}

// grace listens on for a moment.
func (m *matrix) grace() {
	var socks []*echoSocket
	seen := map[*echoSocket]bool{}
	for _, pr := range m.pairs {
		if !seen[pr.sock] {
			seen[pr.sock], socks = true, append(socks, pr.sock)
		}
	}
	_ = m.p.Machine.Idle(m.ctx) // its error is the context's, which ends the loop too
	end := time.Now().Add(m.lingering())
	for {
		for _, s := range socks {
			m.drain(s)
		}
		left := time.Until(end)
		if left <= 0 || m.ctx.Err() != nil {
			return
		}
		m.poll(socks, left)
	}
}

// byKernel marks the answered pairs whose router would redirect but, its limiter being silent after nine, did not.
func (m *matrix) byKernel(pr *pair) {
	if pr.word == "ok" && pr.redirect == "" && pr.way != nil && pr.way.redirect != "" {
		pr.redirect = fmt.Sprintf("no redirect came; the kernel of %s says it would send one (redirects are rate limited)", pr.way.redirect)
	}
}
