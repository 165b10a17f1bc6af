//go:build linux

package supervisor

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"

	"labctl/topology"
)

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
