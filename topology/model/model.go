// Package model says what a lab would answer, without any kernel: it asks the questions of tables of a lab in motion
// ([sim.World]), in the order and by the rules by which package reach asks them of a real one, and gives the same
// words. What it cannot decide is undecided, with its reason; it does not guess.
package model

import (
	"strings"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/model/sim"
	"labctl/topology/state"
)

// Unknown is the word for what could not be asked, as package reach has it. It is never what a file wants.
const Unknown = "unknown"

// Undecided is the word for what the model cannot say.
const Undecided = expect.Undecided

// Model is a lab in motion that can be asked. It is not safe for concurrent use.
type Model struct {
	lab   *topology.Lab
	world *sim.World
	own   *owners
	v6    bool // some node has IPv6, whose frames are not modelled

	streams map[string]*stream
	spoofs  map[string]*spoof
	sent    map[string]*sending
	over    *overhearing
	marked  time.Duration   // when the set of the step was done
	ran     map[string]bool // nodes in which steps have run commands
	broken  sim.Doubt       // something has happened to the lab that the model does not know: all is undecided
}

// New makes a model of a lab that is in a state.
func New(lab *topology.Lab, s *state.State) (*Model, error) {
	w, err := sim.New(s)
	if err != nil {
		return nil, err
	}
	m := &Model{lab: lab, world: w, streams: map[string]*stream{}, spoofs: map[string]*spoof{},
		sent: map[string]*sending{}, ran: map[string]bool{}}
	m.look()
	m.background()
	return m, nil
}

// Become changes the lab into another one of the same file. Nodes that are rebuilt are made again.
func (m *Model) Become(lab *topology.Lab, rebuilt ...string) error {
	if err := m.world.Become(state.Of(lab), rebuilt); err != nil {
		return err
	}
	m.lab = lab
	m.look()
	m.background()
	m.world.Doubts()
	return nil
}

// Mark says that the set of a step is done: what is counted is counted from now on.
func (m *Model) Mark() {
	m.world.Mark()
	m.marked = m.world.Now()
}

// look finds out who has which address now.
func (m *Model) look() {
	m.own = newOwners(m.lab, m.world)
	m.v6 = false
	for _, n := range m.lab.Nodes {
		m.v6 = m.v6 || n.IPv6
	}
}

// background notes what is not modelled: commands, and what the file says beside what the model knows.
func (m *Model) background() {
	for _, n := range m.lab.Nodes {
		if what := unknown(n); what != "" {
			m.world.Foreign(n.Name, sim.NotModelled, n.Name+": "+what)
		}
		if m.ran[n.Name] {
			m.world.Foreign(n.Name, sim.Run, "a command has run in "+n.Name)
		}
		for _, c := range n.Run {
			m.world.Stain(sim.Run, "%s runs %q", n.Name, c.Sh)
		}
	}
}

// Answer is what the model says to a question.
type Answer struct {
	Question expect.Question
	Got      string // a word of the table's grammar, [Unknown] or [Undecided]
	// Got said to the interface, where a node's several interfaces can be told apart
	Exact  []string
	Detail string
	Doubt  sim.Doubt // of an undecided one: the first that there was
}

// Settled reports whether the model has decided.
func (a *Answer) Settled() bool { return a.Got != Undecided }

// Ask asks questions. Kept: tables are not emptied first, as "neighbours: kept" has it. The answers are in the order of
// the questions.
func (m *Model) Ask(qs []expect.Question, kept bool) []Answer {
	a := &asking{Model: m, kept: kept, out: make([]Answer, len(qs))}
	for i, q := range qs {
		a.out[i].Question = q
	}
	a.run()
	return a.out
}

// asking is one call of Ask.
type asking struct {
	*Model
	kept bool
	look bool // only read
	out  []Answer
	// cells that want a number of copies; nil: none
	counted []bool
	rest    func() // lets the time of a pair pass; nil: it takes none
}

// together asks ping questions, and the arp questions that are answered by what pings leave behind.
func (a *asking) together() {
	if a.allBroken() {
		return
	}
	var at, sized, other []int
	for i := range a.out {
		switch q := a.out[i].Question; {
		case q.With == "" && (q.Kind == "ping" || q.Kind == "arp"):
			at = append(at, i)
		case q.Kind == "ping" && !a.kept && len(a.streams) == 0:
			sized = append(sized, i)
		default:
			other = append(other, i)
		}
	}
	for _, i := range other {
		q := a.out[i].Question
		a.notAsked(i, q.Title())
	}
	if len(sized) > 0 { // in which order they and the others are asked, and what they leave, is not modelled
		a.pings(sized)
		a.world.Stain(sim.NotModelled, "pings of a size, which change tables")
		a.world.Forget()
	}
	a.pings(at)
}

// run asks kind by kind, in the order in which they are judged.
func (a *asking) run() {
	if a.allBroken() {
		return
	}
	for _, k := range expect.Kinds() {
		var at []int
		for i := range a.out {
			if a.out[i].Question.Kind == k.Name {
				at = append(at, i)
			}
		}
		if len(at) > 0 {
			a.kind(k.Name, at)
		}
	}
}

// allBroken makes all questions undecided, if something has happened to the lab that the model does not know.
func (a *asking) allBroken() bool {
	if a.broken.Reason == "" {
		return false
	}
	for i := range a.out {
		a.undecided(i, a.broken)
	}
	return true
}

// kind asks the questions of one kind.
func (a *asking) kind(kind string, at []int) {
	probes := map[string]func(*asking, []int){"ping": (*asking).pings, "answers": (*asking).answers,
		"sees": (*asking).sees, "streams": (*asking).readStreams, "arp": (*asking).readARP,
		"route": (*asking).readRoutes, "fdb": (*asking).readFDB, "port": (*asking).readPorts,
		"drops": (*asking).readDrops, "hits": (*asking).readHits, "mtu": mtus}
	var plain []int
	for _, i := range at {
		switch with := a.out[i].Question.With; {
		case probes[kind] == nil:
			a.notAsked(i, kind)
		case with != "":
			a.notAsked(i, kind+","+with)
		default:
			plain = append(plain, i)
		}
	}
	if len(plain) > 0 {
		probes[kind](a, plain)
	}
}

// notAsked says that a question is not modelled. What its packets would leave in tables and counts is not there.
func (a *asking) notAsked(i int, what string) {
	a.undecided(i, sim.Doubt{Reason: sim.NotModelled, Why: what})
	if !expect.KindOf(a.out[i].Question.Kind).Reads {
		a.world.Stain(sim.NotModelled, "a question that is not modelled was asked: %s", what)
	}
}

// undecided says that a question cannot be decided.
func (a *asking) undecided(i int, d sim.Doubt) {
	if d.Reason == sim.Storm {
		a.out[i].Got, a.out[i].Detail = Unknown, d.Why
		return
	}
	a.out[i].Got, a.out[i].Exact, a.out[i].Detail, a.out[i].Doubt = Undecided, nil, string(d.Reason)+": "+d.Why, d
}

// fail says that a question could not be asked.
func (a *asking) fail(i int, why string) { a.out[i].Got, a.out[i].Detail = Unknown, why }

// doubted takes what packets have met since the last question; with it, a question is undecided.
func (a *asking) doubted(i int) bool {
	if met := a.world.Doubts(); len(met) > 0 {
		a.undecided(i, met[0])
		return true
	}
	return false
}

// stained reports whether tables that are only read may be others; then the question is undecided. With IPv6 they also
// have what its neighbour discovery has left.
func (a *asking) stained(i int) bool {
	if a.stainedTables(i) {
		return true
	}
	if a.v6 {
		a.undecided(i, sim.Doubt{Reason: sim.NotModelled, Why: "some node has IPv6"})
	}
	return a.v6
}

// stainedTables is the same for what IPv6 has no part in.
func (a *asking) stainedTables(i int) bool {
	d := a.world.Stained()
	if d.Reason == "" {
		return false
	}
	a.undecided(i, d)
	return true
}

// ends resolves the two sides of a question.
func (a *asking) ends(i int) (from, to topology.Target, ok bool) {
	q := a.out[i].Question
	from, ok = a.lab.Target(q.A)
	if !ok || from.Node == "" {
		a.fail(i, q.A+" is not a node of this lab")
		return from, to, false
	}
	if to, ok = a.lab.Target(q.B); !ok {
		a.fail(i, q.B+" is neither a node nor a name of this lab")
	}
	return from, to, ok
}

// cut is what is in front of a colon, and behind it.
func cut(text string) (node, rest string) {
	node, rest, _ = strings.Cut(text, ":")
	return node, rest
}
