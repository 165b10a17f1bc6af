//go:build linux

package supervisor

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
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
)

// Start says what instance to bring up.
type Start struct {
	Instance  string
	File      string // see Meta.File
	Lab       *labfile.File
	Reset     bool // a dead instance is built anew instead of adopted
	Temporary bool // see Meta
	Tied      bool // the lab goes down when the process that started it is gone, unless [Client.Keep] was called

	// Interrupted, if not nil, is called when ctx ends before the lab is ready: from then on it is being taken down.
	Interrupted func()

	gate kernel.Before // of tests
}

// startParams is what the new process is told on its control socket.
type startParams struct {
	Meta      Meta   `json:"meta"`
	Path      string `json:"path"` // of the run directory
	Adopt     bool   `json:"adopt"`
	Created   bool   `json:"created"`
	Tied      bool   `json:"tied"`
	ARPCache  bool   `json:"arp_cache"` // file 5 is the machine's /proc/net/stat/arp_cache
	NeighMax  int    `json:"neigh_max"` // the machine's gc_thresh3; negative: not known
	Directory string `json:"directory"`
}

// Up brings an instance up, or makes a running one what the file says; one that is being taken down is waited for. It returns when
// the lab is ready. The lab goes on without the caller; until it is ready, the caller's death takes it down again.
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

// ErrTaken means that a temporary instance's name is in use: names are chosen by process numbers, and two PID namespaces may share /run.
var ErrTaken = errors.New("the instance is there already")

func upOnce(ctx context.Context, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
	if !s.Temporary {
		if err := sameFile(s); err != nil {
			return nil, nil, err
		}
	}
	r, created, err := takeUnless(ctx, s.Instance, true, s.gate)
	if s.Temporary && (errors.Is(err, errHeld) || err == nil && !created) {
		if err == nil {
			r.release()
		}
		return nil, nil, fmt.Errorf("%s: %w", s.Instance, ErrTaken)
	}
	if errors.Is(err, errHeld) {
		return converge(ctx, s, events)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make run directory: %w", err)
	}
	defer r.release()
	adopt := false
	if !created {
		if adopt, err = salvage(ctx, r, s); err != nil {
			return nil, nil, err
		}
	}
	m := Meta{1, s.Instance, s.Lab.Name, s.File, len(s.Lab.Nodes), os.Geteuid() == 0, wire.Version, s.Temporary}
	if err := r.writeMeta(m, s.Lab.Source); err != nil {
		err = fmt.Errorf("write run directory: %w", err)
		if created { // else it is all that is known of what a dead one left
			err = errors.Join(err, r.remove())
		}
		return nil, nil, err
	}
	c, applied, err := launch(ctx, r, startParams{Meta: m, Path: r.path, Adopt: adopt, Created: created, Tied: s.Tied}, s, events)
	if applied != nil {
		applied.Healed, applied.Rebuilt = adopt, !adopt && !created && !s.Reset
	}
	if err != nil && created && there(s.Instance) {
		// The process removes its directory itself when it gives up; this is for one that could not even begin. The lock was
		// ours too until now, so only taking it anew tells whether that process lives.
		r.release()
		if again, _, terr := take(s.Instance, false, s.gate); terr == nil {
			if st, jerr := journalState(s.Instance); jerr == nil && len(st.Namespaces) == 0 {
				err = errors.Join(err, again.remove())
			}
			again.release()
		}
	}
	return c, applied, err
}

// sameFile refuses to make another file's lab of an instance.
func sameFile(s Start) error {
	if m, err := ReadMeta(s.Instance); err == nil && m.File != s.File {
		return wire.Usagef("lab %q is there already, from another file: %s, not %s; take it down first (labctl down -l %s) or run this one beside it (--as OTHERNAME)", s.Instance, m.File, s.File, s.Instance)
	}
	return nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// salvage decides what becomes of a dead instance: adopted if its build was complete, else cleared away.
func salvage(ctx context.Context, r *rundir, s Start) (adopt bool, err error) {
	st, err := journalState(s.Instance)
	if err != nil {
		return false, err
	}
	if st.Complete && st.Named && !s.Reset {
		return true, nil
	}
	err = unless(ctx, "interrupted while it was cleared away; \"labctl down "+s.Instance+"\" removes the rest", func() error { return kernel.RemoveByJournal(st, r.gate) })
	if err != nil {
		return false, fmt.Errorf("clear away what a killed labctl left: %w", err)
	}
	rest := []string{"journal", "sock", "plan.sh"}
	if s.Reset {
		rest = append(rest, "story.json")
	}
	for _, f := range rest {
		if err := r.unlink(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return false, nil
}

// converge tells a running supervisor what the lab shall be.
func converge(ctx context.Context, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
	c, err := waitReady(ctx, s.Instance)
	if err != nil {
		return nil, nil, err
	}
	if err := sameFile(s); err != nil {
		return nil, nil, err
	}
	var a wire.Applied
	err = c.Call(ctx, "apply", wire.ApplyParams{File: s.File, Source: s.Lab.Source}, &a, events)
	if errors.Is(err, ErrDead) { // it was killed a moment ago, and its sockets go before its lock
		return nil, nil, wire.Going.Errorf("%v", err)
	}
	return c, &a, err
}

// launch starts the supervisor process and waits until it says that the lab is ready.
func launch(ctx context.Context, r *rundir, sp startParams, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
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
	log, err := r.create("log", unix.O_APPEND, 0o600)
	if err != nil {
		theirs.Close()
		ours.Close()
		return nil, nil, err
	}
	defer log.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"labctl", ProcessVerb, sp.Meta.Instance}, Env: os.Environ(),
		Stdout: log, Stderr: log, ExtraFiles: []*os.File{r.f, theirs}, Dir: "/", SysProcAttr: namespaces(sp.Meta.Named),
	}
	arpCache, aerr := os.Open("/proc/net/stat/arp_cache")
	if aerr == nil {
		defer arpCache.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, arpCache)
	}
	InheritNothing()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, nil, cannotStart(err, sp.Meta.Named)
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
			return labEndpoint(s.Instance).silent(cmd.Process.Pid)
		}
		return nil
	}
	c, applied, err := awaitReady(ctx, ours, &patient{ours, answerLook, alive}, sp.Meta, s, events)
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
	_ = c.control.SetReadDeadline(time.Now().Add(greetingTimeout))
	var rep wire.Reply
	if err := wire.ReadLine(bufio.NewReader(c.control), &rep); err != nil {
		return fmt.Errorf("the supervisor did not say whether the lab stays: %w", err)
	}
	if rep.Error != nil {
		return rep.Error
	}
	return nil
}

func awaitReady(ctx context.Context, control *net.UnixConn, said io.Reader, m Meta, s Start, events func(wire.Event)) (*Client, *wire.Applied, error) {
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
			if errors.Is(err, ErrSilent) {
				return nil, nil, err
			}
			if ctx.Err() != nil {
				return nil, nil, context.Cause(ctx)
			}
			if !there(m.Instance) {
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
			if err != nil && !there(m.Instance) {
				err = overtaken(m.Instance)
			}
			return c, &a, err
		}
	}
}

// lastWords is the end of a supervisor's log, for an error message.
func lastWords(instance string) string {
	b, _ := readIn(instance, "log")
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	if s := strings.Join(lines, "\n"); s != "" {
		return ":\n" + s
	}
	return ""
}

// namespaces are those that a supervisor lives in. As root: its own network (the hub) and PIDs; else also its own users and
// mounts, its user mapped to itself and every capability ambient, because programs such as tcpdump refuse to run when
// they believe to be root and cannot change their user.
func namespaces(named bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWPID}
	if named {
		return a
	}
	a.Cloneflags |= unix.CLONE_NEWUSER | unix.CLONE_NEWNS
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	for c := uintptr(0); c <= lastCap(); c++ {
		a.AmbientCaps = append(a.AmbientCaps, c)
	}
	return a
}

// lastCap is the last capability that this kernel knows (capabilities(7)); asking for one beyond it would fail.
func lastCap() uintptr {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	n, err2 := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || err2 != nil {
		return unix.CAP_LAST_CAP
	}
	return min(uintptr(n), unix.CAP_LAST_CAP)
}

func cannotStart(err error, named bool) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("start supervisor: %w", err)
	}
	if named {
		return wire.Unsupported.Errorf("this root may not make namespaces (%v): it lacks CAP_SYS_ADMIN, as in a container; run \"labctl doctor\"", err)
	}
	return wire.Unsupported.Errorf("this machine does not let an ordinary user make namespaces (%v): run \"labctl doctor\" for the cure, or run as root", err)
}
