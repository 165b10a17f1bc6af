//go:build linux

package client

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestNumbersOf looks at a made-up /proc: a supervisor, two of its processes, one in a PID namespace below, one of
// somebody else with the same number as one of them, and one that is gone while it is looked at.
func TestNumbersOf(t *testing.T) {
	proc := t.TempDir()
	for _, p := range []struct {
		pid       int
		ns, nspid string
	}{
		{500, "pid:[7]", "500\t1"}, {501, "pid:[7]", "501\t18"}, {777, "pid:[7]", "777\t19"}, {502, "pid:[8]", "502\t20\t1"},
		{18, "pid:[1]", "18"}, {600, "pid:[7]", ""}, {601, "", "601\t21"},
	} {
		dir := filepath.Join(proc, fmt.Sprint(p.pid))
		if err := os.MkdirAll(filepath.Join(dir, "ns"), 0o755); err != nil {
			t.Fatal(err)
		}
		if p.ns != "" {
			if err := os.Symlink(p.ns, filepath.Join(dir, "ns", "pid")); err != nil {
				t.Fatal(err)
			}
		}
		if p.nspid != "" {
			if err := os.WriteFile(filepath.Join(dir, "status"), []byte("Name:\tx\nPid:\t9\nNSpid:\t"+p.nspid+"\nNSpgid:\t5\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := numbersOf(proc, 500), map[int]int{1: 500, 18: 501, 19: 777}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := numbersOf(proc, 601); len(got) != 0 {
		t.Errorf("a namespace that cannot be looked at: %v, want nothing", got)
	}
}
