package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// rewrite replaces what a file says, all of it or nothing, and keeps its owner and mode. path has no symbolic links but
// those that somebody puts there meanwhile, which are not followed. A file that does not say old any more is left
// alone. What an editor that has had the file open since before writes into it afterwards is lost, as with any
// rename(2).
func rewrite(path string, old, updated []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0) // who may not write to it must not replace it either
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; it was not changed", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // O_EXCL: nobody has prepared it
	if err != nil {
		return err
	}
	ours, err := tmp.Stat()
	if err != nil {
		return errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(tmp.Name(), ours))
		}
	}()
	_, err = tmp.Write(updated)
	if own, ok := st.Sys().(*syscall.Stat_t); ok && err == nil {
		if cerr := tmp.Chown(int(own.Uid), int(own.Gid)); cerr != nil {
			err = fmt.Errorf("%s belongs to another user or group, which a new file could not be given; it was not "+
				"changed: %w", path, cerr)
		}
	}
	if err == nil { // behind chown(2), which takes set-id bits away
		err = tmp.Chmod(st.Mode())
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := unchanged(path, st, old); err != nil {
		return err
	}
	if err := swap(tmp.Name(), path, st, old, exchange); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// discard removes the file that was prepared. Where an exchange could not be taken back, its name is that of what
// somebody has written, which stays.
func discard(name string, ours os.FileInfo) error {
	now, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(ours, now) {
		return nil
	}
	return os.Remove(name)
}

// swap puts the file fresh in the place of path, and removes the one that was there if it is the one in st and says
// old. Else it is put back, and fresh is left: what was written after the last look must not be lost.
func swap(fresh, path string, st os.FileInfo, old []byte, exchange func(a, b string) error) error {
	ours, err := os.Lstat(fresh)
	if err != nil {
		return err
	}
	err = exchange(fresh, path)
	// a file system that cannot, as NFS: the last look has to do
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return os.Rename(fresh, path)
	}
	if err != nil {
		return err
	}
	if same, err := says(fresh, st, old); err == nil && same {
		return os.Remove(fresh)
	}
	if err := exchange(fresh, path); err != nil {
		return fmt.Errorf("%s was edited meanwhile, and what it said then is in %s now: %w", path, fresh, err)
	}
	// Whoever replaced ours in between meant his to be the one that stays.
	if now, err := os.Lstat(fresh); err == nil && !os.SameFile(ours, now) {
		if err := exchange(fresh, path); err != nil {
			return fmt.Errorf("%s was edited meanwhile, and what it said last is in %s now: %w", path, fresh, err)
		}
		return errors.Join(edited(path), os.Remove(fresh)) // what it said before that
	}
	return edited(path)
}

func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// unchanged looks as late as it can whether it is still the same file and says what was measured.
func unchanged(path string, st os.FileInfo, old []byte) error {
	same, err := says(path, st, old)
	if err == nil && !same {
		err = edited(path)
	}
	return err
}

// says reports whether path is the file in st and says text.
func says(path string, st os.FileInfo, text []byte) (bool, error) {
	now, err := os.Lstat(path)
	if err != nil || !os.SameFile(st, now) {
		return false, err
	}
	is, err := os.ReadFile(path)
	return bytes.Equal(is, text), err
}

func edited(path string) error {
	return fmt.Errorf("%s is not what was measured any more and was not changed; save what you edit, and verify it "+
		"again", path)
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
