package reach

import (
	"sync"
	"time"
)

const (
	// firstSource to lastSource are the source ports of questions: the kernel's own for clients (ip_local_port_range,
	// ip-sysctl.rst), so that a rule which speaks of those speaks of these.
	firstSource, lastSource = 32768, 60999
	// trackedPort is how long connection tracking may know a source port after the question: 120 s for a connection
	// that was begun or that ends, and for datagrams both ways (nf_conntrack-sysctl.rst).
	trackedPort = 120*time.Second + patience
	// portBlock is how many source ports share the memory of when they were given.
	portBlock = 256
)

// SourcePort reports whether questions about ports may come from that port.
func SourcePort(port uint16) bool { return port >= firstSource && port <= lastSource }

// sourcePorts gives each question a source port of its own, for all nodes, since NAT can give two of them one address.
// They go round, so that none comes again before all others were used. The zero value begins with the first. May be
// used concurrently.
type sourcePorts struct {
	mu    sync.Mutex
	next  int                                               // counted from firstSource
	given [(lastSource-firstSource)/portBlock + 1]time.Time // when one of the block was given last
}

// wait is how long the next port must not be used yet.
func (s *sourcePorts) wait(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.given[s.next/portBlock]; s.next%portBlock == 0 && !t.IsZero() {
		return t.Add(trackedPort).Sub(now)
	}
	return 0
}

// take returns the next.
func (s *sourcePorts) take(now time.Time) uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	port := s.next
	s.given[port/portBlock] = now
	s.next = (port + 1) % (lastSource - firstSource + 1)
	return uint16(firstSource + port)
}
