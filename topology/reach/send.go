package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Sending is forged frames on their way.
type Sending struct {
	b          *bench
	g          *background
	name, node string
	every      time.Duration
	nic        string // the interface's name
	index      int
	frame      []byte
	fd         int
	control    *tap // hears what leaves the interface
	sent       atomic.Uint64
	left       atomic.Uint64
	stop       context.CancelFunc
	done       chan struct{}
	err        error // of the first frame that was refused; read it when done is closed
	closing    sync.Once
}

// Frame is the frame as it is sent, padded, without check sequence. The caller must not change it.
func (s *Sending) Frame() []byte { return s.frame }

// Sent is how many frames the interface has taken.
func (s *Sending) Sent() uint64 { return s.sent.Load() }

// Left is how many frames were seen leaving the interface.
func (s *Sending) Left() uint64 { return s.left.Load() }

// Wait returns when the last frame has been sent, or when ctx is done; of an endless sending, when it was stopped. The
// error is that of a frame which the interface refused: nothing more was sent then. An endless sending goes on when its
// interface is away or down for a while.
func (s *Sending) Wait(ctx context.Context) error {
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Sending) running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Stop ends the sending and returns when its sockets are closed. It may be called more than once, also when all is
// sent.
func (s *Sending) Stop() { s.stop(); <-s.done }

// begin sends what has no time between it, and leaves the rest to the background, as [Prober.Send] says.
func (s *Sending) begin(ctx context.Context, a *topology.Send) (*Sending, error) {
	ctx, s.stop = context.WithCancel(ctx)
	s.g.expectFrame(s)
	count := max(a.Count, 1)
	for s.err == nil && count > 0 {
		s.err = s.one()
		if count--; a.Every > 0 {
			break
		}
	}
	if s.err != nil || count == 0 && !a.Endless || a.Every <= 0 {
		s.close()
		if s.err != nil {
			return nil, fmt.Errorf("send from %s: %w", a.From.Text, s.err)
		}
		return s, nil
	}
	if a.Endless {
		count = -1
	}
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if s.g.sendings == nil {
		s.g.sendings = map[string]*Sending{}
	}
	s.g.sendings[s.name] = s
	go func() {
		defer s.close()
		s.run(ctx, count)
	}()
	return s, nil
}

// newSending prepares the frame and the sockets.
func newSending(b *bench, g *background, a *topology.Send) (*Sending, error) {
	own, err := b.owners()
	if err != nil {
		return nil, err
	}
	l, err := b.nic(own, a.From.Node, a.From.Interface)
	if err != nil {
		return nil, err
	}
	s := &Sending{b: b, g: g, name: a.Name, node: a.From.Node, every: a.Every, nic: l.Name, index: l.Index,
		done: make(chan struct{})}
	if s.frame, err = b.forge(own, a, l); err != nil {
		return nil, err
	}
	if s.fd, err = b.machine.Socket(s.node, unix.AF_PACKET, unix.SOCK_RAW, 0); err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	// Its own frames do not come back to a packet socket: another one has to hear them leave.
	if s.control, err = openTap(b.machine, s.node, l.Index, unix.ETH_P_ALL, false,
		passing([][]byte{s.frame})); err != nil {
		_ = unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

func (s *Sending) close() {
	s.closing.Do(func() {
		s.stop()
		_ = unix.Close(s.fd)
		s.control.close()
		s.g.mu.Lock()
		defer s.g.mu.Unlock()
		s.g.forged = time.Now()
		if s.g.sendings[s.name] == s {
			delete(s.g.sendings, s.name)
		}
		close(s.done)
	})
}

// one sends one frame. A packet socket's frame passes the taps of its interface before sendto returns.
func (s *Sending) one() error {
	err := s.put()
	if outdated(err) && s.follow() {
		err = s.put()
	}
	if err != nil {
		return err
	}
	s.sent.Add(1)
	buf := make([]byte, len(s.frame)+1)
	for {
		frame, outgoing, ok := s.control.next(buf)
		if !ok {
			return nil
		}
		if outgoing && slices.Equal(frame, s.frame) {
			s.left.Add(1)
		}
	}
}

func (s *Sending) put() error {
	for {
		if err := unix.Sendto(s.fd, s.frame, 0, &unix.SockaddrLinklayer{Ifindex: s.index}); !errors.Is(err,
			unix.EINTR) {
			return err
		}
	}
}

// follow goes over to the interface that has the name of one that is gone.
func (s *Sending) follow() bool {
	l, ok := s.b.linkNow(s.node, s.nic)
	if !ok || l.Index == s.index {
		return false
	}
	control, err := openTap(s.b.machine, s.node, l.Index, unix.ETH_P_ALL, false, passing([][]byte{s.frame}))
	if err != nil {
		return false
	}
	s.control.close()
	s.control, s.index = control, l.Index
	return true
}

func (s *Sending) run(ctx context.Context, count int) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for s.err == nil && count != 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.one(); count > 0 || !outdated(err) && !errors.Is(err, unix.ENETDOWN) {
			s.err = err
		}
		count--
	}
}

// passing passes frames with the addresses of one of these; none passes nothing.
func passing(frames [][]byte) []bpf.Instruction {
	const all = 1 << 18
	var out []bpf.Instruction
	for _, f := range frames {
		word := func(at int) uint32 {
			return uint32(f[at])<<24 | uint32(f[at+1])<<16 | uint32(f[at+2])<<8 | uint32(f[at+3])
		}
		out = append(out,
			bpf.LoadAbsolute{Off: 0, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: word(0), SkipTrue: 5},
			bpf.LoadAbsolute{Off: 4, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: word(4), SkipTrue: 3},
			bpf.LoadAbsolute{Off: 8, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: word(8), SkipTrue: 1},
			bpf.RetConstant{Val: all})
	}
	return append(out, bpf.RetConstant{Val: 0})
}
