package labfile

import (
	"cmp"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// sysctlGiven is a value that the lab gives.
type sysctlGiven struct {
	value grammar.Value
	node  bool   // at the node, not at the top
	full  bool   // sets exactly one value
	near  string // see nearSysctl
}

func (a sysctlGiven) name() string { return a.value.Name() }

// givenTo are the lab's values for a node, the weakest first: those of the top, then the node's own; in both, short
// names before the full ones that except something from them. They are in the order in which they must be written,
// which is not that of the file: a value of "all" or "default" may set those of the interfaces too (net/ipv4/devinet.c,
// devinet_conf_proc; see Touches).
func (y *sysctls) givenTo(own grammar.Value) []sysctlGiven {
	if y.ofAll == nil {
		y.ofAll = y.givenIn(y.root.Field("sysctls"), false)
	}
	if !own.Given() {
		return y.ofAll
	}
	return append(slices.Clip(y.ofAll), y.givenIn(own, true)...)
}

// givenIn are the values of one map, in the order of givenTo.
func (y *sysctls) givenIn(values grammar.Value, node bool) []sysctlGiven {
	list := []sysctlGiven{}
	first := map[string]sysctlGiven{}
	for v := range values.Fields() {
		if !v.IsSingle() || v.IsNull() || sysctlText(v.Name()) != "" {
			continue
		}
		a := sysctlGiven{value: v, node: node, full: strings.ContainsAny(v.Name(), "./")}
		if !a.full {
			knobOK(v)
		} else {
			a.near = y.near(sysctlKey(v.Name()))
		}
		if was, twice := first[a.sets()]; twice {
			v.Key().Errorf("this is %s of line %d again; give it once", was.name(), was.value.Key().Line())
			continue
		}
		first[a.sets()] = a
		list = append(list, a)
	}
	slices.SortStableFunc(list, compareGiven)
	return list
}

// near is the name of a sysctl that a full name is probably meant to be; see [nearSysctl].
func (y *sysctls) near(key string) string {
	if isKnownSysctl(key) {
		return ""
	}
	return y.doc.NearBy(func() string { return nearSysctl(key) })
}

// sets is the one value that a name sets, or a short name.
func (a sysctlGiven) sets() string {
	switch {
	case a.full:
		return sysctlKey(a.name())
	case a.name() == "ip_forward":
		return topology.ForwardKey
	}
	return a.name()
}

// compareGiven puts short names first, in the order of [knobs], then values of "all", then those of "default", then the
// others.
func compareGiven(a, b sysctlGiven) int {
	rank := func(a sysctlGiven) int {
		if !a.full {
			return slices.IndexFunc(knobs(), func(k knob) bool { return k.name == a.name() }) - len(knobs())
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
func knobOK(v grammar.Value) {
	most := 1
	for _, k := range knobs() {
		if k.name == v.Name() {
			most = k.max
		}
	}
	if n := v.Int(-1); n < 0 || n > most {
		v.Errorf("%q does not fit; want a number from 0 to %d", problem.Clip(v.Word()), most)
	}
}
