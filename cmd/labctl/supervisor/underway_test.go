//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
)

func TestAStepThatWasBrokenOffSaysWhere(t *testing.T) {
	var none *wire.Underway
	if none.String() != "" || none.TakenBack() != "" {
		t.Error("something is said of no step")
	}
	for where, u := range map[string]*wire.Underway{
		`step 2, "two", was broken off (do 1 of 3); `: {Step: 2, Name: "two", At: "do 1 of 3"},
		`step 1, "one", was broken off (set: no); `:   {Step: 1, Name: "one", At: "set", Error: "no"},
	} {
		if got, want := u.String(), where+`"labctl up" takes back what it set, and "labctl step" begins it again`; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := u.TakenBack(), where+`what it set is taken back, and "labctl step" begins it again`; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The story is read by the successor of a supervisor that was killed in the middle of a step.
func TestTheStoryKeepsHowFarAStepCame(t *testing.T) {
	s := &server{}
	s.at("wait")
	if s.story.Under != nil {
		t.Error("a step is under way that nobody has begun")
	}
	first := &wire.Underway{Step: 1, Name: "one", At: "set"}
	s.story.Under = first
	s.at("do %d of %d", 2, 3)
	if first.At != "set" {
		t.Error("a story that somebody may be reading was changed")
	}
	b, err := json.Marshal(s.story)
	if err != nil {
		t.Fatal(err)
	}
	var read instance.Story
	if err := json.Unmarshal(b, &read); err != nil || read.Under == nil || *read.Under != (wire.Underway{Step: 1, Name: "one", At: "do 2 of 3"}) {
		t.Errorf("%s: %+v, %v", b, read.Under, err)
	}
}

func TestWhatIsUnderWay(t *testing.T) {
	here, away := context.WithCancel(t.Context())
	s := &life{state: "running", asker: here}
	for _, c := range []struct {
		doing  string
		under  *wire.Underway
		gone   bool
		locked string
		waits  string
	}{
		{"", nil, false, "", "running"},
		{"ask", nil, false, "", "ask"},
		{"set", nil, false, "set", "set"},
		{`step 1, "one"`, &wire.Underway{At: "wait"}, false, `step 1, "one", wait`, `step 1, "one", wait`},
		{"set", &wire.Underway{At: "wait", Error: "no"}, false, "set", "set"},
		{"set", nil, true, "set; the labctl that asked for it is gone, and the lab finishes it by itself", ""},
		{`step 1, "one"`, &wire.Underway{At: "wait"}, true, `step 1, "one", wait; the labctl that asked for it is gone, and the lab finishes it by itself`, ""},
	} {
		if c.gone {
			away()
			c.waits = c.locked
		}
		s.doing = c.doing
		if _, _, got := s.report(c.under); got != c.locked {
			t.Errorf("%q, want %q", got, c.locked)
		}
		if got := s.underWay(c.under); got != c.waits {
			t.Errorf("waiting: %q, want %q", got, c.waits)
		}
	}
	away()
}

func TestHowAChangeEndedThatNobodyWaitedFor(t *testing.T) {
	failed := wire.Walked{Steps: []wire.StepVerdicts{{Failed: "x"}}}
	for _, c := range []struct {
		result     any
		err        error
		new, cause string
	}{
		{wire.Applied{}, nil, "done", "the labctl that had asked for it was gone"},
		{wire.Walked{}, nil, "done", "the labctl that had asked for it was gone"},
		{failed, nil, wire.StepFailed, "the labctl that had asked for it was gone"},
		{wire.Walked{Steps: []wire.StepVerdicts{{}}, Error: &wire.Failure{Class: wire.Failed, Message: "no room"}}, nil, "failed", "no room"},
		{nil, errors.New("no"), "failed", "no"},
	} {
		if h := alone("set", c.result, c.err); h.Kind != "unattended" || h.Object != "set" || h.New != c.new || h.Cause != c.cause {
			t.Errorf("%+v", h)
		}
	}
}

func TestActionsThatHealingEnded(t *testing.T) {
	had := []string{"z"}
	if got := ended(had, []string{"a", "b", "z"}, []string{"b"}); !slices.Equal(got, []string{"a", "z"}) || had[0] != "z" {
		t.Errorf("%v", got)
	}
}

// differs is what the lab of a trial says of itself.
func (r *trial) differs() (d wire.Difference) {
	r.t.Helper()
	c, err := client.Dial(r.instance)
	if err == nil {
		d, err = client.Call(r.t.Context(), c, wire.MethodDiffers, wire.Nothing{}, nil)
	}
	if err != nil {
		r.errorf("differs: %v", err)
	}
	return d
}

// until waits for a state of the lab.
func (r *trial) until(what string, holds func(d wire.Difference) bool) (d wire.Difference) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end) && !r.t.Failed(); <-tick.C {
		if d = r.differs(); holds(d) {
			return d
		}
	}
	r.errorf("does not come: %s; it is %+v", what, d)
	return d
}

func idle(d wire.Difference) bool { return d.Doing == "" }

// told are the events of a kind.
func (r *trial) told(kind string) (out []wire.Happened) {
	c, err := client.Dial(r.instance)
	if err == nil {
		err = client.Follow(r.t.Context(), c, wire.StreamEvents, wire.FollowParams{}, func(item json.RawMessage) error {
			var h wire.Happened
			if err := json.Unmarshal(item, &h); err != nil {
				return err
			}
			if h.Kind == kind {
				out = append(out, h)
			}
			return nil
		})
	}
	if err != nil {
		r.errorf("events: %v", err)
	}
	return out
}

// begins starts a command line that changes the lab.
func (r *trial) begins(verb, file string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", clientVerb, verb, r.instance, filepath.Join(r.dir, file))
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	return cmd
}

// At every change that a step, a set or an up makes of the run directory and of namespaces' names, the command line
// goes away. The lab does all of it.
func TestAChangeIsFinishedWithoutItsClient(t *testing.T) {
	first := newTrial(t)
	first.gone()
	// Who runs tests in the background of a script has SIGINT ignored, and so had the command lines; what is caught is
	// not when they begin.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	defer signal.Stop(caught)
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}
	for i, verb := range []string{"step", "set", "up"} {
		t.Run(verb, func(t *testing.T) {
			n := sweep(apart, func(at int) bool {
				r := &trial{t, first.dir, fmt.Sprintf("g%dx%d", i, at), fmt.Sprintf("supervisor %d wait", at)}
				defer r.gone()
				if code, out := r.run(true, "up", "before"); code != 0 {
					r.errorf("up: %s", out)
					return false
				}
				_ = os.WriteFile(r.firedFile()+".armed", nil, 0o600)
				cmd := r.begins(verb, "after")
				ended := make(chan bool)
				go func() { _ = cmd.Wait(); close(ended) }()
				tick := time.NewTicker(2 * time.Millisecond)
				defer tick.Stop()
				for r.fired() == "" {
					select {
					case <-ended:
						_ = os.WriteFile(r.firedFile()+".go", nil, 0o600) // for down
						return false
					case <-tick.C:
					}
				}
				_ = cmd.Process.Signal(signals[at%len(signals)])
				select {
				case <-ended:
				case <-time.After(30 * time.Second):
					r.errorf("the command line goes on after %v", signals[at%len(signals)])
					_ = cmd.Process.Kill()
					<-ended
				}
				r.until("it knows that its client is gone", func(d wire.Difference) bool { return strings.Contains(d.Doing, "is gone") })
				_ = os.WriteFile(r.firedFile()+".go", nil, 0o600)
				d := r.until("the end of the change", idle)
				switch {
				case d.State != "running" || d.Under != nil:
					r.errorf("the lab is %+v", d)
				case verb == "step" && (d.Step != 1 || !slices.Equal(d.Outcomes, []string{wire.StepDone})):
					r.errorf("the step has come to %+v", d)
				case verb == "set" && !slices.Equal(d.Set, []string{"a.mtu=1300"}):
					r.errorf("it is set %q", d.Set)
				}
				if verb == "up" {
					if _, got := r.run(false, "inspect", ""); got != wantAfter {
						r.errorf("up made %q", got)
					}
				}
				if h := r.told("unattended"); len(h) != 1 || h[0].New != "done" {
					r.errorf("events: %+v", h)
				}
				if code, out := r.run(false, "up", "after"); code != 0 {
					r.errorf("up then: %s", out)
				}
				return true
			})
			if n < firsts {
				t.Errorf("only at %d changes", n)
			}
		})
	}
}

// Every change that a step, a set or an up makes fails once, and "up" heals what has come of it, in place.
func TestUpHealsWhatEndedMidway(t *testing.T) {
	first := newTrial(t)
	first.gone()
	degraded := make(chan string, 1000)
	n := sweep(1, func(at int) bool {
		r := &trial{t, first.dir, fmt.Sprintf("h%d", at), fmt.Sprintf("supervisor %d EIO", at)}
		defer r.gone()
		if code, _ := r.run(true, "up", "before"); code != 0 {
			return true // of the build
		}
		for _, verb := range []string{"step", "set", "up"} {
			if r.fired() == "" {
				r.run(true, verb, "after")
			}
		}
		met := r.fired() != ""
		if c, err := client.Dial(r.instance); err == nil {
			if st, err := client.Call(t.Context(), c, wire.MethodStatus, wire.Nothing{}, nil); err == nil && st.State == "degraded" {
				degraded <- st.Why
				if !strings.Contains(st.Why, "a change ended midway: ") {
					r.errorf("degraded because %q", st.Why)
				}
				if _, err := client.Call(t.Context(), c, wire.MethodVerify, wire.VerifyParams{}, nil); err == nil || !strings.Contains(err.Error(), `"labctl up"`) {
					r.errorf("verify judges it: %v", err)
				}
				if code, out := r.run(false, "step", ""); code == 0 || !strings.Contains(out, `"labctl up"`) {
					r.errorf("step: %d: %s", code, out)
				}
			}
		}
		r.heals()
		if d := r.differs(); d.State != "running" || d.Under != nil {
			r.errorf("healed, the lab is %+v", d)
		}
		return met
	})
	if n < firsts || len(degraded) == 0 {
		t.Errorf("only %d changes failed, and %d left a lab degraded", n, len(degraded))
	}
}

// hanging is a lab whose first step runs a command; SENTINEL in it is the path of a file.
func hanging(t *testing.T, name, sh string) *trial {
	r := newTrial(t)
	r.gone()
	r.instance = name
	file := strings.Replace(before, `sh: "true"`, fmt.Sprintf("sh: %q", strings.ReplaceAll(sh, "SENTINEL", r.dir+"/go")), 1) + "  - {name: two}\n"
	if _, problems := labfile.Load("f", []byte(file)); problems.Errors() != nil {
		t.Fatal(problems)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "hanging"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := r.run(false, "up", "hanging"); code != 0 {
		t.Fatal(out)
	}
	return r
}

func inCommand(d wire.Difference) bool { return d.Under != nil && d.Under.At == "do 1 of 1" }

// Of "step --all" the step under way is finished, and the next is not begun. Who is interrupted says so.
func TestStepsEndWithTheirClient(t *testing.T) {
	r := hanging(t, "leaves", "while ! test -e SENTINEL; do sleep 0.01; done")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		c, err := client.Dial(r.instance)
		if err == nil {
			_, err = client.Call(ctx, c, wire.MethodStep, wire.StepParams{}, nil)
		}
		ended <- err
	}()
	r.until("the command", inCommand)
	began := time.Now()
	cancel()
	err := <-ended
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `the lab finishes the step by itself; "labctl step --list -l leaves"`) {
		t.Errorf("the client says %v", err)
	}
	if took := time.Since(began); took > 700*time.Millisecond {
		t.Errorf("after %v", took)
	}
	d := r.until("it knows that its client is gone", func(d wire.Difference) bool { return strings.Contains(d.Doing, "is gone") })
	if !inCommand(d) {
		t.Errorf("the step is %+v", d.Under)
	}
	if err := os.WriteFile(r.dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d := r.until("the end of the step", idle); d.Step != 1 || d.Outcomes[0] != wire.StepDone {
		t.Errorf("%+v", d)
	}
	r.gone()
}

// A command that hangs, and ignores that it is told to end, fails the step when nobody waits for it any more. One who
// waits for his turn is not interested any more when he is gone.
func TestACommandThatHangsIsEnded(t *testing.T) {
	r := hanging(t, "hangs-on", "trap '' TERM; sleep 1000")
	cmd := r.begins("step", "")
	r.until("the command", inCommand)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waits := make(chan error, 1)
	heard := make(chan string, 10)
	go func() {
		c, err := client.Dial(r.instance)
		if err == nil {
			_, err = client.Call(ctx, c, wire.MethodSet, wire.SetParams{Assignments: []string{"a.mtu=1300"}}, func(e wire.Event) { heard <- e.What })
		}
		waits <- err
	}()
	if e := <-heard; e != `waiting: step 1, "one", do 1 of 1` {
		t.Errorf("who waits hears %q", e)
	}
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "finishes") {
		t.Errorf("who waited says %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	d := r.until("the end of the step", idle)
	if d.Step != 1 || d.Outcomes[0] != wire.StepFailed || len(d.Set) > 0 || d.State != "running" {
		t.Errorf("%+v", d)
	}
	if h := r.told("unattended"); len(h) != 1 || h[0].New != wire.StepFailed {
		t.Errorf("events: %+v", h)
	}
	if code, out := r.run(false, "up", "after"); code != 0 {
		t.Error(out)
	}
	r.gone()
}

// Nothing that hangs keeps a lab from going down.
func TestDownEndsAStepThatHangs(t *testing.T) {
	r := hanging(t, "goes", "trap '' TERM; sleep 1000")
	cmd := r.begins("step", "")
	r.until("the command", inCommand)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	began := time.Now()
	r.gone()
	if took := time.Since(began); took > lonely/2 {
		t.Errorf("down takes %v", took)
	}
}
