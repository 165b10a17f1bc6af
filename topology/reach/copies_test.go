package reach

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
)

// twice is a segment whose bridge sends to b a copy of each echo request and of each frame 0x88b5 that a sends.
func twice(t *testing.T) (*topology.Lab, *liveMachine) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	for _, h := range []string{"a", "b", "c"} {
		lab.Nodes[0].Interfaces = append(lab.Nodes[0].Interfaces, &topology.Interface{Name: h, Type: topology.Veth, Master: "s1"})
	}
	m := build(t, lab, steps)
	sh(t, "s1", `nft 'table netdev d { chain c { type filter hook ingress device "a" priority 0
		icmp type echo-request dup to "b"
		ether type 0x88b5 dup to "b"
	}; }'`)
	return lab, m
}

// counted is a table of cells that want these words.
func counted(wants ...string) *expect.Expectation {
	e := &expect.Table{Kind: "sees"}
	for _, w := range wants {
		question, want, _ := strings.Cut(w, " ")
		q, err := expect.ParseQuestion("sees:" + question)
		if err != nil {
			panic(err)
		}
		e.Cells = append(e.Cells, &expect.Cell{Question: q, Want: expect.Want{Text: want}, Judged: true, Case: -1})
	}
	return &expect.Expectation{Tables: []*expect.Table{e}}
}

// wantVerdicts compares them.
func wantVerdicts(t *testing.T, r *Report, want string) {
	t.Helper()
	if got := verdictsOf(r); got != want {
		t.Errorf("%s\nwant:\n%s", got, want)
	}
}

// verdictsOf are the words of a report, those that are not wanted with a "!".
func verdictsOf(r *Report) string {
	var b strings.Builder
	for _, table := range r.Tables {
		for _, c := range table.Cells {
			mark := ""
			if !c.OK {
				mark = "!"
			}
			fmt.Fprintf(&b, "%s %s%s\n", c.Cell.Question, c.Result.Got, mark)
		}
	}
	return b.String()
}

// TestCopies: a number is how many copies come, said as a number only where the file has one.
func TestCopies(t *testing.T) {
	lab, m := twice(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	r, err := p.Judge(context.Background(), counted("a->b@b 2", "a->b@s1:b >=2", "a->b@s1:a 1", "a->b@a 1", "a->b@c 0", "b->a@a 1",
		"a->b@b yes", "a->b@b 1", "a->b@b >=3", "a->b@b 1|no", "a->b@c >=1", "a->b@c no", "a->b@s1 2"))
	if err != nil {
		t.Fatal(err)
	}
	wantVerdicts(t, r, `sees:a->b@b 2
sees:a->b@s1:b 2
sees:a->b@s1:a 1
sees:a->b@a 1
sees:a->b@c 0
sees:b->a@a 1
sees:a->b@b yes
sees:a->b@b 2!
sees:a->b@b 2!
sees:a->b@b 2!
sees:a->b@c 0!
sees:a->b@c no
sees:a->b@s1 unknown!
`)
	why := r.Tables[0].Cells[12].Result.Detail
	if !strings.Contains(why, "counted at one interface") || !strings.Contains(why, "s1:a, ") {
		t.Error(why)
	}
}

// TestCopiesOfAStream: a stream has many requests, and none of them is a copy of another.
func TestCopiesOfAStream(t *testing.T) {
	lab, m := twice(t)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	from, _ := lab.Target("a")
	to, _ := lab.Target("b")
	s, err := p.Stream(context.Background(), "talk", from, to, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	r, err := p.Judge(context.Background(), counted("talk@b 2", "talk@a 1", "talk@c 0"))
	if err != nil {
		t.Fatal(err)
	}
	wantVerdicts(t, r, "sees:talk@b 2\nsees:talk@a 1\nsees:talk@c 0\n")
}

// afterwards lets something arrive a moment after the listeners have begun to listen to the end.
type afterwards struct {
	*liveMachine
	arrive func()
}

func (m *afterwards) LateSenders() ([]string, error) { return []string{"c has a program"}, nil }

func (m *afterwards) Idle(ctx context.Context) error {
	if m.arrive != nil {
		time.AfterFunc(100*time.Millisecond, m.arrive)
		m.arrive = nil
	}
	return m.liveMachine.Idle(ctx)
}

// TestLateCopy: who counts listens to the end, and not until the first copy has come.
func TestLateCopy(t *testing.T) {
	lab, live := twice(t)
	m := &afterwards{liveMachine: live}
	p := &Prober{Lab: lab, Machine: m, Patience: 600 * time.Millisecond}
	defer p.Close()
	ctx := context.Background()
	e := counted("one@b 3", "one@s1:b >=3")
	o, err := p.Overhear(ctx, []string{"one"}, e)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	frame := frameFrom(t, lab, "one", "a")
	frame.Dst = topology.Station{Node: "b"}
	sh(t, "a", "ping -n -c1 -W5 10.0.0.2")
	k, err := p.Send(ctx, frame)
	if err != nil {
		t.Fatal(err)
	}
	m.arrive = func() { putOut(t, live, "s1", "b", k.Frame()) }
	r, err := p.Judge(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdicts(t, r, "sees:one@b 3\nsees:one@s1:b 3\n")
}

// putOut sends a frame out of an interface of a node.
func putOut(t *testing.T, m *liveMachine, node, name string, frame []byte) {
	links, err := m.Links(node)
	if err != nil {
		t.Error(err)
		return
	}
	fd, err := m.Socket(node, unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	for _, l := range links {
		if l.Name == name {
			err = unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: l.Index})
		}
	}
	if err != nil {
		t.Error(err)
	}
}
