//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/innode"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
)

// commands are the processes that a supervisor runs in nodes: what the file says, what "exec" asks for, and the tools
// that load rules.
type commands struct {
	space     *kernel.Space
	procs     *processes
	rundir    *instance.Dir
	instance  string
	directory string // where the labctl that started the lab was called, and the file's commands run
	log       *eventLog
	gone      func() <-chan struct{} // closed when who asked for what is done now is gone; nil: nobody has asked

	mu   sync.Mutex
	died []wire.Died
}

// lonely is how long a command of the file may go on when who asked for it is gone: it may hang, nobody would end it,
// and as long as it runs the lab can be changed by nobody else.
const lonely = 10 * time.Second

// run runs one of the file's commands inside a node to its end, which must be exit status 0.
func (k *commands) run(ctx context.Context, node string, c topology.Command) error {
	out, null, err := k.files()
	if err != nil {
		return err
	}
	defer out.Close()
	defer null.Close()
	p, err := k.procs.start(node, c.Sh, k.shell(node, c.Sh), k.environment(node), k.directory, null, out, out)
	if err != nil {
		return err
	}
	if err := k.endOf(ctx, p); err != nil {
		return err
	}
	if p.status.ExitStatus() != 0 {
		b := make([]byte, 2000)
		n, _ := out.ReadAt(b, 0)
		return &commandError{p.status, strings.TrimSpace(string(b[:n]))}
	}
	return nil
}

// endOf waits for the end of a command. Who asked for it may go away meanwhile, which bounds the wait.
func (k *commands) endOf(ctx context.Context, p *process) error {
	gone := k.gone()
	var late <-chan time.Time
	for {
		select {
		case <-p.done:
			return nil
		case <-gone:
			gone, late = nil, time.After(lonely)
		case <-late:
			if err := k.stop(ctx, p, false); err != nil {
				k.procs.end(p, syscall.SIGKILL)
				return err
			}
			return fmt.Errorf("%s: %s: ended by labctl: it went on for %s after the labctl that had asked for it was "+
				"gone", p.Node, p.What, lonely)
		case <-ctx.Done():
			k.procs.end(p, syscall.SIGKILL)
			<-p.done
			return context.Cause(ctx)
		}
	}
}

// shell is the command line, behind this binary's name, of a command of the file inside a node. options are of
// [innode.Main].
func (k *commands) shell(node, sh string, options ...string) []string {
	argv := append([]string{"labctl", innode.Verb, "--name", node, "--hosts", k.rundir.In("hosts")}, options...)
	return append(argv, "--", "/bin/sh", "-c", sh)
}

// files are what a command writes to, which has no name and belongs to the caller, and nothing to read.
func (k *commands) files() (out, null *os.File, err error) {
	const output = ".run" // one command at a time is started, and its output has no name for longer than this
	if out, err = k.rundir.Create(output, unix.O_TRUNC, 0o600); err != nil {
		return nil, nil, err
	}
	if err = k.rundir.Unlink(output); err == nil { // or the next command would write over this one's
		null, err = os.Open(os.DevNull)
	}
	if err != nil {
		out.Close()
	}
	return out, null, err
}

// lastLines are the last five lines, of at most 2000 bytes, of what was written to a file, without what would steer a
// terminal.
func lastLines(f *os.File) string {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	b := make([]byte, min(size, 2000))
	n, _ := f.ReadAt(b, size-int64(len(b)))
	lines := strings.Split(strings.TrimSpace(printable(string(b[:n]))), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// printable leaves lines, and of the rest what can be printed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r != '\n' && (!strconv.IsPrint(r) || r == '\uFFFD'):
			return -1
		}
		return r
	}, s)
}

// commandError is a command of the file that did not exit as it should.
type commandError struct {
	status syscall.WaitStatus
	output string
}

func (e *commandError) Error() string {
	if e.output == "" {
		return howEnded(e.status)
	}
	return howEnded(e.status) + ": " + e.output
}

// howEnded says in words how a process ended.
func howEnded(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return "killed by " + unix.SignalName(ws.Signal())
	}
	return "exit status " + strconv.Itoa(ws.ExitStatus())
}

// environment is the environment of what the supervisor itself starts in a node.
func (k *commands) environment(node string) []string {
	return innode.Environment(os.Environ(), k.instance, node)
}
