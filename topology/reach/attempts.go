package reach

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology/expect"
)

// dialing is the questions about ports of one protocol and family in one call of Ask.
type dialing struct {
	b      *bench
	ctx    context.Context
	own    *owners
	kept   bool
	before losses // when nothing was known to be lost
	keeps  string // why kernels went on asking for neighbours then, "" if nothing forces it
	sent   uint64 // datagrams
	turned turned
}

// attempts asks questions about ports, one after the other: a listener is open only while it is asked for.
func (a *asking) attempts(ctx context.Context, at []int, tr transport) {
	if len(at) == 0 || ctx.Err() != nil {
		return
	}
	d := &dialing{b: a.b, ctx: ctx, own: a.own, kept: a.kept, turned: turned{}}
	index := map[expect.Question]*attempt{}
	var list []*attempt
	for _, i := range at {
		q := a.out[i].Question
		t := index[q]
		if t == nil {
			var err error
			if t, err = newAttempt(a.b, a.own, q, tr); err != nil {
				a.fail([]int{i}, err)
				continue
			}
			index[q], list = t, append(list, t)
		}
		t.asked = append(t.asked, i)
	}
	err := d.run(list, func(t *attempt) expect.Question { return a.out[t.asked[0]].Question })
	for _, t := range list {
		if t.word == "" && err != nil {
			t.decide(Unknown, err.Error())
		}
		word, detail := t.outcome()
		for _, i := range t.asked {
			r := &a.out[i]
			r.Got, r.Detail, r.Causes, r.RTT = word, detail, slices.Clone(t.causes), t.rtt
			r.Hops, r.Sent = suspects(t.word, t.path, t.back), Sent{a.b.cookie, t.tries}
		}
	}
}

// run asks all, and leaves the tables as the last one left them that was answered.
func (d *dialing) run(list []*attempt, question func(*attempt) expect.Question) (err error) {
	if len(list) == 0 {
		return nil
	}
	if err := d.mark(); err != nil {
		return err
	}
	if _, err := d.countTurned(list[0].transport, d.b.nodeNames()); err != nil {
		return err
	}
	var last *attempt
	for _, t := range list {
		if err := d.certainly(t); err != nil {
			return err
		}
		if err := d.controlled(t); err != nil {
			return err
		}
		if t.word == "open" {
			last = t
		}
	}
	if err := d.investigate(list, question); err != nil {
		return err
	}
	if !d.kept && last != nil {
		left := *last
		left.again()
		return d.once(&left)
	}
	return nil
}

// certainly asks a question, and again if what it sent may have been lost for a reason that is not the lab's.
func (d *dialing) certainly(t *attempt) error {
	for try := 0; ; try++ {
		t.again()
		if err := d.once(t); err != nil {
			return err
		}
		if t.word != "silent" {
			return nil
		}
		lost := d.b.lostSince(d.before)
		if lost == "" && try < errorTries && d.limited(t) {
			d.rest(t.sent.Add(errorSpace))
			continue
		}
		if lost == "" {
			return nil
		}
		if try == lostTries {
			t.note = fmt.Sprintf("asked %d times, and each time %s", try+1, lost)
			return nil
		}
		if err := d.mark(); err != nil {
			return err
		}
	}
}

// limited reports whether a router may have kept its own "no route" to itself, which it says five times to each source,
// and then once a second (ip_error, net/ipv4/route.c).
func (d *dialing) limited(t *attempt) bool {
	w := t.path
	if w == nil || w.err == nil || w.errAt == t.from.Node {
		return false
	}
	on, err := d.b.machine.Forwards(w.errAt, family(t.v6), w.errIn)
	return err != nil || on
}

// rest lets a limiter's second pass.
func (d *dialing) rest(until time.Time) {
	for d.ctx.Err() == nil && time.Now().Before(until) {
		poll(nil, min(maxNap, time.Until(until)))
	}
}

// mark notes what a wait has to know of the lab from before the first request of a question. What forces a kernel to
// ask for a neighbour again may be over when it is looked for later, as where a port has begun to forward.
func (d *dialing) mark() (err error) {
	if d.before, err = d.b.losses(); err == nil && !d.kept {
		d.keeps = d.b.repeats(nil)
	}
	return err
}

// once asks a question once, from what the tables are to be.
func (d *dialing) once(t *attempt) error {
	if err := d.tables(); err != nil {
		return err
	}
	return d.try(t, d.await)
}

// tables makes the tables what a question is to find.
func (d *dialing) tables() error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if d.kept {
		return d.b.machine.Idle(d.ctx)
	}
	return d.b.forgetAll(d.ctx)
}

// try makes one try, of which await sees the end.
func (d *dialing) try(t *attempt, await func(*attempt, int, *ears)) error {
	d.trace(t)
	if t.udp && !t.real {
		d.sent++
		t.payload = binary.BigEndian.AppendUint64(slices.Clone(d.b.cookie[:]), d.sent)
	}
	heard, err := d.listen(t)
	if err != nil {
		t.decide(Unknown, err.Error())
		return nil
	}
	defer heard.close()
	t.heardIn = heard.nodes()
	fd, err := d.open(t)
	if err != nil {
		t.decide(Unknown, err.Error())
		return nil
	}
	defer unix.Close(fd)
	d.start(t, fd)
	await(t, fd, heard)
	if err := d.ctx.Err(); err != nil {
		return err
	}
	t.tries[len(t.tries)-1].Until = time.Now()
	t.conclude(d.b.patience, heard)
	return nil
}

// trace finds out which way the question goes.
func (d *dialing) trace(t *attempt) {
	w := d.own.walk(d.b.machine, t.from.Node, t.query())
	t.path, t.back = w, nil
	if w.src.IsValid() && len(w.hops) > 0 {
		last := w.nodes[len(w.nodes)-1]
		t.back = d.own.walk(d.b.machine, last, reply(d.own, last, t.query(), w.src))
	}
}

// await waits until the question is decided, or nothing more can come.
func (d *dialing) await(t *attempt, fd int, heard *ears) {
	w := d.b.await(d.ctx)
	if t.udp && t.real && w.why == "" {
		w.why = "a program answers when it likes"
	}
	w.asks = d.asks(t)
	deadline := t.sent.Add(d.b.patience)
	for {
		d.take(t, fd)
		d.hear(t, heard)
		if w.proven && t.word == "" {
			w.why = d.repeats(t)
			w.proven = w.why == ""
		}
		left := time.Until(deadline)
		if t.word != "" || w.proven || left <= 0 || d.ctx.Err() != nil {
			t.nothing, t.unproven = w.proven, w.unproven()
			w.note()
			return
		}
		d.poll(t, fd, heard, min(left, w.next()))
	}
}

// repeats says why a kernel that asks for a connection again, as it does after a second (tcp(7), tcp_syn_retries), may
// get an answer though it got none at first; "" if it will not.
func (d *dialing) repeats(t *attempt) string {
	if t.udp {
		return ""
	}
	if t.path.redirect != "" {
		return t.path.redirect + " redirects, and what is sent again may go another way"
	}
	found, err := d.b.machine.Forgetful(true)
	if err != nil {
		return err.Error()
	}
	return firstOf(found)
}

// hear takes in what has arrived at the prober's own listeners.
func (d *dialing) hear(t *attempt, heard *ears) {
	if t.udp && t.word == "" {
		if node := heard.heard(t.payload); node != "" {
			t.opened("received in " + node)
		}
		return
	}
	if t.udp || t.word != "open" || len(heard.open) == 0 {
		return
	}
	// The client knows of its connection first: the listener takes it when the client's own answer has arrived.
	for end := time.Now().Add(quick); ; {
		node := heard.heard(nil)
		if node != "" {
			t.detail += ", accepted in " + node
			return
		}
		left := time.Until(end)
		if left <= 0 {
			return
		}
		poll(heard.pollFds(), left)
	}
}

// asks is what the wait may give up: the neighbours on the way there and back.
func (d *dialing) asks(t *attempt) *asks {
	if d.kept {
		return nil // as in tables of pings
	}
	a := &asks{entries: map[entry]bool{}, before: d.before, keeps: d.keeps}
	for _, w := range []*path{t.path, t.back} {
		if w != nil {
			for _, h := range w.hops {
				a.entries[entry(h)] = true
			}
		}
	}
	return a
}

func (d *dialing) poll(t *attempt, fd int, heard *ears, wait time.Duration) {
	events := int16(unix.POLLIN)
	if !t.udp {
		events |= unix.POLLOUT
	}
	fds := append(heard.pollFds(), unix.PollFd{Fd: int32(fd), Events: events})
	poll(fds, min(wait, maxNap))
}

// conclude decides what nothing came for, and what proves nothing because nobody listened.
func (t *attempt) conclude(patience time.Duration, heard *ears) {
	said := "no answer was received, and none is on its way"
	if !t.nothing {
		said = fmt.Sprintf("no answer was received within %v", patience)
		if t.unproven != "" {
			said += "; whether one is still on its way cannot be told: " + t.unproven
		}
	}
	t.decide("silent", said)
	if t.real || t.word != "silent" && t.word != "refused" {
		return
	}
	switch {
	case heard.nobody():
		t.word, t.detail = Unknown, fmt.Sprintf("%s; nobody has %s, so nobody listened: where it is translated, name "+
			"who is to listen (listen: [NODE:PORT])", t.detail, t.dst)
	case t.udp && t.word == "silent" && len(heard.programs) > 0:
		t.word, t.detail = Unknown, fmt.Sprintf("%s; a program in %s holds the port, and what it receives is not "+
			"known: ask for its answer (listen: real, with a payload)", t.detail, where(heard.programs))
	}
}
