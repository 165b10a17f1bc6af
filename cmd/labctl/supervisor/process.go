//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology/kernel"
)

// processes starts and reaps everything that runs inside a lab. The supervisor is PID 1 of its PID namespace, so
// orphans of its children become its own, and one reaper must wait for them all; that is why os/exec is not used in it.
type processes struct {
	space *kernel.Space
	ended func(p *process, asked bool) // called when one has ended, by labctl's will or not, before its done is closed
	// held from fork to registration, or the reaper could see a child that nobody knows yet
	mu   sync.Mutex
	ours map[int]*process
	over bool // all are being ended
	// nodes in which a program has been started, ever
	entered map[string]bool
}

// process is a child that somebody waits for.
type process struct {
	PID  int
	Node string
	What string
	nodeCommand
	started time.Time
	ending  bool // labctl has sent it a signal to end by; under processes.mu
	done    chan struct{}
	status  syscall.WaitStatus // valid once done is closed
}

func newProcesses(space *kernel.Space, ended func(p *process, asked bool)) *processes {
	p := &processes{space: space, ended: ended, ours: map[int]*process{}, entered: map[string]bool{}}
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGCHLD)
	go func() {
		for range sig {
			p.reap()
		}
	}()
	return p
}

// reap waits for every child that has ended. Its end is noted first, so that whoever waits for it can read what was
// noted.
func (p *processes) reap() {
	for {
		c, more := p.reapOne()
		if !more {
			return
		}
		if c == nil {
			continue
		}
		p.mu.Lock()
		asked := c.ending || p.over
		p.mu.Unlock()
		p.ended(c, asked)
		close(c.done)
	}
}

// reapOne waits for one child, if one has ended; it is nil if nobody waits for it.
func (p *processes) reapOne() (c *process, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ws syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
	if errors.Is(err, syscall.EINTR) {
		return nil, true
	}
	if err != nil || pid <= 0 {
		return nil, false
	}
	if c = p.ours[pid]; c != nil {
		c.status = ws
		delete(p.ours, pid)
	}
	return c, true
}

// end sends a process and its group a signal that it is to end by. One that is gone already is left alone: its number
// may be another's.
func (p *processes) end(c *process, sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.ending = true
	if p.ours[c.PID] == c {
		_ = syscall.Kill(-c.PID, sig)
	}
}

// start runs this very binary inside a node's namespace, as a session of its own, with the given files as 0, 1, 2, …
func (p *processes) start(node, what string, argv, env []string, dir string, files ...*os.File) (*process, error) {
	return p.startAs(nodeCommand{}, node, what, argv, env, dir, files...)
}

// startAs is start for a command of the file that goes on.
func (p *processes) startAs(b nodeCommand, node, what string, argv, env []string, dir string,
	files ...*os.File) (*process, error) {
	return p.launch(true, b, node, what, argv, env, dir, files...)
}

// startHarmless is start for a program of which it is known what it does: what [processes.wasEntered] asks for is not
// among it.
func (p *processes) startHarmless(node, what string, argv, env []string, dir string,
	files ...*os.File) (*process, error) {
	return p.launch(false, nodeCommand{}, node, what, argv, env, dir, files...)
}

func (p *processes) launch(enters bool, b nodeCommand, node, what string, argv, env []string, dir string,
	files ...*os.File) (*process, error) {
	fds := make([]uintptr, len(files))
	for i, f := range files {
		fds[i] = f.Fd()
	}
	attr := &syscall.ProcAttr{Dir: dir, Env: env, Files: fds, Sys: &syscall.SysProcAttr{Setsid: true}}
	c := &process{Node: node, What: what, nodeCommand: b, started: time.Now(), done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.space.Enter(node, func() (err error) {
		// A child inherits the namespaces of the thread that forks it.
		c.PID, err = syscall.ForkExec("/proc/self/exe", argv, attr)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start %s in %s: %w", what, node, err)
	}
	p.ours[c.PID], p.entered[node] = c, p.entered[node] || enters
	return c, nil
}

// isStarting reports whether a program of the lab was started in a node so short a time ago that it may not yet have
// opened what it will answer by.
func (p *processes) isStarting(node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.ours {
		if c.Node == node && time.Since(c.started) < proving {
			return true
		}
	}
	return false
}

// wasEntered reports whether a program has ever been started in a node that could have loaded rules of legacy
// iptables.
func (p *processes) wasEntered(node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entered[node]
}

// list names what runs, in no particular order.
func (p *processes) list() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*process
	for _, c := range p.ours {
		out = append(out, c)
	}
	return out
}

// stopIn ends what runs in the given nodes, and returns when it is gone: also what its parent has left behind, which
// would keep the namespace of a node that is built again, and what an "exec" has started. What others run there is
// theirs.
func (p *processes) stopIn(nodes map[string]bool) {
	for _, c := range p.list() {
		if nodes[c.Node] {
			p.end(c, syscall.SIGKILL)
			<-c.done
		}
	}
	inodes := map[uint64]string{}
	for n := range nodes {
		if inode := p.space.Inode(n); inode != 0 {
			inodes[inode] = n
		}
	}
	deadline := time.Now().Add(2 * time.Second)
	for len(inodes) > 0 && kernel.KillInside(inodes) > 0 && time.Now().Before(deadline) {
		_, _ = unix.Poll(nil, 5) // the reaper waits for them; here it is enough to look again
	}
}

// stopAll ends every process of the PID namespace but this one: politely, and after two seconds at once.
func (p *processes) stopAll() {
	if os.Getpid() != 1 {
		return // kill(-1) anywhere else would reach the machine
	}
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(-1, sig); errors.Is(err, syscall.ESRCH) {
			return
		}
		deadline := time.Now().Add(2 * time.Second)
		for time.Now().Before(deadline) {
			if syscall.Kill(-1, 0) != nil {
				return
			}
			// SIGCHLD is the reaper's; here it is enough to look again when a child may have changed state.
			_, _ = unix.Poll(nil, 5)
		}
	}
}
