package reach

import (
	"fmt"
	"strings"
	"time"
)

// steering has kept pairs get the redirects that a lone ping would.
type steering struct {
	*exchange
	mute map[limiter]bool // that were waited out, and sent nothing all the same
}

// steered reports whether a redirect may change the way of the pair: the kernel of a router on it says that it sends
// one, and the sender believes it.
func (m *steering) steered(pr *pair) bool {
	return !pr.sock.v6 && pr.path.redirect != "" && m.believes(pr.sock.node)
}

// unlimited waits until the router's limiter lets the redirect through that the pair should cause, as far as is known,
// if the sender would believe it: a kept pair changes the sender's route as a lone ping would, whatever was probed just
// before.
func (m *steering) unlimited(pr *pair) {
	if !m.steered(pr) {
		return
	}
	m.drain(pr.sock)
	r := m.b.redirects[limiter{pr.sock.node, pr.path.redirect}]
	if r == nil || r.count >= redirectNumber {
		return
	}
	m.expire(pr, r.last.Add(redirectLoad<<r.count+redirectSlack))
}

// insist asks a kept pair again that got no redirect though the router's kernel says it would send one, and its sender
// would believe it. What the router remembers cannot be read (inet_peer), and others may have made it send redirects
// that nobody here has seen; so the pair waits until the limiter has certainly forgotten. If none comes then either,
// the limiter is not the reason, and what came is the truth: that is not tried again for this router and source.
func (m *steering) insist(pr *pair) error {
	if pr.key == 0 || pr.redirect != "" || !m.steered(pr) || pr.word == Unknown || pr.unsent() {
		return m.ctx.Err()
	}
	m.overdue(pr)
	l := limiter{pr.sock.node, pr.path.redirect}
	if pr.redirect != "" || m.mute[l] || m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	m.b.hush.Lock() // a stream's requests would keep the limiter busy
	defer m.b.hush.Unlock()
	m.expire(pr, time.Now().Add(redirectSilence+2*redirectSlack))
	if err := m.ctx.Err(); err != nil {
		return err
	}
	delete(m.b.redirects, l)
	pr.again()
	m.send(pr)
	if err := m.quiet(pr, m.b.patience, nil); err != nil {
		return err
	}
	if err := m.unanswered(pr); err != nil {
		return err
	}
	m.overdue(pr)
	pr.note = fmt.Sprintf("asked again after %v, when %s had certainly forgotten that it limits redirects to %s",
		redirectSilence, l.router, l.source)
	if pr.redirect == "" {
		pr.note += ", and still none came"
		if m.mute == nil {
			m.mute = map[limiter]bool{}
		}
		m.mute[l] = true
	}
	return m.ctx.Err()
}

// unsent reports whether the request never got as far as a router: its sender says so itself.
func (pr *pair) unsent() bool {
	return pr.word == "no-route" || pr.word == "no-arp" || pr.word == tooBig ||
		strings.HasSuffix(pr.word, "@"+pr.sock.node)
}

// overdue listens for the redirect of a pair that has had its answer: the router sends it before it sends the request
// on, but has to ask for the sender's address first where it does not know it.
func (m *steering) overdue(pr *pair) {
	_ = m.b.machine.Idle(m.ctx) // its error is the context's
	w := m.b.awaitMoment(m.ctx)
	for m.ctx.Err() == nil {
		left := w.left(m.lingering())
		if m.drain(pr.sock); pr.redirect != "" || left <= 0 {
			return
		}
		m.poll([]*echoSocket{pr.sock}, min(left, w.next()))
	}
}

// expire lets a router's limiter run out.
func (m *steering) expire(pr *pair, until time.Time) {
	defer m.b.clock.in(PartRedirects)()
	m.b.pause(m.ctx, fmt.Sprintf("waiting until %s may send %s a redirect again (its kernel limits them)",
		pr.path.redirect, pr.sock.node), until)
}

// believes reports whether the node may accept redirects, as the file pins it; unpinned, the kernel does. A node that
// forwards needs both "all" and the interface's own to be 1, others either (ip-sysctl.rst).
func (m *steering) believes(node string) bool {
	n := m.b.lab.Node(node)
	if n == nil {
		return true
	}
	pinned, forwards, all, own := false, false, false, false
	for _, s := range n.Sysctls {
		on := s.Value != "0"
		switch {
		case s.Key == "net/ipv4/ip_forward":
			forwards = on
		case s.Key == "net/ipv4/conf/all/accept_redirects":
			pinned, all = true, on
		case strings.HasPrefix(s.Key, "net/ipv4/conf/") && strings.HasSuffix(s.Key, "/accept_redirects"):
			pinned, own = true, own || on
		}
	}
	switch {
	case !pinned:
		return true
	case forwards:
		return all && own
	}
	return all || own
}
