//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/kernel"
)

// dropsKept is how many dropped frames a switch remembers.
const dropsKept = 4096

// switches are the virtual switches of the lab. They run in this process, each with a loop of its own.
type switches struct {
	space *kernel.Space
	log   *eventLog
	procs int // the runtime's processors without those for switches

	mu     sync.Mutex
	byNode map[string]*vswitch
	past   map[string]past // by node: what switches that were stopped have dropped since the mark
}

// vswitch is one running switch.
type vswitch struct {
	node  string
	inode uint64 // of the namespace that it was started in
	loop  *datapath.Loop
	watch *kernel.Watch
	conf  switchcore.Config
	ports map[string]*plugged // by name
	since uint64              // where in the drop log the set of the current step was done

	cables  map[string]*cable // by port
	backlog uint64            // see [kernel.BacklogDrops]

	overruns map[string]uint64 // by port: frames that the kernel threw away before the switch saw them
	overrun  uint64            // of all ports, when the set of the current step was done
}

// plugged is a port that has its interface.
type plugged struct {
	id      switchcore.PortID
	at, far topology.End
	index   int    // of the interface
	inode   uint64 // of its namespace
	behind  uint64 // inode of the namespace of far
	initial switchcore.MAC
	inlet   int // index of the interface that a shared uplink is sent by; 0: not shared
	mtu     int // of the inlet
	guard   int // descriptor that keeps the holder's stack away from its interface; 0: none
}

func newSwitches(space *kernel.Space, log *eventLog) *switches {
	return &switches{space: space, log: log, byNode: map[string]*vswitch{}, past: map[string]past{},
		procs: runtime.GOMAXPROCS(0)}
}

// sync makes the running switches those of the lab, after the kernel's part of the lab was changed.
func (w *switches) sync(lab *topology.Lab) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.share()
	for name, v := range w.byNode {
		if n := lab.Node(name); n == nil || n.Switch == nil || w.space.Inode(name) != v.inode ||
			v.conf.Profile != n.Switch.Config.Profile {
			if err := w.retireLocked(v); err != nil {
				return err
			}
		}
	}
	for _, n := range lab.Nodes {
		if n.Switch == nil {
			continue
		}
		if err := w.syncOne(n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

func (w *switches) syncOne(n *topology.Node) error {
	v := w.byNode[n.Name]
	if v == nil {
		var err error
		if v, err = w.start(n); err != nil {
			return err
		}
		w.byNode[n.Name] = v
	} else if !reflect.DeepEqual(v.conf, n.Switch.Config) {
		var err error
		v.loop.Do(func(now time.Duration, s *switchcore.Switch) { err = s.Configure(now, n.Switch.Config) })
		if err != nil {
			return err
		}
		v.conf = n.Switch.Config
	}
	err := w.plug(v, n.Switch)
	w.cablesOfLocked(v, n)
	return err
}

// share lets the runtime have a processor more for each switch: a busy one keeps a processor for itself, and whoever
// asks the supervisor something, and the switches behind it, would have to wait for the runtime to take that away.
func (w *switches) share() {
	if n := w.procs + len(w.byNode); runtime.GOMAXPROCS(0) != n {
		runtime.GOMAXPROCS(n)
	}
}

func (w *switches) start(n *topology.Node) (*vswitch, error) {
	core, err := switchcore.New(n.Switch.Config)
	if err != nil {
		return nil, err
	}
	watch, err := w.space.Watch()
	if err != nil {
		return nil, err
	}
	loop, err := datapath.Start(core, datapath.Options{
		Observer: observer{watch}, DropLog: dropsKept,
		Events: func(list []switchcore.Event) { w.noteEvents(n.Name, list) },
		Log:    func(format string, args ...any) { slog.Warn(fmt.Sprintf(format, args...), "switch", n.Name) },
	})
	if err != nil {
		return nil, errors.Join(err, watch.Close())
	}
	return &vswitch{node: n.Name, inode: w.space.Inode(n.Name), loop: loop, watch: watch, conf: n.Switch.Config,
		ports: map[string]*plugged{}}, nil
}

// noteEvents puts what a switch says of itself into the lab's events.
func (w *switches) noteEvents(node string, list []switchcore.Event) {
	for _, e := range list {
		w.log.add(wire.Happened{Kind: e.Kind, Node: node, Object: e.Port, Old: e.Old, New: e.New, Cause: e.Cause})
	}
}

// plug gives every port its interface: first the sockets, then the guests, whose arrival may send on the uplinks.
func (w *switches) plug(v *vswitch, sw *topology.Switch) error {
	known := map[string]bool{}
	fresh := []*plugged{}
	for i, p := range sw.Ports {
		was := v.ports[p.Name]
		if sw.Config.Ports[i].Down && p.At.Node != v.node {
			continue // the interface is its holder's: it stays up, and the switch lets go of it
		}
		known[p.Name] = true
		now, err := w.attach(v, p, sw.Config.Ports[i], was)
		if err != nil {
			return fmt.Errorf("port %s: %w", p.Name, err)
		}
		if now != was {
			fresh = append(fresh, now)
		}
		v.ports[p.Name] = now
	}
	for name, p := range v.ports {
		if !known[name] {
			delete(v.ports, name)
			if err := w.detach(v, p); err != nil {
				return fmt.Errorf("port %s: %w", name, err)
			}
		}
	}
	for _, p := range fresh {
		seen, err := v.watch.Follow(int(p.id), p.far, p.at)
		if err != nil {
			err = fmt.Errorf("follow %s: %w", p.at, err)
			for name, q := range v.ports { // so that the next sync tries again
				if q == p {
					delete(v.ports, name)
				}
			}
			return errors.Join(err, w.detach(v, p))
		}
		v.loop.Observe(p.id, seenBy(seen, kernel.When{}))
	}
	return nil
}

// observer lets a loop see the guests' adapters through the kernel's notifications.
type observer struct{ *kernel.Watch }

func (o observer) Drain(each func(switchcore.PortID, datapath.Seen)) {
	o.Watch.Drain(func(key int, s kernel.Seen, when kernel.When) {
		each(switchcore.PortID(key), seenBy(s, when))
	})
}

func seenBy(s kernel.Seen, when kernel.When) datapath.Seen {
	return datapath.Seen{Filter: filterOf(s), Up: s.Carrier, Gone: s.Gone, After: when.After, By: when.By,
		From: when.From}
}

func (o observer) Reread(port switchcore.PortID) { o.Watch.Reread(int(port)) }

// filterOf is what a Linux guest asks its adapter for. Its multicast list cannot be followed reliably, so it counts as
// wanting all of it; without that IPv6 would not find its neighbours.
func filterOf(s kernel.Seen) switchcore.Filter {
	return switchcore.Filter{MAC: s.MAC, Promiscuous: s.Promiscuity > 0, AllMulti: true}
}

func (v *vswitch) close() error {
	err := v.loop.Close()
	return errors.Join(err, v.watch.Close())
}

func (w *switches) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for name, v := range w.byNode {
		errs = append(errs, w.stop(v))
		delete(w.byNode, name)
	}
	return errors.Join(errs...)
}

// list is the running switches by name.
func (w *switches) list() []*vswitch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*vswitch
	for _, v := range w.byNode {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *vswitch) int { return strings.Compare(a.node, b.node) })
	return out
}

func (w *switches) get(node string) (*vswitch, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.byNode[node]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%s is not a running virtual switch: %w", node, os.ErrNotExist)
}

// port reads one port.
func (w *switches) port(node, port string) (st switchcore.PortStatus, err error) {
	v, err := w.get(node)
	if err != nil {
		return st, err
	}
	err = fmt.Errorf("%s has no port %q", node, port)
	v.loop.Do(func(_ time.Duration, s *switchcore.Switch) {
		if id := s.Lookup(port); id != switchcore.NoPort {
			st, err = s.Status(id), nil
		}
	})
	return st, err
}

// table reads what a switch knows, static addresses too.
func (w *switches) table(node string) (out []topology.FDBEntry, err error) {
	v, err := w.get(node)
	if err != nil {
		return nil, err
	}
	v.loop.Do(func(now time.Duration, s *switchcore.Switch) {
		for _, e := range s.Table(now) {
			out = append(out, topology.FDBEntry{MAC: e.MAC, Port: s.Status(e.Port).Name})
		}
	})
	return out, nil
}

// forget closes everything that is open in nodes that are about to go.
func (w *switches) forget(gone map[string]bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, v := range w.byNode {
		if gone[name] {
			if err := w.retireLocked(v); err != nil {
				return err
			}
			continue
		}
		for port, p := range v.ports {
			if gone[p.far.Node] || gone[p.at.Node] {
				delete(v.ports, port)
				if err := w.detach(v, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// flush forgets what a switch has learned.
func (w *switches) flush(node string) error {
	v, err := w.get(node)
	if err == nil {
		v.loop.Do(func(now time.Duration, s *switchcore.Switch) { s.FlushTable(now) })
	}
	return err
}
