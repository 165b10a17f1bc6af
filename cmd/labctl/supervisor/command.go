//go:build linux

package supervisor

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// runCommand runs one of the file's commands inside a node.
func (s *server) runCommand(ctx context.Context, node string, c topology.Command) error {
	const output = ".run" // one command at a time is run, and its output has no name for longer than this
	out, err := s.rundir.create(output, unix.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := s.rundir.unlink(output); err != nil { // or the next command would write over this one's
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	argv := []string{"labctl", NodeVerb, "--hosts", s.rundir.in("hosts"), "--", "/bin/sh", "-c", c.Sh}
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
