package labfile

import (
	"time"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// Step is one entry of "steps".
type Step struct {
	Name, Note string
	Pos        problem.Pos
	Reset      []string      // nodes put back to what the file says
	Lab        *topology.Lab // the lab as it is once reset and set are done: nodes only, no expectations
	Do         []Action
	After      *topology.Lab // the lab once do is done
	Wait       *expect.Expectation
	Timeout    time.Duration // of Wait; 10s unless given
	Cases      []*Case
	Expect     *expect.Expectation

	begun bodies // what nodes say in Lab
}

// Sends are the names of the frames that the step sends.
func (s *Step) Sends() (names []string) {
	for _, a := range s.Do {
		if send, is := a.What.(*topology.Send); is {
			names = append(names, send.Name)
		}
	}
	return names
}

// Case is one column of a "cases" table: a set, taken back after its column.
type Case struct {
	Name string
	Lab  *topology.Lab
	Pos  problem.Pos
}

// Action is one entry of "do". What is a *Flush, *RunAction, *Stream, *Stop, *Restart, *Link, *[topology.Send]
// or *[topology.ARPSpoof].
type Action struct {
	Pos  problem.Pos
	What any
}

// Restart tears nodes down and builds them again.
type Restart struct{ Nodes []string }

// Link unplugs interfaces or plugs them in, and waits for nothing. Up has those whose state changes, where they are: an
// uplink is in the node of its switch.
type Link struct{ Up map[topology.End]bool }

// Flush forgets tables of nodes, in file order.
type Flush struct{ Nodes []FlushNode }

// FlushNode says what one node forgets: neigh, routes (the redirected ones), fdb, conntrack.
type FlushNode struct {
	Node string
	What []string
}

// RunAction is a command in a node.
type RunAction struct {
	Node, Sh   string
	Exit       int
	Background bool
	Ready      topology.Ready
	Name       string
}

// Stream is echo requests with one identifier until stopped.
type Stream struct {
	Name     string
	From, To topology.Target
	Every    time.Duration
}

// Stop ends a background action by its name.
type Stop struct {
	Name   string
	Silent bool
}
