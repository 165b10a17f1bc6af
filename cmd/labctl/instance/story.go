//go:build linux

package instance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// WriteStory writes down the story of a lab and the file that it was laid over, for whoever heals the lab.
func (d *Folder) WriteStory(source []byte, told Story) error {
	b, err := json.Marshal(told)
	if err != nil {
		return err
	}
	// In this order: killed between the two, the story of another file would be taken for this one's.
	if err := d.write("story.json", b); err != nil {
		return err
	}
	return d.write("applied.yaml", source)
}

// readStory reads the story as it was written down last.
func (d *Folder) readStory() (t Story, err error) {
	b, err := d.Read("story.json")
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(b, &t)
	t.Ended = slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.Ended, t.Running))))
	t.Running = nil
	return t, err
}

// Applied is the lab as a dead supervisor had it last, from a file that was called path; where that cannot be known, it
// is otherwise.
func (d *Folder) Applied(path string, otherwise *topology.Lab) *topology.Lab {
	source, err := d.Read("applied.yaml")
	if err != nil {
		return otherwise
	}
	file, _ := labfile.Load(path, source)
	if file == nil {
		return otherwise
	}
	if t, err := d.readStory(); err == nil {
		if lab, err := t.Apply(file); err == nil {
			return lab
		}
	}
	return file.Lab
}

// Standing is the file that a running instance was given, and the lab as it is now: after the steps that it was walked
// through, and with what was set by hand.
func Standing(instance string) (file *labfile.File, lab *topology.Lab, err error) {
	d, err := Open(instance)
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	source, err := d.Read("lab.yaml")
	if err != nil {
		return nil, nil, err
	}
	file, problems := labfile.Load("lab.yaml", source)
	if file == nil {
		return nil, nil, problems
	}
	return file, d.Applied("lab.yaml", file.Lab), nil
}

// ByHand is what was set by hand on a running instance, as "set" takes it.
func ByHand(instance string) ([]string, error) {
	d, err := Open(instance)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	t, err := d.readStory()
	return t.Words(), err
}

// RestoreStory lays what a dead supervisor left over the file as it is now.
func (d *Folder) RestoreStory(file *labfile.File) (*topology.Lab, Story, error) {
	t, err := d.readStory()
	if err != nil {
		return nil, t, err
	}
	if had, err := d.Read("applied.yaml"); err == nil && !bytes.Equal(had, file.Source) {
		t.Step, t.Outcomes, t.Under = 0, nil, nil // the steps of another file lead somewhere else
	}
	lab, err := t.Apply(file)
	if err != nil {
		return nil, t,
			fmt.Errorf("what was set by hand does not fit the file any more; \"labctl up --reset\" drops it: %w", err)
	}
	return lab, t, nil
}

// BrokenNodes are those of a lab that was left standing that are not whole: lost, or without an interface that they
// had.
func BrokenNodes(space *kernel.Space, lost []string, was *topology.Lab) (names []string) {
	whole := func(n *topology.Node) bool {
		if slices.Contains(lost, n.Name) {
			return false
		}
		links, err := space.Tables().Links(n.Name)
		if err != nil {
			return false
		}
		have := map[string]bool{}
		for _, l := range links {
			have[l.Name] = true
		}
		return !slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
			// What went with a lost node at its other end comes back with that node.
			return !have[i.Name] && !slices.Contains(lost, i.Peer.Node) && !slices.Contains(lost, i.Lower.Node)
		})
	}
	for _, n := range was.Nodes {
		if !whole(n) {
			names = append(names, n.Name)
		}
	}
	return names
}

// Story is what was laid over the file of a running lab: how many of its steps were walked through by hand and how each
// ended, and what was set by hand since. Slices in it are never changed, only replaced.
type Story struct {
	Step     int               `json:"step"`
	Outcomes []string          `json:"outcomes,omitempty"` // of the steps walked through: done differs failed
	Changes  []labfile.Overlay `json:"changes,omitempty"`
	Running  []string          `json:"running,omitempty"` // actions of steps; only in the file that remembers the story
	Ended    []string          `json:"ended,omitempty"`   // actions of steps that a killed supervisor took with it
	Under    *wire.Underway    `json:"under_way,omitempty"`
}

// Apply is the file as the story leaves it.
func (t Story) Apply(file *labfile.File) (*topology.Lab, error) {
	if t.Step > len(file.Steps) {
		return nil,
			wire.Usagef("the file has only %s by now, and the lab was walked through %d; \"labctl up --reset\" "+
				"returns to the beginning", problem.Count(len(file.Steps), "step"), t.Step)
	}
	if len(t.Changes) == 0 && t.Step > 0 {
		return file.Steps[t.Step-1].After, nil
	} else if len(t.Changes) == 0 {
		return file.Lab, nil
	}
	lab, problems := file.Overlaid(t.Step, t.Changes)
	if lab == nil {
		return nil, wire.Usage.Errorf("%v", problems.Errors())
	}
	return lab, nil
}

// Begin is the file with the reset and set of the next step done, and what was set by hand laid over it.
func (t Story) Begin(file *labfile.File) (*topology.Lab, error) {
	if len(t.Changes) == 0 {
		return file.Steps[t.Step].Lab, nil
	}
	lab, problems := file.Begun(t.Step+1, t.Changes)
	if lab == nil {
		return nil, wire.Usage.Errorf("%v", problems.Errors())
	}
	return lab, nil
}

// Words are the changes as "set" takes them.
func (t Story) Words() []string {
	var out []string
	for _, o := range t.Changes {
		out = append(out, o.String())
	}
	return out
}
