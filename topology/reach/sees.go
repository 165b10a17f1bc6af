package reach

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// ear is a listener of a sees table, or the tap that proves that a request left its sender.
type ear struct {
	*tap
	node    string
	arrived map[uint32]bool
	left    map[uint32]bool // sent by the node itself
}

// flow is one A->B of a sees table, with its marked request.
type flow struct {
	pr      *pair
	key     uint32
	proof   []*ear // what leaves the sender
	unknown error
}

// watch is the sees questions of one table.
type watch struct {
	a     *asking
	m     *matrix
	ears  map[place]*ear
	flows map[[2]string]*flow
}

// sees opens the listeners, then for each flow lets both sides exchange an echo and sends one marked request. A frame is
// seen where it arrives, and at its sender, where it leaves; a router that sends it on has seen it come.
func (a *asking) sees(ctx context.Context, at []int) {
	if len(at) == 0 || ctx.Err() != nil {
		return
	}
	m := &matrix{p: a.p, ctx: ctx, own: a.own, first: a.p.next, ways: map[wayKey]*way{}}
	w := &watch{a: a, m: m, ears: map[place]*ear{}, flows: map[[2]string]*flow{}}
	defer w.close()
	listeners := make([][]*ear, len(at))
	for n, i := range at {
		var err error
		if listeners[n], err = w.listeners(a.out[i].Question.At); err != nil {
			a.fail([]int{i}, err)
		}
	}
	for _, i := range at {
		if q := a.out[i].Question; w.flows[[2]string{q.A, q.B}] == nil {
			w.flows[[2]string{q.A, q.B}] = w.flow(q)
		}
	}
	for _, i := range at {
		q := a.out[i].Question
		if f := w.flows[[2]string{q.A, q.B}]; f.key == 0 && f.unknown == nil {
			f.unknown = w.run(f)
		}
	}
	w.settle(listeners)
	for n, i := range at {
		q := a.out[i].Question
		if a.out[i].Detail == "" {
			a.out[i].Got, a.out[i].Detail = w.word(w.flows[[2]string{q.A, q.B}], listeners[n])
		}
	}
}

func (w *watch) close() {
	for _, e := range w.ears {
		e.close()
	}
}

// listeners opens the promiscuous sockets of a column: all interfaces of a node, or one.
func (w *watch) listeners(text string) ([]*ear, error) {
	t, ok := w.a.p.target(text)
	if !ok || t.Node == "" {
		return nil, fmt.Errorf("%q is no node of this lab", text)
	}
	var out []*ear
	for _, l := range w.a.own.links[t.Node] {
		if l.Name == "lo" || !l.Up || t.Interface != "" && l.Name != t.Interface {
			continue
		}
		e, err := w.ear(t.Node, l.Index, true)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no interface that is up to listen on", text)
	}
	return out, nil
}

func (w *watch) ear(node string, index int, promiscuous bool) (*ear, error) {
	if e := w.ears[place{node, index}]; e != nil {
		return e, nil
	}
	// ETH_P_ALL and not ETH_P_IP: only the former gets what the node itself sends.
	t, err := openTap(w.a.p.Machine, node, index, unix.ETH_P_ALL, promiscuous, marked(w.m.v6, w.a.p.cookie))
	if err != nil {
		return nil, err
	}
	e := &ear{tap: t, node: node, arrived: map[uint32]bool{}, left: map[uint32]bool{}}
	w.ears[place{node, index}] = e
	return e, nil
}

// flow resolves A->B and opens the tap that proves that its request leaves. All listeners are open by now, so a promiscuous
// one that is there already serves as well.
func (w *watch) flow(q topology.Question) *flow {
	pr, err := w.m.pair(q)
	if err != nil {
		return &flow{unknown: err}
	}
	f := &flow{pr: pr}
	for _, l := range w.a.own.links[pr.sock.node] {
		if l.Name == "lo" || !l.Up {
			continue
		}
		e, err := w.ear(pr.sock.node, l.Index, false)
		if err != nil {
			return &flow{unknown: err}
		}
		f.proof = append(f.proof, e)
	}
	return f
}

// introduction is how long the echo before the marked one may take: longer than a neighbour takes to fail.
const introduction = time.Second

// run lets the two sides exchange an echo and then sends the marked request.
func (w *watch) run(f *flow) error {
	m := w.m
	if err := w.a.start(); err != nil {
		return err
	}
	d := min(introduction, m.p.patience())
	if m.p.Lab.KernelTimers {
		d = m.p.patience()
	}
	m.plot(f.pr)
	m.send(f.pr)
	m.await(f.pr, d)
	f.pr.again()
	f.key = m.p.next
	m.send(f.pr)
	m.await(f.pr, m.p.patience())
	w.drain()
	return m.ctx.Err()
}

func (w *watch) drain() {
	var buf [256]byte
	for _, e := range w.ears {
		for {
			frame, outgoing, ok := e.next(buf[:])
			if !ok {
				break
			}
			if key, ok := markOf(frame, w.a.p.cookie); ok && outgoing {
				e.left[key] = true
			} else if ok {
				e.arrived[key] = true
			}
		}
	}
}

// settle listens on for a moment, since a copy may be behind the answer.
func (w *watch) settle(listeners [][]*ear) {
	var fds []unix.PollFd
	for _, ears := range listeners {
		for _, e := range ears {
			fds = append(fds, unix.PollFd{Fd: int32(e.fd), Events: unix.POLLIN})
		}
	}
	for end := time.Now().Add(linger); time.Now().Before(end) && w.m.ctx.Err() == nil; {
		w.drain()
		poll(fds, time.Until(end))
	}
	w.drain()
}

// word is yes or no; a no counts only when the fate of the marked request is known, or it was seen leaving.
func (w *watch) word(f *flow, listeners []*ear) (word, detail string) {
	if f.unknown != nil {
		return Unknown, f.unknown.Error()
	}
	for _, e := range listeners {
		if e.arrived[f.key] || e.node == f.pr.sock.node && e.left[f.key] {
			return "yes", "the marked request was captured there"
		}
	}
	for _, e := range listeners {
		if e.lost() {
			return Unknown, "the listener lost frames"
		}
	}
	if f.pr.word == Unknown {
		return Unknown, f.pr.detail
	}
	if f.pr.word != "" {
		_, detail := f.pr.outcome()
		return "no", "not captured; its fate: " + detail
	}
	for _, e := range f.proof {
		if e.left[f.key] {
			return "no", "not captured; it left " + f.pr.sock.node + " and nothing came back"
		}
	}
	if w.m.silent(f.pr) == nil && f.pr.word == "no-arp" {
		return "no", "not captured; it never left: " + f.pr.detail
	}
	return Unknown, "the marked request was never seen leaving " + f.pr.sock.node
}
