package wire

import (
	"encoding/json"
	"fmt"
)

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

func (i Inspection) doc() inspectionDoc {
	return inspectionDoc{i.Format, i.Lab, i.State, i.Why, i.Doing, i.PID, i.File, i.List}
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

// Node is one node of an inspection.
type Node struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"`
	Netns      string      `json:"netns,omitempty"` // what "ip netns exec" takes; empty without root
	Inode      uint64      `json:"inode"`
	Interfaces []Interface `json:"interfaces"`
	Died       []Died      `json:"died,omitempty"` // commands in the background that ended badly
}

// Interface is one interface of a node as the kernel has it, with what the file says of its other end. State is the
// operational state as ip-link(8) calls it, in lower case: up down lowerlayerdown dormant unknown notpresent testing.
// An older supervisor says neither State nor MTU.
type Interface struct {
	Name  string   `json:"name"`
	MAC   string   `json:"mac"`
	Addrs []string `json:"addrs"`
	Peer  string   `json:"peer,omitempty"`
	Up    bool     `json:"up"` // administratively
	State string   `json:"state,omitempty"`
	MTU   int      `json:"mtu,omitempty"`
}

// Died is a command in the background that ended with another status than 0, or by a signal that labctl did not send.
type Died struct {
	Node   string `json:"node"`
	What   string `json:"what"`           // the command
	Name   string `json:"name,omitempty"` // of an action of a step
	How    string `json:"how"`            // exit status N, killed by SIGNAL
	Output string `json:"output"`         // the last lines that it wrote
	Line   int    `json:"line"`           // where it is in the file
}

// String is a line, or more than one if the command had more to say.
func (d Died) String() string {
	s := fmt.Sprintf("%s: %s: %s", d.Node, d.What, d.How)
	if d.Output != "" {
		s += ": " + d.Output
	}
	return s
}

// Running is a background action or a command of a lab, or a command in the background that has died.
type Running struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // arp_spoof exec run send stream
	Node string `json:"node"`
	What string `json:"what"`
	// as who asks sees it, see client.Client.Number; 0: it has died, or that cannot be known
	PID   int    `json:"pid,omitempty"`
	InLab int    `json:"pid_in_lab,omitempty"` // as the lab's own processes see it
	State string `json:"state"`                // running, or how it died
	Said  string `json:"said,omitempty"`       // the last lines of one that has died
}
