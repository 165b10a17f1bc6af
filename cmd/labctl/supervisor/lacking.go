//go:build linux

package supervisor

import (
	"errors"
	"strings"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// lacking gives the error that this kernel has no value of a name the place in the lab file where the name is written.
// Others stay as they are.
func (s *server) lacking(err error) error {
	var oe *kernel.OpError
	if !errors.As(err, &oe) || !errors.Is(err, kernel.ErrUnsupported) {
		return err
	}
	op, ok := oe.Op.(plan.SetSysctl)
	if !ok {
		return err
	}
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	at, ok := file.GivenAt(op.Node, op.Sysctl)
	if !ok {
		return err
	}
	p := problem.Problem{File: file.Path, Line: at.Line, Col: at.Col, Width: 1, Message: err.Error(),
		Source: strings.Split(string(file.Source), "\n")[at.Line-1]}
	return wire.Unsupported.Errorf("%v", problem.List{p})
}
