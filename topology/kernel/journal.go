//go:build linux

package kernel

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// journalVersion is written first. A reader of any version can take an instance down: it needs only the namespaces'
// lines.
const journalVersion = 1

// Before is asked before each change of a run directory or of a name under NetnsDir; its error is taken for the
// kernel's. Tests make such steps fail, or end the process there. The nil one lets everything pass.
type Before func(step string) error

// Do asks b.
func (b Before) Do(step string) error {
	if b == nil {
		return nil
	}
	return b(step)
}

// Journal records what is made before it is made, as JSON lines, so that a process that was killed leaves nothing
// unknown. Safe for concurrent use.
type Journal struct {
	mark   string // see State
	before Before

	mu   sync.Mutex
	f    *os.File
	torn bool // the last line may be half there
	open bool // a change has begun that Complete has not ended
}

// record is one line. Op is "instance", "making", "made", "foreign", "gone", "incomplete" or "complete".
type record struct {
	V        int    `json:"v,omitempty"`
	Op       string `json:"op"`
	Instance string `json:"instance,omitempty"`
	Named    bool   `json:"named,omitempty"`
	Node     string `json:"node,omitempty"`
	Name     string `json:"name,omitempty"`
	Inode    uint64 `json:"inode,omitempty"`
	Cookie   uint64 `json:"cookie,omitempty"`
	Mark     string `json:"mark,omitempty"`
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
	Complete   bool // the build, and every change since, came to its end, and what the lab is now was written down
	mark       string
}

// NamespaceState is one namespace of a journal.
type NamespaceState struct {
	Node, Name string
	Inode      uint64 // 0: it was about to be made, and no namespace was bound to its name yet
	Cookie     uint64 // what tells it from a later namespace with that inode (SO_NETNS_COOKIE); 0: the kernel has none
	Mark       string // what the file under its name says as long as no namespace is bound there
}

// OpenJournal goes on with a journal that is open for appending, and says whose it is from now on. It takes the file
// over.
func OpenJournal(f *os.File, instance string, named bool, before Before) (*Journal, error) {
	// Another program's file, or another life's of this instance, must not be taken for ours.
	mark := fmt.Sprintf("labctl %s %s\n", instance, rand.Text())
	j := &Journal{f: f, mark: mark, before: before, torn: true} // what is there may end in half a line
	pid, start := Self()
	err := j.write(record{V: journalVersion, Op: "instance", Instance: instance, Named: named, PID: pid, Start: start,
		Mark: mark})
	if err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// write makes one write(2) of all records, so that a line is there whole or not at all when the process is killed.
func (j *Journal) write(rs ...record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var buf []byte
	if j.torn {
		buf = []byte{'\n'} // an empty line is none
	}
	for _, r := range rs {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		buf = append(append(buf, b...), '\n')
	}
	err := j.before.Do("write journal")
	if err == nil {
		_, err = j.f.Write(buf)
	}
	j.torn = err != nil
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// making is written before the namespaces of nodes are made, with the names that they will have.
func (j *Journal) making(nodes []string, name func(node string) string) error {
	rs := make([]record, len(nodes))
	for i, n := range nodes {
		rs[i] = record{Op: "making", Node: n, Name: name(n)}
	}
	return j.write(rs...)
}

// made is written before a name is bound: a name without it is bound by somebody else.
func (j *Journal) made(node string, inode, cookie uint64) error {
	return j.write(record{Op: "made", Node: node, Inode: inode, Cookie: cookie})
}

// foreign records that the name of a node is somebody else's.
func (j *Journal) foreign(node string) { _ = j.write(record{Op: "foreign", Node: node}) }

// gone saves a reader the look at names that are gone. That it cannot be written does not matter: what is not there is
// not removed, and who has the name later has another inode or cookie.
func (j *Journal) gone(nodes []string) {
	rs := make([]record, len(nodes))
	for i, n := range nodes {
		rs[i] = record{Op: "gone", Node: n}
	}
	_ = j.write(rs...)
}

// complete records that everything of the plan is there.
func (j *Journal) complete() error {
	if !j.open {
		return nil
	}
	err := j.write(record{Op: "complete"})
	j.open = err != nil
	return err
}

// incomplete records that a change begins.
func (j *Journal) incomplete() error {
	if j.open {
		return nil
	}
	err := j.write(record{Op: "incomplete"})
	j.open = err == nil
	return err
}

// ReadJournal reads what a journal says is there. Lines it does not know are passed over; a line cut short, by a kill
// or for want of room, is none.
func ReadJournal(journal io.Reader) (*State, error) {
	st := &State{}
	at := map[string]int{}
	in := bufio.NewReader(journal)
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
		st.Instance, st.Named, st.PID, st.Start, st.mark = r.Instance, r.Named, r.PID, r.Start, r.Mark
	case "making":
		at[r.Node] = len(st.Namespaces)
		st.Namespaces = append(st.Namespaces, NamespaceState{Node: r.Node, Name: r.Name, Mark: st.mark})
	case "made":
		if i, ok := at[r.Node]; ok {
			st.Namespaces[i].Inode, st.Namespaces[i].Cookie = r.Inode, r.Cookie
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
