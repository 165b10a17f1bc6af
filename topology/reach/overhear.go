package reach

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology/expect"
	"labctl/topology/problem"
)

// Overhearing is listeners for the forged frames of a step. They are open before the step acts, since what is sent
// there is gone when its tables are judged.
type Overhearing struct {
	b         *bench
	g         *background
	listeners *listeners
	columns   map[sighting]column
	counted   map[sighting]bool  // how many copies came is asked
	unheard   map[sighting]error // whose listeners could not be opened

	mu      sync.Mutex
	sends   map[string]*Sending // what was sent under the names that are listened for
	before  map[string]uint64   // what of it had left before there were listeners
	met     map[*listener]*meetings
	settled bool
}

// sighting is a question: the name of a frame, the column, and how it listens.
type sighting struct {
	name, at    string
	promiscuous bool
}

func sightingOf(q expect.Question) sighting { return sighting{q.A, q.At, q.Promiscuous()} }

// newOverhearing picks what is to be listened for, as [Prober.Overhear] says, and opens nothing yet.
func (g *background) newOverhearing(b *bench, names []string,
	asked []heardCell) (o *Overhearing, cells []expect.Question) {
	o = &Overhearing{b: b, g: g, columns: map[sighting]column{}, counted: map[sighting]bool{},
		unheard: map[sighting]error{}, sends: g.sent(),
		before: map[string]uint64{}, met: map[*listener]*meetings{}}
	for _, c := range asked {
		if q := c.Question; o.sends[q.A] != nil || slices.Contains(names, q.A) {
			cells = append(cells, q)
			o.counted[sightingOf(q)] = o.counted[sightingOf(q)] || c.counted
		}
	}
	o.settled = len(cells) == 0
	return o, cells
}

// begin opens the listeners, and returns when the switches have noticed.
func (o *Overhearing) begin(ctx context.Context, cells []expect.Question) error {
	own, err := o.b.owners()
	if err != nil {
		return err
	}
	for name, s := range o.sends {
		o.before[name] = s.Left()
	}
	o.listeners = newListeners(o.b, own, passing(o.frames()))
	promiscuous := slices.ContainsFunc(cells, expect.Question.Promiscuous)
	for _, q := range cells {
		if promiscuous && !q.Promiscuous() { // a file cannot say so
			o.unheard[sightingOf(q)] = errors.New("others listen promiscuously to what is sent, which opens filters")
			continue
		}
		o.open(q)
	}
	if err := o.b.machine.Quiet(ctx); err != nil {
		return errors.Join(err, o.listeners.close(ctx))
	}
	o.g.mu.Lock()
	defer o.g.mu.Unlock()
	o.g.over = o
	return nil
}

// heardCell is a question of an expectation about what goes by a name, and whether it asks how many copies come.
type heardCell struct {
	expect.Question
	counted bool
}

// sightings are those of an expectation.
func sightings(e *expect.Expectation, all bool) (out []heardCell) {
	if e == nil {
		return nil
	}
	for _, t := range e.Tables {
		for _, c := range t.Cells {
			if q := c.Question; q.Kind == "sees" && q.B == "" && (c.Judged || all) {
				out = append(out, heardCell{q, c.Want.Counts()})
			}
		}
	}
	return out
}

func (o *Overhearing) frames() (out [][]byte) {
	for _, s := range o.sends {
		out = append(out, s.frame)
	}
	return out
}

// open opens the listeners of a cell.
func (o *Overhearing) open(q expect.Question) {
	key := sightingOf(q)
	c, err := o.listeners.column(q.At, q.Promiscuous())
	if err == nil {
		for _, e := range c.listeners {
			if o.met[e] != nil {
				continue
			}
			o.met[e] = &meetings{arrived: map[string]int{}, left: map[string]int{}, taken: map[string]bool{},
				doubtful: map[string]bool{}}
			if err = e.showTags(); err != nil {
				break
			}
		}
	}
	if err != nil {
		o.unheard[key] = err
		return
	}
	o.columns[key] = c
}

// showTags makes [tap.nextTagged] tell the tag of a frame that arrives: it is not in its bytes (packet(7)).
func (t *tap) showTags() error {
	return unix.SetsockoptInt(t.fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1)
}

// expectFrame tells the open listeners of a frame that is about to be sent.
func (g *background) expectFrame(s *Sending) {
	o := g.listening()
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settled {
		return
	}
	o.sends[s.name] = s
	delete(o.before, s.name)
	for e, m := range o.met {
		if err := e.attach(passing(o.frames())); err != nil {
			m.missed = "the listener could not be told what to listen for: " + err.Error()
		}
	}
}

// Close closes the listeners, if they are open still. It may be called more than once.
func (o *Overhearing) Close() error {
	o.g.mu.Lock()
	if o.g.over == o {
		o.g.over = nil
	}
	o.g.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settled {
		return nil
	}
	o.settled = true
	return o.listeners.close(context.Background())
}

// settleOverheard settles what is open.
func (g *background) settleOverheard(ctx context.Context) error {
	o := g.listening()
	if o == nil {
		return nil
	}
	return o.Settle(ctx)
}

// Settle listens on until the frames have had their time to arrive everywhere, and closes the listeners; the answers
// stay until Close. Of what is still being sent it waits for a few more. It may be called more than once.
func (o *Overhearing) Settle(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settled {
		return nil
	}
	fds := o.listeners.pollFds()
	o.drain()
	if wait, _ := o.pending(time.Now(), farewell); wait > 0 {
		_ = o.b.machine.Idle(ctx) // its error is the context's, which ends the loop too
	}
	since, w := time.Now(), o.b.await(ctx)
	for ctx.Err() == nil {
		o.drain()
		d := farewell
		if w.holds != "" {
			d = o.b.patience
		}
		wait, more := o.pending(since, d)
		if wait <= 0 || w.proven && !more {
			break
		}
		poll(fds, min(wait, w.next()))
	}
	for e, m := range o.met {
		m.missed = cmp.Or(m.missed, e.missedWhy())
	}
	o.settled = true
	return errors.Join(context.Cause(ctx), o.listeners.close(ctx))
}

// pending is how long there is still something to be listened for, nothing once every listener has its frame, and
// whether more of it is still going to be sent. Each frame has d for its way.
func (o *Overhearing) pending(since time.Time, d time.Duration) (left time.Duration, more bool) {
	for key := range o.columns {
		if o.captured(key) && !o.counted[key] {
			continue
		}
		its := d
		if s := o.sends[key.name]; s != nil && s.running() {
			its += enough * s.every
			more = true
		}
		left = max(left, time.Until(since.Add(its)))
	}
	return left, more
}

func (o *Overhearing) drain() {
	buf := make([]byte, 1<<16)
	for e, m := range o.met {
		for {
			frame, tags, outgoing, ok := e.nextTagged(buf)
			if !ok {
				break
			}
			m.note(o.sends, frame, tags, outgoing, e.forOthers)
		}
	}
}

// captured reports whether the listener of a question has the frame: as it arrives, or, at its own sender and at a port
// of a switch, as it leaves.
func (o *Overhearing) captured(key sighting) bool { return o.copies(key) > 0 }

// copies is how many the listener of a question has, of all frames of that name.
func (o *Overhearing) copies(key sighting) (n int) {
	name := key.name
	c, s := o.columns[key], o.sends[name]
	if s == nil {
		return 0
	}
	for _, e := range c.listeners {
		m := o.met[e]
		n += m.arrived[name]
		if c.through || e.node == s.node {
			n += m.left[name]
		}
	}
	return n
}

// overheard answers a question about a forged frame, if it is one that is listened for.
func (a *asking) overheard(i int) bool {
	q := a.out[i].Question
	if q.B != "" {
		return false
	}
	o := a.bg.listening()
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	key := sightingOf(q)
	err, failed := o.unheard[key]
	if _, known := o.columns[key]; !known && !failed {
		return false
	}
	if failed {
		a.fail([]int{i}, err)
		return true
	}
	r, c := &a.out[i], o.columns[key]
	r.Got, r.Detail = o.word(key)
	switch {
	case r.Got == Unknown:
	case r.Got == "no" || len(c.listeners) == 1:
		n := o.copies(key)
		if r.Exact = []string{strconv.Itoa(n)}; n > 1 {
			r.Detail = fmt.Sprintf("the frame was captured there %d times", n)
		}
	case o.counted[key]:
		r.Got, r.Detail = Unknown, severalListen(c)
	}
	if r.Got == "yes" && !key.promiscuous {
		r.Detail += o.b.hearsAnyway(c, func(e *listener) bool {
			return o.met[e].taken[key.name] || o.met[e].left[key.name] > 0
		})
	}
	return true
}

// word is yes or no; a no counts only when the frame was seen leaving its sender.
func (o *Overhearing) word(key sighting) (word, detail string) {
	name := key.name
	s := o.sends[name]
	switch {
	case s == nil:
		return Unknown, fmt.Sprintf("no frame called %q was sent", name)
	case o.captured(key) && !o.counted[key]:
		return "yes", "the frame was captured there"
	}
	for _, e := range o.columns[key].listeners {
		if m := o.met[e]; m.doubtful[name] {
			return Unknown, "a frame was captured that may be this one or another that was sent"
		} else if m.missed != "" {
			return Unknown, m.missed
		}
	}
	if o.captured(key) {
		return "yes", "the frame was captured there"
	}
	left := s.Left() - o.before[name]
	if left == 0 {
		return Unknown, fmt.Sprintf("sent: %s; none was seen leaving %s meanwhile",
			problem.Count(int(s.Sent()), "frame"), s.node)
	}
	return "no", fmt.Sprintf("not captured; %d left %s", left, s.node)
}

// nextTagged is [tap.next] of a socket with PACKET_AUXDATA: the frame, and the tag that the kernel took out of it, if
// it did.
func (t *tap) nextTagged(buf []byte) (frame []byte, tags []uint16, outgoing, ok bool) {
	var oob [128]byte
	for {
		n, oobn, _, from, err := unix.Recvmsg(t.fd, buf, oob[:], 0)
		if err == unix.EINTR || err == unix.ENETDOWN {
			continue
		}
		if err != nil {
			return nil, nil, false, false
		}
		ll, _ := from.(*unix.SockaddrLinklayer)
		t.forOthers = ll != nil && ll.Pkttype == unix.PACKET_OTHERHOST
		return buf[:n], tagOf(oob[:oobn]), ll != nil && ll.Pkttype == unix.PACKET_OUTGOING, true
	}
}

// tagOf reads struct tpacket_auxdata: status, len, snaplen, mac, net, vlan_tci, vlan_tpid.
func tagOf(oob []byte) []uint16 {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= 20 &&
			binary.NativeEndian.Uint32(m.Data)&unix.TP_STATUS_VLAN_VALID != 0 {
			return []uint16{binary.NativeEndian.Uint16(m.Data[16:])}
		}
	}
	return nil
}
