package labfile

import (
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// laid lays a set over the nodes as they are, and makes the lab that comes of it.
func (r stepReader) laid(set grammar.Value) (bodies, *topology.Lab) {
	return r.relaid(set, func(after bodies) map[*nodeDecl]bool { return r.layNodes(set, after) })
}

// relaid lays something over the nodes as they are, and makes the lab that comes of it. What is wrong with that is
// shown at set; lay returns the nodes that it has changed.
func (r stepReader) relaid(set grammar.Value, lay func(bodies) map[*nodeDecl]bool) (bodies, *topology.Lab) {
	if r.budget.built > maxBuilt { // and this is said
		return r.bodies, r.lab
	}
	after := r.bodies.unlaid()
	r.doc.Lay(set)
	defer r.doc.Lift()
	before := r.doc.Found()
	laid := lay(after)
	if r.doc.Found() > before || r.doc.Failed() && len(laid) == 0 || r.nodesOnly {
		return after, r.lab
	}
	for _, s := range r.cables.all {
		if laid[s] {
			s.kind.file.Check(after[s])
		}
	}
	if r.doc.Found() > before {
		return after, r.lab
	}
	if r.size == 0 {
		r.size = sizeOf(r.base)
	}
	if r.budget.built += r.size; r.budget.built > maxBuilt {
		set.Errorf("the sets and cases up to this one make labs of %s in all, more than %d, this lab being one of "+
			"%d; let "+
			"fewer steps change the lab",
			problem.Count(r.budget.built, "part"), maxBuilt, r.size)
		return after, r.lab
	}
	return after, r.build(after).lab
}

// layNodes lays what a set says of nodes over what they say, and returns those that it changes.
func (r stepReader) layNodes(set grammar.Value, after bodies) map[*nodeDecl]bool {
	laid := map[*nodeDecl]bool{}
	if !set.IsMap() && !set.IsList() {
		set.Errorf("want a piece of \"nodes\", by full names")
	}
	for v := range set.Fields() {
		s := r.node(v.Key())
		if s == nil || s.skip || !s.kind.set.Check(v) || !r.cables.groupsThere(s, v) ||
			!after.nothingGone(s, v) {
			continue
		}
		after.lay(s, v, v.Path())
		laid[s] = true
		r.doc.LayPart(v)
	}
	return laid
}

// sizeOf is the size of a lab that a step makes: its nodes, pairs of interfaces, eighths of keys and values, and
// quarters of kilobytes of texts.
func sizeOf(b *labBuild) int {
	values, letters := 0, 0
	for _, s := range b.tree.all {
		v, l := s.value.Weight() // with the nodes inside, which are in deep labs only
		values, letters = values+v, letters+l
	}
	return len(b.tree.all) + len(b.all)/2 + values/8 + letters/256
}
