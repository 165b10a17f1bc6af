package reach

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// tracked is how long connection tracking may know an identifier after its request was sent: 30 s after the last
	// packet (nf_conntrack_icmp_timeout and nf_conntrack_icmpv6_timeout, nf_conntrack-sysctl.rst), which may be an
	// answer that took its time.
	tracked = 30*time.Second + patience
	// blockLen is how many identifiers share the memory of when they were given.
	blockLen = 256
)

// identifiers gives a prober's requests their identifiers, each of which makes a connection of its own to connection
// tracking: it knows echo requests by their addresses and their identifier, whatever the sequence number is. They go
// round, so that none comes again before all others were used, nor while it may still be known; all nodes share them,
// since NAT can give the requests of two the same addresses. Zero is left out: it is that of an echo request that is
// sent as a frame. May be used concurrently.
type identifiers struct {
	mu    sync.Mutex
	next  uint32                        // lower half: identifier; upper half: sequence number
	given [1 << 16 / blockLen]time.Time // when one of the block was given last
	held  map[uint16]time.Time          // of streams: when it ended, zero while it runs
}

// wait is how long the next n must not be used yet.
func (i *identifiers) wait(now time.Time, n int) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := time.Duration(0)
	// blocks that begin among them
	for id := (i.next + blockLen - 1) &^ (blockLen - 1); id-i.next < uint32(n); id += blockLen {
		if t := i.given[uint16(id)/blockLen]; !t.IsZero() {
			d = max(d, t.Add(tracked).Sub(now))
		}
	}
	return d
}

// take returns the next as a key: the identifier, which is new, and below it a sequence number.
func (i *identifiers) take(now time.Time) uint32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	for {
		key, id := bits.RotateLeft32(i.next, 16), uint16(i.next)
		i.next++
		i.given[id/blockLen] = now
		if id == 0 {
			continue
		}
		ended, held := i.held[id]
		if held && (ended.IsZero() || now.Sub(ended) < tracked) {
			continue
		}
		delete(i.held, id)
		return key
	}
}

// hold takes an identifier that nobody else gets until it is let go.
func (i *identifiers) hold(now time.Time) uint32 {
	key := i.take(now)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.held == nil {
		i.held = map[uint16]time.Time{}
	}
	i.held[uint16(key>>16)] = time.Time{}
	return key
}

// release lets an identifier go that was held.
func (i *identifiers) release(key uint32, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.held[uint16(key>>16)] = now
}
