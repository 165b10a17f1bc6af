//go:build linux

package switchproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/problem"
)

// switchDir is the run directory of a switch; the lock on it is held as long as the switch runs.
type switchDir struct{ *instance.Folder }

// remove deletes the directory, and the one that holds it when it was the last.
func (d *switchDir) remove() error {
	defer d.Close()
	h, err := instance.OpenHome(instance.SwitchesHome, false, nil)
	if err != nil {
		return err
	}
	defer h.Close()
	err = errors.Join(d.Clear(), h.Rmdir(filepath.Base(d.Path)))
	_ = os.Remove(h.Path) // fails, rightly, when other switches are there
	return err
}

var switchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$`)

// takeSwitch makes the run directory of a switch, or takes over one that a dead process has left.
func takeSwitch(name string) (*switchDir, error) {
	if !switchName.MatchString(name) {
		return nil, wire.Usagef("%q is not a name for a switch: letters, digits, \".\", \"_\" and \"-\", at most 31",
			name)
	}
	h, err := instance.OpenHome(instance.SwitchesHome, true, nil)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := h.Mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	d, err := h.Sub(name)
	if err != nil {
		return nil, err
	}
	if err := instance.Flock(d.File, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil,
				wire.Usagef("a switch %s is running already; stop it (labctl switch stop %s), or choose another name",
					name, name)
		}
		return nil, err
	}
	return &switchDir{d}, nil
}

// openSwitch opens the run directory of a switch. fs.ErrNotExist: there is none.
func openSwitch(name string) (*instance.Folder, error) {
	h, err := instance.OpenHome(instance.SwitchesHome, false, nil)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Sub(name)
}

// Log opens the log of a switch, for one that runs in the background.
func Log(name string) (*os.File, error) {
	d, err := openSwitch(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Create("log", unix.O_APPEND, 0o600)
}

// All lists the switches of this user, sorted, dead ones too.
func All() ([]string, error) { return instance.RunDirectories(instance.SwitchesHome) }

// Add makes an interface a port of a running switch.
func Add(ctx context.Context, name string, n *NIC) error {
	return callSwitch(ctx, name, "add", n.params, nil, n.files[:])
}

// Delete takes an interface out of a running switch, which forgets what it has learned there.
func Delete(ctx context.Context, name, nic string) error {
	return callSwitch(ctx, name, "delete", wire.DeletePort{Name: nic}, nil, nil)
}

// Stop ends a switch and returns when nothing of it is left. One that is stopped, does not answer or does not end in
// time is an error that wraps ErrSilent; with force it is killed.
func Stop(ctx context.Context, name string, force bool) error {
	err := callSwitch(ctx, name, "stop", nil, nil, nil)
	if err != nil && !errors.Is(err, instance.ErrDead) && (!force || !errors.Is(err, instance.ErrSilent)) {
		return err
	}
	silent := errors.Is(err, instance.ErrSilent)
	d, err := openSwitch(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// The process holds it until it is done.
	at := switchEndpoint(name)
	if !silent {
		err = at.Locked(ctx, d, instance.GoingTimeout)
	}
	if force && (silent || errors.Is(err, instance.ErrSilent)) {
		if err = at.Kill(); err == nil {
			err = at.Locked(ctx, d, instance.GoingTimeout)
		}
	}
	if err != nil {
		d.Close()
		return err
	}
	if !instance.Same(d.File, d.Path) {
		d.Close()
		return nil
	}
	return (&switchDir{d}).remove()
}

func switchEndpoint(name string) instance.Endpoint {
	return instance.Endpoint{Who: "switch " + name, Open: func() (*instance.Folder, error) { return openSwitch(name) },
		End: fmt.Sprintf("\"labctl switch stop --force %s\"", name)}
}

// Show tells the truth about a switch.
func Show(ctx context.Context, name string) (wire.SwitchShow, error) {
	var s wire.SwitchShow
	err := callSwitch(ctx, name, "show", nil, &s, nil)
	if errors.Is(err, instance.ErrDead) {
		return wire.SwitchShow{Name: name, State: "dead", Ports: []wire.SwitchPort{}, Entries: []wire.FDBEntry{}}, nil
	}
	if errors.Is(err, instance.ErrSilent) {
		return wire.SwitchShow{Name: name, State: "not answering", Ports: []wire.SwitchPort{},
			Entries: []wire.FDBEntry{}}, nil
	}
	return s, err
}

// callSwitch asks a running switch one thing, and hands it files if it wants some.
func callSwitch(ctx context.Context, name, method string, params, result any, files []*os.File) error {
	dir, err := openSwitch(name)
	if !switchName.MatchString(name) || errors.Is(err, fs.ErrNotExist) {
		list, _ := All()
		return wire.Usagef("no switch %q is running%s", name, problem.Suggest(name, list))
	}
	if err != nil {
		return err
	}
	dir.Close()
	var h struct {
		wire.Hello
		wire.Reply
	}
	conn, in, err := switchEndpoint(name).Greet(ctx, &h)
	if errors.Is(err, instance.ErrDead) {
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
	if err := wire.WriteLine(conn, wire.Request{Method: method, Params: wire.MustJSON(params)}); err != nil {
		return err
	}
	for {
		var r wire.Reply
		err := wire.ReadLine(in, &r)
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, instance.ErrSilent):
			return err
		case err != nil:
			return fmt.Errorf("switch %s ended while it was asked to %s: %w", name, method, err)
		case r.Error != nil:
			return r.Error
		case r.Event != nil:
			if err := instance.PassFiles(conn, files); err != nil {
				return err
			}
		case result == nil:
			return nil
		default:
			return json.Unmarshal(r.Result, result)
		}
	}
}
