package model

import (
	"strings"
	"testing"

	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/model/sim"
	"labctl/topology/state"
)

// What a file says beside what the model knows, and what a step does that it does not know, is never guessed about.
func TestWhatIsNewIsUndecided(t *testing.T) {
	if got := unknownField(struct {
		Name string
		New  int
	}{"a", 1}, "Name"); got != "New is not modelled" {
		t.Errorf("%q", got)
	}
	f, problems := labfile.Load("two.yaml", []byte("format: 1\nlab: two\nnodes:\n  s: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n"+
		"  b: {ip: 10.0.0.2/24}\nlinks: [a b -- s]\n"))
	if f == nil {
		t.Fatal(problems)
	}
	ask := []expect.Question{{Kind: "ping", A: "a", B: "b"}}
	for name, do := range map[string]func(m *Model){
		"an action":      func(m *Model) { m.do(struct{ Nap int }{3}) },
		"a host":         func(m *Model) { m.world.Foreign("b", sim.NotModelled, "b: New is not modelled") },
		"a bridge":       func(m *Model) { m.world.Foreign("s", sim.Run, "a command has run in s") },
		"a bridge's own": func(m *Model) { m.lab.Node("s").Interface("s").Bridge.VLANFiltering = true; _ = m.Become(m.lab) },
	} {
		f, _ := labfile.Load("two.yaml", f.Source)
		m, err := New(f.Lab, state.Of(f.Lab))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Ask(ask, false)[0]; got.Got != "ok" {
			t.Fatalf("%+v", got)
		}
		do(m)
		if got := m.Ask(ask, false)[0]; got.Settled() || !strings.Contains(got.Detail, ": ") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
