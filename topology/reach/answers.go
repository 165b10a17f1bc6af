package reach

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// An unanswered ARP request is sent arpTries times, arpEvery apart; answers are listened to until the last has had its time.
const (
	arpTries = 3
	arpEvery = 250 * time.Millisecond
)

// asker is one ARP question under way.
type asker struct {
	index  int
	to     topology.Target
	tap    *tap
	sender netip.Addr
	frame  []byte
	macs   []topology.MAC // who answered, in order
}

// answers asks by ARP, all pairs at the same time.
func (a *asking) answers(ctx context.Context, at []int) {
	if len(at) == 0 || ctx.Err() != nil {
		return
	}
	if err := a.start(); err != nil {
		a.fail(at, err)
		return
	}
	taps := map[place]*tap{}
	defer func() {
		for _, t := range taps {
			t.close()
		}
	}()
	var asks []*asker
	for _, i := range at {
		k, err := a.asker(i, taps)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		asks = append(asks, k)
	}
	for range arpTries {
		for _, k := range asks {
			if len(k.macs) > 0 {
				continue
			}
			if err := unix.Send(k.tap.fd, k.frame, 0); err != nil {
				a.fail([]int{k.index}, fmt.Errorf("send an ARP request: %w", err))
			}
		}
		listen(ctx, asks, time.Now().Add(arpEvery))
	}
	if ctx.Err() != nil {
		return
	}
	for _, k := range asks {
		if r := &a.out[k.index]; r.Detail == "" {
			r.Got, r.Detail = k.word(a.own)
		}
	}
}

// start makes the lab forget, unless its tables are to be kept.
func (a *asking) start() error {
	if a.kept {
		return nil
	}
	return a.p.forgetAll()
}

// place is an interface of a node by its index.
type place struct {
	node  string
	index int
}

func (a *asking) asker(i int, taps map[place]*tap) (*asker, error) {
	q := a.out[i].Question
	from, to, err := a.p.ends(q)
	if err != nil {
		return nil, err
	}
	if !to.IP.IsValid() {
		return nil, fmt.Errorf("%s has no IPv4 address to ask for", q.B)
	}
	l, src, err := a.facing(from, to.IP)
	if err != nil {
		return nil, err
	}
	t := taps[place{from.Node, l.Index}]
	if t == nil {
		if t, err = openTap(a.p.Machine, from.Node, l.Index, unix.ETH_P_ARP, false, arpReplies); err != nil {
			return nil, err
		}
		taps[place{from.Node, l.Index}] = t
	}
	return &asker{index: i, to: to, tap: t, sender: src, frame: arpRequest(l.MAC, src, to.IP)}, nil
}

// facing is the interface, and the address on it, from which a node would ask for dst: where its route goes, else the first
// interface that has an address.
func (a *asking) facing(from topology.Target, dst netip.Addr) (Link, netip.Addr, error) {
	links := a.own.links[from.Node]
	if from.Interface == "" {
		if r, err := a.p.Machine.Route(from.Node, RouteQuery{Dst: dst}); err == nil && !r.Local {
			if l, ok := a.own.linkAt(from.Node, r.Index); ok {
				if src := firstAddr(l, false); src.IsValid() && !r.Src.IsValid() {
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
		if src := firstAddr(l, false); src.IsValid() {
			return l, src, nil
		}
	}
	return Link{}, netip.Addr{}, fmt.Errorf("%s has no interface with an IPv4 address to ask from", from.Text)
}

// listen collects answers until the deadline.
func listen(ctx context.Context, asks []*asker, deadline time.Time) {
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
	for ctx.Err() == nil && time.Now().Before(deadline) {
		poll(fds, min(time.Until(deadline), maxNap))
		for _, t := range order {
			for {
				frame, outgoing, ok := t.next(buf[:])
				if !ok {
					break
				}
				mac, sender, target, isReply := arpReply(frame)
				if outgoing || !isReply {
					continue
				}
				for _, k := range byTap[t] {
					if k.to.IP == sender && k.sender == target && !slices.Contains(k.macs, mac) {
						k.macs = append(k.macs, mac)
					}
				}
			}
		}
	}
}

// word is yes, no, or who answers instead or as well.
func (k *asker) word(own *owners) (word, detail string) {
	if len(k.macs) == 0 {
		return "no", fmt.Sprintf("%d requests for %s, no reply", arpTries, k.to.IP)
	}
	var words, said []string
	for _, m := range k.macs {
		w := own.ofMAC(m)
		if w == k.to.Text || slices.Contains(own.byMAC[m], k.to.Node) {
			w = "yes"
		}
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
		said = append(said, m.String())
	}
	slices.Sort(said)
	detail = fmt.Sprintf("%s is at %s", k.to.IP, strings.Join(said, " and at "))
	if len(words) == 1 {
		return words[0], detail
	}
	for i, w := range words {
		if w == "yes" {
			words[i] = k.to.Text
		}
	}
	slices.Sort(words)
	return strings.Join(words, "+"), detail
}
