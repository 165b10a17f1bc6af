package reach

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// exchange is the pings of one family in one call of Ask.
type exchange struct {
	b     *bench
	ctx   context.Context
	own   *owners
	v6    bool
	pairs []*pair
	tries map[uint32]*pair // by the key of the request
	open  []*pair          // whose last try is not over
	ways  map[pathKey]*path

	turned int // redirects that have come

	unquestioned bool // nobody asks for the causes of what does not get through

	tunnelled *bool // see [exchange.tunnels]; nil: not looked yet

	pkt []byte
	buf [2048]byte // what is longer is cut, and only its beginning matters
}

func newExchange(ctx context.Context, b *bench, own *owners) *exchange {
	return &exchange{b: b, ctx: ctx, own: own, tries: map[uint32]*pair{}, ways: map[pathKey]*path{}}
}

type pathKey struct {
	node, oif string
	from, dst netip.Addr
}

// pathTo walks there, once for each sender and address.
func (m *exchange) pathTo(node string, q topology.RouteQuery) *path {
	k := pathKey{node, q.OIF, q.From, q.Dst}
	w := m.ways[k]
	if w == nil {
		w = m.own.walk(m.b.machine, node, q)
		m.ways[k] = w
	}
	return w
}

// query is the sender's own look-up of its route.
func (pr *pair) query() topology.RouteQuery {
	if pr.bound.OIF != "" {
		return pr.bound
	}
	return topology.RouteQuery{Dst: pr.dst, Proto: echoProto(pr.dst)}
}

// reply is the look-up of its route to the sender's address by a node that answers what was sent by q: from the address
// that was asked, if it is the node's (icmp_reply, net/ipv4/icmp.c), which routing rules may ask for.
func reply(own *owners, node string, q topology.RouteQuery, to netip.Addr) topology.RouteQuery {
	r := topology.RouteQuery{Dst: to, Proto: q.Proto, SPort: q.DPort, DPort: q.SPort}
	if asked := q.Dst.WithZone(""); own.owns(node, asked) && !asked.IsLinkLocalUnicast() {
		r.From = asked
	}
	return r
}

// echoProto is the protocol of echo requests to an address.
func echoProto(a netip.Addr) uint8 {
	if is6(a) {
		return unix.IPPROTO_ICMPV6
	}
	return unix.IPPROTO_ICMP
}

// tracePair finds out which way the pair goes and what that leaves behind.
func (m *exchange) tracePair(pr *pair) {
	w := m.pathTo(pr.sock.node, pr.query())
	pr.path = w
	var back *path
	if w.src.IsValid() && len(w.hops) > 0 {
		last := w.nodes[len(w.nodes)-1]
		back = m.pathTo(last, reply(m.own, last, pr.query(), w.src))
	}
	pr.back = back
	pr.traces = m.own.residueOf(w, back)
	m.learning(pr)
}

// send makes a new try, which is a connection of its own to connection tracking: the entry of an earlier one may come
// from rules that are not loaded any more. A refusal by the sender's kernel decides the pair.
func (m *exchange) send(pr *pair) {
	m.b.ready(m.ctx, 1)
	m.request(pr, m.b.ids.take(time.Now()))
}

// request makes a try with the request of that key.
func (m *exchange) request(pr *pair, key uint32) {
	pr.key = key
	m.tries[key] = pr
	m.tried(pr)
	m.pkt = slices.Grow(m.pkt[:0], echoHeader+pr.form.payload())[:echoHeader+pr.form.payload()]
	putEcho(m.pkt, pr.sock.v6, key, m.b.cookie)
	pr.sent = time.Now()
	err := pr.sock.discover(pr.form.discovery())
	if err == nil {
		err = pr.sock.send(m.pkt, pr.oob, pr.addr)
	}
	if err != nil && !m.thrownAtOnce(pr, err) {
		pr.refused(err)
	}
}

// drain takes in all that has arrived at a socket.
func (m *exchange) drain(s *echoSocket) {
	for {
		ev, ok := s.receive(m.buf[:], m.b.cookie)
		if !ok {
			return
		}
		if ev.kind == gotRedirect {
			m.turned++
			m.b.noteRedirect(s.node, m.own.ofAddr(ev.from), time.Now())
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
func (m *exchange) await(pr *pair, d time.Duration) {
	for {
		m.drain(pr.sock)
		left := d - time.Since(pr.sent)
		if pr.word != "" || left <= 0 || m.ctx.Err() != nil {
			return
		}
		m.poll([]*echoSocket{pr.sock}, left)
	}
}

// awaitBriefly waits at most d, counted from the sending, for the pair to be decided, and gives up earlier when very
// likely nothing moves any more. Who asks so asks again.
func (m *exchange) awaitBriefly(pr *pair, d time.Duration) {
	var w *waiting
	for {
		m.drain(pr.sock)
		left := d - time.Since(pr.sent)
		if pr.word != "" || left <= 0 || m.ctx.Err() != nil || w != nil && w.proof.Calm() {
			return
		}
		if w == nil { // most are decided before the first look
			w = &waiting{b: m.b, ctx: m.ctx}
			m.poll([]*echoSocket{pr.sock}, min(left, m.b.worthwhile()))
			continue
		}
		m.poll([]*echoSocket{pr.sock}, min(left, w.glance()))
	}
}

// awaitAll waits until all are decided, or nothing more can come, at most until the deadline.
func (m *exchange) awaitAll(prs []*pair, deadline time.Time) { m.awaitAnswers(prs, deadline, nil) }

// awaitAnswers is awaitAll which may give up neighbours of the pairs.
func (m *exchange) awaitAnswers(prs []*pair, deadline time.Time, asks *asks) {
	w := m.b.await(m.ctx)
	w.asks = asks
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
		if !undecided || w.proven || left <= 0 || m.ctx.Err() != nil {
			m.silent(prs, w)
			w.note()
			return
		}
		m.poll(socks, min(left, w.next()))
	}
}

// silent notes for the pairs that nothing came for how that is known.
func (m *exchange) silent(prs []*pair, w *waiting) {
	for _, pr := range prs {
		if pr.word == "" {
			pr.nothing, pr.unproven = w.proven, w.unproven()
		}
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

func (m *exchange) poll(socks []*echoSocket, d time.Duration) {
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

// lingering is how long to listen on: a copy takes about as long as the answer took, and a machine that is busy is so
// for both.
func (m *exchange) lingering() time.Duration {
	d := linger
	if slices.ContainsFunc(m.b.lab.Nodes, func(n *topology.Node) bool { return n.Switch != nil }) {
		d = lingerSwitched
	}
	for _, pr := range m.pairs {
		d = max(d, 3*pr.rtt)
	}
	return min(d, lingerAtMost)
}

// grace listens on for a moment.
func (m *exchange) grace() {
	defer m.b.clock.in(PartCopies)()
	var socks []*echoSocket
	seen := map[*echoSocket]bool{}
	for _, pr := range m.pairs {
		if !seen[pr.sock] {
			seen[pr.sock], socks = true, append(socks, pr.sock)
		}
	}
	_ = m.b.machine.Idle(m.ctx) // its error is the context's, which ends the loop too
	w := m.b.awaitMoment(m.ctx)
	for {
		left := w.left(m.lingering())
		for _, s := range socks {
			m.drain(s)
		}
		if left <= 0 || m.ctx.Err() != nil {
			return
		}
		m.poll(socks, min(left, w.next()))
	}
}

// byKernel marks the answered pairs whose router would redirect but, its limiter being silent after nine, did not.
func (m *exchange) byKernel(pr *pair) {
	if pr.word == "ok" && pr.redirect == "" && pr.path != nil && pr.path.redirect != "" {
		pr.redirect = fmt.Sprintf("no redirect came; the kernel of %s says it would send one (redirects are rate "+
			"limited)", pr.path.redirect)
	}
}

// tried notes a request that is about to be sent.
func (m *exchange) tried(pr *pair) {
	pr.over()
	pr.tries = append(slices.Clip(pr.tries), Try{Key: pr.key, From: time.Now()})
	m.open = append(m.open, pr)
}

// closeTries ends what is under way: the next frames are others'. The switches should be idle.
func (m *exchange) closeTries() {
	for _, pr := range m.open {
		pr.over()
	}
	m.open = m.open[:0]
}

// tunnels reports whether a node has an interface that is up and not of the file: a tunnel, perhaps, whose own packets
// teach its node path MTUs.
func (m *exchange) tunnels() bool {
	if m.tunnelled == nil {
		found := false
		for _, n := range m.b.lab.Nodes {
			for _, l := range m.own.links[n.Name] {
				found = found || l.Up && l.Name != "lo" && n.Interface(l.Name) == nil
			}
		}
		m.tunnelled = &found
	}
	return *m.tunnelled
}

// learning adds to what a pair leaves behind the path MTUs that the nodes on its way may learn from it.
func (m *exchange) learning(pr *pair) {
	if pr.form == (form{}) || pr.traces.all {
		return
	}
	if m.tunnels() {
		pr.traces = residue{all: true}
		return
	}
	pr.traces.routes = append(pr.traces.routes, pr.path.nodes...)
	if pr.back != nil {
		pr.traces.routes = append(pr.traces.routes, pr.back.nodes...)
	}
}
