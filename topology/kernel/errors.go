//go:build linux

package kernel

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"labctl/topology/plan"
)

// ErrUnsupported means that this kernel has not got what the lab asks for.
var ErrUnsupported = errors.New("this kernel cannot do it")

// OpError is a kernel change that failed.
type OpError struct {
	Op  plan.Op
	Cmd string // the change as a command line
	Err error
}

func (e *OpError) Error() string { return fmt.Sprintf("%s: %v", e.Cmd, e.Err) }

func (e *OpError) Unwrap() error { return e.Err }

// unsupported names the missing feature when the kernel does not know a kind of link.
func unsupported(err error, what string) error {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%w: it has no %s", ErrUnsupported, what)
	}
	return err
}

// tolerate turns errors that mean "there was nothing to do" into none.
func tolerate(err error, none ...error) error {
	for _, n := range none {
		if errors.Is(err, n) {
			return nil
		}
	}
	return err
}

// tolerateAs turns one error into another.
func tolerateAs(err, from, to error) error {
	if errors.Is(err, from) {
		return to
	}
	return err
}
