package reach

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Stream is echo requests with one identifier, which is one connection to connection tracking, until it is stopped.
type Stream struct {
	sent, received atomic.Uint64
	stop           context.CancelFunc
	done           chan struct{}
}

// Sent is how many requests have been sent; those that the sender's kernel refused count.
func (s *Stream) Sent() uint64 { return s.sent.Load() }

// Received is how many replies have come.
func (s *Stream) Received() uint64 { return s.received.Load() }

// Stop ends the stream and returns when its socket is closed. It may be called more than once.
func (s *Stream) Stop() { s.stop(); <-s.done }

// Stream begins to send echo requests, one at once and then one every so often, until ctx is done or it is stopped. It has
// a socket of its own and disturbs no question except as its packets do.
func (p *Prober) Stream(ctx context.Context, from, to topology.Target, every time.Duration) (*Stream, error) {
	if from.Node == "" || every <= 0 {
		return nil, errors.New("a stream needs a node to come from and a time between its requests")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.init(); err != nil {
		return nil, err
	}
	own, err := p.owners()
	if err != nil {
		return nil, err
	}
	v6 := !to.IP.IsValid()
	m := &matrix{p: p, own: own}
	pr, err := m.pair(topology.Question{A: from.Text, B: to.Text}, v6)
	if err != nil {
		return nil, err
	}
	if pr.sock, err = openEcho(p.Machine, from.Node, v6); err != nil {
		return nil, fmt.Errorf("open a raw ICMP socket in %s: %w", from.Node, err)
	}
	// A new identifier; the questions go on with the one after it.
	id := p.next&^0xffff + 0x10000
	p.next = id + 0x10000
	cookie := p.cookie
	binary.BigEndian.PutUint32(cookie[4:], ^binary.BigEndian.Uint32(cookie[4:]))
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{stop: cancel, done: make(chan struct{})}
	go s.run(ctx, pr, id, cookie, every)
	return s, nil
}

func (s *Stream) run(ctx context.Context, pr *pair, id uint32, cookie [8]byte, every time.Duration) {
	defer close(s.done)
	defer pr.sock.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	var pkt [echoLen]byte
	var buf [2048]byte
	for seq := uint32(0); ; seq++ {
		putEcho(pkt[:], pr.sock.v6, id|seq&0xffff, cookie)
		_ = unix.Sendmsg(pr.sock.fd, pkt[:], pr.oob, pr.addr, 0) // counted as sent: a lab may make it fail on purpose
		s.sent.Add(1)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for {
			ev, ok := pr.sock.receive(buf[:], cookie)
			if !ok {
				break
			}
			if ev.kind == gotReply && ev.key&^0xffff == id {
				s.received.Add(1)
			}
		}
		pr.sock.clear()
	}
}
