//go:build linux

package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
)

// ProcessVerb makes this binary a supervisor.
const ProcessVerb = "supervise-instance"

// Start says what instance to bring up.
type Start struct {
	Instance  string
	File      string // see [instance.Meta]
	Lab       *labfile.File
	Reset     bool // a dead instance is rebuilt instead of adopted
	Temporary bool // see [instance.Meta]
	Tied      bool // the lab goes down when the process that started it is gone, unless [Client.Keep] was called

	// Interrupted, if not nil, is called when ctx ends before the lab is ready: from then on it is being taken down.
	Interrupted func()

	Gate kernel.Before // of tests
}

// Up brings an instance up, or makes a running one what the file says; one that is being taken down is waited for. It
// returns when the lab is ready. The lab goes on without the caller; until it is ready, the caller's death takes it
// down again.
func Up(ctx context.Context, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
	for {
		c, applied, err := upOnce(ctx, s, events)
		var f *wire.Failure
		if !errors.As(err, &f) || f.Class != wire.Going {
			return c, applied, err
		}
		if err := waitGone(ctx, s.Instance); err != nil {
			return nil, nil, err
		}
	}
}

// ErrTaken means that a temporary instance's name is in use: names are chosen by process numbers, and two PID
// namespaces may share /run.
var ErrTaken = errors.New("the instance is there already")

func upOnce(ctx context.Context, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
	if !s.Temporary {
		if err := sameFile(s); err != nil {
			return nil, nil, err
		}
	}
	r, created, err := instance.TakeUnless(ctx, s.Instance, true, s.Gate)
	if s.Temporary && (errors.Is(err, instance.ErrHeld) || err == nil && !created) {
		if err == nil {
			r.Release()
		}
		return nil, nil, fmt.Errorf("%s: %w", s.Instance, ErrTaken)
	}
	if errors.Is(err, instance.ErrHeld) {
		return converge(ctx, s, events)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make run directory: %w", err)
	}
	defer r.Release()
	adopt := false
	if !created {
		if adopt, err = salvage(ctx, r, s); err != nil {
			return nil, nil, err
		}
	}
	m := instance.Meta{Format: 1, Instance: s.Instance, Lab: s.Lab.Name, File: s.File, Nodes: len(s.Lab.Nodes),
		Named: os.Geteuid() == 0, Version: wire.Version(), Temporary: s.Temporary}
	if err := r.WriteMeta(m, s.Lab.Source); err != nil {
		err = fmt.Errorf("write run directory: %w", err)
		if created { // else it is all that is known of what a dead one left
			err = errors.Join(err, r.Remove())
		}
		return nil, nil, err
	}
	c, applied, err := launch(ctx, r, instance.Handover{Meta: m, Path: r.Path, Adopt: adopt, Created: created,
		Tied: s.Tied}, s, events)
	if applied != nil {
		applied.Healed, applied.Rebuilt = adopt, !adopt && !created && !s.Reset
	}
	if err != nil && created && instance.Exists(s.Instance) {
		// The process removes its directory itself when it gives up; this is for one that could not even begin. The
		// lock was ours too until now, so only taking it again tells whether that process lives.
		r.Release()
		if again, _, terr := instance.Take(s.Instance, false, s.Gate); terr == nil {
			if st, jerr := instance.Journal(s.Instance); jerr == nil && len(st.Namespaces) == 0 {
				err = errors.Join(err, again.Remove())
			}
			again.Release()
		}
	}
	return c, applied, err
}

// sameFile refuses to make another file's lab of an instance.
func sameFile(s Start) error {
	if m, err := instance.ReadMeta(s.Instance); err == nil && m.File != s.File {
		return wire.Usagef("lab %q is there already, from another file: %s, not %s; take it down first (labctl down "+
			"-l %s) or run this one beside it (--as OTHERNAME)", s.Instance, m.File, s.File, s.Instance)
	}
	return nil
}

// salvage decides what becomes of a dead instance: adopted if its build was complete, else cleared away.
func salvage(ctx context.Context, r *instance.Dir, s Start) (adopt bool, err error) {
	st, err := instance.Journal(s.Instance)
	if err != nil {
		return false, err
	}
	if st.Complete && st.Named && !s.Reset {
		return true, nil
	}
	err = instance.Unless(ctx, "interrupted while it was cleared away; \"labctl down "+s.Instance+"\" removes the rest",
		func() error { return kernel.RemoveByJournal(st, r.Gate) })
	if err != nil {
		return false, fmt.Errorf("clear away what a killed labctl left: %w", err)
	}
	rest := []string{"journal", "sock", "plan.sh"}
	if s.Reset {
		rest = append(rest, "story.json")
	}
	for _, f := range rest {
		if err := r.Unlink(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return false, nil
}

// converge tells a running supervisor what the lab is to be.
func converge(ctx context.Context, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
	c, err := waitReady(ctx, s.Instance)
	if err != nil {
		return nil, nil, err
	}
	if err := sameFile(s); err != nil {
		return nil, nil, err
	}
	a, err := Call(ctx, c, wire.MethodApply, wire.ApplyParams{File: s.File, Source: s.Lab.Source}, events)
	if errors.Is(err, instance.ErrDead) { // it was killed a moment ago, and its sockets go before its lock
		return nil, nil, wire.Going.Errorf("%v", err)
	}
	return c, &a, err
}

// launch starts the supervisor process and waits until it says that the lab is ready.
func launch(ctx context.Context, r *instance.Dir, sp instance.Handover, s Start,
	events func(wire.Event)) (*Client, *wire.Applied, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "control")
	ours, err := unixConn(fds[0])
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	log, err := r.Create("log", unix.O_APPEND, 0o600)
	if err != nil {
		theirs.Close()
		ours.Close()
		return nil, nil, err
	}
	defer log.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"labctl", ProcessVerb, sp.Meta.Instance}, Env: os.Environ(),
		Stdout: log, Stderr: log, ExtraFiles: []*os.File{r.File, theirs}, Dir: "/",
		SysProcAttr: instance.Isolation(sp.Meta.Named),
	}
	arpCache, aerr := os.Open("/proc/net/stat/arp_cache")
	if aerr == nil {
		defer arpCache.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, arpCache)
	}
	instance.InheritNothing()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, nil, instance.CannotStart(err, sp.Meta.Named)
	}
	go func() { _ = cmd.Wait() }()
	sp.Directory, _ = os.Getwd()
	sp.ARPCache = aerr == nil
	sp.NeighMax = kernel.NeighbourLimit()
	if err := wire.WriteLine(ours, sp); err != nil {
		ours.Close()
		return nil, nil, fmt.Errorf("start supervisor: %w", err)
	}
	alive := func() error {
		if kernel.Stopped(cmd.Process.Pid) {
			return instance.EndpointOf(s.Instance).Silent(cmd.Process.Pid)
		}
		return nil
	}
	c, applied, err := awaitReady(ctx, ours, &instance.Patient{Conn: ours, Every: instance.AnswerLook, Alive: alive},
		sp.Meta, s, events)
	if err != nil || !sp.Tied {
		ours.Close()
		return c, applied, err
	}
	c.control = ours
	return c, applied, nil
}

// unixConn makes a connection of a socket, which it takes over.
func unixConn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "control")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// Keep lets a tied lab outlive this process. When it returns, other verbs find the lab as one that stays.
func (c *Client) Keep() error {
	if c.control == nil {
		return nil
	}
	if _, err := io.WriteString(c.control, "keep\n"); err != nil {
		return err
	}
	_ = c.control.SetReadDeadline(time.Now().Add(instance.GreetingTimeout))
	var rep wire.Reply
	if err := wire.ReadLine(bufio.NewReader(c.control), &rep); err != nil {
		return fmt.Errorf("the supervisor did not say whether the lab stays: %w", err)
	}
	if rep.Error != nil {
		return rep.Error
	}
	return nil
}

func awaitReady(ctx context.Context, control *net.UnixConn, said io.Reader, m instance.Meta, s Start,
	events func(wire.Event)) (*Client, *wire.Applied, error) {
	defer context.AfterFunc(ctx, func() {
		if s.Interrupted != nil {
			s.Interrupted()
		}
		_ = control.CloseWrite()
	})()
	in := bufio.NewReader(said)
	for {
		var rep wire.Reply
		if err := wire.ReadLine(in, &rep); err != nil {
			if errors.Is(err, instance.ErrSilent) {
				return nil, nil, err
			}
			if ctx.Err() != nil {
				return nil, nil, context.Cause(ctx)
			}
			if !instance.Exists(m.Instance) {
				return nil, nil, overtaken(m.Instance)
			}
			return nil, nil, fmt.Errorf("the supervisor ended before the lab was ready%s", lastWords(m.Instance))
		}
		switch {
		case rep.Event != nil:
			if events != nil {
				events(*rep.Event)
			}
		case rep.Error != nil:
			_, _ = io.Copy(io.Discard, in) // until it has cleared away and is gone, or is seen to be stopped
			return nil, nil, rep.Error
		default:
			var a wire.Applied
			if err := json.Unmarshal(rep.Result, &a); err != nil {
				return nil, nil, err
			}
			c, err := Dial(m.Instance)
			if err != nil && !instance.Exists(m.Instance) {
				err = overtaken(m.Instance)
			}
			return c, &a, err
		}
	}
}

// lastWords is the end of a supervisor's log, for an error message.
func lastWords(name string) string {
	b, _ := instance.Read(name, "log")
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	if s := strings.Join(lines, "\n"); s != "" {
		return ":\n" + s
	}
	return ""
}
