package wire

import (
	"errors"
	"fmt"
	"strings"

	"labctl/topology"
)

// Class says which exit code a failure deserves.
type Class string

// The classes of failures.
const (
	Usage       Class = "usage"       // nothing was touched
	Failed      Class = "failed"      // could not be done, or something is left behind
	Unsupported Class = "unsupported" // this machine cannot do it
	Going       Class = "going"       // the lab is being taken down
)

// Errorf makes a failure of the class.
func (c Class) Errorf(format string, args ...any) *Failure {
	return &Failure{c, fmt.Sprintf(format, args...)}
}

// Failure is an error that crosses the socket.
type Failure struct {
	Class   Class  `json:"class"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Message }

// ExitCode is the exit code that the failure deserves: see docs/cli.md.
func (f *Failure) ExitCode() int {
	switch f.Class {
	case Usage:
		return 2
	case Unsupported:
		return 4
	}
	return 3
}

// Usagef makes the failure of somebody who has asked for what there is not.
func Usagef(format string, args ...any) error { return Usage.Errorf(format, args...) }

// FailureOf is an error as it crosses the socket.
func FailureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return Failed.Errorf("%v", err)
}

// UnknownNode says which nodes there are.
func UnknownNode(lab *topology.Lab, name string) error {
	var names []string
	for _, n := range lab.Nodes {
		names = append(names, n.Name)
	}
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return Usagef("no node %q in lab %s; it has %s", name, lab.Name, strings.Join(names, ", "))
}
