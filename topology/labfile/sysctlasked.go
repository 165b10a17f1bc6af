package labfile

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// asked is a value that the lab gives.
type asked struct {
	name, value string
	key, val    *yaml.Node
	path        string
	node        bool   // at the node, not at the top
	full        bool   // sets exactly one value
	near        string // see nearSysctl
}

// askedOf are the lab's values for a node, the weakest first: those of the top, then the node's own; in both, short names before
// the full ones that except something from them. They stand in the order in which they must be written, which is not that of the
// file: a value of "all" or "default" may set those of the interfaces too (net/ipv4/devinet.c, devinet_conf_proc; see Touches).
func (b *build) askedOf(s *site) []asked {
	if b.askedOfAll == nil {
		b.askedOfAll = b.askedIn(field(b.root, "sysctls"), "sysctls", false)
	}
	own := b.key(s, "sysctls")
	if own == nil {
		return b.askedOfAll
	}
	return append(slices.Clip(b.askedOfAll), b.askedIn(own, problem.PathKey(b.path(s), "sysctls"), true)...)
}

// askedIn are the values of one map, in the order of askedOf.
func (b *build) askedIn(n *yaml.Node, path string, node bool) []asked {
	list := []asked{}
	first := map[string]asked{}
	for k, v := range entries(n) {
		if v.Kind != yaml.ScalarNode || sysctlText(k.Value) != "" {
			continue
		}
		a := asked{name: k.Value, value: v.Value, key: k, val: v, path: problem.PathKey(path, k.Value), node: node, full: strings.ContainsAny(k.Value, "./")}
		if !a.full {
			b.knobOK(a)
		} else {
			a.near = b.nearSysctl(sysctlKey(a.name))
		}
		if was, twice := first[a.sets()]; twice {
			b.errorf(k, a.path, "this is %s of line %d again; give it once", was.name, was.key.Line)
			continue
		}
		first[a.sets()] = a
		list = append(list, a)
	}
	slices.SortStableFunc(list, compareAsked)
	return list
}

// sets is the one value that a name sets, or a short name.
func (a asked) sets() string {
	switch {
	case a.full:
		return sysctlKey(a.name)
	case a.name == "ip_forward":
		return topology.ForwardKey
	}
	return a.name
}

// compareAsked puts short names first, in the order of [knobs], then values of "all", then those of "default", then the others.
func compareAsked(a, b asked) int {
	rank := func(a asked) int {
		if !a.full {
			return slices.IndexFunc(knobs(), func(k knob) bool { return k.name == a.name }) - len(knobs())
		}
		switch f := strings.Split(a.sets(), "/"); {
		case len(f) == 5 && f[3] == "all":
			return 0
		case len(f) == 5 && f[3] == "default":
			return 1
		}
		return 2
	}
	return cmp.Or(rank(a)-rank(b), strings.Compare(a.sets(), b.sets()))
}

// knobOK checks the value of a short name.
func (b *build) knobOK(a asked) {
	most := 1
	for _, k := range knobs() {
		if k.name == a.name {
			most = k.max
		}
	}
	if v := intOf(a.val, -1); v < 0 || v > most {
		b.errorf(a.val, a.path, "%q does not fit; want a number from 0 to %d", problem.Clip(a.value), most)
	}
}
