package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"labctl/topology/plan"
)

const small = `format: 1
lab: t
nodes:
  s1: {kind: bridge, ageing: 30s}
  a: {ip: 10.0.0.1/24, routes: {default: 10.0.0.254}}
  b: {ip: 10.0.0.2/24, mtu: 1400}
links: [a b -- s1]
`

// poison fails whatever comes before it.
var poison = plan.SetMTU{Node: "a", Name: "not-there", MTU: 1000}

// Whatever step fails, Remove leaves nothing, and so does a stranger with nothing but the journal. "make proof" has
// both of them for every step (LABCTL_PROOF), otherwise they take turns.
func TestFailureAtEveryStep(t *testing.T) {
	ops := plan.New(load(t, small), "t").Ops
	for i := range len(ops) + 1 {
		for _, byJournal := range []bool{false, true} {
			if byJournal != (i%2 == 0) && os.Getenv("LABCTL_PROOF") == "" {
				continue
			}
			t.Run(fmt.Sprint(i, byJournal), func(t *testing.T) {
				s, journal := newSpace(t)
				failing := append(ops[:i:i], poison)
				if err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: failing}, noCommands); err == nil {
					t.Fatal("the poisoned plan came to its end")
				}
				st, err := readJournal(journal)
				if err != nil {
					t.Fatal(err)
				}
				if st.Complete {
					t.Error("the journal calls it complete")
				}
				if !byJournal {
					return // newSpace removes and looks
				}
				// Whoever made it is dead: its descriptors are closed.
				s.mu.Lock()
				for name, n := range s.byNode {
					n.close()
					delete(s.byNode, name)
				}
				s.mu.Unlock()
				if err := RemoveByJournal(st, nil); err != nil {
					t.Fatal(err)
				}
				if left := names(t); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

func TestForeignNamespaceIsRefusedAndLeftAlone(t *testing.T) {
	s, journal := newSpace(t)
	ip(t, "netns add t.b")
	defer ip(t, "netns delete t.b")
	err := s.Apply(context.Background(), plan.New(load(t, small), "t"), noCommands)
	if err == nil || !strings.Contains(err.Error(), "t.b") {
		t.Fatalf("took a name that is somebody else's: %v", err)
	}
	if err := s.Remove(); err != nil {
		t.Fatal(err)
	}
	st, err := readJournal(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := RemoveByJournal(st, nil); err != nil {
		t.Fatal(err)
	}
	if left := names(t); len(left) != 1 || left[0] != "t.b" {
		t.Errorf("left are %v, want the foreign t.b alone", left)
	}
}

// A thread that stays in a node's namespace does its later work in the wrong place, rarely.
func TestEnterBringsThreadsBack(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "a"})
	inode := fmt.Sprintf("net:[%d]", s.Inode("a"))
	failed := errors.New("no")
	for i := range 1000 {
		err := s.Enter("a", func() error {
			if link, err := os.Readlink("/proc/thread-self/ns/net"); err != nil || link != inode {
				t.Fatalf("inside %s, want %s: %v", link, inode, err)
			}
			if i%2 == 0 {
				return failed
			}
			return nil
		})
		if (err != nil) != (i%2 == 0) {
			t.Fatalf("run %d: %v", i, err)
		}
	}
	hub, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := filepath.Glob("/proc/self/task/*/ns/net")
	if err != nil || len(tasks) == 0 {
		t.Fatal(err)
	}
	for _, path := range tasks {
		if link, err := os.Readlink(path); err == nil && link != hub {
			t.Errorf("%s is in %s, want %s", path, link, hub)
		}
	}
}

// Remove returns when the kernel has let go: the far end of a veth into a node is gone with it, at once.
func TestRemoveWaitsForTheKernel(t *testing.T) {
	for range 10 {
		s, _ := newSpace(t)
		apply(t, s, plan.New(load(t, small), "t").Ops...)
		ip(t, "link add witness type veth peer name probe netns t.a")
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("ip", "link", "show", "witness").CombinedOutput(); err == nil {
			ip(t, "link delete witness")
			t.Fatalf("a node's interface outlived Remove:\n%s", out)
		}
	}
}

func TestNothingStaysOpen(t *testing.T) {
	s, _ := newSpace(t)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	round := func() {
		apply(t, s, plan.New(load(t, small), "t").Ops...)
		for _, n := range s.Nodes() {
			if _, err := s.Links(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	round() // what is opened once for good
	before, goroutines := count(), runtime.NumGoroutine()
	for range 5 {
		round()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
	if after := runtime.NumGoroutine(); after > goroutines+2 {
		t.Errorf("%d goroutines run, %d did", after, goroutines)
	}
}

func TestAdoptTellsTheLostFromTheWhole(t *testing.T) {
	s, journal := newSpace(t)
	apply(t, s, plan.New(load(t, small), "t").Ops...)
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	ip(t, "netns delete t.a")
	ip(t, "netns delete t.b")
	ip(t, "netns add t.b") // another one under the same name
	defer ip(t, "netns delete t.b")
	st, err := readJournal(journal)
	if err != nil || !st.Complete {
		t.Fatalf("%+v %v", st, err)
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
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(lost, other.Nodes()); got != "[a b] [s1]" && got != "[b a] [s1]" {
		t.Errorf("lost and whole are %s", got)
	}
	if other.Inode("s1") != s.Inode("s1") {
		t.Error("adopted another namespace")
	}
	for _, n := range other.byNode {
		n.close() // Remove waits until nobody holds them
	}
	if err := s.Remove(); err != nil {
		t.Fatal(err)
	}
	if left := names(t); len(left) != 1 || left[0] != "t.b" {
		t.Errorf("left are %v, want the other t.b alone", left)
	}
}

func TestJournalSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	const text = `{"v":1,"op":"instance","instance":"x","named":true,"pid":7,"start":"9"}
{"op":"making","node":"a","name":"x.a"}
{"op":"made","node":"a","inode":5}
{"op":"making","node":"b","name":"x.b"}
{"op":"something-of-a-later-version","node":"b"}
{"op":"complete"}
{"op":"making","node":"c","na`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := readJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "[{a x.a 5 0 } {b x.b 0 0 }]"
	if got := fmt.Sprint(st.Namespaces); got != want || !st.Complete || st.PID != 7 || st.Start != "9" || !st.Named {
		t.Errorf("%+v, want namespaces %s", st, want)
	}
}
