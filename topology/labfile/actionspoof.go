package labfile

import (
	"slices"
	"time"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

var spoofAction = actionKind{name: "arp_spoof", doc: "unsolicited ARP replies, until stopped", shape: spoofShape,
	read: func(st *story, v grammar.Value) any { return st.arpSpoof(v) }}

func spoofShape() *grammar.Shape {
	node := func(doc string) *grammar.Shape { return grammar.AnyText("a node, node:interface or a name").With(doc) }
	return &grammar.Shape{Form: grammar.Object, Want: "{from, victim, claims, both, every, name}", Keys: []grammar.Key{
		{Name: "from", Must: true, Shape: grammar.AnyText("a node or node:interface").With("who lies")},
		{Name: "victim", Must: true, Shape: node("who is lied to")},
		{Name: "claims", Must: true, Shape: node("whose address the liar says it has")},
		{Name: "both", Shape: grammar.YesNo("the other way round too")},
		{Name: "every", Shape: grammar.Duration("between two replies; 1s if not given")},
		{Name: "name", Shape: actionName()}}}
}

// arpSpoof reads an ARP spoofing.
func (st *story) arpSpoof(v grammar.Value) *topology.ARPSpoof {
	every, victim, claims := v.Field("every"), v.Field("victim"), v.Field("claims")
	a := &topology.ARPSpoof{Name: v.Field("name").Text("arp_spoof"), Both: v.Field("both").Bool(false),
		Every: every.Duration(time.Second)}
	a.From = st.liar(v.Field("from"))
	a.Victim = st.spoofed(victim, "is asked for its MAC before it is lied to")
	a.Claims = st.spoofed(claims, "is whose address is claimed")
	if every.Given() && a.Every == 0 {
		every.Errorf("0s is not a time between two replies")
	}
	switch {
	case !victim.Given() || !a.Victim.IP.IsValid():
	case a.Victim.Node != "" && a.Victim.Node == a.From.Node:
		victim.Errorf("%s cannot lie to itself", a.From.Node)
	case a.Victim.IP == a.Claims.IP:
		claims.Errorf("%s knows its own address; claim another's", victim.Word())
	}
	st.start(a.Name, v)
	st.spoofs[a.Name] = true
	return a
}

// liar is the interface that ARP replies are sent from: node:interface, the only one of a node, the only one with an
// IPv4 address, or the only one that a link ends on. It needs an address, its own or that of the bridge it is a port
// of, to ask the victim for its MAC from.
func (st *story) liar(v grammar.Value) topology.Target {
	if v.Text("") == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(v.Word())
	node := st.lab.Node(t.Node)
	if ok && node != nil && t.Interface == "" {
		with := slices.DeleteFunc(slices.Clone(node.Interfaces), func(i *topology.Interface) bool {
			return !node.FirstAddr(i.Name, false).IsValid()
		})
		if len(with) == 1 {
			t.Interface = with[0].Name
		}
	}
	if t.Interface == "" {
		t = st.nic(v)
	}
	if node == nil || t.Interface == "" || !st.nodesValid {
		return t
	}
	if node.Switch != nil {
		v.Errorf("%s is a virtual switch and sends nothing of its own; name a node that is linked to it", node.Name)
		return t
	}
	i := node.Interface(t.Interface)
	if i == nil || node.FirstAddr(i.Name, false).IsValid() || i.Master != "" &&
		node.FirstAddr(i.Master, false).IsValid() {
		return t
	}
	v.Errorf("%s:%s has no IPv4 address to ask its victim from; give it one, or name another interface", t.Node,
		t.Interface)
	return t
}

// spoofed is a victim, or whose address is claimed.
func (st *story) spoofed(v grammar.Value, why string) topology.Target {
	if v.Text("") == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(v.Word())
	switch {
	case !ok:
		st.noStation(v)
	case !t.IP.IsValid() && st.nodesValid:
		v.Errorf("%s %s, and has no IPv4 address", v.Word(), why)
	}
	return t
}
