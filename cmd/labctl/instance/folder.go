//go:build linux

package instance

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// Folder is a directory that is this user's and that nobody else can write to, held open. What is in it is reached by
// its descriptor (openat(2)) and never through a symlink, so that another user who was there first, or swaps a
// directory above it, is found out and not obeyed. Everything that is changed in it passes one gate.
type Folder struct {
	File *os.File
	Path string        // for messages, and for programs that take paths
	Gate kernel.Before // nil outside tests
}

// openFolder opens path and checks whose it is. fs.ErrNotExist: it is not there.
func openFolder(path string, gate kernel.Before) (*Folder, error) {
	return checked(unix.AT_FDCWD, path, path, gate)
}

// Sub opens a directory in d.
func (d *Folder) Sub(name string) (*Folder, error) {
	if !plain(name) {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(d.Path, name), Err: fs.ErrNotExist}
	}
	return checked(d.fd(), name, filepath.Join(d.Path, name), d.Gate)
}

// plain reports whether a name stays in its directory.
func plain(name string) bool {
	return name != "" && name != ".." && name == filepath.Base(name) && name != "."
}

func checked(at int, name, path string, gate kernel.Before) (*Folder, error) {
	fd, err := openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil,
			wire.Failed.Errorf("%s is not a directory (a symlink is not followed there): remove it, or set "+
				"XDG_RUNTIME_DIR to a directory of your own", path)
	}
	var st unix.Stat_t
	if errors.Is(err, fs.ErrPermission) && unix.Fstatat(at, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		int(st.Uid) != os.Geteuid() {
		class, cure := wire.Failed, "set XDG_RUNTIME_DIR to a directory of your own"
		if os.Geteuid() == 0 { // root of a user namespace before a directory of the machine's root
			class, cure = wire.Unsupported, HomeCure()
		}
		return nil, class.Errorf("you may not open %s (its owner is user %d, its mode %04o): %s", path, st.Uid,
			st.Mode&0o7777, cure)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	d := &Folder{os.NewFile(uintptr(fd), path), path, gate}
	if err := d.own(); err != nil {
		d.File.Close()
		return nil, err
	}
	return d, nil
}

func openat(at int, name string, flags int, mode uint32) (fd int, err error) {
	for {
		fd, err = unix.Openat(at, name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, mode)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// own checks owner and mode.
func (d *Folder) own() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd(), &st); err != nil {
		return &fs.PathError{Op: "stat", Path: d.Path, Err: err}
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return wire.Failed.Errorf("%s is not a directory that only you can write to (its owner is user %d, its mode "+
			"%04o), and what it says is not believed: set XDG_RUNTIME_DIR to a directory of your own", d.Path, st.Uid,
			st.Mode&0o7777)
	}
	return nil
}

func (d *Folder) fd() int { return int(d.File.Fd()) }

// Close lets go of the directory.
func (d *Folder) Close() { d.File.Close() }

// In is the path of a file in d.
func (d *Folder) In(name string) string { return filepath.Join(d.Path, name) }

// held is a short path of a file in d for this process, which leads there by the descriptor: the kernel's addresses of
// Unix sockets have room for 107 bytes (unix(7)).
func (d *Folder) held(name string) string { return fmt.Sprintf("/proc/self/fd/%d/%s", d.fd(), name) }

// change does one change of what is in d, if it may.
func (d *Folder) change(op, name string, f func() error) error {
	err := d.Gate.Do(op + " " + name)
	for err == nil {
		if err = f(); !errors.Is(err, unix.EINTR) {
			break
		}
		err = nil
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: d.In(name), Err: err}
	}
	return nil
}

// Mkdir makes a directory in d that only its owner may look into.
func (d *Folder) Mkdir(name string) error {
	return d.change("mkdir", name, func() error { return unix.Mkdirat(d.fd(), name, 0o700) })
}

// Rmdir removes an empty directory from d.
func (d *Folder) Rmdir(name string) error {
	return d.change("rmdir", name, func() error { return unix.Unlinkat(d.fd(), name, unix.AT_REMOVEDIR) })
}

// Unlink deletes a file in d.
func (d *Folder) Unlink(name string) error {
	return d.change("unlink", name, func() error { return unix.Unlinkat(d.fd(), name, 0) })
}

// Create opens a file for writing, and makes it if need be. flags are O_APPEND, O_TRUNC, O_EXCL.
func (d *Folder) Create(name string, flags int, mode uint32) (f *os.File, err error) {
	err = d.change("create", name, func() error {
		fd, err := openat(d.fd(), name, unix.O_CREAT|unix.O_RDWR|flags, mode)
		if err == nil {
			f = os.NewFile(uintptr(fd), d.In(name))
		}
		return err
	})
	return f, err
}

// open opens a file for reading and checks whose it is.
func (d *Folder) open(name string) (*os.File, error) {
	fd, err := openat(d.fd(), name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: d.In(name), Err: err}
	}
	f := os.NewFile(uintptr(fd), d.In(name))
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() ||
		st.Mode&0o022 != 0 {
		f.Close()
		return nil, wire.Failed.Errorf("%s is not a file that only you can write to; what it says is not believed",
			d.In(name))
	}
	return f, nil
}

// Read reads a file of d, see [Folder.open].
func (d *Folder) Read(name string) ([]byte, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// write writes a file aside and renames it, so that a reader never sees half of one, and a write that fails leaves the
// old one.
func (d *Folder) write(name string, data []byte) error {
	aside := "." + name
	if err := d.Put(aside, data, 0o600); err != nil {
		return err
	}
	return d.change("rename", aside, func() error { return unix.Renameat(d.fd(), aside, d.fd(), name) })
}

// Put writes a file in place: whoever has it open, or mounted, sees what is new.
func (d *Folder) Put(name string, data []byte, mode uint32) error {
	f, err := d.Create(name, unix.O_TRUNC, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	return d.change("write", name, func() error {
		_, err := f.WriteAt(data, 0)
		return err
	})
}

// list names what is in d, sorted. A directory that was removed since it was opened has nothing in it.
func (d *Folder) list() ([]string, error) {
	again, err := checked(d.fd(), ".", d.Path, nil) // a descriptor of its own: reading moves its position
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer again.Close()
	names, err := again.File.Readdirnames(-1)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	slices.Sort(names)
	return names, err
}

// Clear deletes the files in d, the named ones last and in that order.
func (d *Folder) Clear(last ...string) error {
	names, err := d.list()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(last, n) })
	var errs []error
	for _, name := range append(names, last...) {
		if err := d.Unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
