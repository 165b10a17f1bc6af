//go:build linux

package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"

	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

// Foreseen is what "up" would do to an instance.
type Foreseen struct {
	Format   int           `json:"format"`
	Lab      string        `json:"lab"`
	State    string        `json:"state"`         // of the lab now: down, running, or degraded if its supervisor was killed
	Why      string        `json:"why,omitempty"` // it is degraded, with a supervisor that lives
	Build    bool          `json:"build"`         // it would be built from nothing, after what is there of it was taken down
	Changes  []plan.Change `json:"changes"`       // to its nodes, in words
	Kept     []string      `json:"kept,omitempty"`
	Ended    []string      `json:"ended,omitempty"` // see Applied
	Commands []string      `json:"commands"`        // the kernel operations, as of a plan
}

// Nothing reports whether the lab is as "up" would make it.
func (f Foreseen) Nothing() bool {
	return f.State == "running" && !f.Build && len(f.Changes) == 0 && len(f.Commands) == 0
}

// Foresee says what [Up] would do, and touches nothing. What up would refuse before it touches anything is an error here too; what
// the kernel would refuse is not known.
func Foresee(ctx context.Context, s Start) (Foreseen, error) {
	if err := sameFile(s); err != nil {
		return Foreseen{}, err
	}
	out := Foreseen{Format: 1, Lab: s.Instance, State: "down", Changes: []plan.Change{}, Commands: []string{}}
	if !there(s.Instance) {
		out.fromNothing(s.Lab.Lab)
		return out, nil
	}
	c, err := Dial(s.Instance)
	switch {
	case err == nil && s.Reset:
		out.State = "running"
		out.fromNothing(s.Lab.Lab)
		return out, nil
	case err == nil:
		return out, c.Call(ctx, "foresee", ApplyParams{s.File, s.Lab.Source}, &out, nil)
	case !errors.Is(err, ErrDead):
		return out, err
	case Alive(s.Instance):
		return out, &Failure{Failed, s.Instance + " is starting or being taken down just now; ask again"}
	}
	out.State = "degraded"
	return out, out.healing(s)
}

// fromNothing is a lab that is built.
func (f *Foreseen) fromNothing(lab *topology.Lab) {
	f.Build = true
	f.add(plan.Diff(&topology.Lab{Name: lab.Name}, lab, f.Lab))
}

func (f *Foreseen) add(planned *plan.Plan, changes []plan.Change) {
	f.Changes = append(f.Changes, changes...)
	if len(planned.Ops) > 0 {
		f.Commands = append(f.Commands, planned.Commands()...)
	}
}

// healing is what becomes of an instance whose supervisor is dead, as salvage and adopt do it.
func (f *Foreseen) healing(s Start) error {
	st, err := journalState(s.Instance)
	if err != nil {
		return err
	}
	if s.Reset {
		f.fromNothing(s.Lab.Lab)
		return nil
	}
	d, err := openInstance(s.Instance)
	if err != nil {
		return err
	}
	defer d.close()
	meta, err := ReadMeta(s.Instance)
	if errors.Is(err, fs.ErrNotExist) { // killed before it had written anything
		f.fromNothing(s.Lab.Lab)
		return nil
	}
	if err != nil {
		return err
	}
	dead := &server{meta: meta, rundir: &rundir{d, s.Instance}, file: s.Lab, lab: s.Lab.Lab}
	lab, told, err := dead.retell()
	if err != nil {
		return err
	}
	f.Kept, f.Ended = told.words(), told.Ended
	if !st.Complete || !st.Named {
		f.fromNothing(lab)
		return nil
	}
	space, lost, err := kernel.LookAt(st)
	if err != nil {
		return err
	}
	defer space.Leave()
	was := dead.adopted()
	broken := brokenNodes(space, lost, was)
	for _, name := range broken {
		why := "rebuilt: it is not whole"
		if slices.Contains(lost, name) {
			why = "rebuilt: its namespace is gone from " + kernel.NetnsDir
		}
		f.Changes = append(f.Changes, plan.Change{Node: name, What: why})
	}
	if len(broken) > 0 {
		f.add(plan.Rebuild(was, s.Instance, broken), nil)
	}
	f.add(plan.Diff(was, lab, s.Instance))
	return nil
}

// foresee answers for a lab that is running.
func foresee(_ context.Context, c *call) (any, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	torn := c.torn
	c.mu.Unlock()
	if torn {
		return nil, c.whole()
	}
	file, t, err := c.asked()
	if err != nil {
		return nil, err
	}
	lab, err := t.over(file)
	if err != nil {
		return nil, err
	}
	now := c.current()
	out := Foreseen{Format: 1, Lab: c.meta.Instance, State: "running", Changes: []plan.Change{}, Commands: []string{}, Kept: t.words(), Ended: t.Ended}
	if c.degraded() {
		c.mu.Lock()
		out.State, out.Why = c.state, c.why
		c.mu.Unlock()
		out.add(c.renewal(lab))
		return out, nil
	}
	planned, changes := plan.Diff(now, lab, c.meta.Instance)
	out.add(planned, changes)
	made := map[string]bool{}
	for _, op := range planned.Ops {
		if a, ok := op.(plan.AddNamespace); ok {
			made[a.Node] = true
		}
	}
	gone, healed := c.unnamed(lab)
	gone = slices.DeleteFunc(gone, func(name string) bool { return made[name] })
	healed = slices.DeleteFunc(healed, func(h plan.Change) bool { return made[h.Node] })
	if len(gone) > 0 {
		out.add(plan.Rebuild(lab, c.meta.Instance, gone), healed)
	}
	return out, nil
}

// asked is the lab file that "up" came with, and what of the story stays laid over it.
func (c *call) asked() (*labfile.File, story, error) {
	var p ApplyParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, story{}, err
	}
	c.mu.Lock()
	file, t := c.file, c.story
	c.mu.Unlock()
	if bytes.Equal(p.Source, file.Source) {
		return file, t, nil
	}
	file, problems := labfile.Load(p.File, p.Source)
	if file == nil {
		return nil, t, &Failure{Usage, problems.Errors().Error()}
	}
	t.Step, t.Outcomes, t.Ended, t.Under = 0, nil, nil, nil // the steps of another file lead somewhere else
	return file, t, nil
}
