package reach

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

// patience is how long nothing must come back before that is called silence: longer than the 3.06 s that a stock kernel
// takes to give up a neighbour.
const patience = 4 * time.Second

// maxNap bounds a wait so that a cancelled context is noticed.
const maxNap = 100 * time.Millisecond

// linger is how long duplicates and late redirects are waited for at least once all is decided; behind virtual
// switches, which are threads that wait for a processor, longer.
const (
	linger         = 20 * time.Millisecond
	lingerSwitched = 60 * time.Millisecond
	lingerAtMost   = 500 * time.Millisecond
)

// quick is how long a pair that is asked alone may take at first.
const quick = 20 * time.Millisecond

// farewell is how long a frame may take from its sender to the last listener, once the switches are idle, where it is
// not yet proven that it has arrived: it has no answer that would tell, and on a busy machine every processor on its
// way may have others to serve first. Where something in the lab may hold it, patience has to last.
const farewell = lingerAtMost

// bench is what every probe works with: the lab, its machine, and how long to wait. Each call of a [Prober] makes one,
// so that what began in the call goes on with what it began with.
type bench struct {
	lab         *topology.Lab
	machine     Machine
	patience    time.Duration
	roomGiven   int // instead of Machine.NeighbourRoom when positive
	investigate Investigator
	waiting     func(what string, second, total int)
	clock       *clock
	busy        func() string // what labctl itself sends in the background, "" being nothing
	*memory
}

// Investigator finds out what stopped a ping that did not get through, as [Prober.Investigate] says.
type Investigator = func(ctx context.Context, failed expect.Question, again Again) []cause.Cause

// Again asks a ping that did not get through again, see [Prober.Investigate].
type Again func(then func(way func() Trace) (once bool)) error

// Trace is where the frames of a ping have to come by, there and back, as the tables of the kernels have it now.
type Trace struct {
	Unknown bool // it cannot be said
	// the nodes between which they go from bridge to bridge: who sends, who is asked for, who is sent to
	Ends []string
	// bridges between them that do not know where such a frame belongs, and send copies of it elsewhere
	Floods map[string]bool
}

// memory is what a prober keeps from one call to the next.
type memory struct {
	openedFor *topology.Lab // that the sockets were opened for
	sockets   map[socketKey]*echoSocket
	cookie    [8]byte // in every probe of this prober: tells them from a stranger's ping
	redirects map[limiter]*redirected
	ids       identifiers
	sources   sourcePorts
	hush      sync.RWMutex // held for writing while streams must not send
}

// open makes the memory ready for the lab.
func (b *bench) open() error {
	if b.openedFor != b.lab {
		// A node of another lab may be another namespace, in which an old socket would go on asking the dead one.
		if err := b.close(); err != nil {
			return err
		}
		b.openedFor = b.lab
	}
	if b.sockets != nil {
		return nil
	}
	if b.cookie == [8]byte{} { // once: a stream outlives the lab that it was begun in
		var seed [12]byte
		if _, err := rand.Read(seed[:]); err != nil {
			return fmt.Errorf("choose an identifier for probes: %w", err)
		}
		copy(b.cookie[:], seed[:8])
		b.ids.next = binary.BigEndian.Uint32(seed[8:])
	}
	b.sockets = map[socketKey]*echoSocket{}
	if b.redirects == nil { // routers remember across a step's set, which makes another Lab and closes the sockets
		b.redirects = map[limiter]*redirected{}
	}
	return nil
}

// close closes the sockets; the next call opens new ones.
func (k *memory) close() error {
	var errs []error
	for _, s := range k.sockets {
		errs = append(errs, s.close())
	}
	k.sockets = nil
	return errors.Join(errs...)
}

// unknownRoom is taken when the machine does not say: half of a stock machine's gc_thresh3 of 1024.
const unknownRoom = 512

// entriesPerPair is how many neighbour entries a pair may make: two for each of two hops.
const entriesPerPair = 4

// maxBatch bounds the pairs that are under way at once.
const maxBatch = 512

var errNoRoom = errors.New("the machine's neighbour table has no room left; raise net.ipv4.neigh.default.gc_thresh3 " +
	"(arp(7))")

// room is how many pairs may be under way at once without overflowing the machine's neighbour table; 0: none.
func (b *bench) room() int {
	n := b.roomGiven
	if n <= 0 {
		n = b.machine.NeighbourRoom()
	}
	if n < 0 {
		n = unknownRoom
	}
	return min(n/entriesPerPair, maxBatch)
}

// forgetAll makes every node forget its neighbour entries and redirected routes, when nothing is under way that would
// tell them again.
func (b *bench) forgetAll(ctx context.Context) error {
	if err := b.machine.Idle(ctx); err != nil {
		return err
	}
	err := b.everywhere(func(_ int, node string) error {
		_, err := b.machine.FlushNeighbours(node)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget neighbours: %w", err)
	}
	return b.forgetRoutes()
}

// everywhere does something in all nodes, in as many at once as there are processors. The number is the node's place in
// the lab.
func (b *bench) everywhere(f func(i int, node string) error) error {
	nodes := b.lab.Nodes
	var next atomic.Int64
	var all errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(nodes)) {
		all.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(nodes) {
					return nil
				}
				if err := f(i, nodes[i].Name); err != nil {
					return err
				}
			}
		})
	}
	return all.Wait()
}

// forgetRoutes makes every node forget the routes that it was redirected to.
func (b *bench) forgetRoutes() error {
	err := b.everywhere(func(_ int, node string) error { return b.machine.FlushRoutes(node) })
	if err != nil {
		return fmt.Errorf("forget redirected routes: %w", err)
	}
	return nil
}

// ready waits until n requests can have identifiers that connection tracking does not know. It ends early with ctx.
func (b *bench) ready(ctx context.Context, n int) {
	for ctx.Err() == nil {
		d := b.ids.wait(time.Now(), n)
		if d <= 0 {
			return
		}
		b.pause(ctx,
			fmt.Sprintf("waiting until connection tracking has forgotten earlier requests (%d identifiers are in use)",
				1<<16-1), time.Now().Add(d))
	}
}

// pause waits until a moment, and says so, second by second, when it takes longer than that.
func (b *bench) pause(ctx context.Context, what string, until time.Time) {
	begin := time.Now()
	total := int((until.Sub(begin) + time.Second - 1) / time.Second)
	told := 0
	for ctx.Err() == nil && time.Now().Before(until) {
		next := begin.Add(time.Duration(told) * time.Second)
		if total > 1 && b.waiting != nil && !time.Now().Before(next) {
			b.waiting(what, told, total)
			told++
			continue
		}
		poll(nil, min(time.Until(until), maxNap))
	}
}
