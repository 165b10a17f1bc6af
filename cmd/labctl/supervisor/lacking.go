//go:build linux

package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// sysctlRefused says of a sysctl that the kernel does not have, or whose value it refuses, where the lab file gives it.
// Of a lab that runs that is so only if nothing was changed; then it goes on as it was. Other errors stay as they are.
func (s *server) sysctlRefused(err error, planned *plan.Plan) error {
	var oe *kernel.OpError
	if !errors.As(err, &oe) {
		return err
	}
	op, ok := oe.Op.(plan.SetSysctl)
	class := wire.Unsupported
	switch {
	case !ok:
		return err
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE):
		class = wire.Usage
	case !errors.Is(err, kernel.ErrUnsupported):
		return err
	}
	starting := s.life.is("starting") // whatever was built is cleared away
	if !starting {
		if !nothingDone(planned, op) || s.life.degraded() {
			return err
		}
		s.target.Store(s.current()) // again
		if cerr := s.space.Complete(); cerr != nil {
			return errors.Join(err, cerr)
		}
	}
	file := s.askedFile()
	if at, ok := file.GivenAt(op.Node, op.Sysctl); ok {
		p := problem.Problem{File: file.Path, Line: at.Line, Col: at.Col, Width: 1, Message: err.Error(),
			Source: strings.Split(string(file.Source), "\n")[at.Line-1]}
		return class.Errorf("%v", problem.List{p})
	}
	if starting {
		return err
	}
	near := ""
	if name := labfile.NearSysctl(op.Key); class == wire.Unsupported && name != "" {
		near = fmt.Sprintf("; did you mean %q?", name)
	}
	return class.Errorf("%v%s; nothing was changed", err, near)
}

// nothingDone reports whether a plan whose operation op failed has changed nothing. That is known where op is the
// first, and nothing is done beside it: sysctls of several nodes are written at the same time, and neighbour timers
// before others.
func nothingDone(planned *plan.Plan, op plan.SetSysctl) bool {
	if len(planned.Ops) == 0 || planned.Ops[0] != plan.Op(op) {
		return false
	}
	for i, o := range planned.Ops {
		switch o := o.(type) {
		case plan.DelNamespace: // what runs there was ended before
			return false
		case plan.SetSysctl:
			if i > 0 && (o.Node != op.Node || strings.Contains(o.Key, "/neigh/")) {
				return false
			}
		}
	}
	return true
}

// askedFile is the file that a change under way leads to, or else the lab's.
func (s *server) askedFile() *labfile.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.asks, s.file)
}

// askedChanges are what is set by hand in the lab that a change under way leads to, or else in the lab.
func (s *server) askedChanges() []labfile.Overlay {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asks != nil {
		return s.asksSet
	}
	return s.story.Changes
}

func (s *server) setAsked(file *labfile.File, changes []labfile.Overlay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks, s.asksSet = file, changes
}
