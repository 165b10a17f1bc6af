package reach

import (
	"strings"
	"time"
)

// A router limits its redirects to one source: the next comes 20 ms, doubled with each that was sent, after the last, and
// none after nine until 20.48 s of silence. It has no knob (ip_rt_send_redirect, net/ipv4/route.c).
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
	if r == nil || now.Sub(r.last) > redirectSilence {
		r = &redirected{}
		p.redirects[limiter{source, router}] = r
	}
	r.count, r.last = r.count+1, now
}

// unlimited waits until the router's limiter lets the redirect through that the pair should cause, if the sender would
// believe it: a kept pair changes the sender's route as a lone ping would, whatever was probed just before.
func (m *matrix) unlimited(pr *pair) {
	if pr.sock.v6 || pr.way.redirect == "" || !m.believes(pr.sock.node) {
		return
	}
	m.drain(pr.sock)
	r := m.p.redirects[limiter{pr.sock.node, pr.way.redirect}]
	if r == nil || r.count >= redirectNumber {
		return
	}
	m.rest(r.last.Add(redirectLoad<<r.count + redirectSlack))
}

// believes reports whether the node may accept redirects, as the file pins it; unpinned, the kernel does (ip-sysctl.rst).
func (m *matrix) believes(node string) bool {
	n := m.p.Lab.Node(node)
	if n == nil {
		return true
	}
	pinned := false
	for _, s := range n.Sysctls {
		if strings.HasPrefix(s.Key, "net/ipv4/conf/") && strings.HasSuffix(s.Key, "/accept_redirects") {
			if pinned = true; s.Value != "0" {
				return true
			}
		}
	}
	return !pinned
}
