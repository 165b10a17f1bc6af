package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

// pair is one sender and one target of one family, and what became of the last try.
type pair struct {
	from, to topology.Target
	dst      netip.Addr
	sock     *echoSocket
	addr     unix.Sockaddr
	oob      []byte              // node:if senders: the interface and its address
	bound    topology.RouteQuery // of these senders too: their own look-up
	form     form
	with     string // the options of the questions
	arp      bool   // an arp cell asks what the sender's table holds afterwards
	asked    []int  // the questions: indexes of results

	path   *path
	back   *path // of the answer; nil if it is not known who would answer
	traces residue

	tries    []Try  // all that were sent for its outcome
	key      uint32 // of the request whose events count, 0 for none: its identifier, and below it its sequence number
	sent     time.Time
	word     string // the outcome without modifiers, "" while undecided
	detail   string
	causes   []cause.Cause // of a word that is not ok
	rtt      time.Duration
	redirect string // how a redirect was noticed
	note     string // what was done to be certain
	dups     int
	other    bool   // a reply came from another address than was asked
	told     int    // the MTU that the error tells of which decided the pair; 0: none
	mtu      int    // the path MTU that the sender's kernel holds, else, of tooBig, its interface's; 0: not known
	learned  bool   // the detail says what the sender's kernel has learned
	holds    string // the arp cell's word
	exact    []string

	nothing  bool   // it is proven that nothing more comes
	unproven string // why it is not

	seen snapshot // the tables while the pair, alone, was waiting
	// alone, too, its sender was told of the neighbour by somebody else's request, however often it was tried
	learnedUnasked bool
}

// bind makes the requests leave by an interface, with the address that [sourceAt] says.
func (pr *pair) bind(l topology.LinkState) {
	src := sourceAt(l, pr.dst)
	pr.bound = topology.RouteQuery{Dst: pr.dst, From: src, OIF: l.Name, Proto: echoProto(pr.dst)}
	if pr.sock.v6 {
		info := unix.Inet6Pktinfo{Ifindex: uint32(l.Index)}
		if src.IsValid() {
			info.Addr = src.As16()
		}
		pr.oob = unix.PktInfo6(&info)
		return
	}
	info := unix.Inet4Pktinfo{Ifindex: int32(l.Index)}
	if src.IsValid() {
		info.Spec_dst = src.As4()
	}
	pr.oob = unix.PktInfo4(&info)
}

// again forgets the outcome of a try before the next one.
func (pr *pair) again() {
	pr.key, pr.word, pr.detail, pr.causes, pr.rtt, pr.redirect, pr.note, pr.dups, pr.other, pr.holds = 0, "", "", nil,
		0, "", "", 0, false, ""
	pr.nothing, pr.unproven = false, ""
	pr.told, pr.mtu, pr.learned = 0, 0, false
}

func (pr *pair) decide(word, detail string) {
	if pr.word == "" {
		pr.word, pr.detail = word, detail
	}
}

// event takes in what came back for the pair's try.
func (pr *pair) event(ev event, own *owners, now time.Time) {
	switch ev.kind {
	case gotReply:
		if ev.marked < min(pr.form.payload(), len(Sent{}.Cookie)) {
			return // a stranger's, too short for ours
		}
		if pr.word == "" || pr.word == "ok" {
			pr.other = pr.other || pr.different(ev.from)
		}
		if pr.word == "ok" {
			pr.dups++
			return
		}
		if pr.word == "" {
			pr.rtt = now.Sub(pr.sent)
		}
		pr.decide("ok", fmt.Sprintf("%d bytes from %s", echoHeader+pr.form.payload(), ev.from))
	case gotRedirect:
		what := "Redirect Host"
		if pr.sock.v6 {
			what = "Redirect"
		}
		pr.redirect = fmt.Sprintf("From %s: %s(New nexthop: %s)", ev.from, what, ev.gateway)
	case gotError:
		word, sentence := typeName(pr.sock.v6, ev.typ, ev.code)
		sentence = fmt.Sprintf("From %s %s", ev.from, sentence)
		if pr.word == "" && ev.mtu > 0 {
			pr.told = ev.mtu
			sentence += fmt.Sprintf(" (mtu = %d)", ev.mtu)
		}
		if own.owns(pr.sock.node, ev.from) || ev.from.IsLoopback() {
			if unresolved(pr.sock.v6, ev) {
				pr.decide("no-arp", sentence)
				return
			}
			pr.decide("icmp:"+word+"@"+pr.sock.node, sentence)
			return
		}
		pr.decide("icmp:"+word+"@"+own.ofAddr(ev.from), sentence)
	}
}

// different reports whether a reply from there is not the target's: what ping(8) marks DIFFERENT ADDRESS!. Who is asked
// through a group answers with an address of its own.
func (pr *pair) different(from netip.Addr) bool {
	return from != pr.dst.WithZone("") && !pr.dst.IsMulticast() && !pr.dst.IsUnspecified()
}

// refused says what it means that the sender's own kernel did not take the request. The node's own unreachable and
// prohibit routes, and its own output rules, read as the ICMP error that they stand for, from the node itself
// (ip-route(8)); a blackhole route, which fails with EINVAL, as no route.
func (pr *pair) refused(err error) {
	var errno unix.Errno
	errors.As(err, &errno)
	self := "@" + pr.sock.node
	switch errno {
	case unix.ENETUNREACH:
		pr.decide("no-route", "connect: Network is unreachable")
	case unix.EINVAL:
		if pr.oob == nil && is6(pr.dst) && pr.dst.IsLinkLocalUnicast() {
			pr.decide(Unknown, fmt.Sprintf("%s is on every link: name the sender by its interface, %s:IF", pr.dst,
				pr.sock.node))
			return
		}
		pr.decide("no-route", "connect: Invalid argument (a blackhole route or routing rule)")
	case unix.EHOSTUNREACH:
		if pr.path == nil || pr.path.err != nil {
			pr.decide("icmp:host-unreachable"+self, "connect: No route to host (an unreachable route of its own)")
			return
		}
		pr.decide("no-arp", "sendmsg: No route to host")
	case unix.EACCES:
		if pr.path != nil && pr.path.cast && pr.path.errAt == pr.sock.node { // a socket without SO_BROADCAST (ip(7))
			pr.decide("broadcast", fmt.Sprintf("ping: Do you want to ping broadcast? (%s is a broadcast address of %s)",
				pr.dst, pr.sock.node))
			return
		}
		pr.decide("icmp:admin-prohibited"+self,
			"sendmsg: Permission denied (a prohibit route or routing rule of its own)")
	case unix.EPERM:
		pr.decide("icmp:admin-prohibited"+self, "sendmsg: Operation not permitted (a rule of its own)")
	case unix.EADDRNOTAVAIL:
		if pr.sock.v6 {
			pr.decide(Unknown,
				fmt.Sprintf("connect: Cannot assign requested address: %s has no IPv6 (\"ipv6: true\" gives it)",
					pr.sock.node))
			return
		}
		pr.decide(Unknown, "sendmsg: "+err.Error())
	case unix.ENOBUFS:
		pr.decide(Unknown,
			"sendmsg: No buffer space available: the machine's neighbour table is full (gc_thresh3, arp(7))")
	case unix.EMSGSIZE:
		pr.decide(tooBig, "local error: message too long")
	default:
		pr.decide(Unknown, "sendmsg: "+err.Error())
	}
}

// outcome is the word of the table, and a sentence about it.
func (pr *pair) outcome() (word, detail string) {
	word, detail = pr.word, pr.detail
	if word == "ok" && pr.dups > 0 {
		word += "+dup"
		detail += fmt.Sprintf("; %d more of the same (DUP!)", pr.dups)
	}
	if pr.word == "ok" && pr.other {
		word += "+other"
		detail += fmt.Sprintf("; asked was %s (DIFFERENT ADDRESS!), and TCP would not take it", pr.dst)
	}
	if pr.redirect != "" {
		if pr.word == "ok" {
			word += "+redirect"
		}
		detail += "; " + pr.redirect
	}
	if pr.note != "" {
		detail += "; " + pr.note
	}
	return word, strings.TrimPrefix(detail, "; ")
}

// newPair resolves a question, and finds the socket that it is asked from.
func newPair(b *bench, own *owners, q expect.Question, v6 bool) (*pair, error) {
	from, to, err := b.ends(q)
	if err != nil {
		return nil, err
	}
	pr := &pair{from: from, to: to, dst: to.IP, form: formOf(q), with: q.With}
	if v6 {
		pr.dst = to.IP6
	}
	if !pr.dst.IsValid() {
		return nil, fmt.Errorf("%s has no address of this family", q.B)
	}
	if pr.sock, err = b.echoSocket(from.Node, v6); err != nil {
		return nil, err
	}
	if v6 {
		pr.addr = &unix.SockaddrInet6{Addr: pr.dst.As16()}
	} else {
		pr.addr = &unix.SockaddrInet4{Addr: pr.dst.As4()}
	}
	if from.Interface == "" {
		return pr, nil
	}
	l, ok := own.link(from.Node, from.Interface)
	if !ok {
		return nil, fmt.Errorf("%s has no interface %s now", from.Node, from.Interface)
	}
	pr.bind(l)
	return pr, nil
}
