package model

import (
	"slices"

	"labctl/topology"
	"labctl/topology/model/sim"
)

// column is who listens in a column of a sees table.
type column struct {
	ears    []ear
	through bool // a port of a switch: a frame that leaves by it is as much there as one that comes in
}

// ear is a listener of a node.
type ear struct {
	sim.Ear
	node string
}

// ears are the listeners that are open at the same time, one for each interface.
type ears struct {
	*Model
	open map[topology.End]ear
}

func (m *Model) newEars() *ears { return &ears{m, map[topology.End]ear{}} }

// close closes all listeners.
func (e *ears) close() {
	var list []sim.Ear
	for _, x := range e.open {
		list = append(list, x.Ear)
	}
	e.world.Close(list)
	clear(e.open)
}

// listen opens a listener, unless there is one.
func (e *ears) listen(node, iface string, promiscuous bool) (ear, bool) {
	at := topology.End{Node: node, Interface: iface}
	if x, ok := e.open[at]; ok {
		return x, true
	}
	got, ok := e.world.Listen(node, iface, promiscuous)
	if ok {
		e.open[at] = ear{got, node}
	}
	return e.open[at], ok
}

// column opens the listeners of a column: on all interfaces of a node, or on one. They are promiscuous, but for those
// on a virtual switch's own ends.
func (e *ears) column(text string) (column, bool) {
	a := &asking{Model: e.Model}
	node, ifname, isPort := "", "", false
	if _, _, isPort = a.port(text); isPort {
		node, ifname, isPort = a.interfaceAt(text)
	}
	if !isPort {
		t, ok := e.lab.Target(text)
		if !ok || t.Node == "" {
			return column{}, false
		}
		node, ifname = t.Node, t.Interface
	}
	out := column{through: isPort}
	n := e.lab.Node(node)
	if n == nil {
		return column{}, false
	}
	if i := n.Interface(ifname); i != nil && i.Master != "" {
		out.through = true
	}
	for _, l := range e.own.links[node] {
		if l.Name == "lo" || !l.Up || ifname != "" && l.Name != ifname {
			continue
		}
		if x, ok := e.listen(node, l.Name, !isPort && n.Kind != topology.VSwitch); ok {
			out.ears = append(out.ears, x)
		}
	}
	return out, len(out.ears) > 0
}

// taps are listeners on all interfaces of a node that nobody notices.
func (e *ears) taps(node string) (out []ear) {
	for _, l := range e.own.links[node] {
		if l.Name == "lo" || !l.Up {
			continue
		}
		if x, ok := e.listen(node, l.Name, false); ok {
			out = append(out, x)
		}
	}
	return out
}

// heard reports whether one of a node's listeners has a frame, coming or going.
func heard(list []ear, name string) bool {
	return slices.ContainsFunc(list, func(x ear) bool {
		arrived, left := x.Heard(name)
		return arrived+left > 0
	})
}

// flow is one A->B of a sees table, and what became of its marked request.
type flow struct {
	name     string // by which listeners know the request
	sender   string
	word     string // what became of it
	from, to []ear
	doubt    sim.Doubt
	failed   string
}

// sees opens the listeners, then for each flow lets both sides exchange an echo, and sends one marked request.
func (a *asking) sees(at []int) {
	e := a.newEars()
	defer e.close()
	columns := map[int]column{}
	flows := map[[2]string]*flow{}
	var order [][2]string
	var asked []int
	for _, i := range at {
		q := a.out[i].Question
		if a.overheard(i) || a.stained(i) {
			continue
		}
		c, ok := e.column(q.At)
		if !ok {
			a.fail(i, q.At+" has no interface that is up to listen on")
			continue
		}
		columns[i] = c
		asked = append(asked, i)
		if k := [2]string{q.A, q.B}; flows[k] == nil {
			flows[k] = &flow{}
			order = append(order, k)
		}
	}
	for _, k := range order {
		a.ready(e, flows[k], k[0], k[1])
	}
	for _, k := range order {
		if f := flows[k]; f.failed == "" && f.doubt.Reason == "" {
			a.exchange(f, k[0], k[1])
		}
	}
	for _, i := range asked {
		q := a.out[i].Question
		a.seen(i, flows[[2]string{q.A, q.B}], columns[i])
	}
}

// ready opens the taps that prove that a flow's request leaves and arrives.
func (a *asking) ready(e *ears, f *flow, from, to string) {
	if to == "" {
		s := a.streams[from]
		if s == nil {
			f.failed = "no stream called " + from + " is running"
			return
		}
		from, to = s.from.Text, s.to.Text
	}
	x, ok := a.lab.Target(from)
	y, ok2 := a.lab.Target(to)
	switch {
	case !ok || !ok2 || x.Node == "":
		f.failed = from + " or " + to + " is nobody"
		return
	case !y.IP.IsValid():
		f.doubt = sim.Doubt{Reason: sim.NotModelled, Why: "echoes of IPv6"}
		return
	}
	f.sender, f.from = x.Node, e.taps(x.Node)
	if y.Node != "" {
		f.to = e.taps(y.Node)
	}
}

// exchange lets the two sides of a flow exchange an echo and then sends the marked one. When the sender itself gives
// the first up, that one is the marked one.
func (a *asking) exchange(f *flow, from, to string) {
	if to == "" {
		a.follow(f, a.streams[from])
		return
	}
	p := &pair{}
	p.from, _ = a.lab.Target(from)
	p.to, _ = a.lab.Target(to)
	if !a.kept {
		a.world.Forget()
	}
	a.world.Doubts()
	r := a.world.Echo(p.from.Node, p.from.Interface, p.to.IP)
	f.word, _ = a.outcome(p, r)
	f.name = sim.KeyName(r.Key)
	if f.word == "silent" || base(f.word) == "ok" || heard(f.from, f.name) {
		r = a.world.Echo(p.from.Node, p.from.Interface, p.to.IP)
		f.word, _ = a.outcome(p, r)
		f.name = sim.KeyName(r.Key)
	}
	if met := a.world.Doubts(); len(met) > 0 {
		f.doubt = met[0]
	}
}

// seen answers one question. A no counts only when it is known what became of the request.
func (a *asking) seen(i int, f *flow, c column) {
	out := &a.out[i]
	switch {
	case f.failed != "":
		a.fail(i, f.failed)
	case f.doubt.Reason != "":
		a.undecided(i, f.doubt)
	case c.copies(f.name, f.sender) > 0:
		out.Got, out.Detail = "yes", "it came by there"
	case f.word != "silent" && f.word != Unknown, heard(f.to, f.name), heard(f.from, f.name):
		out.Got, out.Detail = "no", "its fate: "+f.word
	default:
		a.fail(i, "the marked request never left")
	}
	count(a, i, c, f.name, f.sender, out.Question.B == "")
}
