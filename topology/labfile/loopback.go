package labfile

import (
	"slices"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// interfaceKeyName is the name of an entry of "interfaces": that of an interface that is made, or "lo", which every
// node has.
func interfaceKeyName() *grammar.Shape {
	s := grammar.InterfaceName()
	made := s.Test
	s.Not = nil
	for _, word := range grammar.Reserved() {
		if word != topology.LoopbackName {
			s.Not = append(s.Not, word)
		}
	}
	s.Test = func(word string) string {
		if word == topology.LoopbackName {
			return ""
		}
		return made(word)
	}
	return s
}

// loopback reads the addresses of "lo". The kernel makes the interface, and it is nobody's to change.
func (r interfaceReader) loopback(s *nodeDecl, v grammar.Value) {
	m := &ifaceBuild{node: s, key: v.Key(), end: topology.End{Node: s.full, Interface: topology.LoopbackName},
		Interface: &topology.Interface{Name: topology.LoopbackName, Type: topology.Loopback, Pos: v.Key().Pos(),
			MTU: 65536, Up: true}}
	for x := range v.Fields() {
		if x.Name() != "ip" {
			x.Key().Errorf("lo is made by the kernel and takes addresses alone, as \"lo: 10.255.0.1/32\"; leave %q "+
				"out", x.Name())
			m.broken = true
		}
	}
	r.values(m, v)
	r.lo[s] = m
}

// withLoopback are a node's interfaces that may have addresses.
func (x *ifaces) withLoopback(s *nodeDecl) []*ifaceBuild {
	if m := x.lo[s]; m != nil {
		return append(slices.Clip(x.of[s]), m)
	}
	return x.of[s]
}
