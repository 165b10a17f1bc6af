//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// SwitchBase is the directory that holds the run directories of this user's switches without a lab, as [Base] does those of labs.
func SwitchBase() string {
	if base := Base(); strings.HasPrefix(base, "/tmp/") {
		return strings.Replace(base, "labctl-", "labctl-switches-", 1)
	}
	return filepath.Join(filepath.Dir(Base()), "labctl-switches")
}

// switchDir is the run directory of a switch; the lock on it is held as long as the switch runs.
type switchDir struct {
	dir  string
	lock *os.File
}

func (d *switchDir) path(name string) string { return filepath.Join(d.dir, name) }

// remove deletes the directory, and the base with it when it was the last.
func (d *switchDir) remove() error {
	err := os.RemoveAll(d.dir)
	d.lock.Close()
	_ = os.Remove(SwitchBase()) // fails, rightly, when other switches are there
	return err
}

var switchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$`)

// takeSwitch makes the run directory of a switch, or takes over one that a dead process has left.
func takeSwitch(name string) (*switchDir, error) {
	if !switchName.MatchString(name) {
		return nil, usagef("%q is no name for a switch: letters, digits, \".\", \"_\" and \"-\", at most 31", name)
	}
	base := SwitchBase()
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, err
	}
	st, err := os.Lstat(base)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s is not a directory that only you can write to: set XDG_RUNTIME_DIR to one", base)
	}
	d := &switchDir{dir: filepath.Join(base, name)}
	if err := os.Mkdir(d.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if d.lock, err = os.Open(d.dir); err != nil {
		return nil, err
	}
	if err := flock(d.lock, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, usagef("a switch %s is running already; stop it (labctl switch stop %s), or choose another name", name, name)
		}
		return nil, err
	}
	if err := os.Remove(d.path("sock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.lock.Close()
		return nil, err
	}
	return d, nil
}

// SwitchLog opens the log of a switch, for one that runs in the background.
func SwitchLog(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(SwitchBase(), name, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// Switches lists the switches of this user, sorted, dead ones too.
func Switches() ([]string, error) {
	entries, err := os.ReadDir(SwitchBase())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// AddToSwitch makes an interface a port of a running switch.
func AddToSwitch(ctx context.Context, name string, n *NIC) error {
	return callSwitch(ctx, name, "add", n.params, nil, n.files[:])
}

// DeleteFromSwitch takes an interface out of a running switch, which forgets what it has learned there.
func DeleteFromSwitch(ctx context.Context, name, nic string) error {
	return callSwitch(ctx, name, "delete", deleteParams{nic}, nil, nil)
}

// StopSwitch ends a switch and returns when nothing of it is left.
func StopSwitch(ctx context.Context, name string) error {
	err := callSwitch(ctx, name, "stop", nil, nil, nil)
	if err != nil && !errors.Is(err, ErrDead) {
		return err
	}
	f, err := os.Open(filepath.Join(SwitchBase(), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d := &switchDir{filepath.Join(SwitchBase(), name), f}
	// The process holds it until it is done.
	if err := unless(ctx, "switch "+name+" is ending", func() error { return flock(f, unix.LOCK_EX) }); err != nil {
		f.Close()
		return err
	}
	if !same(f, d.dir) {
		f.Close()
		return nil
	}
	return d.remove()
}

// ShowSwitch tells the truth about a switch.
func ShowSwitch(ctx context.Context, name string) (SwitchShow, error) {
	var s SwitchShow
	err := callSwitch(ctx, name, "show", nil, &s, nil)
	if errors.Is(err, ErrDead) {
		return SwitchShow{Name: name, State: "dead", Ports: []SwitchPort{}, Entries: []FDBEntry{}}, nil
	}
	if errors.Is(err, ErrSilent) {
		return SwitchShow{Name: name, State: "not answering", Ports: []SwitchPort{}, Entries: []FDBEntry{}}, nil
	}
	return s, err
}

// callSwitch asks a running switch one thing, and hands it files if it wants some.
func callSwitch(ctx context.Context, name, method string, params, result any, files []*os.File) error {
	dir := filepath.Join(SwitchBase(), name)
	if !switchName.MatchString(name) || !exists(dir) {
		list, _ := Switches()
		return usagef("no switch %q is running%s", name, topology.Suggest(name, list))
	}
	var h struct {
		hello
		reply
	}
	at := endpoint{"switch " + name, filepath.Join(dir, "sock"), fmt.Sprintf("a kill -KILL of it and then \"labctl switch stop %s\"", name)}
	conn, in, err := at.greet(ctx, &h)
	if errors.Is(err, ErrDead) {
		return fmt.Errorf("%w; \"labctl switch stop %s\" clears it away", err, name)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if h.Error != nil {
		return h.Error
	}
	if err := writeLine(conn, request{Method: method, Params: mustJSON(params)}); err != nil {
		return err
	}
	for {
		var r reply
		err := readLine(in, &r)
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrSilent):
			return err
		case err != nil:
			return fmt.Errorf("switch %s ended while it was asked to %s: %w", name, method, err)
		case r.Error != nil:
			return r.Error
		case r.Event != nil:
			if err := passFiles(conn, files); err != nil {
				return err
			}
		case result == nil:
			return nil
		default:
			return json.Unmarshal(r.Result, result)
		}
	}
}

func passFiles(conn *net.UnixConn, files []*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(fds...), nil); err != nil {
		return fmt.Errorf("pass descriptors: %w", err)
	}
	return nil
}
