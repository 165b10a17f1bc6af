package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// rewrite replaces what a file says, all of it or nothing, and keeps its owner and mode. path has no symbolic links but those that somebody
// puts there meanwhile, which are not followed. A file that does not say old any more is left alone.
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
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(updated)
	if own, ok := st.Sys().(*syscall.Stat_t); ok && err == nil {
		if cerr := tmp.Chown(int(own.Uid), int(own.Gid)); cerr != nil {
			err = fmt.Errorf("%s belongs to another user or group, which a new file could not be given; it was not changed: %w", path, cerr)
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
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// unchanged looks as late as it can whether it is still the same file and says what was measured.
func unchanged(path string, st os.FileInfo, old []byte) error {
	now, err := os.Lstat(path)
	if err != nil {
		return err
	}
	says, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !os.SameFile(st, now) || !bytes.Equal(says, old) {
		return fmt.Errorf("%s is not what was measured any more and was not changed; save what you edit, and verify it again", path)
	}
	return nil
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
