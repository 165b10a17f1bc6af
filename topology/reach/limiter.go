package reach

import (
	"maps"
	"slices"
	"time"
)

// A router limits its redirects to one source: the next comes 20 ms, doubled with each that was sent, after the last,
// and none after nine until 20.48 s in which nothing asked for one. It has no knob (ip_rt_send_redirect,
// net/ipv4/route.c).
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

// noteRedirect notes that a redirect has come.
func (k *memory) noteRedirect(source, router string, now time.Time) {
	r := k.redirects[limiter{source, router}]
	if r == nil || r.count >= redirectNumber || now.Sub(r.last) > redirectSilence {
		r = &redirected{}
		k.redirects[limiter{source, router}] = r
	}
	r.count, r.last = r.count+1, now
}

// forgetLimits forgets what routers remember that were rebuilt.
func (k *memory) forgetLimits(routers []string) {
	maps.DeleteFunc(k.redirects, func(l limiter, _ *redirected) bool { return slices.Contains(routers, l.router) })
}
