//go:build linux

package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/runtest"
)

// However many make, take and remove the same run directory at once, one has it at a time, and whoever looks meanwhile
// meets no error.
func TestARunDirectoryHasOneHolder(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", runtest.Directory(t))
	var holders, taken, removed atomic.Int32
	var all, looking sync.WaitGroup
	over := make(chan struct{})
	for who := range 6 {
		all.Go(func() {
			for n := range 60 {
				r, _, err := instance.Take("fought-over", true, nil)
				if errors.Is(err, instance.ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if others := holders.Add(1); others != 1 {
					t.Errorf("%d have it", others)
				}
				taken.Add(1)
				err = r.WriteMeta(instance.Meta{Format: 1, Instance: "fought-over", Lab: fmt.Sprint(who)}, nil)
				if m, rerr := instance.ReadMeta("fought-over"); err != nil || rerr != nil || m.Lab != fmt.Sprint(who) {
					t.Errorf("%d wrote, and reads %+v, %v, %v", who, m, err, rerr)
				}
				holders.Add(-1)
				if (n+who)%3 == 0 { // killed
					r.Release()
				} else if err := r.Remove(); err != nil {
					t.Error(err)
				} else {
					removed.Add(1)
				}
			}
		})
	}
	looking.Go(func() {
		for {
			if list, err := List(t.Context()); err != nil || len(list) > 1 {
				t.Errorf("%+v, %v", list, err)
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	all.Wait()
	close(over)
	looking.Wait()
	if taken.Load() < 10 || removed.Load() < 5 {
		t.Errorf("taken %d times, removed %d times", taken.Load(), removed.Load())
	}
	if r, _, err := instance.Take("fought-over", true, nil); err != nil {
		t.Error(err)
	} else if err := r.Remove(); err != nil {
		t.Error(err)
	}
}

// A socket that nobody answers at means a lab that starts, as long as its lock is held, and then a dead one, which
// "down" removes.
func TestASocketThatNobodyAnswersAt(t *testing.T) {
	r := lockedDirectory(t, "stale")
	if err := r.WriteMeta(instance.Meta{Format: 1, Instance: "stale", Lab: "stale", File: "-"}, nil); err != nil {
		t.Fatal(err)
	}
	l, err := instance.Listen(r.Folder, "sock")
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := Dial("stale"); !errors.Is(err, instance.ErrDead) {
		t.Error(err)
	}
	if st, err := StatusOf(t.Context(), "stale"); err != nil || st.State != "starting" {
		t.Errorf("its lock is held: %+v, %v", st, err)
	}
	r.Release()
	if st, err := StatusOf(t.Context(), "stale"); err != nil || st.State != "degraded" || st.PID != 0 {
		t.Errorf("its lock is free: %+v, %v", st, err)
	}
	if err := Down(t.Context(), "stale", false); err != nil || instance.Exists("stale") {
		t.Error(err)
	}
	if _, err := StatusOf(t.Context(), "stale"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Down(t.Context(), "stale", false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// What is in the place of a run directory and is not one of ours is named, is not believed, and stays; the labs beside
// it are seen.
func TestWhatIsNotOurRunDirectory(t *testing.T) {
	r := lockedDirectory(t, "ours")
	if err := r.WriteMeta(instance.Meta{Format: 1, Instance: "ours", File: "-"}, nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(r.Path), "theirs")
	for name, k := range map[string]struct {
		make    func() error
		refused string
	}{
		"another user's":       {func() error { return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 65533, -1)) }, "user 65533"},
		"open to everybody":    {func() error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) }, "mode 0777"},
		"somewhere else":       {func() error { return os.Symlink(t.TempDir(), path) }, "symlink"},
		"not even a directory": {func() error { return os.WriteFile(path, []byte("x"), 0o600) }, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			defer os.RemoveAll(path)
			if err := k.make(); errors.Is(err, fs.ErrPermission) {
				return // only root may give directories away
			} else if err != nil {
				t.Fatal(err)
			}
			_, _, terr := instance.Take("theirs", true, nil)
			_, rerr := instance.ReadMeta("theirs")
			for what, err := range map[string]error{"take": terr, "meta": rerr, "down": Down(t.Context(), "theirs", true)} {
				if err == nil || !strings.Contains(err.Error(), k.refused) {
					t.Errorf("%s: %v, want %q", what, err, k.refused)
				}
			}
			if _, err := os.Lstat(path); err != nil {
				t.Error("it was removed: ", err)
			}
			list, err := List(t.Context())
			if err != nil || len(list) == 0 || list[0].Lab != "ours" {
				t.Errorf("%+v, %v", list, err)
			}
			for _, st := range list[min(1, len(list)):] {
				if st.State != "degraded" || !strings.Contains(st.Why, k.refused) {
					t.Errorf("%+v", st)
				}
			}
		})
	}
}

// A run directory that could not be opened, because there are no descriptors left, is not left behind.
func TestARunDirectoryWithoutDescriptors(t *testing.T) {
	r := lockedDirectory(t, "first")
	path := filepath.Join(filepath.Dir(r.Path), "few")
	var was unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &was); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for n := uint64(3); n < was.Cur; n++ {
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: was.Max}, nil); err != nil {
			t.Fatal(err)
		}
		few, _, err := instance.Take("few", true, nil)
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &was, nil); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			few.Release()
			break
		}
		refused++
		if !errors.Is(err, unix.EMFILE) {
			t.Fatalf("%d descriptors: %v", n, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%d descriptors: a directory is left: %v", n, err)
		}
	}
	if refused < 2 {
		t.Errorf("only %d limits were too low, so no step but the first was refused", refused)
	}
}

// lockedDirectory is one that is locked, as a supervisor holds it.
func lockedDirectory(t *testing.T, name string) *instance.Dir {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", runtest.Directory(t))
	r, _, err := instance.Take(name, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Remove() })
	return r
}

// What a verify that was killed before it had begun leaves is cleared away by whoever looks; of an "up" its name stays,
// and so does what was begun.
func TestWhatWasKilledBeforeItBegan(t *testing.T) {
	for name, c := range map[string]struct {
		temporary bool
		left      string
		stays     bool
	}{
		"a verify's":                {temporary: true},
		"an up's":                   {stays: true},
		"a verify's that had begun": {temporary: true, left: "journal", stays: true},
	} {
		r := lockedDirectory(t, "killed")
		if err := r.WriteMeta(instance.Meta{Format: 1, Instance: "killed", File: "-", Temporary: c.temporary}, nil); err != nil {
			t.Fatal(err)
		}
		if c.left != "" {
			if err := os.WriteFile(r.In(c.left), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if st, err := StatusOf(t.Context(), "killed"); err != nil || st.State != "starting" {
			t.Errorf("%s, while its lock is held: %+v, %v", name, st, err)
		}
		r.Release()
		if st, err := StatusOf(t.Context(), "killed"); errors.Is(err, fs.ErrNotExist) == c.stays || instance.Exists("killed") != c.stays {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
		if c.stays {
			if err := Down(t.Context(), "killed", true); err != nil {
				t.Error(err)
			}
		}
	}
}
