//go:build linux

package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"labctl/topology/kernel"
)

// Dir is the run directory of one instance, with its lock: whoever holds the lock may change what is inside, and a
// supervisor holds it as long as it lives. The kernel lets go of it with the last process, so it never lies.
type Dir struct {
	*Folder  // flock(2)ed
	instance string
}

// ErrHeld means that a live process holds the lock of a run directory.
var ErrHeld = errors.New("held by a running process")

// withHome runs f while nobody else makes, takes or removes run directories.
func withHome(gate kernel.Before, f func(*Folder) error) error {
	for {
		h, err := OpenHome(LabsHome, true, gate)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the last lab's down has just removed it
		}
		if err != nil {
			return err
		}
		err = Flock(h.File, unix.LOCK_EX)
		if err == nil && !Same(h.File, h.Path) {
			h.Close()
			continue
		}
		if err == nil {
			err = f(h)
		}
		h.Close()
		return err
	}
}

// Same reports whether the open directory is still the one under that name.
func Same(f *os.File, path string) bool {
	a, err1 := f.Stat()
	b, err2 := os.Lstat(path)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// Flock locks an open file (flock(2)).
func Flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Take locks the run directory of an instance. With create it makes one that is not there. errHeld: a live process has
// it.
func Take(instance string, create bool, gate kernel.Before) (r *Dir, created bool, err error) {
	err = withHome(gate, func(h *Folder) error {
		if create {
			err := h.Mkdir(instance)
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			created = err == nil
		}
		d, err := h.Sub(instance)
		if err != nil {
			if created { // as where there are no descriptors left: an empty directory would pass for a lab
				_ = h.Rmdir(instance)
			}
			return err
		}
		if err := Flock(d.File, unix.LOCK_EX|unix.LOCK_NB); err != nil {
			d.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return ErrHeld
			}
			return err
		}
		r = &Dir{d, instance}
		return nil
	})
	return r, created, err
}

// TakeUnless is take for a command line, which its user may interrupt: another labctl may hold the lock of all run
// directories.
func TakeUnless(ctx context.Context, instance string, create bool,
	gate kernel.Before) (r *Dir, created bool, err error) {
	type taken struct {
		r       *Dir
		created bool
	}
	got := make(chan taken, 1)
	err = Unless(ctx, "another labctl is at work in "+filepath.Dir(Path(instance, "")), func() error {
		r, created, err := Take(instance, create, gate)
		got <- taken{r, created}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	t := <-got
	return t.r, t.created, nil
}

// TakeOver is the run directory of an instance whose lock another process has handed over as an open file; path is
// where it is.
func TakeOver(lock *os.File, path, instance string, gate kernel.Before) *Dir {
	return &Dir{&Folder{lock, path, gate}, instance}
}

// Release lets go of the lock and leaves the directory.
func (r *Dir) Release() { r.Close() }

// Remove deletes the directory, and the one that holds it when it was the last. When it fails, the lock is let go of,
// and what is left is the directory with what the error names.
func (r *Dir) Remove() error {
	return withHome(r.Gate, func(h *Folder) error {
		defer r.Close()
		// The journal goes last: as long as it is there, it says that all was taken down.
		if err := r.Clear("meta.json", "journal"); err != nil {
			return err
		}
		if err := h.Rmdir(r.instance); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		_ = os.Remove(h.Path) // fails, rightly, when other labs are there
		return nil
	})
}

// Unbegun reports whether nothing of a lab was made by whoever has held a run directory, nor is anything of an earlier
// lab in it.
func (r *Dir) Unbegun() bool {
	names, err := r.list()
	return err == nil && !slices.ContainsFunc(names, func(name string) bool {
		return name == "journal" ||
			name == "story.json"
	})
}

// ClearUnbegun removes the run directory of an instance that was killed before it had begun, and reports whether it
// did.
func ClearUnbegun(instance string) bool {
	r, _, err := Take(instance, false, nil)
	if err != nil {
		return false
	}
	defer r.Release()
	return r.Unbegun() && r.Remove() == nil
}

// Open opens the run directory of an instance. fs.ErrNotExist: there is no such instance.
func Open(instance string) (*Folder, error) {
	h, err := OpenHome(LabsHome, false, nil)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Sub(instance)
}

// Exists reports whether an instance has a run directory, whoever's.
func Exists(instance string) bool {
	d, err := Open(instance)
	if err == nil {
		d.Close()
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// Read reads a file of an instance.
func Read(instance, name string) ([]byte, error) {
	d, err := Open(instance)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Read(name)
}

// Path is the path of a file of an instance, for messages.
func Path(instance, name string) string {
	h, _ := Home(LabsHome)
	return filepath.Join(h, instance, name)
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

// WriteMeta writes down what lab the directory is of, and its file.
func (r *Dir) WriteMeta(m Meta, source []byte) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := r.write("lab.yaml", source); err != nil {
		return err
	}
	return r.write("meta.json", b)
}

// ReadMeta reads what is known of an instance, dead or alive. fs.ErrNotExist: there is no such instance.
func ReadMeta(instance string) (Meta, error) {
	var m Meta
	b, err := Read(instance, "meta.json")
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// Source is the lab file as the instance was given it last.
func Source(instance string) ([]byte, error) {
	return Read(instance, "lab.yaml")
}

// All lists the run directories of this user, sorted.
func All() ([]string, error) { return RunDirectories(LabsHome) }

// RunDirectories lists the run directories of one kind of this user, sorted.
func RunDirectories(kind string) ([]string, error) {
	h, err := OpenHome(kind, false, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer h.Close()
	names, err := h.list()
	return slices.DeleteFunc(names, func(name string) bool {
		var st unix.Stat_t
		err := unix.Fstatat(h.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW)
		return err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR
	}), err
}

// Chosen lists the instances that somebody may mean who names none: those of Instances that are not a verify's own.
func Chosen() ([]string, error) {
	all, err := All()
	return slices.DeleteFunc(all, func(name string) bool {
		m, err := ReadMeta(name)
		return err == nil && m.Temporary
	}), err
}

// FromFile lists the instances that were brought up from a file, see Meta.File.
func FromFile(identity string) []string {
	all, _ := All()
	return slices.DeleteFunc(all, func(name string) bool {
		m, err := ReadMeta(name)
		return err != nil || m.Temporary || m.File != identity
	})
}

// Alive reports whether a live process holds an instance.
func Alive(instance string) bool {
	d, err := Open(instance)
	if err != nil {
		return false
	}
	defer d.Close()
	return errors.Is(Flock(d.File, unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// OpenNode opens the namespace of a node of an instance whose namespaces have names, dead or alive, and says where the
// file is that commands there see as /etc/hosts. fs.ErrNotExist: the node has no namespace.
func OpenNode(instance, node string) (ns int, hosts string, err error) {
	st, err := Journal(instance)
	if err != nil {
		return -1, "", err
	}
	ns, err = kernel.OpenNode(st, node)
	return ns, Path(instance, "hosts"), err
}

// Journal reads an instance's journal; an instance that died before it had one has an empty state.
func Journal(instance string) (*kernel.State, error) {
	d, err := Open(instance)
	if errors.Is(err, fs.ErrNotExist) {
		return &kernel.State{Instance: instance}, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Journal(instance)
}

// Journal reads the journal in a run directory; of one that never had one the state is empty.
func (d *Folder) Journal(instance string) (*kernel.State, error) {
	f, err := d.open("journal")
	if errors.Is(err, fs.ErrNotExist) {
		return &kernel.State{Instance: instance}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return kernel.ReadJournal(f)
}

// LeftDirectory: all of a lab is gone but its run directory.
type LeftDirectory struct {
	Instance string
	Err      error
}

func (e *LeftDirectory) Error() string {
	return fmt.Sprintf("nothing of %s is left but its run directory, which could not be removed; \"labctl down %s\" "+
		"tries again: %v", e.Instance, e.Instance, e.Err)
}
