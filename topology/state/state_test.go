package state_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"labctl/labs"
	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/state"
)

// eachLab calls f with every shipped lab, at the top and after each of its steps.
func eachLab(t *testing.T, f func(t *testing.T, lab *topology.Lab)) {
	t.Helper()
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		file, problems := labfile.Load(name+".yaml", src)
		if file == nil {
			t.Fatal(problems)
		}
		t.Run(name, func(t *testing.T) { f(t, file.Lab) })
		for _, step := range file.Steps {
			for _, c := range append([]*labfile.Case{{Lab: step.Lab}}, step.Cases...) {
				if c.Lab != nil {
					t.Run(strings.TrimSpace(name+" "+step.Name+" "+c.Name), func(t *testing.T) { f(t, c.Lab) })
				}
			}
		}
	}
}

func TestTextOfEveryLabReadsBack(t *testing.T) {
	eachLab(t, func(t *testing.T, lab *topology.Lab) {
		s := state.Of(lab)
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := state.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, again) {
			t.Errorf("not the same after reading:\n%s", text)
		}
		if b, err := again.Text(); err != nil || !bytes.Equal(b, text) {
			t.Errorf("written again it is another text (%v)", err)
		}
	})
}
