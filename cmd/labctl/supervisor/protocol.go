//go:build linux

package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"

	"labctl/topology/kernel"
	"labctl/topology/plan"
)

// protocolVersion is the first thing a supervisor says.
const protocolVersion = 1

// everyVersion are the methods that every supervisor of any version answers, and every client may ask for.
var everyVersion = []string{"status", "inspect", "down"}

// hello is the supervisor's first line on a connection.
type hello struct {
	Labctl  int    `json:"labctl"` // protocolVersion
	Version string `json:"version"`
}

// request is the client's one line. A connection carries one request.
type request struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

// reply is one line from the supervisor: any number of events, then one result or one error.
type reply struct {
	Event  *Event          `json:"event,omitempty"`
	Item   json.RawMessage `json:"item,omitempty"` // one of a stream of things, before the result
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Failure        `json:"error,omitempty"`
}

// Event is progress, for a person who waits.
type Event struct {
	What  string `json:"what"`
	Done  int    `json:"done,omitempty"`
	Total int    `json:"total,omitempty"`
	Begun bool   `json:"begun,omitempty"` // from now on it is brought to its end, whether or not who asked for it waits
}

// Class says which exit code a failure deserves.
type Class string

// The classes of failures.
const (
	Usage       Class = "usage"       // nothing was touched
	Failed      Class = "failed"      // could not be done, or something is left behind
	Unsupported Class = "unsupported" // this machine cannot do it
	Going       Class = "going"       // the lab is being taken down
)

// Failure is an error that crosses the socket.
type Failure struct {
	Class   Class  `json:"class"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Message }

// ExitCode is the exit code that the failure deserves: see docs/cli.md.
func (f *Failure) ExitCode() int {
	switch f.Class {
	case Usage:
		return 2
	case Unsupported:
		return 4
	}
	return 3
}

func failure(err error) *Failure {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, kernel.ErrUnsupported):
		return &Failure{Unsupported, err.Error()}
	}
	return &Failure{Failed, err.Error()}
}

func usagef(format string, args ...any) error { return &Failure{Usage, fmt.Sprintf(format, args...)} }

// Status is what "ls" shows of a lab.
type Status struct {
	Lab   string `json:"lab"`
	Nodes int    `json:"nodes"`
	State string `json:"state"` // starting running degraded stopping "not answering"
	PID   int    `json:"pid"`
	File  string `json:"file"`
	Why   string `json:"why,omitempty"`   // of degraded and "not answering"
	Doing string `json:"doing,omitempty"` // the change that is under way
}

// Inspection is what "inspect" shows.
type Inspection struct {
	Format int    `json:"format"`
	Status        // lab, nodes count under another name below
	List   []Node `json:"-"`
}

// Node is one node of an inspection.
type Node struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"`
	Netns      string      `json:"netns,omitempty"` // what "ip netns exec" takes; empty without root
	Inode      uint64      `json:"inode"`
	Interfaces []Interface `json:"interfaces"`
	Died       []Died      `json:"died,omitempty"` // commands in the background that ended badly
}

// Interface is one interface of a node as the kernel has it, with what the file says of its other end.
type Interface struct {
	Name  string   `json:"name"`
	MAC   string   `json:"mac"`
	Addrs []string `json:"addrs"`
	Peer  string   `json:"peer,omitempty"`
	Up    bool     `json:"up"`
}

// MarshalJSON gives the document its shape: "nodes" is the list.
func (i Inspection) MarshalJSON() ([]byte, error) { return json.Marshal(i.doc()) }

// UnmarshalJSON reads it back.
func (i *Inspection) UnmarshalJSON(b []byte) error {
	var d inspectionDoc
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	*i = Inspection{d.Format, Status{d.Lab, len(d.Nodes), d.State, d.PID, d.File, d.Why, d.Doing}, d.Nodes}
	return nil
}

type inspectionDoc struct {
	Format int    `json:"format"`
	Lab    string `json:"lab"`
	State  string `json:"state"`
	Why    string `json:"why,omitempty"`
	Doing  string `json:"doing,omitempty"`
	PID    int    `json:"pid"`
	File   string `json:"file"`
	Nodes  []Node `json:"nodes"`
}

func (i Inspection) doc() inspectionDoc {
	return inspectionDoc{i.Format, i.Lab, i.State, i.Why, i.Doing, i.PID, i.File, i.List}
}

// ApplyParams is a lab file that a running instance shall become.
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
	Kept    []string      `json:"kept,omitempty"`  // live changes that are still laid over the file
	Ended   []string      `json:"ended,omitempty"` // actions of steps that a killed supervisor took with it and nobody started again
}

// Neighbour is one line of "neigh".
type Neighbour struct {
	Node   string `json:"node"`
	Addr   string `json:"addr"`
	MAC    string `json:"mac"`
	Holder string `json:"holder"` // the node that owns the MAC, "" if none does
	State  string `json:"state"`
	Dev    string `json:"dev"`
}

// FDBEntry is one line of "fdb".
type FDBEntry struct {
	Switch string `json:"switch"`
	MAC    string `json:"mac"`
	Holder string `json:"holder"`
	Port   string `json:"port"`
	VLAN   int    `json:"vlan,omitempty"` // of a switch that keeps VLANs apart
	How    string `json:"how,omitempty"`  // static; of a virtual switch also: learned, and when
}

// Route is one line of "routes".
type Route struct {
	Node string `json:"node"`
	kernel.RouteEntry
}

// NodesParams restricts a reading to some nodes; none means all.
type NodesParams struct {
	Nodes []string `json:"nodes,omitempty"`
}
