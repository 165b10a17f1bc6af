//go:build linux

package supervisor

import (
	"os"
	"sync"
	"sync/atomic"

	"labctl/cmd/labctl/instance"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/reach"
)

// server is a running supervisor: its roles, each with its own state and lock, and what the lab is.
type server struct {
	meta      instance.Meta
	rundir    *instance.Dir
	eventLog  *eventLog
	life      *life
	captures  captures
	sessions  *sessions
	streams   *streams
	neighMax  int
	arpCache  *os.File
	directory string

	planFile sync.Mutex

	changes atomic.Uint64                // odd while the kernel's part of the lab is being changed
	target  atomic.Pointer[topology.Lab] // what the kernel has, or is becoming; lab follows it

	created bool // the run directory, by who started this process: a start that fails takes it away again
	unsaved bool // meta.json, lab.yaml or hosts are not what the lab is; for the holder of life.writeLock

	// Set once, under mu, together with the first lab: who has seen a lab need not hold mu for them.
	space    *kernel.Space
	builder  *kernel.Builder
	rules    *kernel.Rules
	commands *commands
	hits     *hitBaseline
	prober   *reach.Prober
	switches *switches
	ruleLog  *ruleLog

	// file, story and lab are written by the holder of life.writeLock under mu: who holds either may read them.
	mu    sync.Mutex
	file  *labfile.File  // what the file says
	asks  *labfile.File  // what a change under way leads to; nil: file
	story instance.Story // what was laid over it since
	// What a change under way leaves or puts over asks.
	asksSet []labfile.Overlay
	lab     *topology.Lab // what the kernel has: file and story
	broken  string        // what the predecessor had begun and not brought to its end, in words
	done    finish
}

// newServer is a supervisor that has not begun with its lab.
func newServer(meta instance.Meta, dir *instance.Dir) *server {
	return &server{
		meta: meta, rundir: dir, eventLog: newEventLog(meta.Instance), life: newLife(meta.Instance),
		sessions: newSessions(), streams: newStreams(), done: finish{now: make(chan struct{})},
	}
}

// current is the lab that the kernel has.
func (s *server) current() *topology.Lab {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lab
}

// finish is when the process may end. A signal and a down may both say so.
type finish struct {
	once sync.Once
	now  chan struct{}
}

func (f *finish) come() { f.once.Do(func() { close(f.now) }) }
