package labfile

import (
	"net/netip"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// nameTable is "names": names for addresses.
type nameTable struct {
	doc  *grammar.Document
	list []topology.NamedEnd
	by   map[string]*topology.NamedEnd
}

// namesShape is "names".
func namesShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Dict, Want: "names with their addresses", Name: grammar.WordName("an address"),
		Doc: "names for addresses that are nobody's, or that several nodes hold on purpose",
		Of: &grammar.Shape{Form: grammar.Object, Min: 1, Want: "{ip, mac}", Keys: []grammar.Key{
			{Name: "ip", Shape: grammar.Address()}, {Name: "mac", Shape: grammar.MAC()}}}}
}

// newNameTable reads "names".
func newNameTable(t *tree, names grammar.Value) *nameTable {
	out := &nameTable{doc: t.doc, by: map[string]*topology.NamedEnd{}}
	for v := range names.Fields() {
		e := topology.NamedEnd{Name: v.Name()}
		if a := v.Field("ip"); a.IsSingle() {
			e.IP, _ = netip.ParseAddr(a.Word())
		}
		if m := v.Field("mac"); m.IsSingle() {
			e.MAC, _ = switchcore.ParseMAC(m.Word())
		}
		if s := t.named[v.Name()]; s != nil {
			v.Key().Errorf("a node is called %q too (line %d), and tables could mean either", v.Name(),
				s.value.Key().Line())
		}
		out.list = append(out.list, e)
	}
	for i := range out.list {
		out.by[out.list[i].Name] = &out.list[i]
	}
	return out
}

// mac reads a MAC or the name of one.
func (t *nameTable) mac(v grammar.Value) switchcore.MAC {
	word := v.Word()
	if strings.Contains(word, ":") || !v.IsSingle() || grammar.MACOrNameText(word) != "" {
		m, _ := switchcore.ParseMAC(word)
		return m
	}
	e := t.by[word]
	if plain := grammar.PlainMAC(word); e == nil && plain != "" {
		v.Errorf("a MAC address is written in lower case with colons; write %s", plain)
		return switchcore.MAC{}
	}
	if e == nil {
		known := func() (out []string) {
			for _, x := range t.list {
				out = append(out, x.Name)
			}
			return out
		}
		v.Errorf("%q is neither a MAC address nor a name under \"names\"%s", problem.Clip(word),
			t.doc.Near(word, known))
		return switchcore.MAC{}
	}
	if e.MAC.IsZero() {
		v.Errorf("%q has no \"mac\" under \"names\"", word)
	}
	return e.MAC
}
