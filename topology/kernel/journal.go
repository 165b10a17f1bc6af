//go:build linux

package kernel

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// journalVersion is written first. A reader of any version can take an instance down: it needs only the namespaces' lines.
const journalVersion = 1

// Journal records what is made before it is made, as JSON lines, so that a process that was killed leaves nothing unknown.
// Not safe for concurrent use.
type Journal struct {
	f *os.File
}

// record is one line. Op is "instance", "making", "made", "foreign", "gone" or "complete".
type record struct {
	V        int    `json:"v,omitempty"`
	Op       string `json:"op"`
	Instance string `json:"instance,omitempty"`
	Named    bool   `json:"named,omitempty"`
	Node     string `json:"node,omitempty"`
	Name     string `json:"name,omitempty"`
	Inode    uint64 `json:"inode,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Start    string `json:"start,omitempty"`
}

// State is what a journal says is there.
type State struct {
	Instance   string
	Named      bool
	PID        int    // of the process that wrote last
	Start      string // its start time, field 22 of proc_pid_stat(5)
	Namespaces []NamespaceState
	Complete   bool // the build came to its end
}

// NamespaceState is one namespace of a journal. Inode 0: it was about to be made and may or may not exist.
type NamespaceState struct {
	Node, Name string
	Inode      uint64
}

// OpenJournal appends to the journal at path, making it if needed, and says whose it is from now on.
func OpenJournal(path, instance string, named bool) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	j := &Journal{f: f}
	pid, start := Self()
	return j, j.write(record{V: journalVersion, Op: "instance", Instance: instance, Named: named, PID: pid, Start: start})
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }

// write makes one write(2) of all records, so that a line is there whole or not at all when the process is killed.
func (j *Journal) write(rs ...record) error {
	var buf []byte
	for _, r := range rs {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		buf = append(append(buf, b...), '\n')
	}
	if _, err := j.f.Write(buf); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

func (j *Journal) making(s *Space, nodes []string) error {
	rs := make([]record, len(nodes))
	for i, n := range nodes {
		rs[i] = record{Op: "making", Node: n, Name: s.Namespace(n)}
	}
	return j.write(rs...)
}

func (j *Journal) made(nodes []*node) error {
	var rs []record
	for _, n := range nodes {
		if n != nil {
			rs = append(rs, record{Op: "made", Node: n.name, Inode: n.inode})
		}
	}
	return j.write(rs...)
}

func (j *Journal) foreign(node string) { _ = j.write(record{Op: "foreign", Node: node}) }

func (j *Journal) gone(nodes []string) error {
	rs := make([]record, len(nodes))
	for i, n := range nodes {
		rs[i] = record{Op: "gone", Node: n}
	}
	return j.write(rs...)
}

// Complete records that everything of the plan is there.
func (j *Journal) Complete() error { return j.write(record{Op: "complete"}) }

// Incomplete records that a change has begun.
func (j *Journal) Incomplete() error { return j.write(record{Op: "incomplete"}) }

// ReadJournal reads what a journal says is there. Lines it does not know are passed over; a last line cut short by a kill
// is none.
func ReadJournal(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st := &State{}
	at := map[string]int{}
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		var r record
		if json.Unmarshal(line, &r) == nil {
			st.apply(r, at)
		}
	}
	kept := st.Namespaces[:0]
	for _, n := range st.Namespaces {
		if n.Name != "" {
			kept = append(kept, n)
		}
	}
	st.Namespaces = kept
	return st, nil
}

func (st *State) apply(r record, at map[string]int) {
	switch r.Op {
	case "instance":
		st.Instance, st.Named, st.PID, st.Start = r.Instance, r.Named, r.PID, r.Start
	case "making":
		at[r.Node] = len(st.Namespaces)
		st.Namespaces = append(st.Namespaces, NamespaceState{Node: r.Node, Name: r.Name})
	case "made":
		if i, ok := at[r.Node]; ok {
			st.Namespaces[i].Inode = r.Inode
		}
	case "foreign", "gone":
		if i, ok := at[r.Node]; ok {
			st.Namespaces[i].Name = ""
		}
	case "complete":
		st.Complete = true
	case "incomplete":
		st.Complete = false
	}
}
