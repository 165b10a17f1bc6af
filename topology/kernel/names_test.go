package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/topology/plan"
)

// Whoever is killed at whatever step of a name's life leaves what its journal tells from a stranger's, and the name is
// free afterwards.
func TestNamesOfTheDead(t *testing.T) {
	ops := plan.New(load(t, small), "t").Ops
	died := errors.New("died here")
	for at := 0; ; at++ {
		s, journal := newSpace(t)
		var mu sync.Mutex // nodes are made side by side
		steps, last := 0, ""
		// Nothing is done from the given step on, as by a process that is dead by then.
		s.journal.before = func(step string) error {
			mu.Lock()
			defer mu.Unlock()
			if steps++; steps > at {
				if last == "" {
					last = step
				}
				return died
			}
			return nil
		}
		err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: ops}, noCommands)
		err = errors.Join(err, s.Remove())
		abandon(s)
		st, jerr := readJournal(journal)
		if jerr != nil {
			t.Fatal(jerr)
		}
		if err := RemoveByJournal(st, nil); err != nil {
			t.Fatalf("%s: %v", last, err)
		}
		if left := names(t); len(left) > 0 {
			t.Fatalf("killed before step %d, %s, it left %v", at, last, left)
		}
		s.journal.before = nil
		if steps <= at {
			if err != nil {
				t.Fatal(err)
			}
			if at < 15 {
				t.Fatalf("only %d steps", at)
			}
			return
		}
		if !errors.Is(err, died) && !(err == nil && last == "write journal") { // that a name is gone need not be written
			t.Fatalf("%s: %v", last, err)
		}
	}
}

// abandon closes what a process held that is dead now.
func abandon(s *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.byNode {
		n.close()
		delete(s.byNode, name)
	}
	s.names.pending = nil
}

// A name that was announced, and then taken by somebody else, is his.
func TestAStrangersNamespaceOfAnAnnouncedNameStays(t *testing.T) {
	s, journal := newSpace(t)
	if err := s.journal.making([]string{"a", "b", "c"}, s.Namespace); err != nil {
		t.Fatal(err)
	}
	ip(t, "netns add t.a")
	defer ip(t, "netns delete t.a")
	for name, text := range map[string]string{"t.b": "", "t.c": "labctl t somebody else's\n"} {
		if err := os.WriteFile(filepath.Join(NetnsDir, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(filepath.Join(NetnsDir, name))
	}
	st, err := readJournal(journal)
	if err != nil || len(st.Namespaces) != 3 || st.Namespaces[0].Inode != 0 {
		t.Fatalf("%+v, %v", st, err)
	}
	if err := RemoveByJournal(st, nil); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(t)); got != "[t.a t.b t.c]" {
		t.Errorf("left are %s", got)
	}
	ip(t, "netns exec t.a true")
}

// The kernel gives inodes away again, and cookies never.
func TestAnInodeThatWasGivenAwayAgainIsAnothers(t *testing.T) {
	s, journal := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "a"})
	n, _ := s.of("a")
	if n.cookie == 0 {
		t.Log("this kernel has no cookies") // before 5.14
		return
	}
	st, err := readJournal(journal)
	if err != nil || len(st.Namespaces) != 1 || st.Namespaces[0].Inode != n.inode || st.Namespaces[0].Cookie != n.cookie {
		t.Fatalf("%+v, %v; want inode %d, cookie %d", st, err, n.inode, n.cookie)
	}
	st.Namespaces[0].Cookie-- // an earlier one of that inode
	if err := RemoveByJournal(st, nil); err != nil {
		t.Fatal(err)
	}
	if !Exists("t.a", n.inode) {
		t.Error("another's namespace was removed")
	}
	nodes, done := StillNamed(st)
	done()
	if len(nodes) != 0 {
		t.Errorf("another's namespace stands as a node: %v", nodes)
	}
	if fd, err := OpenNode(st, "a"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it can be entered: %d, %v", fd, err)
	}
	st.Namespaces[0].Cookie++
	nodes, done = StillNamed(st)
	done()
	if nodes[n.inode] != "a" {
		t.Errorf("the node does not stand: %v", nodes)
	}
}

// A name that could not be removed is not forgotten: Remove tries again.
func TestRemoveTriesAgain(t *testing.T) {
	for _, step := range []string{"unmount t.a", "unlink t.a"} {
		s, _ := newSpace(t)
		apply(t, s, plan.New(load(t, small), "t").Ops...)
		s.journal.before = func(now string) error {
			if now == step {
				return unix.EIO
			}
			return nil
		}
		err := s.Remove()
		if err == nil || !strings.Contains(err.Error(), "t.a") {
			t.Fatalf("%s failed, and Remove says %v", step, err)
		}
		if left := fmt.Sprint(names(t)); left != "[t.a]" {
			t.Fatalf("left are %s", left)
		}
		s.journal.before = nil
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// Healing finds the file that a kill between unmounting and deleting left, and makes the namespace.
func TestAdoptClearsHalfRemovedNames(t *testing.T) {
	s, journal := newSpace(t)
	ops := plan.New(load(t, small), "t").Ops
	apply(t, s, ops...)
	if err := unix.Unmount(filepath.Join(NetnsDir, "t.a"), unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	st, err := readJournal(journal)
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(journal, "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewSpace("t", true, j)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := other.Adopt(st)
	if err != nil || fmt.Sprint(lost) != "[a]" {
		t.Fatalf("lost %v, %v", lost, err)
	}
	abandon(s)
	apply(t, hold(other), plan.AddNamespace{Node: "a"})
	if err := other.Remove(); err != nil {
		t.Fatal(err)
	}
}

// A line that found no room is not continued by the next one.
func TestAJournalWithoutRoomGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte(`{"op":"making","node":"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	fail := false
	j, err := openJournal(path, "t", func(string) error {
		if fail {
			return unix.ENOSPC
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fail = true
	if err := j.incomplete(); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	// Half of the line was written.
	if _, err := j.f.WriteString(`{"op":"incom`); err != nil {
		t.Fatal(err)
	}
	fail = false
	s := &Space{instance: "t", journal: j}
	if err := errors.Join(j.making([]string{"a"}, s.Namespace), j.made("a", 5, 6)); err != nil {
		t.Fatal(err)
	}
	st, err := readJournal(path)
	if want := fmt.Sprintf("[{a t.a 5 6 %s}]", j.mark); err != nil || fmt.Sprint(st.Namespaces) != want || st.Instance != "t" || !st.Named {
		t.Errorf("%+v, %v; want %s", st, err, want)
	}
}

// TestHeldBy: the inode of a namespace that a supervisor has let go may be anybody's, whatever its journal says.
func TestHeldBy(t *testing.T) {
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	inode := nsInode("/proc/thread-self/ns/net")
	pid, _ := Self()
	st := &State{Namespaces: []NamespaceState{{Node: "a", Inode: inode}, {Node: "gone", Inode: 1}, {Node: "making"}}}
	if got := HeldBy(st, pid); len(got) != 1 || got[inode] != "a" {
		t.Errorf("%v, want a alone", got)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	others := &State{Namespaces: []NamespaceState{{Node: "a", Inode: 1}}}
	if got := HeldBy(others, pid); len(got) != 0 {
		t.Errorf("%v is held by nobody", got)
	}
}
