package switchcore_test

import (
	"slices"
	"strings"
	"testing"

	"labctl/switchcore"
)

// TestNobodyElse: a learning switch sends a known address to one port, and must not speak of others.
func TestNobodyElse(t *testing.T) {
	c, _ := switchcore.Preset("learning")
	c.Ports = []switchcore.Port{{Name: "p1"}, {Name: "p2"}, {Name: "p3"}}
	s, err := switchcore.New(c)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(from, to byte) switchcore.Frame {
		d := make([]byte, 60)
		copy(d, []byte{2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0})
		return switchcore.Frame{Data: d}
	}
	for _, p := range c.Ports {
		s.Connect(0, s.Lookup(p.Name), switchcore.Filter{})
	}
	s.Forward(0, s.Lookup("p1"), frame(1, 2))
	steps := s.Explain(0, s.Lookup("p2"), frame(2, 1)).Steps
	if want := "lookup: 02:00:00:00:00:01 was learned on this switch"; !slices.Contains(steps, want) {
		t.Errorf("want %q in\n%s", want, strings.Join(steps, "\n"))
	}
}
