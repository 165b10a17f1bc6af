//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/reach"
)

// The hidden verbs by which this binary becomes another of its own processes.
const (
	ProcessVerb = "supervise-instance" // the supervisor itself
	NodeVerb    = "in-node"            // a command inside a node
)

// server is a running supervisor. work is held by whoever changes the lab or sends probes through it.
type server struct {
	base, dir string
	meta      Meta
	rundir    *rundir
	journal   *kernel.Journal
	space     *kernel.Space
	procs     *processes
	prober    *reach.Prober
	switches  *switches
	captures  captures
	marks     ruleMarks
	ruleLog   *ruleLog
	happened  *eventLog
	neighMax  int
	arpCache  *os.File
	directory string

	planFile sync.Mutex

	work chan struct{} // capacity 1: a lock that a context can give up waiting for

	mu       sync.Mutex
	file     *topology.Lab // what the file says
	story    story         // what was laid over it since
	lab      *topology.Lab // what the kernel has: file and story
	state    string
	cancel   context.CancelCauseFunc // of what holds work
	sessions map[*process]bool
	streams  map[string]*stream
	done     chan struct{} // closed when the process may end
}

// Serve is the supervisor process, started by [Up] with the lock of its run directory as file 3 and a control socket as
// file 4. It returns the exit status.
func Serve(instance string) int {
	debug.SetGCPercent(50) // memory before speed: it mostly waits
	lock, control := os.NewFile(3, "lock"), os.NewFile(4, "control")
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	in := bufio.NewReader(control)
	var sp startParams
	if err := readLine(in, &sp); err != nil {
		slog.Error("no instructions on the control socket", "err", err)
		return 3
	}
	s := &server{
		base: sp.Base, meta: sp.Meta, rundir: &rundir{instance, lock}, neighMax: sp.NeighMax, directory: sp.Directory,
		happened: newEventLog(instance),
		work:     make(chan struct{}, 1), state: "starting", sessions: map[*process]bool{}, streams: map[string]*stream{}, done: make(chan struct{}),
	}
	var st unix.Stat_t
	if unix.Fstat(5, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		syscall.CloseOnExec(5)
		s.arpCache = os.NewFile(5, "arp_cache")
	}
	if err := s.run(control, in, sp.Adopt, sp.Tied); err != nil {
		slog.Error("gave up", "err", err)
		_ = writeLine(control, reply{Error: failure(err)})
		return 3
	}
	return 0
}

// run lives until the lab is taken down. The error is that of a start that failed, with everything cleared away.
func (s *server) run(control *os.File, in *bufio.Reader, adopt, tied bool) (err error) {
	if !s.meta.Named {
		if err := kernel.PrivateMounts(); err != nil {
			return errors.Join(err, s.rundir.remove())
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s.cancel = cancel
	go s.starter(in, tied, cancel)
	go s.signals()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.rundir.path("sock"), Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		_ = os.Remove(s.rundir.path("sock"))
		listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: s.rundir.path("sock"), Net: "unix"})
	}
	if err != nil {
		return errors.Join(err, s.rundir.remove())
	}
	_ = os.Chmod(s.rundir.path("sock"), 0o600)
	s.work <- struct{}{}
	go s.accept(listener)
	progress := func(e Event) { _ = writeLine(control, reply{Event: &e}) }
	if err := s.start(ctx, adopt, progress); err != nil {
		s.set("stopping")
		if adopt { // somebody's lab: what is whole of it stays, and "ls" calls it degraded
			s.procs.stopAll()
			return err
		}
		return errors.Join(err, s.clear())
	}
	s.mu.Lock()
	if s.state == "starting" {
		s.state = "running"
	}
	s.mu.Unlock()
	<-s.work
	_ = writeLine(control, reply{Result: mustJSON(Applied{Kept: s.story.words()})})
	if !tied {
		control.Close()
	}
	<-s.done
	return nil
}

func (s *server) set(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// starter watches the labctl that started this process: its death interrupts the start, and takes a tied lab down.
func (s *server) starter(in *bufio.Reader, tied bool, cancel context.CancelCauseFunc) {
	word, _ := in.ReadString('\n')
	if word == "keep\n" {
		s.meta.Temporary = false
		if err := s.rundir.writeMeta(s.meta, s.lab.Source); err != nil {
			slog.Error("cannot say that the lab stays", "err", err)
		}
		return
	}
	s.mu.Lock()
	starting := s.state == "starting"
	s.mu.Unlock()
	if starting {
		cancel(errors.New("the labctl that started it is gone"))
	} else if tied {
		s.quit("the labctl that it was tied to is gone")
	}
}

// signals: SIGTERM takes the lab down in good order, as a machine that shuts down expects; the rest is for terminals,
// and this process has none.
func (s *server) signals() {
	sig := make(chan os.Signal, 1)
	// Not ignored: the commands of the lab would inherit that.
	signal.Notify(sig, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	for got := range sig {
		if got == syscall.SIGTERM {
			s.quit("terminated")
		}
	}
}

// quit takes the lab down without being asked by a client.
func (s *server) quit(why string) {
	s.mu.Lock()
	stopping := s.state == "stopping"
	s.state = "stopping"
	if s.cancel != nil {
		s.cancel(errors.New(why))
	}
	s.mu.Unlock()
	if stopping {
		return
	}
	s.work <- struct{}{}
	if err := s.clear(); err != nil {
		slog.Error("taken down, but not in full", "why", why, "err", err)
	}
	close(s.done)
}

// start builds or adopts the lab.
func (s *server) start(ctx context.Context, adopt bool, progress func(Event)) error {
	source, err := os.ReadFile(s.rundir.path("lab.yaml"))
	if err != nil {
		return err
	}
	lab, problems := topology.Load(s.meta.File, source)
	if lab == nil {
		return &Failure{Usage, problems.Errors().Error()}
	}
	s.file, s.lab = lab, lab
	var old *kernel.State
	if adopt {
		if old, err = kernel.ReadJournal(s.rundir.path("journal")); err != nil {
			return err
		}
	}
	if s.journal, err = kernel.OpenJournal(s.rundir.path("journal"), s.meta.Instance, s.meta.Named); err != nil {
		return err
	}
	if s.space, err = kernel.NewSpace(s.meta.Instance, s.meta.Named, s.journal); err != nil {
		return err
	}
	s.procs = newProcesses(s.space)
	s.space.SetTool(s.tool)
	s.ruleLog = newRuleLog(s.space)
	s.switches = newSwitches(s.space, s.happened)
	s.prober = &reach.Prober{Lab: lab, Machine: machine{s}}
	if err := s.writeHosts(); err != nil {
		return err
	}
	if adopt {
		return s.adopt(ctx, old, progress)
	}
	// Without root, what a dead supervisor left died with it, but for what was set by hand.
	if lab, s.story, err = s.retell(); err != nil {
		return err
	}
	s.lab, s.prober.Lab = lab, lab
	plan := topology.NewPlan(lab, s.meta.Instance)
	go s.writePlan(lab)
	progress(Event{What: "building", Total: len(plan.Ops)})
	if err := s.apply(ctx, plan, lab); err != nil {
		return err
	}
	debug.FreeOSMemory() // what loading took is not needed again
	return s.ready(ctx, lab)
}

// apply makes a plan true, which leads to lab, and forgets sockets that may be in namespaces that are gone: as long as one is
// open, the kernel keeps its namespace.
func (s *server) apply(ctx context.Context, plan *topology.Plan, lab *topology.Lab) error {
	gone := map[string]bool{}
	for _, op := range plan.Ops {
		if d, ok := op.(topology.DelNamespace); ok {
			gone[d.Node] = true
		}
	}
	if err := s.checkRules(ctx, plan); err != nil {
		return err
	}
	if len(gone) > 0 {
		s.procs.stopIn(gone)
		s.stopStreams(gone)
		s.captures.closeIn(gone)
		s.ruleLog.closeIn(gone)
		if err := s.switches.forget(gone); err != nil {
			return err
		}
	}
	if err := s.prober.Close(); err != nil {
		return err
	}
	began := false
	err := s.space.Apply(ctx, plan, func(ctx context.Context, node string, c topology.Command) error {
		if !began { // the file's commands may need a network that works
			began = true
			if err := s.switches.sync(lab); err != nil {
				return err
			}
		}
		return s.runCommand(ctx, node, c)
	})
	if err != nil {
		return s.refused(ctx, err, plan)
	}
	s.ruleLog.sync(lab)
	if began {
		return nil
	}
	return s.switches.sync(lab)
}

// writePlan leaves the script that builds the lab in the run directory, for a person who looks there.
func (s *server) writePlan(lab *topology.Lab) {
	s.planFile.Lock()
	defer s.planFile.Unlock()
	s.mu.Lock()
	stopping := s.state == "stopping"
	s.mu.Unlock()
	if stopping {
		return
	}
	path := s.rundir.path("plan.sh")
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err == nil {
		_, _ = io.WriteString(f, topology.NewPlan(lab, s.meta.Instance).String())
		f.Close()
	}
	debug.FreeOSMemory()
}

// writeHosts makes the file that commands in nodes see as /etc/hosts.
func (s *server) writeHosts() error {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, n := range s.lab.Nodes {
		for _, i := range n.Interfaces {
			for _, a := range i.Addrs {
				fmt.Fprintf(&b, "%s %s\n", a.Addr(), n.Name)
			}
		}
	}
	return os.WriteFile(s.rundir.path("hosts"), []byte(b.String()), 0o644)
}

// adopt takes over what a dead supervisor left standing: nodes that are whole go on untouched, others are built anew.
func (s *server) adopt(ctx context.Context, old *kernel.State, progress func(Event)) error {
	lost, err := s.space.Adopt(old)
	if err != nil {
		return err
	}
	broken := map[string]bool{}
	for _, n := range lost {
		broken[n] = true
	}
	was := s.adopted()
	for _, n := range was.Nodes {
		if broken[n.Name] {
			continue
		}
		links, err := s.space.Links(n.Name)
		if err != nil {
			broken[n.Name] = true
			continue
		}
		have := map[string]bool{}
		for _, l := range links {
			have[l.Name] = true
		}
		for _, i := range n.Interfaces {
			// What went with a lost node at its other end comes back with that node.
			if !have[i.Name] && !slices.Contains(lost, i.Peer.Node) && !slices.Contains(lost, i.Lower.Node) {
				broken[n.Name] = true
			}
		}
	}
	var names []string
	for _, n := range was.Nodes {
		if broken[n.Name] {
			names = append(names, n.Name)
		}
	}
	progress(Event{What: fmt.Sprintf("healing: %d of %d nodes are built anew", len(names), len(was.Nodes))})
	if err := s.apply(ctx, topology.Rebuild(was, s.meta.Instance, names), was); err != nil {
		return err
	}
	lab, told, err := s.retell()
	if err != nil {
		return err
	}
	plan, _ := topology.Diff(was, lab, s.meta.Instance)
	if err := s.apply(ctx, plan, lab); err != nil {
		return err
	}
	s.mu.Lock()
	s.lab, s.story, s.prober.Lab = lab, told, lab
	s.mu.Unlock()
	if err := s.restartBackground(ctx, was, broken); err != nil {
		return err
	}
	return s.ready(ctx, lab)
}

// restartBackground starts again what died with the supervisor's PID namespace in nodes that live on.
func (s *server) restartBackground(ctx context.Context, was *topology.Lab, rebuilt map[string]bool) error {
	for _, n := range s.lab.Nodes {
		if rebuilt[n.Name] || was.Node(n.Name) == nil {
			continue
		}
		for _, c := range n.Run {
			if c.Background {
				if err := s.runCommand(ctx, n.Name, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// clear removes everything: processes, namespaces, the run directory.
func (s *server) clear() error {
	s.planFile.Lock() // or the plan could be written into a directory that is being removed
	defer s.planFile.Unlock()
	var errs []error
	if s.procs != nil {
		s.procs.stopAll()
	}
	s.stopStreams(nil)
	s.captures.closeIn(nil)
	if s.ruleLog != nil {
		s.ruleLog.closeIn(nil)
	}
	if s.prober != nil {
		errs = append(errs, s.prober.Close())
	}
	if s.switches != nil {
		errs = append(errs, s.switches.close())
	}
	if s.space != nil {
		errs = append(errs, s.space.Remove())
	}
	if err := errors.Join(errs...); err != nil {
		return err // the run directory stays: it says what is left
	}
	return s.rundir.remove()
}

// runCommand runs one of the file's commands inside a node.
func (s *server) runCommand(ctx context.Context, node string, c topology.Command) error {
	out, err := os.CreateTemp(s.dirPath(), ".run")
	if err != nil {
		return err
	}
	defer out.Close()
	_ = os.Remove(out.Name())
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	argv := []string{"labctl", NodeVerb, "--hosts", s.rundir.path("hosts"), "--", "/bin/sh", "-c", c.Sh}
	p, err := s.procs.start(node, c.Sh, argv, os.Environ(), s.directory, null, out, out)
	if err != nil || c.Background {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		_ = syscall.Kill(-p.PID, syscall.SIGKILL)
		<-p.done
		return context.Cause(ctx)
	}
	if p.status.ExitStatus() != 0 {
		b := make([]byte, 2000)
		n, _ := out.ReadAt(b, 0)
		return &commandError{p.status, strings.TrimSpace(string(b[:n]))}
	}
	return nil
}

func (s *server) dirPath() string { return filepath.Join(s.base, s.meta.Instance) }

// commandError is a command of the file that did not exit as it should.
type commandError struct {
	status syscall.WaitStatus
	output string
}

func (e *commandError) Error() string {
	s := "exit status " + strconv.Itoa(e.status.ExitStatus())
	if e.status.Signaled() {
		s = "killed by " + e.status.Signal().String()
	}
	if e.output != "" {
		s += ": " + e.output
	}
	return s
}

// ready waits until the lab behaves as it will from now on.
func (s *server) ready(ctx context.Context, lab *topology.Lab) error {
	if err := s.settle(ctx, lab); err != nil {
		return err
	}
	s.switches.mark()
	if err := s.markRules(ctx); err != nil {
		return err
	}
	return s.remember()
}

// settle waits until what was changed has taken effect everywhere.
func (s *server) settle(ctx context.Context, lab *topology.Lab) error {
	if err := s.space.AwaitSettled(ctx, lab.Nodes); err != nil {
		return err
	}
	return s.switches.quiet(ctx)
}
