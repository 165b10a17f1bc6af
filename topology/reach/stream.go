package reach

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// Stream is echo requests with one identifier, which is one connection to connection tracking, until it is stopped.
type Stream struct {
	b        *bench
	g        *background
	name     string
	from, to topology.Target
	every    time.Duration
	id       uint32 // the upper half of every request's key

	sent, received atomic.Uint64
	stop           context.CancelFunc
	done           chan struct{}
	wishes         chan streamWish

	mu     sync.Mutex
	rounds []round // oldest first, at most keptRounds that are closed
}

// streamWish is what somebody who judges a stream has it do out of turn. Its done is closed afterwards.
type streamWish struct {
	send bool      // a request, now
	over time.Time // nothing more will come of the requests that were sent before
	done chan struct{}
}

// round is one request of a stream. It is closed once it is proven that nothing more comes of it, or once roundTime, or
// the time between two requests if that is longer, has passed and the replies that had come by then are counted.
type round struct {
	key              uint32
	sent             time.Time
	answered, closed bool
	other            bool // the reply came from another address than was asked
}

const (
	roundTime  = 200 * time.Millisecond
	keptRounds = 64
	enough     = 3 // requests that make a verdict about a stream
)

// Sent is how many requests have been sent; those that the sender's kernel refused count.
func (s *Stream) Sent() uint64 { return s.sent.Load() }

// Received is how many replies have come.
func (s *Stream) Received() uint64 { return s.received.Load() }

// Stop ends the stream and returns when its socket is closed. It may be called more than once.
func (s *Stream) Stop() {
	s.stop()
	<-s.done
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if s.g.streams[s.name] == s {
		delete(s.g.streams, s.name)
	}
}

func (s *Stream) stopped() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// startStream is [Prober.Stream].
func startStream(ctx context.Context, b *bench, g *background, name string, from, to topology.Target,
	every time.Duration) (*Stream, error) {
	if from.Node == "" || every <= 0 {
		return nil, errors.New("a stream needs a node to come from and a time between its requests")
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	own, err := b.owners()
	if err != nil {
		return nil, err
	}
	v6 := !to.IP.IsValid()
	pr, err := newPair(b, own, expect.Question{A: from.Text, B: to.Text}, v6)
	if err != nil {
		return nil, err
	}
	if pr.sock, err = openEcho(b.machine, from.Node, v6); err != nil {
		return nil, fmt.Errorf("open a raw ICMP socket in %s: %w", from.Node, err)
	}
	b.ready(ctx, 1)
	id := b.ids.hold(time.Now()) &^ 0xffff
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{b: b, g: g, name: name, from: from, to: to, every: every, id: id, stop: cancel,
		done: make(chan struct{}), wishes: make(chan streamWish)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.streams == nil {
		g.streams = map[string]*Stream{}
	}
	g.streams[name] = s
	go s.run(ctx, pr, streamCookie(b.cookie))
	return s, nil
}

// streamCookie marks the requests of streams, so that they are nobody's answer.
func streamCookie(cookie [8]byte) [8]byte {
	binary.BigEndian.PutUint32(cookie[4:], ^binary.BigEndian.Uint32(cookie[4:]))
	return cookie
}

func (s *Stream) run(ctx context.Context, pr *pair, cookie [8]byte) {
	defer close(s.done)
	defer pr.sock.close()
	defer func() { s.b.ids.release(s.id, time.Now()) }()
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	var pkt [echoLen]byte
	var buf [2048]byte
	var wish streamWish
	for seq := uint32(0); ; seq++ {
		s.b.hush.RLock()
		key := s.id | seq&0xffff
		putEcho(pkt[:], pr.sock.v6, key, cookie)
		s.mu.Lock()
		s.rounds = append(s.rounds, round{key: key, sent: time.Now()})
		s.mu.Unlock()
		s.request(pr, pkt[:]) // counted as sent: a lab may make it fail on purpose
		s.sent.Add(1)
		s.b.hush.RUnlock()
		if wish.done != nil {
			close(wish.done)
		}
		var ok bool
		if wish, ok = s.rest(ctx, tick, pr, buf[:], cookie); !ok {
			return
		}
	}
}

// rest lets time pass until the next request is due, or wished for; false: the stream is over. What comes back is read
// when it is due, or when somebody wants to know.
func (s *Stream) rest(ctx context.Context, tick *time.Ticker, pr *pair, buf []byte,
	cookie [8]byte) (wish streamWish, ok bool) {
	for {
		select {
		case <-ctx.Done():
			return wish, false
		case <-tick.C:
			wish = streamWish{send: true}
		case wish = <-s.wishes:
		}
		// What had come by now is read afterwards, so that a reply is late only if it is, and not the reader.
		now := time.Now()
		for {
			ev, ok := pr.sock.receive(buf, cookie)
			if !ok {
				break
			}
			if ev.kind == gotReply && ev.marked == len(cookie) && ev.key&^0xffff == s.id {
				s.received.Add(1)
				s.answer(ev.key, pr.different(ev.from))
			}
		}
		pr.sock.clear()
		s.close(now, wish.over)
		if wish.send {
			return wish, true
		}
		close(wish.done)
	}
}

// wish has the stream do something, and returns when it is done; false: the stream is over, or ctx is.
func (s *Stream) wish(ctx context.Context, w streamWish) bool {
	w.done = make(chan struct{})
	select {
	case s.wishes <- w:
	case <-s.done:
		return false
	case <-ctx.Done():
		return false
	}
	select {
	case <-w.done:
		return true
	case <-s.done:
		return false
	}
}

// soon is the longest time between two requests of a stream that is asked out of turn: far less than connection
// tracking takes to forget a connection (nf_conntrack_icmp_timeout).
const soon = time.Second

// mayHurry reports whether three requests that follow each other tell of a stream what three at its own pace do:
// nothing in the lab limits, counts or forgets what passes, and what becomes of them can be proven.
func (s *Stream) mayHurry(b *bench) bool {
	if s.every > soon || b.lab.KernelTimers || mayForgetConnections(b.lab) || b.late() != "" {
		return false
	}
	found, err := b.machine.Forgetful(true)
	return err == nil && len(found) == 0
}

// once has the stream send a request out of turn, and proves what becomes of it; false: it cannot be proven, and the
// request is one like all others.
func (s *Stream) once(ctx context.Context, b *bench) bool {
	if !s.wish(ctx, streamWish{send: true}) {
		return false
	}
	sent := time.Now()
	w := b.await(ctx)
	for end := time.Now().Add(roundTime); !w.proven; {
		if w.why != "" || ctx.Err() != nil || time.Now().After(end) {
			return false
		}
		poll(nil, w.next())
	}
	return s.wish(ctx, streamWish{over: sent})
}

// request sends one. An interface that was rebuilt has another index, and may have another address.
func (s *Stream) request(pr *pair, pkt []byte) {
	err := unix.Sendmsg(pr.sock.fd, pkt, pr.oob, pr.addr, 0)
	if pr.oob == nil || !outdated(err) {
		return
	}
	if l, ok := s.b.linkNow(pr.sock.node, pr.bound.OIF); ok {
		pr.bind(l)
		_ = unix.Sendmsg(pr.sock.fd, pkt, pr.oob, pr.addr, 0)
	}
}

// answer notes a reply; one to a closed round comes too late.
func (s *Stream) answer(key uint32, other bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rounds {
		if r := &s.rounds[i]; r.key == key && !r.closed {
			r.answered, r.other = true, r.other || other
		}
	}
}

// close closes the rounds whose time was over, and those that were sent before a moment.
func (s *Stream) close(now, before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	closed := 0
	for i := range s.rounds {
		// A ticker's tick comes a little early or late.
		if r := &s.rounds[i]; r.sent.Before(before) || now.Sub(r.sent) >= max(s.every*9/10, roundTime) {
			r.closed = true
			closed++
		}
	}
	if closed > keptRounds {
		s.rounds = slices.Delete(s.rounds, 0, closed-keptRounds)
	}
}

// verdict is the word about the last requests of those that were sent after a moment; unknown while there are too few.
// ok: each was answered in its round, ok+other if one of them from another address than was asked; silent: none was;
// else lossy.
func (s *Stream) verdict(since time.Time) (word, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, answered, others := 0, 0, 0
	for _, r := range slices.Backward(s.rounds) {
		if !r.closed || seen == enough {
			continue
		}
		if !r.sent.After(since) {
			break
		}
		if seen++; r.answered {
			answered++
		}
		if r.other {
			others++
		}
	}
	detail = fmt.Sprintf("of the last %s, %d answered within %v", problem.Count(seen, "request"), answered,
		max(s.every, roundTime))
	if others > 0 {
		detail += fmt.Sprintf(", %d from another address than was asked, which TCP would not take", others)
	}
	switch {
	case seen < enough:
		return Unknown, fmt.Sprintf("so far, requests whose %v are over: %d", max(s.every, roundTime), seen)
	case answered == enough && others > 0:
		return "ok+other", detail
	case answered == enough:
		return "ok", detail
	case answered == 0:
		return "silent", detail
	default:
		return "lossy", detail
	}
}

// readStreams says how streams do: those that are judged by what is sent from now on, those that are only looked at by
// what was sent since the step's set. Of these, too, a stream that may hurry sends at once what a verdict lacks, one
// request a look.
func (a *asking) readStreams(ctx context.Context, at []int) {
	since := time.Now()
	if a.look {
		since = a.bg.marked(a.b.lab)
	}
	for _, i := range at {
		r := &a.out[i]
		s := a.bg.streamOf(r.Question.A)
		if s == nil {
			r.Got, r.Detail = Unknown, fmt.Sprintf("no stream called %q is running", r.Question.A)
			continue
		}
		r.Got, r.Detail = s.verdict(since)
		if a.look {
			if r.Got == Unknown && !s.stopped() && s.mayHurry(a.b) && s.once(ctx, a.b) {
				r.Got, r.Detail = s.verdict(since)
			}
			continue
		}
		hurry := s.mayHurry(a.b)
		for r.Got == Unknown && ctx.Err() == nil && !s.stopped() {
			if hurry = hurry && s.once(ctx, a.b); !hurry {
				poll(nil, min(s.every, maxNap))
			}
			r.Got, r.Detail = s.verdict(since)
		}
	}
}
