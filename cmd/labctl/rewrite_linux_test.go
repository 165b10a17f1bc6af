package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRewrite(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "lab.yaml"), filepath.Join(dir, "other")
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	says := func(name, want string) {
		t.Helper()
		if b, err := os.ReadFile(name); err != nil || string(b) != want {
			t.Errorf("%s says %q, %v; want %q", name, b, err, want)
		}
	}
	write(path, "old", 0o664)
	write(other, "precious", 0o600)
	if err := os.Symlink(other, path+".labctl"); err != nil { // a name that was once used
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(path, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	was, _ := os.Stat(path)
	if err := rewrite(path, []byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	says(path, "new")
	says(other, "precious")
	is, _ := os.Stat(path)
	if a, b := was.Sys().(*syscall.Stat_t), is.Sys().(*syscall.Stat_t); is.Mode() != was.Mode() || a.Uid != b.Uid || a.Gid != b.Gid {
		t.Errorf("mode %v of %d:%d, was %v of %d:%d", is.Mode(), b.Uid, b.Gid, was.Mode(), a.Uid, a.Gid)
	}

	write(path, "edited", 0o644)
	if err := rewrite(path, []byte("new"), []byte("newer")); err == nil || !strings.Contains(err.Error(), "any more") {
		t.Errorf("over what was edited: %v", err)
	}
	says(path, "edited")

	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink("other", link); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(link, []byte("precious"), []byte("x")); err == nil { // one that was put there since the path was resolved
		t.Error("a symbolic link was followed")
	}
	says(other, "precious")
	if real := identityOf(link); real != identityOf(other) {
		t.Errorf("%s is %s", link, real)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestSwapKeepsWhatWasWrittenAfterTheLastLook: an editor saves between the comparison and the renaming, in place or by
// a rename of its own.
func TestSwapKeepsWhatWasWrittenAfterTheLastLook(t *testing.T) {
	for how, save := range map[string]func(path string) error{
		"in place": func(path string) error { return os.WriteFile(path, []byte("edited"), 0o600) },
		"by a rename": func(path string) error {
			return errors.Join(os.WriteFile(path+"~", []byte("edited"), 0o600), os.Rename(path+"~", path))
		},
		"by a link": func(path string) error {
			return errors.Join(os.WriteFile(path+".other", []byte("edited"), 0o600), os.Remove(path), os.Symlink(filepath.Base(path)+".other", path))
		},
		"not at all": func(string) error { return nil },
	} {
		dir := t.TempDir()
		path, fresh := filepath.Join(dir, "lab.yaml"), filepath.Join(dir, "fresh")
		if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.WriteFile(fresh, []byte("new"), 0o600)); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := save(path); err != nil {
			t.Fatal(err)
		}
		want, left := "edited", "new"
		err = swap(fresh, path, st, []byte("old"), exchange)
		if how == "not at all" {
			want, left = "new", ""
			if err != nil {
				t.Error(err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "any more") {
			t.Errorf("%s: %v", how, err)
		}
		says, _ := os.ReadFile(path)
		other, _ := os.ReadFile(fresh)
		if string(says) != want || string(other) != left {
			t.Errorf("%s: the file says %q, want %q; beside it %q, want %q", how, says, want, other, left)
		}
	}
}

// TestAnEditThatCannotBePutBackIsKept: the second exchange fails, and then the third, when somebody has saved twice.
// The error names the file that has what was written, and it is still there when what was prepared has been discarded.
func TestAnEditThatCannotBePutBackIsKept(t *testing.T) {
	for fails, last := range map[int]string{2: "edited", 3: "edited again"} {
		dir := t.TempDir()
		path, fresh := filepath.Join(dir, "lab.yaml"), filepath.Join(dir, "fresh")
		if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.WriteFile(fresh, []byte("new"), 0o600)); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := os.Lstat(fresh)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("edited"), 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		err = swap(fresh, path, st, []byte("old"), func(a, b string) error {
			if n++; n == fails {
				return os.ErrPermission
			}
			if n == 2 { // an editor that saves by a rename
				if err := errors.Join(os.WriteFile(path+"~", []byte("edited again"), 0o600), os.Rename(path+"~", path)); err != nil {
					return err
				}
			}
			return exchange(a, b)
		})
		if err == nil || !strings.Contains(err.Error(), " is in "+fresh+" now") {
			t.Errorf("%d: %v", fails, err)
		}
		if err := discard(fresh, ours); err != nil {
			t.Error(err)
		}
		if says, err := os.ReadFile(fresh); string(says) != last {
			t.Errorf("%d: %q, %v; want %q", fails, says, err, last)
		}
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	if err := os.WriteFile(fresh, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ours, err := os.Lstat(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(discard(fresh, ours), discard(fresh, ours)); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was prepared is still there: %v", err)
	}
}
