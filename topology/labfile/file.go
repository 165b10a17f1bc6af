// Package labfile decides: it reads a lab file, checks it, and turns it into a [File]: the lab that there will be, what
// is expected of it, and the steps that change it. It touches nothing and asks no machine, so that a lab file can be
// checked anywhere.
package labfile

import (
	"cmp"
	"strings"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// File is what was written: a lab, what is expected of it, and the steps that change it. [Load] is its only
// constructor. A File is immutable and may be shared.
type File struct {
	*topology.Lab        // before any step
	Path          string // as given to Load, for messages
	About         string
	Expect        *expect.Expectation
	Steps         []*Step
	Source        []byte // byte for byte

	givenAt map[string]problem.Pos // see GivenAt
}

// GivenAt is where the file gives a node a value by its full name. !ok: it does not, or a change by hand does.
func (f *File) GivenAt(node string, s topology.Sysctl) (at problem.Pos, ok bool) {
	at = f.givenAt[node+" "+s.Key]
	lines := strings.Split(string(f.Source), "\n")
	if at.Line < 1 || at.Line > len(lines) || at.Col < 1 || at.Col > len(lines[at.Line-1]) {
		return problem.Pos{}, false
	}
	name, _, _ := strings.Cut(strings.TrimLeft(lines[at.Line-1][at.Col-1:], `"'`), ":")
	return at, sysctlKey(strings.TrimRight(name, `"' `)) == s.Key // what is set by hand has places of its own
}

// Update is the file's text with the words that were measured in the place of those that differ; see [Update].
func (f *File) Update(got func(*expect.Cell) (word string, measured bool)) []byte {
	asked := []expect.Asked{{Lab: f.Lab, Expect: f.Expect}}
	for _, s := range f.Steps {
		asked = append(asked, expect.Asked{Lab: cmp.Or(s.Lab, f.Lab), Expect: s.Expect})
	}
	return expect.Update(f.Source, asked, got)
}
