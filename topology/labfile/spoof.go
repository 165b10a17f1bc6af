package labfile

import (
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// spoofShape is the action "arp_spoof".
func spoofShape() *shape {
	node := func(doc string) *shape { return withDoc(anyText("a node, node:interface or a name"), doc) }
	return &shape{form: formObject, want: "{from, victim, claims, both, every, name}", keys: []shapeKey{
		{name: "from", must: true, shape: withDoc(anyText("a node or node:interface"), "who lies")},
		{name: "victim", must: true, shape: node("who is lied to")},
		{name: "claims", must: true, shape: node("whose address the liar says it has")},
		{name: "both", shape: yesNo("the other way round too")},
		{name: "every", shape: duration("between two replies; 1s if not given")},
		{name: "name", shape: wordName("an action")}}}
}

// arpSpoof reads an ARP spoofing.
func (st *story) arpSpoof(v *yaml.Node, path string) *topology.ARPSpoof {
	a := &topology.ARPSpoof{Name: stringOf(field(v, "name"), "arp_spoof"), Both: boolOf(field(v, "both"), false), Every: durationOf(field(v, "every"), time.Second)}
	a.From = st.liar(field(v, "from"), problem.PathKey(path, "from"))
	a.Victim = st.spoofed(field(v, "victim"), problem.PathKey(path, "victim"), "is asked for its MAC before it is lied to")
	a.Claims = st.spoofed(field(v, "claims"), problem.PathKey(path, "claims"), "is whose address is claimed")
	if e := field(v, "every"); e != nil && a.Every == 0 {
		st.errorf(e, problem.PathKey(path, "every"), "0s is not a time between two replies")
	}
	switch n := field(v, "victim"); {
	case n == nil || !a.Victim.IP.IsValid():
	case a.Victim.Node != "" && a.Victim.Node == a.From.Node:
		st.errorf(n, problem.PathKey(path, "victim"), "%s cannot lie to itself", a.From.Node)
	case a.Victim.IP == a.Claims.IP:
		st.errorf(field(v, "claims"), problem.PathKey(path, "claims"), "%s knows its own address; claim another's", n.Value)
	}
	st.start(a.Name, v, path)
	st.spoofs[a.Name] = true
	return a
}

// liar is the interface that ARP replies are sent from: node:interface, the only one of a node, the only one with an IPv4
// address, or the only one that a link ends on. It needs an address, its own or that of the bridge it is a port of, to ask
// the victim for its MAC from.
func (st *story) liar(n *yaml.Node, path string) topology.Target {
	if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(n.Value)
	node := st.lab.Node(t.Node)
	if ok && node != nil && t.Interface == "" {
		with := slices.DeleteFunc(slices.Clone(node.Interfaces), func(i *topology.Interface) bool { return !node.FirstAddr(i.Name, false).IsValid() })
		if len(with) == 1 {
			t.Interface = with[0].Name
		}
	}
	if t.Interface == "" {
		t = st.nic(n, path)
	}
	if node == nil || t.Interface == "" || !st.sound {
		return t
	}
	if node.Switch != nil {
		st.errorf(n, path, "%s is a virtual switch and sends nothing of its own; name a node that is linked to it", node.Name)
		return t
	}
	i := node.Interface(t.Interface)
	if i == nil || node.FirstAddr(i.Name, false).IsValid() || i.Master != "" && node.FirstAddr(i.Master, false).IsValid() {
		return t
	}
	st.errorf(n, path, "%s:%s has no IPv4 address to ask its victim from; give it one, or name another interface", t.Node, t.Interface)
	return t
}

// spoofed is a victim, or whose address is claimed.
func (st *story) spoofed(n *yaml.Node, path, why string) topology.Target {
	if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(n.Value)
	switch {
	case !ok:
		st.noTarget(n, path)
	case !t.IP.IsValid() && st.sound:
		st.errorf(n, path, "%s %s, and has no IPv4 address", n.Value, why)
	}
	return t
}

// freshBesideSpoofing warns of an expectation that forgets what a running spoofing is to be seen in.
func (st *story) freshBesideSpoofing(n *yaml.Node, e *expect.Expectation, path string) {
	if e == nil || e.Kept {
		return
	}
	asks := slices.ContainsFunc(e.Tables, func(t *expect.Table) bool {
		k := expect.KindOf(t.Kind)
		return k.Pairs || k.OfStep || t.Kind == "sees" && slices.ContainsFunc(t.Cells, func(c *expect.Cell) bool { return c.Question.B != "" })
	})
	for _, name := range slices.Sorted(maps.Keys(st.spoofs)) {
		if asks && st.running[name] {
			st.warnf(n, path, "every pair begins with empty neighbour tables, in which %s has nothing to change; write \"neighbours: kept\"", name)
			return
		}
	}
}
