package wire

import (
	"fmt"

	"labctl/topology"
	"labctl/topology/plan"
)

// ApplyParams is a lab file that a running instance is to become.
type ApplyParams struct {
	File   string `json:"file"`
	Source []byte `json:"source"`
}

// Applied says what an apply changed; nothing when the lab was so already.
type Applied struct {
	Healed  bool          `json:"healed,omitempty"`  // it was degraded
	Rebuilt bool          `json:"rebuilt,omitempty"` // it was dead, and nothing of it could be kept
	Broken  string        `json:"broken,omitempty"`  // the step that had not come to its end, in words
	Changes []plan.Change `json:"changes"`
	Kept    []string      `json:"kept,omitempty"` // live changes that are still laid over the file
	// actions of steps that a killed supervisor took with it and nobody started again
	Ended []string `json:"ended,omitempty"`
}

// Foreseen is what "up" would do to an instance.
type Foreseen struct {
	Format int    `json:"format"`
	Lab    string `json:"lab"`
	// of the lab now: down, running, or degraded if its supervisor was killed
	State string `json:"state"`
	Why   string `json:"why,omitempty"` // it is degraded, with a supervisor that lives
	// it would be built from nothing, after what is there of it was taken down
	Build    bool          `json:"build"`
	Changes  []plan.Change `json:"changes"` // to its nodes, in words
	Kept     []string      `json:"kept,omitempty"`
	Ended    []string      `json:"ended,omitempty"` // see Applied
	Commands []string      `json:"commands"`        // the kernel operations, as of a plan
}

// Nothing reports whether the lab is as "up" would make it.
func (f Foreseen) Nothing() bool {
	return f.State == "running" && !f.Build && len(f.Changes) == 0 && len(f.Commands) == 0
}

// FromNothing says that a lab would be built from nothing.
func (f *Foreseen) FromNothing(lab *topology.Lab) {
	f.Build = true
	f.Add(plan.Diff(&topology.Lab{Name: lab.Name}, lab, f.Lab))
}

// Add adds what a plan would change.
func (f *Foreseen) Add(planned *plan.Plan, changes []plan.Change) {
	f.Changes = append(f.Changes, changes...)
	if len(planned.Ops) > 0 {
		f.Commands = append(f.Commands, planned.Commands()...)
	}
}

// SetParams are assignments as on the command line: NODE.key=value. NoWait: the answer comes as soon as the kernel has
// them, and not when the lab behaves as it will from then on.
type SetParams struct {
	Assignments []string `json:"assignments"`
	NoWait      bool     `json:"no_wait,omitempty"`
}

// Difference says how a running lab differs from its file.
type Difference struct {
	Lab      string        `json:"lab"`
	File     string        `json:"file"`
	Step     int           `json:"step"`               // steps walked through by hand
	Outcomes []string      `json:"outcomes,omitempty"` // how each of them ended: done, differs, failed
	Under    *Underway     `json:"under_way,omitempty"`
	State    string        `json:"state"`         // as of Status
	Why      string        `json:"why,omitempty"` // it is degraded
	Doing    string        `json:"doing,omitempty"`
	Set      []string      `json:"set,omitempty"` // what was set by hand
	Reset    []plan.Change `json:"reset"`         // what "reset" would change
	Changes  []plan.Change `json:"changes"`       // what "up --reset" would change
}

// Underway is a step that was begun and has not come to its end.
type Underway struct {
	Step  int    `json:"step"` // counts from 1
	Name  string `json:"name"`
	At    string `json:"at"`              // the part of it that is under way: set, do 2 of 3, wait, expect
	Error string `json:"error,omitempty"` // why it is not under way any more
}

// String says of a step that it has not come to its end, and what becomes of what it has set; "" of nil.
func (u *Underway) String() string {
	if u == nil {
		return ""
	}
	return u.where() + "; \"labctl up\" takes back what it set, and \"labctl step\" begins it again"
}

// TakenBack says the same when the lab is as it was before that step; "" of nil.
func (u *Underway) TakenBack() string {
	if u == nil {
		return ""
	}
	return u.where() + "; what it set is taken back, and \"labctl step\" begins it again"
}

func (u *Underway) where() string {
	if u.Error != "" {
		return fmt.Sprintf("step %d, %q, was broken off (%s: %s)", u.Step, u.Name, u.At, u.Error)
	}
	return fmt.Sprintf("step %d, %q, was broken off (%s)", u.Step, u.Name, u.At)
}

// DownParams: Force ends commands that people still run in the nodes.
type DownParams struct {
	Force bool `json:"force"`
}
