package reach

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/problem"
)

// An unanswered request is sent arpTries times, arpEvery apart; whoever answers later than the first is listened for as
// long. A proxy thinks for up to 0.8 s before it answers a broadcast (proxy_delay, arp(7)).
const (
	arpTries  = 3
	arpEvery  = 100 * time.Millisecond
	proxyTime = 1200 * time.Millisecond
)

// asker is one question under way: who holds this address, by ARP or by neighbour solicitation.
type asker struct {
	index  int
	from   string // the node that asks
	to     topology.Target
	mac    switchcore.MAC // that an entry of "names" gives
	dst    netip.Addr
	tap    *tap
	sender netip.Addr
	frame  []byte
	sent   int              // requests
	macs   []switchcore.MAC // who answered, in order
}

// answers asks all pairs at the same time.
func (a *asking) answers(ctx context.Context, at []int) {
	if len(at) == 0 || ctx.Err() != nil {
		return
	}
	if err := a.start(ctx); err != nil {
		a.fail(at, err)
		return
	}
	taps := map[interfaceKey]*tap{}
	defer func() { closeTaps(maps.Values(taps)) }()
	var asks []*asker
	for _, i := range at {
		k, err := a.asker(i, taps)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		asks = append(asks, k)
	}
	if err := a.requests(ctx, asks); err != nil {
		a.fail(at, err)
	}
	if ctx.Err() != nil {
		return
	}
	for _, k := range asks {
		if r := &a.out[k.index]; r.Detail == "" {
			r.Got, r.Exact, r.Detail = k.word(a.own)
			if len(k.macs) > 1 {
				r.Causes = append(r.Causes, k.several())
			}
		}
	}
}

// requests sends until all are answered, and listens. All are sent again if a carrier came or went meanwhile: what
// nobody answered may have met the gap, and so may, of what one has answered, the copy for another.
func (a *asking) requests(ctx context.Context, asks []*asker) error {
	before, err := a.b.carriers(a.b.nodeNames()...)
	if err != nil {
		return err
	}
	for try := range 1 + lostTries {
		if a.round(ctx, asks, try > 0); ctx.Err() != nil {
			break
		}
		now, err := a.b.carriers(a.b.nodeNames()...)
		if err != nil {
			return err
		}
		if _, names := a.own.moved(before, now); len(names) == 0 {
			break
		}
		before = now
	}
	if a.b.late() != "" { // whoever is asked may have a program that answers in its own time
		listen(ctx, asks, time.Now().Add(a.b.patience), nil)
	}
	if proxies, err := a.b.machine.Proxies(); err != nil || proxies || mayProxy(a.b.lab) {
		listen(ctx, asks, time.Now().Add(proxyTime), nil)
	}
	return nil
}

// round sends each request until it is answered, as often as arpTries; again: once also where it is answered already.
// Where it is proven that no answer comes, and that another request would do no better, one is enough.
func (a *asking) round(ctx context.Context, asks []*asker, again bool) {
	once := a.b.repeats(nil) == ""
	before, err := a.b.losses()
	if err != nil {
		once = false
	}
	for try := range arpTries {
		open := false
		for _, k := range asks {
			if len(k.macs) > 0 && !(again && try == 0) {
				continue
			}
			open = true
			k.sent++
			if err := unix.Send(k.tap.fd, k.frame, 0); err != nil {
				a.fail([]int{k.index}, fmt.Errorf("send a request: %w", err))
			}
		}
		if !open {
			return
		}
		w := a.b.await(ctx)
		until := time.Now().Add(arpEvery)
		listen(ctx, asks, until, w)
		if w.proven && once && a.b.repeats(nil) == "" && a.b.lostSince(before) == "" {
			break
		}
		listen(ctx, asks, until, nil)
	}
}

func (a *asking) asker(i int, taps map[interfaceKey]*tap) (*asker, error) {
	q := a.out[i].Question
	from, to, err := a.b.ends(q)
	if err != nil {
		return nil, err
	}
	dst := to.IP
	if !dst.IsValid() {
		dst = to.IP6
	}
	if !dst.IsValid() {
		return nil, fmt.Errorf("%s has no address to ask for", q.B)
	}
	l, src, err := a.facing(from, dst)
	if err != nil {
		return nil, err
	}
	k := &asker{index: i, from: from.Node, to: to, dst: dst, sender: src}
	if n := slices.IndexFunc(a.own.lab.Names, func(e topology.NamedEnd) bool { return e.Name == to.Name }); n >= 0 &&
		to.Name != "" {
		k.mac = a.own.lab.Names[n].MAC
	}
	at, proto, filter := interfaceKey{from.Node, l.Index, is6(dst)}, uint16(unix.ETH_P_ARP), arpReplies
	if at.v6 {
		proto, filter, k.frame = unix.ETH_P_IPV6, advertisements, solicitation(l.MAC, src, dst)
	} else {
		k.frame = arpRequest(l.MAC, src, dst)
	}
	if taps[at] == nil {
		if taps[at], err = openTap(a.b.machine, from.Node, l.Index, proto, false, filter); err != nil {
			return nil, err
		}
	}
	k.tap = taps[at]
	return k, nil
}

// facing is the interface, and the address on it, from which a node would ask for dst: where its route goes, else the
// first interface that has an address.
func (a *asking) facing(from topology.Target, dst netip.Addr) (topology.LinkState, netip.Addr, error) {
	links := a.own.links[from.Node]
	if from.Interface == "" {
		if r, err := a.b.machine.Route(from.Node, topology.RouteQuery{Dst: dst}); err == nil && !r.Local {
			if l, ok := a.own.linkAt(from.Node, r.Index); ok {
				if src := firstAddr(l, is6(dst)); src.IsValid() && !r.Src.IsValid() {
					return l, src, nil
				}
				return l, r.Src, nil
			}
		}
	}
	for _, l := range links {
		if l.Name == "lo" || from.Interface != "" && l.Name != from.Interface {
			continue
		}
		if src := firstAddr(l, is6(dst)); src.IsValid() {
			return l, src, nil
		}
	}
	return topology.LinkState{}, netip.Addr{}, fmt.Errorf("%s has no interface with an address to ask from", from.Text)
}

// listen collects answers until the deadline, or until it is proven that no more come; a nil wait proves nothing.
func listen(ctx context.Context, asks []*asker, deadline time.Time, w *waiting) {
	byTap := map[*tap][]*asker{}
	var fds []unix.PollFd
	var order []*tap
	for _, k := range asks {
		if byTap[k.tap] == nil {
			order = append(order, k.tap)
			fds = append(fds, unix.PollFd{Fd: int32(k.tap.fd), Events: unix.POLLIN})
		}
		byTap[k.tap] = append(byTap[k.tap], k)
	}
	var buf [256]byte
	for ctx.Err() == nil && time.Now().Before(deadline) && !(w != nil && w.proven) {
		nap := maxNap
		if w != nil {
			nap = min(nap, w.next())
		}
		poll(fds, max(0, min(time.Until(deadline), nap)))
		for _, t := range order {
			for {
				frame, outgoing, ok := t.next(buf[:])
				if !ok {
					break
				}
				mac, sender, target, isReply := heldBy(frame)
				if outgoing || !isReply {
					continue
				}
				for _, k := range byTap[t] {
					if k.dst == sender && k.sender == target && !slices.Contains(k.macs, mac) {
						k.macs = append(k.macs, mac)
					}
				}
			}
		}
	}
}

// said are the MACs that answered, in order.
func (k *asker) said() string {
	var said []string
	for _, m := range k.macs {
		said = append(said, m.String())
	}
	slices.Sort(said)
	return strings.Join(said, " and at ")
}

func (k *asker) several() cause.Cause {
	return cause.Cause{Kind: cause.SeveralAnswers, Where: k.dst.String(), Rule: k.said(), Sure: true,
		Frames: len(k.macs)}
}

// word is yes, no, or who answers instead or as well. Of an entry of "names" [asker.forName] says what yes means.
func (k *asker) word(own *owners) (word string, exact []string, detail string) {
	if len(k.macs) == 0 {
		return "no", nil, fmt.Sprintf("%s for %s, no reply", problem.Count(k.sent, "request"), k.dst)
	}
	var words, each []string
	for _, m := range k.macs {
		words = append(words, k.answerer(own, m))
		each = append(each, own.exactMAC(m)...)
	}
	slices.Sort(words)
	slices.Sort(each)
	words, each = slices.Compact(words), slices.Compact(each)
	detail = fmt.Sprintf("%s is at %s", k.dst, k.said())
	switch {
	case k.to.Node == "":
		word, exact = k.forName(own)
		return word, exact, detail
	case len(words) == 1 && len(k.macs) == 1:
		return words[0], each, detail
	case len(words) == 1 && k.to.Interface == "": // several interfaces of one node
		return words[0], []string{strings.Join(each, "+")}, detail
	}
	for i, w := range words {
		if w == "yes" {
			words[i] = k.to.Text
		}
	}
	slices.Sort(words)
	return strings.Join(words, "+"), nil, detail
}

// answerer is the word for who has the MAC that answered. Who is asked is yes: a node by any of its interfaces, an
// interface by itself alone. Another interface of the same node is named.
func (k *asker) answerer(own *owners, m switchcore.MAC) string {
	w := own.ofMAC(m)
	mine := k.to.Node != "" && slices.Contains(own.byMAC[m], k.to.Node)
	at := own.exactMAC(m)
	switch {
	case w == k.to.Text, mine && k.to.Interface == "", mine &&
		(len(at) == 0 || slices.Contains(at, k.to.Node+":"+k.to.Interface)):
		return "yes"
	case mine:
		return at[0]
	}
	return w
}
