package reach

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"labctl/topology/expect"
	"labctl/topology/labfile"
)

const judged = `format: 1
lab: judged
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.9.0.3/24}
links:
  - a b c -- s1
expect:
  arp: |
    from\to  b  c
    a        b  -
  fdb: |
    mac\on  s1
    b       b
  ping: |
    from\to  a   b   c
    a        -   ok  no-arp
    b        .   -   no-route
  sees: |
    flow\at  b    c
    a->b     yes  no
`

func TestJudge(t *testing.T) {
	lab, problems := labfile.Load("judged.yaml", []byte(judged))
	if lab == nil {
		t.Fatal(problems)
	}
	_, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.9.0.3/24")
	p := &Prober{Lab: lab.Lab, Machine: build(t, lab.Lab, steps)}
	defer p.Close()
	r, err := p.Judge(context.Background(), lab.Expect)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range r.Tables {
		for _, c := range table.Cells {
			fmt.Fprintf(&b, "%s:%s->%s@%s %v %s %v\n", c.Cell.Question.Kind, c.Cell.Question.A, c.Cell.Question.B, c.Cell.Question.At, c.Asked, c.Result.Got, c.OK)
		}
	}
	want := `ping:a->b@ true ok true
ping:a->c@ true no-route false
ping:b->a@ false  true
ping:b->c@ true no-route true
sees:a->b@b true yes true
sees:a->b@c true no true
arp:a->b@ true b true
arp:a->c@ true - true
fdb:b->s1@ true b true
`
	if b.String() != want || r.OK() {
		t.Errorf("got (OK %v)\n%s\nwant\n%s", r.OK(), b.String(), want)
	}
	if (&Report{}).OK() {
		t.Error("a report without answers is OK")
	}
	read, err := p.Read(context.Background(), lab.Expect)
	if err != nil || len(read.Tables) != 2 {
		t.Errorf("Read: %d tables, %v; want arp and fdb", len(read.Tables), err)
	}
}

// TestNamesTheInterface: where the file wants one interface of a node, the answer is said to the interface.
func TestNamesTheInterface(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{{"host", "host", true}, {"host:vmh2", "host:vmh2", true}, {"host:vmh1", "host:vmh2", false}, {"host:vmh1|host:vmh2", "host:vmh2", true}, {"kali4", "host", false}} {
		r := CellReport{Cell: &expect.Cell{Want: expect.Want{Text: c.want}}, Result: Result{Got: "host", Exact: []string{"host:vmh2"}}}
		if ok := r.matches(); ok != c.ok || r.Result.Got != c.got {
			t.Errorf("wanted %s: %v with %s, want %v with %s", c.want, ok, r.Result.Got, c.ok, c.got)
		}
	}
}
