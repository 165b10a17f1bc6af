package plan

import (
	"fmt"
	"strconv"
	"strings"
)

func (o SetPort) shell(ns func(string) string) string {
	var lines []string
	var s string
	add := func(from, to bool, key string) {
		if from != to {
			s += " " + key + " " + onOff(to)
		}
	}
	add(o.From.Learning, o.To.Learning, "learning")
	add(o.From.Flood, o.To.Flood, "flood")
	add(o.From.McastFlood, o.To.McastFlood, "mcast_flood")
	add(o.From.BcastFlood, o.To.BcastFlood, "bcast_flood")
	add(o.From.Isolated, o.To.Isolated, "isolated")
	add(o.From.Hairpin, o.To.Hairpin, "hairpin")
	add(o.From.Locked, o.To.Locked, "locked")
	add(o.From.BPDUGuard, o.To.BPDUGuard, "guard")
	add(o.From.NeighSuppress, o.To.NeighSuppress, "neigh_suppress")
	number := func(from, to int, key string) {
		if from != to {
			s += fmt.Sprintf(" %s %d", key, to)
		}
	}
	number(o.From.Priority, o.To.Priority, "priority")
	number(o.From.McastRouter, o.To.McastRouter, "mcast_router")
	number(int(o.From.GroupFwdMask), int(o.To.GroupFwdMask), "group_fwd_mask")
	if o.From.Cost != o.To.Cost && o.To.Cost != 0 {
		s += fmt.Sprintf(" cost %d", o.To.Cost)
	}
	if s != "" {
		lines = append(lines, linkSet(ns(o.Node), o.Name, "type bridge_slave"+s))
	}
	if o.From.MAB != o.To.MAB { // only bridge(8) has it, and it wants a port that is locked already
		lines = append(lines, fmt.Sprintf("bridge -n %s link set dev %s mab %s", ns(o.Node), o.Name, onOff(o.To.MAB)))
	}
	vlan := func(verb, args string) {
		lines = append(lines, fmt.Sprintf("bridge -n %s vlan %s dev %s vid %s", ns(o.Node), verb, o.Name, args))
	}
	if v := o.To.VLAN; v != nil {
		vlan("del", "1")
		if v.PVID != 0 {
			vlan("add", fmt.Sprintf("%d pvid untagged", v.PVID))
		}
		for _, r := range v.Tagged {
			if r.First == r.Last {
				vlan("add", strconv.Itoa(r.First))
			} else {
				vlan("add", fmt.Sprintf("%d-%d", r.First, r.Last))
			}
		}
	}
	return strings.Join(lines, "\n")
}
