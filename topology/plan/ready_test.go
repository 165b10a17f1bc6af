package plan

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/labfile"
)

const readyLab = `format: 1
lab: x
nodes:
  a:
    run:
      - {sh: one, background: true, ready: tcp:80, timeout: 1500ms}
      - two
      - {sh: three, background: true, ready: "sh:test 'a b' = c"}
  b:
    run:
      - {sh: four, background: true, ready: "file:/a b"}
      - {sh: five, background: true}
  c:
    run:
      - {sh: six, background: true, ready: udp:53}
`

// A server is waited for before its node goes on, and those of several nodes only when all of them have been started.
func TestReadyIsAwaitedInOrder(t *testing.T) {
	var got []string
	for _, op := range New(mustLoad(t, readyLab).Lab, "x").Ops {
		switch o := op.(type) {
		case RunCommand:
			got = append(got, "run "+o.Sh)
		case AwaitReady:
			got = append(got, "await "+o.Sh+" "+o.Ready.String()+" "+o.Ready.Timeout.String())
		}
	}
	want := []string{"run one", "await one tcp:80 1.5s", "run two", "run three", "run four", "await four file:/a b 10s", "run five", "run six",
		"await three sh:test 'a b' = c 10s", "await six udp:53 10s"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Another condition is another command: whoever adds one wants to know that it holds.
func TestReadyOfAnotherKindRebuilds(t *testing.T) {
	for _, change := range [][2]string{{"ready: udp:53", "ready: udp:54"}, {"timeout: 1500ms", "timeout: 2s"}} {
		_, changes := Diff(mustLoad(t, readyLab).Lab, mustLoad(t, strings.Replace(readyLab, change[0], change[1], 1)).Lab, "x")
		if len(changes) != 1 || !strings.Contains(changes[0].What, "run: other commands") {
			t.Errorf("%s: %v", change[1], changes)
		}
	}
}

func TestReadyIsReadFromSteps(t *testing.T) {
	lab := mustLoad(t, readyLab+`steps:
  - name: one
    do:
      - run: {node: a, sh: x, background: true, ready: udp:53}
      - run: {node: a, sh: x, background: true, name: y, ready: "sh:x", timeout: 2m}
`)
	for i, want := range []topology.Ready{{Kind: "udp", Port: 53, Timeout: 10 * time.Second}, {Kind: "sh", Arg: "x", Timeout: 2 * time.Minute}} {
		if got := lab.Steps[0].Do[i].What.(*labfile.RunAction).Ready; got != want {
			t.Errorf("action %d: %+v, want %+v", i, got, want)
		}
	}
}

// The script asks with quotes inside quotes; a shell must come out with the words that were meant.
func TestReadyInAScript(t *testing.T) {
	for _, c := range []struct {
		r    topology.Ready
		want string
	}{
		{topology.Ready{Kind: "sh", Arg: `echo "it's $((1+1))" 'a  b'`, Timeout: time.Second}, "timeout 1 sh -c until ip netns exec n.a sh -c 'echo \"it'\\''s $((1+1))\" '\\''a  b'\\''' >/dev/null 2>&1; do sleep 0.1; done"},
		{topology.Ready{Kind: "tcp", Port: 80, Timeout: 1500 * time.Millisecond}, "timeout 1.5 sh -c until ip netns exec n.a ss -Hltn 'sport = :80' | grep -q .; do sleep 0.1; done"},
		{topology.Ready{Kind: "udp", Port: 53, Timeout: time.Minute}, "timeout 60 sh -c until ip netns exec n.a ss -Hlun 'sport = :53' | grep -q .; do sleep 0.1; done"},
		{topology.Ready{Kind: "file", Arg: "/a b", Timeout: time.Second}, "timeout 1 sh -c until [ -e '/a b' ]; do sleep 0.1; done"},
	} {
		line := AwaitReady{"a", topology.Command{Sh: "x", Background: true, Ready: c.r}}.shell(func(n string) string { return "n." + n })
		out, err := exec.Command("sh", "-c", "printf '%s ' "+line).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", line, err, got, c.want)
		}
	}
}
