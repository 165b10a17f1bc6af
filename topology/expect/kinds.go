package expect

import "slices"

// kinds are all kinds, in the order in which they are judged: first what is probed, then what is only read.
var kinds = []*Kind{
	&ping,
	&ping6,
	&mtu,
	&mtu6,
	&tcp,
	&udp,
	&tcp6,
	&udp6,
	&answers,
	&sees,
	&streams,
	&arp,
	&route,
	&fdb,
	&mdb,
	&port,
	&drops,
	&hits,
	{Name: "cases", Doc: "questions against the cases of the step", OfStep: true,
		axisRules: axisRules{corner: "question", rowIs: "a question, ping:A->B"}, cellWords: cellWords{ofRow: true}},
}

// Kinds are all kinds, in the order in which they are judged.
func Kinds() []*Kind { return slices.Clone(kinds) }

// KindOf is the kind of that name. If there is none, it is one that has nothing but the name.
func KindOf(name string) *Kind {
	for _, k := range kinds {
		if k.Name == name {
			return k
		}
	}
	return &Kind{Name: name}
}

// Listed are the names of the kinds that match, in the order in which messages list them.
func Listed(match func(*Kind) bool) (names []string) {
	var last []string
	for _, k := range kinds {
		switch {
		case !match(k):
		case k.last:
			last = append(last, k.Name)
		default:
			names = append(names, k.Name)
		}
	}
	return append(names, last...)
}

// questionKinds are the names of the kinds that questions can be of.
func questionKinds() (names []string) {
	for _, k := range kinds {
		if !k.OfStep {
			names = append(names, k.Name)
		}
	}
	return names
}
