package labfile

import (
	"net/netip"
	"slices"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// tableNames are the names of the routing tables that every kernel has, with their numbers.
func tableNames() map[string]uint32 {
	return map[string]uint32{"main": topology.MainTable, "default": topology.DefaultTable, "local": topology.LocalTable}
}

// tableShape is a routing table: a number, or one of the names that iproute2 has without a file of its own.
func tableShape(doc string) *grammar.Shape {
	return &grammar.Shape{Form: grammar.Either, Doc: doc,
		Want: "a table: main, default, local, or a number from 1 to 4294967295", Any: []*grammar.Shape{
			grammar.NumberOf("a table: main, default, local, or a number from 1 to 4294967295", 1, 1<<32-1),
			{Form: grammar.Text, Want: "main, default, local, or a number from 1 to 4294967295",
				Words: []string{"main", "default", "local"}}},
		Instead: func(v grammar.Value) string {
			if !v.IsText() {
				return ""
			}
			return problem.Quoted(problem.Clip(v.Word())) + " is not the name of a routing table here; want main, " +
				"default, local, or a number from 1 to 4294967295 (a machine's rt_tables is not read)"
		}}
}

// tableOf is the table that is meant, 0 for main.
func tableOf(v grammar.Value) uint32 {
	table, named := tableNames()[v.Word()]
	if !named {
		table = uint32(v.Int(0))
	}
	if table == topology.MainTable {
		return 0
	}
	return table
}

// nextHopsShape is "nexthops" of a route.
func nextHopsShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.List, Want: "two next hops or more, as [{via: 10.0.0.1}, {via: 10.0.0.2}]",
		Doc: "the kernel chooses one for each flow", Min: 2, Max: 255,
		Of: &grammar.Shape{Form: grammar.Object, Want: "{via, dev, weight, onlink}", Keys: []grammar.Key{
			{Name: "via", Shape: grammar.Address()}, {Name: "dev", Shape: grammar.InterfaceName()},
			{Name: "weight", Shape: grammar.NumberOf("a weight from 1 to 256", 1, 256)},
			{Name: "onlink", Shape: grammar.YesNo("the gateway is believed to be on the link")}}}}
}

// readNextHops reads the next hops of a route.
func readNextHops(v grammar.Value) []topology.NextHop {
	var out []topology.NextHop
	for _, x := range v.Items() {
		h := topology.NextHop{Dev: x.Field("dev").Text(""), Weight: x.Field("weight").Int(1),
			OnLink: x.Field("onlink").Bool(false)}
		h.Via, _ = netip.ParseAddr(x.Field("via").Text(""))
		switch {
		case !x.IsMap():
		case !x.Has("via") && !x.Has("dev"):
			x.Errorf("a next hop needs via, dev or both")
		case h.OnLink && !(x.Has("via") && x.Has("dev")):
			x.Errorf("onlink needs via and dev")
		case !h.Via.IsValid() && len(out) > 0 && out[0].Via.Is6():
			x.Errorf("a next hop of IPv6 needs via (rt6_qualify_for_ecmp of the kernel)")
		case slices.ContainsFunc(out, func(o topology.NextHop) bool { return o.Via == h.Via && o.Dev == h.Dev }):
			x.Errorf("this next hop appears here twice; give one of them the weight of both")
		}
		out = append(out, h)
	}
	return out
}
