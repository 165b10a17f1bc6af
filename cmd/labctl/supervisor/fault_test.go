//go:build linux

package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/topology/labfile"
)

// The lab as it is first, and as it is then: a node comes, one goes, one changes.
const (
	before = `format: 1
lab: f
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links: [a b -- s1]
steps:
  - {name: one, set: {a: {mtu: 1400}}, do: [{run: {node: a, sh: "true"}}]}
`
	after = `format: 1
lab: f
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.3/24}
  c: {ip: 10.0.0.4/24}
links: [a c -- s1]
`
	wantAfter = "running a:eth0[10.0.0.3/24] c:eth0[10.0.0.4/24] s1:a[] s1:c[] s1:s1[]"
)

// trial is one instance of that lab, whose life meets one fault.
type trial struct {
	t        *testing.T
	dir      string
	instance string
	gate     string // see gateVariable
}

// run runs one command line and returns its exit code and what it printed. armed ones meet the fault; what they start
// does too.
func (r *trial) run(armed bool, verb, file string) (code int, out string) {
	cmd := exec.Command("/proc/self/exe", clientVerb, verb, r.instance, filepath.Join(r.dir, file))
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &b, &b, os.Environ()
	if armed {
		cmd.Env = append(cmd.Env, gateVariable+"="+r.gate, firedVariable+"="+r.firedFile())
	}
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() < 0 && !strings.Contains(r.gate, "kill") {
		r.errorf("%s: %v", verb, err)
		return -1, ""
	}
	if cmd.ProcessState.ExitCode() == 3 && strings.TrimSpace(b.String()) == "" {
		r.errorf("%s failed without a word", verb)
	}
	for _, raw := range []string{"EOF", "broken pipe"} {
		if strings.Contains(b.String(), raw) {
			r.errorf("%s says %q", verb, b.String())
		}
	}
	if strings.Contains(b.String(), "the lab is changed") && !instance.Exists(r.instance) {
		r.errorf("%s says of a lab that is gone: %s", verb, b.String())
	}
	return cmd.ProcessState.ExitCode(), b.String()
}

func (r *trial) firedFile() string { return filepath.Join(r.dir, "fired."+r.instance) }

// fired is the step that the fault was met at, "" if none.
func (r *trial) fired() string {
	b, _ := os.ReadFile(r.firedFile())
	return string(b)
}

func (r *trial) errorf(format string, args ...any) {
	r.t.Errorf("%s at %q: "+format, append([]any{r.gate, r.fired()}, args...)...)
}

// gone takes the lab down and looks whether anything is left. The first down may meet the fault; then it says so, and
// the second does it.
func (r *trial) gone() {
	const absent = "file does not exist" // which the verb takes for success
	code, out := r.run(false, "down", "")
	if code != 0 && !strings.Contains(out, absent) {
		if code, again := r.run(false, "down", ""); code != 0 && !strings.Contains(again, absent) {
			r.errorf("down after a down that said %q: %d: %s", out, code, again)
		}
	}
	r.nothing()
}

// nothing looks whether anything of the lab is left.
func (r *trial) nothing() {
	if instance.Exists(r.instance) || instance.Alive(r.instance) {
		r.errorf("its run directory is there after down")
	}
	if names, _ := filepath.Glob("/run/netns/" + r.instance + ".*"); len(names) > 0 {
		r.errorf("left behind: %v", names)
	}
}

// falls takes the lab down, and may meet the fault meanwhile. What says that it is done is done.
func (r *trial) falls() {
	if r.fired() != "" {
		return // what becomes of the lab as the fault has left it is for heals and gone
	}
	if code, _ := r.run(true, "down", ""); code == 0 {
		r.nothing()
	}
}

// heals brings the lab up as it is in the end, whatever was before.
func (r *trial) heals() {
	code, out := r.run(false, "up", "after")
	if code != 0 && !strings.Contains(r.gate, "kill") { // this one has met the fault
		code, out = r.run(false, "up", "after")
	}
	if code != 0 {
		r.errorf("up: %s", out)
		return
	}
	if _, got := r.run(false, "inspect", ""); got != wantAfter {
		r.errorf("up made %q", got)
	}
}

// changes makes the lab what it is in the end, and may meet the fault meanwhile. What says that it is done is done.
func (r *trial) changes() {
	if r.fired() != "" {
		return
	}
	if code, _ := r.run(true, "up", "after"); code != 0 {
		return
	}
	if _, got := r.run(false, "inspect", ""); got != wantAfter && !strings.Contains(r.gate, "kill") {
		r.errorf("up says that it is done, and made %q", got)
	}
}

// killed kills the supervisor from outside, before anything is armed.
func (r *trial) killed() {
	c, err := client.Dial(r.instance)
	if err != nil {
		r.errorf("%v", err)
		return
	}
	ended := c.Ended()
	_ = syscall.Kill(c.PID, syscall.SIGKILL)
	ended(r.t.Context())
}

// lives are the parts of a lab's life that a fault may fall into, and who meets it.
var lives = []struct {
	name, who string
	live      func(r *trial)
}{
	{"up, step, change, down", "supervisor", func(r *trial) {
		r.run(true, "up", "before")
		r.run(true, "step", "")
		r.changes()
		r.falls()
	}},
	{"heal and change, down", "supervisor", func(r *trial) {
		r.run(false, "up", "before")
		r.killed()
		r.changes()
		r.falls()
	}},
	{"up", "client", func(r *trial) { r.run(true, "up", "before") }},
	{"heal", "client", func(r *trial) {
		r.run(false, "up", "before")
		r.killed()
		r.changes()
	}},
	{"down of a dead one", "client", func(r *trial) {
		r.run(false, "up", "before")
		r.killed()
		r.falls()
	}},
}

// newTrial is a trial without a fault, in a home of its own.
func newTrial(t *testing.T) *trial {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		run := filepath.Join(dir, "run")
		if err := os.Mkdir(run, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_RUNTIME_DIR", run)
	}
	for name, text := range map[string]string{"before": before, "after": after} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := &trial{t, dir, "first", "-"}
	if code, out := first.run(false, "up", "before"); code != 0 {
		// That labctl could not is not proof enough: unshare(1) has to fail as well.
		unshared, err := exec.Command("unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true").CombinedOutput()
		if os.Getenv("LABCTL_LIVE") == "1" || err == nil {
			t.Fatal(out)
		}
		t.Skipf("no labs can run here: %s\nnor namespaces: %v: %s", out, err, unshared)
	}
	return first
}

// Every change of a run directory and of a namespace's name fails once, and a process dies before every one of them.
// Afterwards "up" heals or builds the lab as its file says, and "down" removes all of it, or says what is left and
// removes that the next time. "make proof" has every one of them, otherwise it is a part, see sweep.
func TestEveryStepFailsOnceAndDiesOnce(t *testing.T) {
	first := newTrial(t)
	dir := first.dir
	first.heals()
	first.gone()
	for _, how := range []string{"kill", "EIO"} {
		for i, l := range lives {
			t.Run(how+" "+l.who+": "+l.name, func(t *testing.T) {
				n := sweep(apart, func(at int) bool {
					r := &trial{t, dir, fmt.Sprintf("f%s%dx%d", strings.ToLower(how[:1]), i, at), fmt.Sprintf("%s %d %s", l.who, at, how)}
					l.live(r)
					if at%2 == 0 {
						r.heals()
					}
					r.gone()
					if at%2 == 1 {
						r.heals()
						r.gone()
					}
					return r.fired() != ""
				})
				t.Logf("%d steps", n)
				if n < firsts {
					t.Errorf("only %d steps", n)
				}
			})
		}
	}
}

const (
	firsts = 4  // how many steps sweep never leaves out
	apart  = 15 // how far apart those are at most that come next
)

// sweep calls f with 1, 2, … until it returns false, and returns how often it was true. Several go at once: most of the
// time is waiting. Without LABCTL_PROOF it leaves steps out after the first ones, so that others are up to apart from
// each other; which ones is always the same, and root's are not the ordinary user's.
func sweep(apart int, f func(at int) bool) int {
	const width = 6
	gaps := rand.New(rand.NewPCG(uint64(os.Geteuid()), 0))
	all := os.Getenv("LABCTL_PROOF") != ""
	var mu sync.Mutex
	next, count, end := 0, 0, false
	var wg sync.WaitGroup
	for range width {
		wg.Go(func() {
			for {
				mu.Lock()
				if end {
					mu.Unlock()
					return
				}
				if next++; next > firsts && !all {
					next += gaps.IntN(apart)
				}
				at := next
				mu.Unlock()
				met := f(at)
				mu.Lock()
				if met {
					count++
				} else {
					end = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return count
}

// A temporary instance never becomes one that is there, whether it runs or is dead.
func TestATemporaryInstanceIsNew(t *testing.T) {
	r := newTrial(t)
	r.gone()
	r.instance = "taken"
	if code, out := r.run(false, "up", "after"); code != 0 {
		t.Fatal(out)
	}
	for _, state := range []string{"running", "dead"} {
		if state == "dead" {
			r.killed()
		}
		had, err := instance.ReadMeta(r.instance)
		if err != nil {
			t.Fatal(err)
		}
		lab, _ := labfile.Load("before", []byte(before))
		_, _, err = client.Up(t.Context(), client.Start{Instance: r.instance, File: "/lab.yaml", Lab: lab, Temporary: true}, nil)
		if !errors.Is(err, client.ErrTaken) {
			t.Errorf("%s: %v", state, err)
		}
		if has, err := instance.ReadMeta(r.instance); err != nil || has != had {
			t.Errorf("%s: it became %+v, %v", state, has, err)
		}
		if _, got := r.run(false, "inspect", ""); state == "running" && got != wantAfter {
			t.Errorf("%s: it became %q", state, got)
		}
	}
	r.gone()
}
