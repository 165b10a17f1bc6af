//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// Serve is the supervisor process, started by [client.Up] with the lock of its run directory as file 3, a control
// socket as file 4 and perhaps one more, see [instance.Handover]. It returns the exit status.
func Serve(instance string) int { return serve(instance, nil) }

// uninstructed ends a process whose labctl has gone before it said what to do: a run directory in which nothing was
// begun yet would pass for a lab that is dead. What an earlier lab has left in it is for whoever brings that up again,
// or takes it down.
func uninstructed(lock *os.File, name string, gate kernel.Before) {
	dir := instance.TakeOver(lock, instance.Path(name, ""), name, gate)
	if !dir.Unbegun() {
		return
	}
	if err := dir.Remove(); err != nil {
		slog.Error("the run directory could not be removed", "err", err)
	}
}

func serve(name string, gate kernel.Before) int {
	debug.SetGCPercent(50) // memory before speed: it mostly waits
	lock, control := os.NewFile(3, "lock"), os.NewFile(4, "control")
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	in := bufio.NewReader(control)
	var sp instance.Handover
	if err := wire.ReadLine(in, &sp); err != nil {
		slog.Error("no instructions on the control socket", "err", err)
		uninstructed(lock, name, gate)
		return 3
	}
	s := newServer(sp.Meta, instance.TakeOver(lock, sp.Path, name, gate))
	s.created, s.neighMax, s.directory = sp.Created, sp.NeighMax, sp.Directory
	if sp.ARPCache {
		syscall.CloseOnExec(5)
		s.arpCache = os.NewFile(5, "arp_cache")
	}
	if err := s.run(control, in, sp.Adopt, sp.Tied); err != nil {
		slog.Error("gave up", "err", err)
		_ = wire.WriteLine(control, wire.Reply{Error: failure(err)})
		return 3
	}
	return 0
}

// run lives until the lab is taken down. The error is that of a start that failed, with everything cleared away.
func (s *server) run(control *os.File, in *bufio.Reader, adopt, tied bool) (err error) {
	if !s.meta.Named {
		if err := kernel.PrivateMounts(); err != nil {
			return errors.Join(err, s.giveUp())
		}
	}
	if err := kernel.Able(); err != nil { // told before anything is made
		return errors.Join(err, s.giveUp())
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s.life.cancel = cancel
	go s.starter(control, in, tied, cancel)
	go s.signals()
	listener, err := instance.Listen(s.rundir.Folder, "sock")
	if err != nil {
		return errors.Join(err, s.giveUp())
	}
	s.life.writeLock <- struct{}{}
	go s.accept(listener)
	progress := func(e wire.Event) { _ = wire.WriteLine(control, wire.Reply{Event: &e}) }
	if err := s.start(ctx, adopt, progress); err != nil {
		s.life.set("stopping")
		if adopt { // somebody's lab: what is whole of it stays, and "ls" calls it degraded
			if s.commands != nil {
				s.commands.procs.stopAll()
			}
			return err
		}
		if errors.As(err, new(*unwritten)) {
			err = fmt.Errorf("the lab was built and is taken down again: %w", err)
		}
		if cerr := s.clearLab(); cerr != nil {
			return errors.Join(err, fmt.Errorf("not all of %s could be removed: %w", s.meta.Instance, cerr))
		}
		return errors.Join(err, s.giveUp())
	}
	s.life.started()
	applied := wire.Applied{Kept: s.story.Words(), Ended: s.story.Ended, Broken: s.broken}
	<-s.life.writeLock
	_ = wire.WriteLine(control, wire.Reply{Result: wire.MustJSON(applied)})
	if !tied {
		control.Close()
	}
	<-s.done.now
	return nil
}

// giveUp ends a start that failed, when nothing of the lab is left: a run directory that was there before stays, with
// what was set by hand and the file that it was set over.
func (s *server) giveUp() error {
	if !s.created {
		return nil
	}
	return s.rundir.Remove()
}

// starter watches the labctl that started this process: its death interrupts the start, and takes a tied lab down.
func (s *server) starter(control *os.File, in *bufio.Reader, tied bool, cancel context.CancelCauseFunc) {
	word, _ := in.ReadString('\n')
	if word == "keep\n" {
		s.mu.Lock()
		s.meta.Temporary = false
		meta, source := s.meta, s.file.Source
		s.mu.Unlock()
		var rep wire.Reply
		if err := s.rundir.WriteMeta(meta, source); err != nil {
			rep.Error = failure(fmt.Errorf("cannot say that the lab stays: %w", err))
		}
		_ = wire.WriteLine(control, rep)
		return
	}
	if s.life.is("starting") {
		cancel(errors.New("interrupted")) // who reads it is the labctl that was, as one that is gone reads nothing
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
	if s.life.stop(errors.New(why)) {
		return
	}
	s.life.writeLock <- struct{}{}
	if err := s.clear(); err != nil {
		slog.Error("taken down, but not in full", "why", why, "err", err)
	}
	s.done.come()
}
