//go:build linux

package kernel

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFlushRoutesAfterTheNamespace: its files are closed with the namespace, so that nothing is ever written to another
// file that has got a number of theirs.
func TestFlushRoutesAfterTheNamespace(t *testing.T) {
	var f flushFiles
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := unix.Dup(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	f.fds = []int{fd}
	n := &namespace{netnsRef: netnsRef{node: "h1"}}
	if err := f.write(n); err != nil {
		t.Fatal(err)
	}
	f.end()
	if err := f.write(n); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
	var got [2]byte
	if k, _ := r.Read(got[:]); string(got[:k]) != "1" {
		t.Errorf("written: %q", got[:k])
	}
	if k, err := r.Read(got[:]); k != 0 || err == nil {
		t.Error("the file is still open")
	}
}
