//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/reach"
)

// start builds or adopts the lab.
func (s *server) start(ctx context.Context, adopt bool, progress func(wire.Event)) error {
	source, err := s.rundir.Read("lab.yaml")
	if err != nil {
		return err
	}
	file, problems := labfile.Load(s.meta.File, source)
	if file == nil {
		return wire.Usage.Errorf("%v", problems.Errors())
	}
	var old *kernel.State
	if adopt {
		if old, err = s.rundir.Journal(s.meta.Instance); err != nil {
			return err
		}
	}
	if err := s.equip(file); err != nil {
		return err
	}
	if err := s.writeHosts(); err != nil {
		return err
	}
	if adopt {
		return s.adopt(ctx, old, progress)
	}
	// Without root, what a dead supervisor left died with it, but for what was set by hand.
	lab, told, err := s.rundir.RestoreStory(s.file)
	if err != nil {
		return err
	}
	s.broken, told.Under = told.Under.TakenBack(), nil
	s.publish(lab, told)
	planned := plan.New(lab, s.meta.Instance)
	go s.writePlan(lab)
	progress(wire.Event{What: "building", Total: len(planned.Ops)})
	if err := s.apply(ctx, planned, lab); err != nil {
		return err
	}
	debug.FreeOSMemory() // what loading took is not needed again
	return s.ready(ctx, lab, progress)
}

// equip makes what the supervisor works with, and publishes it at once together with the lab that the file says.
func (s *server) equip(file *labfile.File) error {
	f, err := s.rundir.Create("journal", unix.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	journal, err := kernel.OpenJournal(f, s.meta.Instance, s.meta.Named, s.rundir.Gate)
	if err != nil {
		return err
	}
	space, err := kernel.NewSpace(s.meta.Instance, s.meta.Named, journal)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file, s.lab = file, file.Lab
	s.target.Store(file.Lab)
	s.space = space
	s.commands = &commands{space: space, rundir: s.rundir, instance: s.meta.Instance, directory: s.directory,
		log: s.eventLog, gone: s.life.gone}
	s.commands.procs = newProcesses(space, s.commands.hasEnded)
	s.rules = kernel.NewRules(space, s.commands.tool)
	s.builder = kernel.NewBuilder(space, s.rules)
	s.ruleLog = newRuleLog(space)
	s.switches = newSwitches(space, s.eventLog)
	s.hits = &hitBaseline{rules: s.rules}
	refusals := &refusals{space: space, rules: s.rules, switches: s.switches, lab: s.current}
	seen := machine{Tables: space.Tables(), space: space, switches: s.switches, hits: s.hits, lab: s.current,
		entered:  s.commands.procs.wasEntered,
		starting: s.commands.procs.isStarting,
		arpCache: s.arpCache, neighMax: s.neighMax}
	s.prober = &reach.Prober{Lab: file.Lab, Machine: seen, Investigate: refusals.investigate}
	return nil
}

// publish shows others what the kernel has now.
func (s *server) publish(lab *topology.Lab, t instance.Story) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lab, s.story, s.prober.Lab = lab, t, lab
}

// apply makes a plan true, which leads to lab, and forgets sockets that may be in namespaces that are gone: as long as
// one is open, the kernel keeps its namespace.
func (s *server) apply(ctx context.Context, planned *plan.Plan, lab *topology.Lab) error {
	gone := map[string]bool{}
	for _, op := range planned.Ops {
		if d, ok := op.(plan.DelNamespace); ok {
			gone[d.Node] = true
		}
	}
	if err := kernel.Installed(lab.Needs); err != nil {
		return wire.Unsupported.Errorf("%v", err)
	}
	if err := s.checkRules(ctx, planned); err != nil {
		return err
	}
	s.target.Store(lab)
	s.changes.Add(1)
	defer s.changes.Add(1)
	if len(gone) > 0 {
		s.commands.procs.stopIn(gone)
		s.commands.forgetDeaths(gone)
		s.streams.stopIn(gone)
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
	run := s.runner(func() error { // the file's commands may need a network that works
		began = true
		return s.switches.sync(lab)
	})
	if err := s.builder.Apply(ctx, planned, run); err != nil {
		return s.refused(ctx, err, planned)
	}
	s.ruleLog.sync(lab)
	if began {
		return nil
	}
	return s.switches.sync(lab)
}

// runner runs the commands of a plan; first is called before any.
func (s *server) runner(first func() error) kernel.Runner {
	type key struct {
		node string
		topology.Command
	}
	started := map[key]*process{}
	begun := false
	return kernel.Runner{
		Run: func(ctx context.Context, node string, c topology.Command) (err error) {
			if !begun {
				if err := first(); err != nil {
					return err
				}
				begun = true
			}
			if !c.Background {
				return s.commands.run(ctx, node, c)
			}
			started[key{node, c}], err = s.commands.begin(ctx, node, "", c)
			return err
		},
		Await: func(ctx context.Context, node string, c topology.Command) error {
			return s.commands.awaitReady(ctx, started[key{node, c}])
		},
	}
}

// writePlan leaves the script that builds the lab in the run directory, for a person who looks there.
func (s *server) writePlan(lab *topology.Lab) {
	s.planFile.Lock()
	defer s.planFile.Unlock()
	if s.life.is("stopping") {
		return
	}
	_ = s.rundir.Put("plan.sh", []byte(plan.New(lab, s.meta.Instance).String()), 0o600)
	debug.FreeOSMemory()
}

// writeHosts makes the file that commands in nodes see as /etc/hosts.
func (s *server) writeHosts() error {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, n := range s.lab.Nodes {
		for _, i := range n.Addressed() {
			for _, a := range i.Addrs {
				fmt.Fprintf(&b, "%s %s\n", a.Addr(), n.Name)
			}
		}
	}
	return s.rundir.Put("hosts", []byte(b.String()), 0o644) // programs in nodes may be other users
}

// clear removes everything: processes, namespaces, the run directory. After a *leftDirectory nothing is left to serve.
func (s *server) clear() error {
	if err := s.clearLab(); err != nil {
		return err
	}
	if err := s.rundir.Remove(); err != nil {
		return &instance.LeftDirectory{Instance: s.meta.Instance, Err: err}
	}
	return nil
}

// clearLab removes everything but the run directory.
func (s *server) clearLab() error {
	s.planFile.Lock() // or the plan could be written into a directory that is being removed
	defer s.planFile.Unlock()
	var errs []error
	if s.commands != nil {
		s.commands.procs.stopAll()
	}
	s.streams.stopIn(nil)
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
	return errors.Join(errs...)
}

// ready waits until the lab behaves as it will from now on.
func (s *server) ready(ctx context.Context, lab *topology.Lab, progress func(wire.Event)) error {
	if err := s.settle(ctx, lab, progress); err != nil {
		return err
	}
	return s.fromNow(ctx, lab)
}

// fromNow begins to count what is counted since a lab was changed, and records what it is.
func (s *server) fromNow(ctx context.Context, lab *topology.Lab) error {
	s.switches.mark()
	if err := s.hits.reset(ctx, lab, s.file); err != nil {
		return err
	}
	return s.remember()
}

// noticed waits until whatever is plugged into something that was changed has noticed, and no longer.
func (s *server) noticed(ctx context.Context, lab *topology.Lab) error {
	if err := s.space.AwaitCarriers(ctx, lab.Nodes); err != nil {
		return err
	}
	return s.switches.quiet(ctx)
}

// settle waits until what was changed has taken effect everywhere. A spanning tree takes its time, and progress counts
// it.
func (s *server) settle(ctx context.Context, lab *topology.Lab, progress func(wire.Event)) error {
	err := s.space.AwaitSettled(ctx, lab.Nodes, func(w kernel.TreeWait) {
		progress(wire.Event{What: fmt.Sprintf("waiting for the spanning tree, %.0f s of at most %.0f s: %s",
			w.Passed.Seconds(), w.Most.Seconds(), w.What)})
	})
	if err != nil {
		return err
	}
	return s.switches.quiet(ctx)
}
