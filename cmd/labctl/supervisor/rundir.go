//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/topology/kernel"
)

// Base is the directory that holds the run directories of this user's labs: /run/labctl for root, else
// $XDG_RUNTIME_DIR/labctl, else /tmp/labctl-<uid>. It need not exist.
func Base() string {
	if os.Geteuid() == 0 {
		return "/run/labctl"
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "labctl")
	}
	return fmt.Sprintf("/tmp/labctl-%d", os.Geteuid())
}

// ownBase makes Base and checks that it is ours alone: in /tmp somebody else may have been there first.
func ownBase() error {
	base := Base()
	if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	st, err := os.Lstat(base)
	if err != nil {
		return err
	}
	if !st.IsDir() || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory that only you can write to: set XDG_RUNTIME_DIR to one", base)
	}
	return nil
}

// rundir is the run directory of one instance, with its lock: whoever holds the lock may change what is inside, and a
// supervisor holds it as long as it lives. The kernel lets go of it with the last process, so it never lies.
type rundir struct {
	instance string
	lock     *os.File // the directory itself, flock(2)ed
}

func dirOf(instance string) string { return filepath.Join(Base(), instance) }

func (r *rundir) path(name string) string { return filepath.Join(dirOf(r.instance), name) }

// errHeld means that a live process holds the lock of a run directory.
var errHeld = errors.New("held by a running process")

// withBase runs f while nobody else makes, takes or removes run directories.
func withBase(f func() error) error {
	for {
		if err := ownBase(); err != nil {
			return err
		}
		b, err := os.Open(Base())
		if errors.Is(err, fs.ErrNotExist) {
			continue // the last lab's down has just removed it
		}
		if err != nil {
			return err
		}
		if err := flock(b, unix.LOCK_EX); err != nil {
			b.Close()
			return err
		}
		if !same(b, Base()) {
			b.Close()
			continue
		}
		err = f()
		b.Close()
		return err
	}
}

// same reports whether the open directory is still the one under that name.
func same(f *os.File, path string) bool {
	a, err1 := f.Stat()
	b, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// take locks the run directory of an instance. With create it makes one that is not there. errHeld: a live process has it.
func take(instance string, create bool) (r *rundir, created bool, err error) {
	err = withBase(func() error {
		if create {
			err := os.Mkdir(dirOf(instance), 0o700)
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			created = err == nil
		}
		f, err := os.Open(dirOf(instance))
		if err != nil {
			return err
		}
		if err := flock(f, unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return errHeld
			}
			return err
		}
		r = &rundir{instance, f}
		return nil
	})
	return r, created, err
}

// takeUnless is take for a command line, which its user may interrupt: another labctl may hold the lock of all run directories.
func takeUnless(ctx context.Context, instance string, create bool) (r *rundir, created bool, err error) {
	type taken struct {
		r       *rundir
		created bool
	}
	got := make(chan taken, 1)
	err = unless(ctx, "another labctl is at work in "+Base(), func() error {
		r, created, err := take(instance, create)
		got <- taken{r, created}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	t := <-got
	return t.r, t.created, nil
}

// release lets go of the lock and leaves the directory.
func (r *rundir) release() { r.lock.Close() }

// remove deletes the directory, and Base with it when it was the last.
func (r *rundir) remove() error {
	return withBase(func() error {
		err := os.RemoveAll(dirOf(r.instance))
		r.lock.Close()
		_ = os.Remove(Base()) // fails, rightly, when other labs are there
		return err
	})
}

// Meta is what a run directory says of its lab, written before anything is made.
type Meta struct {
	Format   int    `json:"format"`
	Instance string `json:"instance"`
	Lab      string `json:"lab"`
	File     string `json:"file"` // absolute path, or "-" for standard input, or "shipped:<name>"
	Nodes    int    `json:"nodes"`
	Named    bool   `json:"named"` // namespaces have names that ip-netns(8) takes
	Version  string `json:"version"`

	// Temporary instances belong to a verify that is under way: nobody means them who names no lab.
	Temporary bool `json:"temporary,omitempty"`
}

func (r *rundir) writeMeta(m Meta, source []byte) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	// Written aside and renamed, so that a reader never sees half of one.
	for name, data := range map[string][]byte{"lab.yaml": source, "meta.json": b} {
		tmp := r.path("." + name)
		if err := os.WriteFile(tmp, data, 0o600); err != nil {
			return err
		}
		if err := os.Rename(tmp, r.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// ReadMeta reads what is known of an instance, dead or alive. fs.ErrNotExist: there is no such instance.
func ReadMeta(instance string) (Meta, error) {
	var m Meta
	b, err := os.ReadFile(filepath.Join(dirOf(instance), "meta.json"))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// Source is the lab file as the instance was given it last.
func Source(instance string) ([]byte, error) {
	return os.ReadFile(filepath.Join(dirOf(instance), "lab.yaml"))
}

// Instances lists the run directories of this user, sorted.
func Instances() ([]string, error) {
	entries, err := os.ReadDir(Base())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Chosen lists the instances that somebody may mean who names none: those of Instances that are not a verify's own.
func Chosen() ([]string, error) {
	all, err := Instances()
	return slices.DeleteFunc(all, func(name string) bool {
		m, err := ReadMeta(name)
		return err == nil && m.Temporary
	}), err
}

// FromFile lists the instances that were brought up from a file, see Meta.File.
func FromFile(identity string) []string {
	all, _ := Instances()
	return slices.DeleteFunc(all, func(name string) bool {
		m, err := ReadMeta(name)
		return err != nil || m.Temporary || m.File != identity
	})
}

// Alive reports whether a live process holds an instance.
func Alive(instance string) bool {
	f, err := os.Open(dirOf(instance))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(flock(f, unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// journalState reads an instance's journal; an instance that died before it had one has an empty state.
func journalState(instance string) (*kernel.State, error) {
	st, err := kernel.ReadJournal(filepath.Join(dirOf(instance), "journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return &kernel.State{Instance: instance}, nil
	}
	return st, err
}
