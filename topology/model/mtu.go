package model

import (
	"fmt"
	"strings"

	"labctl/topology/model/sim"
)

// headers is how long those of an echo request are: IPv4's without options, and ICMP's.
const headers = 20 + 8

// mtus looks for the longest packet that gets through unfragmented and is answered, by echo requests of two lengths
// that close in on it. What a sender has learned of the path is forgotten in between; from kept tables it is undecided.
func mtus(a *asking, at []int) {
	for _, i := range at {
		from, to, ok := a.ends(i)
		switch {
		case !ok:
		case a.kept || len(a.streams) > 0 || len(a.spoofs) > 0 || !to.IP.IsValid():
			a.notAsked(i, "mtu")
		default:
			limit(a, i, &pair{from: from, to: to})
		}
	}
	a.world.Stain(sim.NotModelled, "packets of many lengths, which change tables")
	if !a.kept {
		a.world.Forget()
	}
}

// limit finds the longest packet of a pair.
func limit(m *asking, i int, p *pair) {
	ask := func(length int) string {
		m.world.Forget()
		m.world.Doubts()
		r := m.world.EchoOf(p.from.Node, p.from.Interface, p.to.IP, sim.Form{Size: length - headers, Whole: true})
		word, _ := m.outcome(p, r)
		return word
	}
	through, lost := headers, 65535+1
	if word := ask(through + 56); m.doubted(i) {
		return
	} else if word != "ok" {
		m.notAsked(i, "the longest packet of a pair whose short ones get "+word)
		return
	}
	why := ""
	for lost-through > 1 {
		length := (through + lost) / 2
		word := ask(length)
		switch {
		case m.doubted(i):
			return
		case word == "ok":
			through = length
		default:
			lost, why = length, word
		}
	}
	out := &m.out[i]
	switch {
	case why == "too-big" || strings.HasPrefix(why, "icmp:frag-needed@"):
		out.Got, out.Detail = fmt.Sprint(through), fmt.Sprintf("%d bytes: %s", lost, why)
	case why == "silent":
		out.Got, out.Detail = fmt.Sprintf("blackhole:%d", through), fmt.Sprintf("%d bytes: %s", lost, why)
	default:
		m.notAsked(i, "a packet that is too long and gets "+why)
	}
}
