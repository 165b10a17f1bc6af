//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/runtest"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// answering is a real server on a real socket, in a run directory of its own. Its lab has no kernel behind it.
func answering(t *testing.T, name string, shape func(*server, *instance.Door)) *client.Client {
	t.Helper()
	r := runDirectory(t, name)
	s := newServer(instance.Meta{Format: 1, Instance: name, Lab: name, File: "-"}, r)
	d := &instance.Door{Who: "lab", Answer: s.serve}
	if shape != nil {
		shape(s, d)
	}
	if err := r.WriteMeta(s.meta, nil); err != nil {
		t.Fatal(err)
	}
	l, err := instance.Listen(r.Folder, "sock")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() { d.Accept(l) })
	t.Cleanup(func() { l.Close(); ended.Wait() })
	return &client.Client{Instance: name, PID: os.Getpid()}
}

// runDirectory is one that is locked, as a supervisor holds it.
func runDirectory(t *testing.T, name string) *instance.Dir {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", runtest.Directory(t))
	r, _, err := instance.Take(name, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Remove() })
	return r
}

// standsWithoutKernel gives the server a lab that was built, by its own account; "": one without nodes, to which the
// kernel adds nothing.
func standsWithoutKernel(t *testing.T, source string) func(*server, *instance.Door) {
	return func(s *server, _ *instance.Door) {
		file := &labfile.File{Lab: &topology.Lab{Name: s.meta.Lab}}
		if source != "" {
			var problems problem.List
			if file, problems = labfile.Load("lab.yaml", []byte(source)); file == nil {
				t.Fatal(problems)
			}
		}
		f, err := s.rundir.Create("journal", unix.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		journal, err := kernel.OpenJournal(f, s.meta.Instance, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		space, err := kernel.NewSpace(s.meta.Instance, false, journal)
		if err != nil {
			t.Fatal(err)
		}
		s.life.set("running")
		s.file, s.lab, s.space = file, file.Lab, space
		s.target.Store(file.Lab)
		// Without newProcesses, whose reaper would wait for the children of other tests.
		s.commands = &commands{space: space, procs: &processes{space: space, ours: map[int]*process{}}, rundir: s.rundir, instance: s.meta.Instance, log: s.eventLog}
		s.rules = kernel.NewRules(space, s.commands.tool)
		s.builder = kernel.NewBuilder(space, s.rules)
		s.switches, s.ruleLog = newSwitches(space, s.eventLog), newRuleLog(space)
	}
}

// addMethod gives every server one more method for the time of a test.
func addMethod(t *testing.T, name string, h handler) {
	t.Helper()
	if _, taken := handlers[name]; taken {
		t.Fatal(name, "is a method")
	}
	handlers[name] = h
	t.Cleanup(func() { delete(handlers, name) })
}

// raw connects to a server and takes its greeting.
func raw(t *testing.T, c *client.Client) (*net.UnixConn, *bufio.Reader) {
	t.Helper()
	d, err := instance.Open(c.Instance)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	conn, _, err := instance.Dial(d, "sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	var h wire.Hello
	if err := wire.ReadLine(in, &h); err != nil || h != (wire.Hello{Labctl: wire.ProtocolVersion, Version: wire.Version()}) {
		t.Fatalf("greeting %+v, %v", h, err)
	}
	return conn, in
}

// stillAnswers fails the test unless the server does.
func stillAnswers(t *testing.T, c *client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if st, err := client.Call(ctx, c, wire.MethodStatus, wire.Nothing{}, nil); err != nil || st.Lab != c.Instance {
		t.Errorf("status: %+v, %v", st, err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !met(); <-time.After(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it does not come to it: ", what)
		}
	}
}

// What is not a request is answered with what is wrong with it, and the next one is answered as ever.
func TestWhatIsNotARequest(t *testing.T) {
	c := answering(t, "rubbish", func(_ *server, d *instance.Door) { d.Longest = 1 << 16 })
	long := `{"method":"status","params":{"x":"` + strings.Repeat("x", 1<<20) + `"}}`
	for _, k := range []struct{ name, sent, want string }{
		{"unknown method", `{"method":"levitate"}` + "\n", "does not know how to levitate"},
		{"no method", `{"params":{}}` + "\n", "not a request"},
		{"another document", `[1,2]` + "\n", "not a request"},
		{"nothing", "\n", "not a request"},
		{"garbage", "\x00\xff\x1b[2J\n", `not a request of labctl's (labctl ` + wire.Version() + ` answers): "\x00\xff\x1b[2J"`},
		{"another protocol", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1"},
		{"two documents", `{"method":"status"}{"method":"status"}` + "\n", "not a request"},
		{"a line that is too long", long + "\n", "longer than the 65536 bytes"},
		{"a line that is too long and never ends", long, "longer than the 65536 bytes"},
		{"half a line", `{"method":"sta`, ""},
		{"nothing at all", "", ""},
	} {
		t.Run(k.name, func(t *testing.T) {
			conn, in := raw(t, c)
			if _, err := io.WriteString(conn, k.sent); err != nil {
				t.Error("it is not read to its end: ", err)
			}
			_ = conn.CloseWrite()
			var r wire.Reply
			err := wire.ReadLine(in, &r)
			switch {
			case k.want == "" && !errors.Is(err, io.EOF):
				t.Errorf("answered with %+v, %v", r, err)
			case k.want != "" && (err != nil || r.Error == nil || r.Error.Class != wire.Usage || !strings.Contains(r.Error.Message, k.want)):
				t.Errorf("answered with %+v, %v; want %s", r.Error, err, k.want)
			}
			stillAnswers(t, c)
		})
	}
}

// What every supervisor of any version answers, it answers however little the question says, and with more than it
// knows.
func TestOldAndNewClients(t *testing.T) {
	c := answering(t, "versions", standsWithoutKernel(t, ""))
	for _, params := range []string{``, `,"params":null`, `,"params":{}`, `,"params":{"nodes":[],"since":"tomorrow","force":false},"trace":7`} {
		for _, m := range []string{"status", "inspect"} {
			conn, in := raw(t, c)
			_, _ = fmt.Fprintf(conn, "{\"method\":%q%s}\n", m, params)
			var r wire.Reply
			if err := wire.ReadLine(in, &r); err != nil || r.Error != nil || !strings.Contains(string(r.Result), `"lab":"versions"`) {
				t.Errorf("%s with %s: %+v %s, %v", m, params, r.Error, r.Result, err)
			}
		}
	}
}

// "down" is done for a client that says no more than its name, and for one that says more than is known.
func TestDownOfAnOldClient(t *testing.T) {
	for _, params := range []string{``, `,"params":{"force":true,"gently":true}`} {
		t.Run(params, func(t *testing.T) {
			var s *server
			c := answering(t, "olddown", func(made *server, d *instance.Door) {
				standsWithoutKernel(t, "")(made, d)
				s = made
			})
			conn, in := raw(t, c)
			_, _ = fmt.Fprintf(conn, "{\"method\":\"down\"%s}\n", params)
			var r wire.Reply
			err := wire.ReadLine(in, &r)
			if err == nil && r.Error != nil && strings.Contains(r.Error.Message, "namespace to wait for: operation not permitted") {
				return // understood, and done as far as this user may: the last of it makes a namespace
			}
			if err != nil || r.Error != nil {
				t.Fatalf("%+v, %v", r.Error, err)
			}
			<-s.done.now
			if instance.Exists("olddown") {
				t.Error("its run directory is there")
			}
		})
	}
}

// No method falls over what it is asked, whether there is a lab yet or not, and a lab without a kernel behind it.
func TestMethodsTakeAnyParameters(t *testing.T) {
	const lab = `format: 1
lab: any
nodes:
  s1: {kind: bridge}
  v1: {kind: vswitch}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links: [a -- s1, b -- v1]
steps: [{name: one, set: {a: {mtu: 1400}}}]
`
	for _, state := range []string{"starting", "running"} {
		t.Run(state, func(t *testing.T) {
			c := answering(t, "any", func(s *server, d *instance.Door) {
				if state == "running" {
					standsWithoutKernel(t, lab)(s, d)
				}
			})
			for name, h := range handlers {
				if h.manner != looks || name == "down" { // need a kernel, and go one at a time
					continue
				}
				for _, params := range []string{``, `[]`, `7`, `"x"`, `{"nodes":["nobody"]}`, `{"nodes":["a"]}`, `{"nodes":["v1:zz",""]}`, `{"nodes":7}`, `{"node":"a"}`,
					`{"what":["a:eth9","","v1"]}`, `{"switch":"v1","port":"a","frame":{"dst":"x"}}`, `{"switch":"","port":""}`, `{"follow":true}`,
					`{"file":"x","source":"` + "eA==" + `"}`, `{"node":"nobody","argv":[]}`} {
					conn, in := raw(t, c)
					line := fmt.Sprintf(`{"method":%q,"params":%s}`, name, params)
					if params == "" {
						line = fmt.Sprintf(`{"method":%q}`, name)
					}
					_, _ = io.WriteString(conn, line+"\n")
					_ = conn.CloseWrite() // who follows ends
					for {
						var r wire.Reply
						err := wire.ReadLine(in, &r)
						if err != nil {
							t.Errorf("%s: %s: no answer: %v", state, line, err)
						}
						if err != nil || r.Event == nil && r.Item == nil {
							break
						}
					}
					conn.Close()
				}
			}
			stillAnswers(t, c)
		})
	}
}

// A client that goes away ends what is done for it: while it waits for its turn, in the middle of the work, and in the
// middle of a stream.
func TestClientsGoAway(t *testing.T) {
	var began, ended, babbles, silent atomic.Int32 // one of those that wait may begin late, and end at once
	addMethod(t, "linger", handler{sends, func(ctx context.Context, _ *call) (any, error) {
		began.Add(1)
		<-ctx.Done()
		ended.Add(1)
		return nil, context.Cause(ctx)
	}})
	addMethod(t, "babble", handler{looks, func(_ context.Context, c *call) (any, error) {
		babbles.Add(1)
		defer silent.Add(1)
		for {
			if err := c.item(strings.Repeat("x", 1000)); err != nil {
				return nil, err
			}
		}
	}})
	var s *server
	c := answering(t, "goaway", func(made *server, _ *instance.Door) { s = made; s.life.set("running") })
	at, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 3 { // one works, two wait
		all.Go(func() {
			if _, err := client.Call(at, c, wire.Method[wire.Nothing, wire.Nothing]("linger"), wire.Nothing{}, nil); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	until(t, "one works", func() bool { return began.Load() == 1 })
	leave()
	all.Wait()
	until(t, "nobody works", func() bool { return began.Load() == ended.Load() && len(s.life.writeLock) == 0 })
	for _, read := range []int{0, 1, 200} { // what was read before
		babbles.Store(0)
		silent.Store(0)
		conn, in := raw(t, c)
		_, _ = io.WriteString(conn, `{"method":"babble"}`+"\n")
		for range read {
			if err := wire.ReadLine(in, &wire.Reply{}); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "it babbles", func() bool { return babbles.Load() == 1 })
		conn.Close()
		until(t, "it is silent", func() bool { return silent.Load() == 1 })
	}
	enough := errors.New("enough")
	if err := client.Follow(t.Context(), c, wire.Stream[wire.Nothing, string]("babble"), wire.Nothing{}, func(json.RawMessage) error { return enough }); err != enough {
		t.Error(err)
	}
	until(t, "it is silent", func() bool { return silent.Load() == 2 })
	stillAnswers(t, c)
}

// A client whose probes "down" ends is told so.
func TestWhatDownEndsIsSaid(t *testing.T) {
	began := make(chan bool)
	addMethod(t, "probe", handler{sends, func(ctx context.Context, _ *call) (any, error) {
		close(began)
		<-ctx.Done()
		return nil, fmt.Errorf("probe: %w", ctx.Err())
	}})
	var s *server
	c := answering(t, "ended", func(made *server, _ *instance.Door) { s = made; s.life.set("running") })
	heard := make(chan error)
	go func() {
		_, err := client.Call(t.Context(), c, wire.Method[wire.Nothing, wire.Nothing]("probe"), wire.Nothing{}, nil)
		heard <- err
	}()
	<-began
	s.life.interrupt(errors.New("interrupted by labctl down"))
	if err := <-heard; err == nil || !strings.Contains(err.Error(), "interrupted by labctl down") || strings.Contains(err.Error(), "canceled") {
		t.Error(err)
	}
}

// The methods that every version answers are methods, and the others too have names that a message can say.
func TestEveryVersionAnswers(t *testing.T) {
	for _, m := range wire.EveryVersion {
		if _, ok := handlers[m]; !ok {
			t.Errorf("%s is not answered", m)
		}
	}
	if want := []string{"down", "inspect", "status"}; !slices.Equal(slices.Sorted(slices.Values(wire.EveryVersion)), want) {
		t.Errorf("%v is promised to all, %v was", wire.EveryVersion, want) // docs/architecture.md
	}
}

// A process that is told nothing, because its labctl is gone, leaves no run directory that would pass for a lab, unless
// an earlier lab's is in it.
func TestAProcessThatIsToldNothing(t *testing.T) {
	for left, stays := range map[string]bool{"": false, "journal": true, "story.json": true} {
		r := runDirectory(t, "untold")
		if err := r.WriteMeta(instance.Meta{Format: 1, Instance: "untold", File: "-", Temporary: true}, nil); err != nil {
			t.Fatal(err)
		}
		if left != "" {
			if err := os.WriteFile(r.In(left), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		control, gone, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		cmd := exec.Command("/proc/self/exe", client.ProcessVerb, "untold")
		cmd.ExtraFiles = []*os.File{r.File, control}
		err = cmd.Run()
		control.Close()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%q left: %v", left, err)
		}
		if instance.Exists("untold") != stays {
			t.Errorf("%q left: the directory is there: %v, want %v", left, !stays, stays)
		}
		if stays {
			if err := r.Remove(); err != nil {
				t.Error(err)
			}
		} else {
			r.Release()
		}
	}
}

// Nothing goes on behind a step that failed, and behind the last one nothing says that all is done.
func TestBehindAStepThatFailed(t *testing.T) {
	file := &labfile.File{Steps: []*labfile.Step{{Name: "one"}, {Name: "two"}}}
	for _, c := range []struct {
		outcomes []string
		want     string
	}{
		{nil, ""},
		{[]string{"differs"}, ""},
		{[]string{wire.StepFailed}, `step 1, "one", failed, and what follows may count on it`},
		{[]string{wire.StepFailed, wire.StepDone}, ""},
		{[]string{wire.StepDone, wire.StepFailed}, `step 2, "two", the last, failed; "labctl up --reset"`},
	} {
		err := behindFailed(instance.Story{Step: len(c.outcomes), Outcomes: c.outcomes}, file)
		if (err == nil) != (c.want == "") || err != nil && (!strings.HasPrefix(err.Error(), c.want) || wire.FailureOf(err).ExitCode() != 3) {
			t.Errorf("%v: %v, want %q", c.outcomes, err, c.want)
		}
	}
}
