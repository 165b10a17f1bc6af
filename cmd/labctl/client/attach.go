//go:build linux

package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
)

// Exec runs a command in a node of a running lab on this process's standard files and returns its exit status; 128+n if
// signal n killed it. env is its environment, see [innode.Environment]. Terminal size, Ctrl-C, Ctrl-Z and signals sent
// to this process reach the command; ctx interrupts only what comes before it.
func (c *Client) Exec(ctx context.Context, node string, argv, env []string) (int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	control := os.NewFile(uintptr(fds[0]), "control")
	defer control.Close()
	p := wire.ExecParams{Node: node, Argv: argv, Env: env}
	p.Dir, _ = os.Getwd()
	stdin := int(os.Stdin.Fd())
	// A pty only when a person types and reads: with one side a pipe, the other program on it wants the terminal as it
	// is.
	p.TTY = term.IsTerminal(stdin) && term.IsTerminal(int(os.Stdout.Fd()))
	if p.TTY {
		if ws, err := pty.GetsizeFull(os.Stdin); err == nil {
			p.Rows, p.Cols = ws.Rows, ws.Cols
		}
	}
	over, err := c.startExec(ctx, p, fds[1])
	unix.Close(fds[1])
	if err != nil {
		return 0, err
	}
	// The monitor's last word comes before its end, and who runs "down" or "ps" next is right to believe that nothing
	// runs any more.
	defer over()
	a := &attachment{control: control, in: bufio.NewReader(control)}
	if p.TTY {
		if err := a.terminal(); err != nil {
			return 0, err
		}
		defer a.restore()
	}
	go a.signals(p.TTY)
	return a.wait()
}

// startExec hands the standard files and the control socket over. over returns when the supervisor has seen the end of
// the command, and must be called.
func (c *Client) startExec(ctx context.Context, p wire.ExecParams, control int) (over func(), err error) {
	conn, in, err := c.connect(ctx, "exec")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := wire.WriteLine(conn,
		wire.Request{Method: string(wire.MethodExec), Params: wire.MustJSON(p)}); err != nil {
		return nil, err
	}
	rights := unix.UnixRights(int(os.Stdin.Fd()), int(os.Stdout.Fd()), int(os.Stderr.Fd()), control)
	for range 2 { // asked for the files, and told that the command has begun
		var r wire.Reply
		if err := wire.ReadLine(in, &r); err != nil {
			return nil, c.execBroke(ctx, err)
		}
		if r.Error != nil {
			return nil, r.Error
		}
		if rights == nil {
			break
		}
		if _, _, err := conn.WriteMsgUnix([]byte{0}, rights, nil); err != nil {
			return nil, fmt.Errorf("pass descriptors: %w", err)
		}
		rights = nil
	}
	return func() {
		_, _ = io.Copy(io.Discard, in)
		conn.Close()
	}, nil
}

// execBroke says why no answer came.
func (c *Client) execBroke(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, instance.ErrSilent):
		return err
	}
	return fmt.Errorf("%s: %w (%v)", c.Instance, instance.ErrDead, err)
}

// attachment is this end of a command that runs elsewhere.
type attachment struct {
	control *os.File
	in      *bufio.Reader
	master  *os.File
	saved   *term.State
	drained chan struct{} // closed when all output of the pty has been copied
}

// terminal takes the pty's master and connects it with the terminal here.
func (a *attachment) terminal() error {
	b, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(int(a.control.Fd()), b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		return fmt.Errorf("the command did not start (%v)", err)
	}
	var w wire.MonitorWord
	if err := json.Unmarshal(b[:n], &w); err != nil {
		return err
	}
	if !w.Master {
		a.in = bufio.NewReader(io.MultiReader(bytes.NewReader(b[:n]), a.control))
		return nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) == 0 {
		return fmt.Errorf("no terminal came (%v)", err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil {
		return err
	}
	a.master = os.NewFile(uintptr(fds[0]), "terminal")
	if a.saved, err = term.MakeRaw(int(os.Stdin.Fd())); err != nil {
		return err
	}
	a.drained = make(chan struct{})
	go func() { _, _ = io.Copy(a.master, os.Stdin) }()
	go func() {
		_, _ = io.Copy(os.Stdout, a.master) // ends with EIO when the last holder of the other side is gone
		close(a.drained)
	}()
	return nil
}

func (a *attachment) restore() {
	if a.saved != nil {
		_ = term.Restore(int(os.Stdin.Fd()), a.saved)
	}
}

// signals passes on what this process is sent.
func (a *attachment) signals(tty bool) {
	sig := make(chan os.Signal, 16)
	list := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1,
		syscall.SIGUSR2, syscall.SIGWINCH}
	if !tty {
		list = append(list, syscall.SIGTSTP)
	}
	signal.Notify(sig, list...)
	for s := range sig {
		switch s {
		case syscall.SIGWINCH:
			if a.master != nil {
				_ = pty.InheritSize(os.Stdin, a.master)
			}
		case syscall.SIGTSTP:
			a.send(syscall.SIGSTOP)
		default:
			a.send(s.(syscall.Signal))
		}
	}
}

func (a *attachment) send(s syscall.Signal) {
	_ = wire.WriteLine(a.control, wire.MonitorWord{Signal: int(s)})
}

// wait follows the command to its end.
func (a *attachment) wait() (int, error) {
	for {
		var w wire.MonitorWord
		if err := wire.ReadLine(a.in, &w); err != nil {
			return 0, errors.New("the command is gone together with its lab")
		}
		switch {
		case w.Stopped != 0:
			a.suspend()
		case w.Exited && w.Error != "":
			a.restore()
			fmt.Fprintln(terminal.Stderr(), "labctl: "+w.Error)
			return w.Code, nil
		case w.Exited:
			if a.master != nil {
				<-a.drained
			}
			if w.Killed != 0 {
				return 128 + w.Killed, nil
			}
			return w.Code, nil
		}
	}
}

// suspend stops this process as the command was, so that the shell above gets its terminal back, and goes on with it.
func (a *attachment) suspend() {
	a.restore()
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	if a.saved != nil {
		if _, err := term.MakeRaw(int(os.Stdin.Fd())); err == nil {
			_ = pty.InheritSize(os.Stdin, a.master)
		}
	}
	a.send(syscall.SIGCONT)
}
