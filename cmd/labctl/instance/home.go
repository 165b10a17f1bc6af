//go:build linux

package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// The kinds of run directories.
const (
	LabsHome     = "labctl"          // of labs
	SwitchesHome = "labctl-switches" // of switches without a lab
)

// Home is the directory that holds this user's run directories of one kind: below /run for root, else below
// $XDG_RUNTIME_DIR, else /tmp/<kind>-<uid>. It need not exist.
func Home(kind string) (string, error) {
	return homeOf(kind, os.Geteuid(), os.Getenv("XDG_RUNTIME_DIR"))
}

func homeOf(kind string, uid int, d string) (string, error) {
	if uid == 0 {
		return filepath.Join("/run", kind), nil
	}
	if d == "" {
		return fmt.Sprintf("/tmp/%s-%d", kind, uid), nil
	}
	if !filepath.IsAbs(d) {
		return "",
			wire.Usagef("XDG_RUNTIME_DIR=%s is not an absolute path, so labs would depend on the directory that "+
				"labctl is called from: set it to one, or unset it", d)
	}
	return filepath.Join(d, kind), nil
}

// OpenHome opens it. With create it makes one that is not there.
func OpenHome(kind string, create bool, gate kernel.Before) (*Folder, error) {
	path, err := Home(kind)
	if err != nil {
		return nil, err
	}
	if err := trusted(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if create {
		err := gate.Do("mkdir " + kind)
		if err == nil {
			err = os.Mkdir(path, 0o700)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, noHome(path, err)
		}
	}
	return openFolder(path, gate)
}

// trusted refuses a directory in which others could swap ours for another one of ours, or keep us from it.
func trusted(dir string) error {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return nil // whoever opens something in it hears of it
	}
	// A supervisor without root lives in a user namespace that knows only its own user; it sees root's directories as
	// nobody's.
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() && st.Uid != overflowUID {
		return wire.Failed.Errorf("%s belongs to user %d, and you are user %d: set XDG_RUNTIME_DIR to a directory of "+
			"your own, or unset it", dir, st.Uid, os.Geteuid())
	}
	if st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0 {
		return wire.Failed.Errorf("others can write to %s (mode %04o), so they could put another directory in the "+
			"place of yours: set XDG_RUNTIME_DIR to a directory that only you can write to, or unset it", dir,
			st.Mode&0o7777)
	}
	return nil
}

// overflowUID is what the kernel shows of users that a user namespace does not know (user_namespaces(7)).
const overflowUID = 65534

// noHome says why run directories cannot be kept there.
func noHome(path string, err error) error {
	dir := filepath.Dir(path)
	if own := os.Geteuid() == 0 || os.Getenv("XDG_RUNTIME_DIR") == ""; own &&
		(errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)) {
		return wire.Unsupported.Errorf("make %s: %v: %s", path, err, HomeCure())
	} else if own {
		return fmt.Errorf("make %s: %v", path, err) // no fs.ErrNotExist: that would mean that there is no lab
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wire.Usagef("XDG_RUNTIME_DIR=%s: there is no such directory; make it (mode 0700), or unset "+
			"XDG_RUNTIME_DIR", dir)
	case errors.Is(err, unix.ENOTDIR):
		return wire.Usagef("XDG_RUNTIME_DIR=%s is not a directory; set it to one, or unset it", dir)
	case errors.Is(err, fs.ErrPermission):
		return wire.Usagef("XDG_RUNTIME_DIR=%s: you may not write there; set it to a directory of your own, or unset "+
			"it", dir)
	}
	return fmt.Errorf("make %s: %v", path, err)
}

// HomeCure says how to come by a place for run directories.
func HomeCure() string {
	switch {
	case os.Geteuid() != 0:
		return "set XDG_RUNTIME_DIR to a directory that is yours alone"
	case kernel.InUserNamespace():
		return "this root is one in a user namespace: " + kernel.UserNamespaceCure
	}
	return "as root labctl needs a /run that it can write to: mount -t tmpfs tmpfs /run"
}
