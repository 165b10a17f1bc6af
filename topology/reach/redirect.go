package reach

import (
	"fmt"
	"strings"
	"time"
)

// A router limits its redirects to one source: the next comes 20 ms, doubled with each that was sent, after the last, and
// none after nine until 20.48 s in which nothing asked for one. It has no knob (ip_rt_send_redirect, net/ipv4/route.c).
const (
	redirectLoad    = 20 * time.Millisecond
	redirectNumber  = 9
	redirectSilence = redirectLoad << (redirectNumber + 1)
	redirectSlack   = 10 * time.Millisecond // a tick of a kernel with HZ=100
)

// limiter is the memory of one router for one source.
type limiter struct{ source, router string }

type redirected struct {
	count int
	last  time.Time
}

// told notes that a redirect has come.
func (p *Prober) told(source, router string, now time.Time) {
	r := p.redirects[limiter{source, router}]
	if r == nil || r.count >= redirectNumber || now.Sub(r.last) > redirectSilence {
		r = &redirected{}
		p.redirects[limiter{source, router}] = r
	}
	r.count, r.last = r.count+1, now
}

// steered reports whether a redirect may change the way of the pair: the kernel of a router on it says that it sends one, and
// the sender believes it.
func (m *matrix) steered(pr *pair) bool {
	return !pr.sock.v6 && pr.way.redirect != "" && m.believes(pr.sock.node)
}

// unlimited waits until the router's limiter lets the redirect through that the pair should cause, as far as is known, if the
// sender would believe it: a kept pair changes the sender's route as a lone ping would, whatever was probed just before.
func (m *matrix) unlimited(pr *pair) {
	if !m.steered(pr) {
		return
	}
	m.drain(pr.sock)
	r := m.p.redirects[limiter{pr.sock.node, pr.way.redirect}]
	if r == nil || r.count >= redirectNumber {
		return
	}
	m.expire(pr, r.last.Add(redirectLoad<<r.count+redirectSlack))
}

// insist asks a kept pair again that got no redirect though the router's kernel says it would send one, and its sender would
// believe it. What the router remembers cannot be read (inet_peer), and others may have made it send redirects that nobody here has
// seen; so the pair waits until the limiter has certainly forgotten. If none comes then either, the limiter is not the reason, and
// what came is the truth: that is not tried again for this router and source.
func (m *matrix) insist(pr *pair) error {
	if pr.key == 0 || pr.redirect != "" || !m.steered(pr) || pr.word == Unknown || pr.unsent() {
		return m.ctx.Err()
	}
	m.overdue(pr)
	l := limiter{pr.sock.node, pr.way.redirect}
	if pr.redirect != "" || m.mute[l] || m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	m.p.hush.Lock() // a stream's requests would keep the limiter busy
	defer m.p.hush.Unlock()
	m.expire(pr, time.Now().Add(redirectSilence+2*redirectSlack))
	if err := m.ctx.Err(); err != nil {
		return err
	}
	delete(m.p.redirects, l)
	pr.again()
	m.send(pr)
	if err := m.quiet(pr, m.p.patience()); err != nil {
		return err
	}
	if err := m.unanswered(pr); err != nil {
		return err
	}
	m.overdue(pr)
	pr.note = fmt.Sprintf("asked again after %v, when %s had certainly forgotten that it limits redirects to %s", redirectSilence, l.router, l.source)
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
	return pr.word == "no-route" || pr.word == "no-arp" || strings.HasSuffix(pr.word, "@"+pr.sock.node)
}

// overdue listens for the redirect of a pair that has had its answer: the router sends it before it sends the request on, but has to
// ask for the sender's address first where it does not know it.
func (m *matrix) overdue(pr *pair) {
	_ = m.p.Machine.Idle(m.ctx) // its error is the context's
	end := time.Now().Add(m.lingering())
	for m.drain(pr.sock); pr.redirect == "" && m.ctx.Err() == nil && time.Now().Before(end); m.drain(pr.sock) {
		m.poll([]*echoSocket{pr.sock}, time.Until(end))
	}
}

// expire lets a router's limiter run out.
func (m *matrix) expire(pr *pair, until time.Time) {
	m.p.pause(m.ctx, fmt.Sprintf("waiting until %s may send %s a redirect again (its kernel limits them)", pr.way.redirect, pr.sock.node), until)
}

// believes reports whether the node may accept redirects, as the file pins it; unpinned, the kernel does. A node that forwards needs
// both "all" and the interface's own to be 1, others either (ip-sysctl.rst).
func (m *matrix) believes(node string) bool {
	n := m.p.Lab.Node(node)
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
