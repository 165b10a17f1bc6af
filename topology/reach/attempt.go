package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

// attempt is one sender and one port, and what became of the last try.
type attempt struct {
	transport
	from, to  topology.Target
	dst       netip.Addr
	port      uint16
	index     int                 // of the interface by which a link-local address is reached
	bound     topology.RouteQuery // node:if senders: the interface and its address
	listeners []string            // where the prober listens instead of at the address
	real      bool                // only the lab's own program listens
	payload   []byte              // of a datagram
	asked     []int               // the questions: indexes of results

	path, back *path // back is that of the answer; nil if it is not known who would answer

	tries    []Try
	source   uint16   // source port of the last try
	heardIn  []string // nodes in which the prober listened then
	sent     time.Time
	word     string // the outcome, "" while undecided
	detail   string
	causes   []cause.Cause
	rtt      time.Duration
	note     string // what was done to be certain
	nothing  bool   // it is proven that nothing more comes
	unproven string // why it is not
}

// newAttempt resolves a question.
func newAttempt(b *bench, own *owners, q expect.Question, tr transport) (*attempt, error) {
	name, port, ok := expect.SocketTarget(q.B)
	if !ok {
		return nil, fmt.Errorf("%q lacks the port", q.B)
	}
	from, to, err := b.ends(expect.Question{A: q.A, B: name})
	if err != nil {
		return nil, err
	}
	t := &attempt{transport: tr, from: from, to: to, dst: to.IP, port: port, listeners: q.Options("listen")}
	if t.real = slices.Contains(t.listeners, expect.ListenReal); t.real {
		t.listeners, t.payload = nil, []byte(q.Option("payload"))
	}
	if tr.v6 {
		t.dst = to.IP6
	}
	if !t.dst.IsValid() {
		return nil, fmt.Errorf("%s has no address of this family", name)
	}
	if from.Interface != "" {
		l, ok := own.link(from.Node, from.Interface)
		if !ok {
			return nil, fmt.Errorf("%s has no interface %s now", from.Node, from.Interface)
		}
		t.index = l.Index
		t.bound = topology.RouteQuery{From: sourceAt(l, t.dst), OIF: l.Name}
	} else if t.dst.IsLinkLocalUnicast() && tr.v6 {
		return nil, fmt.Errorf("%s is on every link: name the sender by its interface, %s:IF", t.dst, from.Node)
	}
	return t, nil
}

// again forgets the outcome of a try before the next one.
func (t *attempt) again() {
	t.word, t.detail, t.causes, t.rtt, t.note, t.nothing, t.unproven = "", "", nil, 0, "", false, ""
}

func (t *attempt) decide(word, detail string) {
	if t.word == "" {
		t.word, t.detail = word, detail
	}
}

// opened says that somebody has taken the connection, or answered.
func (t *attempt) opened(how string) {
	if t.word == "" {
		t.rtt = time.Since(t.sent)
	}
	t.decide("open", how)
}

// icmp says what an ICMP error means. Port unreachable is a refusal only if the address that was asked says so.
func (t *attempt) icmp(ev event, own *owners) {
	word, sentence := typeName(t.v6, ev.typ, ev.code)
	sentence = fmt.Sprintf("From %s %s", ev.from, sentence)
	self := own.owns(t.from.Node, ev.from) || ev.from.IsLoopback()
	switch {
	case word == "port-unreachable" && ev.from == t.dst.WithZone(""):
		t.decide("refused", sentence)
	case self && unresolved(t.v6, ev):
		t.decide("no-arp", sentence)
	case self:
		t.decide("icmp:"+word+"@"+t.from.Node, sentence)
	default:
		t.decide("icmp:"+word+"@"+own.ofAddr(ev.from), sentence)
	}
}

// ownError says what an error means for which no ICMP error has come: the sender's own kernel refuses, or, of a
// connection, a reset came. The node's own unreachable and prohibit routes, and its own output rules, read as the ICMP
// error that they stand for (ip-route(8)).
func (t *attempt) ownError(err error) {
	var errno unix.Errno
	errors.As(err, &errno)
	self := "@" + t.from.Node
	cast := t.path != nil && t.path.cast && t.path.errAt == t.from.Node
	switch {
	case cast && (errno == unix.ENETUNREACH || errno == unix.EACCES): // of TCP, of UDP without SO_BROADCAST (ip(7))
		t.decide("broadcast", fmt.Sprintf("%s is a broadcast address of %s", t.dst, t.from.Node))
	case errno == unix.ENETUNREACH:
		t.decide("no-route", "connect: Network is unreachable")
	case errno == unix.EINVAL:
		t.decide("no-route", "connect: Invalid argument (a blackhole route)")
	case errno == unix.EHOSTUNREACH && (t.path == nil || t.path.err != nil):
		t.decide("icmp:host-unreachable"+self, "connect: No route to host (an unreachable route of its own)")
	case errno == unix.EHOSTUNREACH:
		t.decide("no-arp", "connect: No route to host")
	case errno == unix.EACCES:
		t.decide("icmp:admin-prohibited"+self, "connect: Permission denied (a prohibit route of its own)")
	case errno == unix.EPERM:
		t.decide("icmp:admin-prohibited"+self, "send: Operation not permitted (a rule of its own)")
	case errno == unix.ECONNREFUSED && !t.udp:
		t.decide("refused", "connect: Connection refused (a reset)")
	case (errno == unix.ECONNRESET || errno == unix.EPIPE) && !t.udp:
		t.opened("connected, and reset at once") // tcp_reset, net/ipv4/tcp_input.c
	case errno == unix.EADDRNOTAVAIL && t.v6:
		t.decide(Unknown, fmt.Sprintf("connect: Cannot assign requested address: %s has no IPv6 (\"ipv6: true\" gives "+
			"it)", t.from.Node))
	case errno == unix.ENOBUFS:
		t.decide(Unknown,
			"send: No buffer space available: the machine's neighbour table is full (gc_thresh3, arp(7))")
	default:
		t.decide(Unknown, "connect: "+err.Error())
	}
}

// outcome is the word of the table, and a sentence about it.
func (t *attempt) outcome() (word, detail string) {
	word, detail = t.word, t.detail
	if word == "" {
		return Unknown, "not asked"
	}
	if t.note != "" {
		detail += "; " + t.note
	}
	return word, detail
}

// query is the sender's own look-up of its route, by the source port of the last try.
func (t *attempt) query() topology.RouteQuery {
	q := t.bound
	q.Dst, q.Proto, q.SPort, q.DPort = t.dst, unix.IPPROTO_TCP, t.source, t.port
	if t.udp {
		q.Proto = unix.IPPROTO_UDP
	}
	return q
}
