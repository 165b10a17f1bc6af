package labfile

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// routesKey is "routes", in the file or in a step's set.
func routesKey(set bool) grammar.Key {
	gateway := grammar.Address()
	gateway.Test = gatewayText
	gateway.Want = "a gateway: an address"
	const words = "{via, dev, metric, src, onlink, type, table, nexthops}"
	long := &grammar.Shape{Form: grammar.Object, Want: words, Keys: []grammar.Key{
		{Name: "via", Shape: grammar.Address()}, {Name: "dev", Shape: grammar.InterfaceName()},
		{Name: "metric", Shape: grammar.NumberOf("a metric from 1 to 999999999", 1, 999999999)},
		{Name: "src", Shape: grammar.Address()},
		{Name: "onlink", Shape: grammar.YesNo("the gateway is believed to be on the link")},
		{Name: "type", Shape: grammar.OneOf(routeTypes()...)},
		{Name: "table", Shape: tableShape("the routing table that the route is in (default main)")},
		{Name: "nexthops", Shape: nextHopsShape()}}}
	route := &grammar.Shape{Form: grammar.Either,
		Want: "a gateway: an address, or " + words, Any: []*grammar.Shape{
			gateway,
			{Form: grammar.List, Want: "two gateways, of IPv4 and IPv6, or a list of routes", Min: 1,
				Of: &grammar.Shape{Form: grammar.Either, Want: "a gateway: an address, or " + words,
					Any: []*grammar.Shape{gateway, long}}},
			long}}
	return grammar.Key{Name: "routes", Shape: &grammar.Shape{Form: grammar.Dict,
		Want: "a map from destinations to gateways, as {default: 10.0.0.254}", Of: route, Instead: routesInWords,
		Doc: "default or a prefix: its gateway, or several routes to it", Removed: "route", Removes: set,
		Name: &grammar.Shape{Form: grammar.Text, Want: "default or a prefix", Test: routeText,
			RE: regexp.MustCompile(`^(default|(` + grammar.AddressPattern + `)/[0-9]+)$`)}}}
}

func routeTypes() []string { return []string{"unicast", "blackhole", "unreachable", "prohibit"} }

// gatewayText says why s is not an address, and takes "via" for what it is in "ip route".
func gatewayText(s string) string {
	why := grammar.AddressText(s)
	if m := viaRE.FindStringSubmatch(s); m != nil && why != "" {
		return fmt.Sprintf("%q has one word too many; write %s", s, m[1])
	}
	return why
}

// routeText says why s is not a destination of a route.
func routeText(s string) string {
	if s == "default" {
		return ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		if a, err := netip.ParseAddr(s); err == nil && a.IsUnspecified() {
			return fmt.Sprintf(`%q is an address; write "default" for every destination, or %s/0`, s, s)
		} else if err == nil && a.Zone() == "" {
			return fmt.Sprintf("%q has no length; write %s/%d for this address alone", s, s, a.BitLen())
		}
		if slices.Contains([]string{"0/0", "any", "all", "*", "Default"}, s) {
			return fmt.Sprintf(`%q is not a destination; write "default"`, s)
		}
		return fmt.Sprintf("%q is not a destination; want default or a prefix as 10.0.0.0/8", problem.Clip(s))
	}
	if p.Masked() != p {
		return fmt.Sprintf("%q has bits behind its length, which the kernel refuses in a route; write %s", s,
			p.Masked())
	}
	return ""
}

// saidRoute is a route and where the file says it.
type saidRoute struct {
	topology.Route
	value grammar.Value
	item  bool // of a list: the value is one of several routes
}

// routes reads a node's routes and refuses what the kernel would.
func (n *networks) routes(s *nodeDecl, node *topology.Node) {
	type destination struct {
		dst    netip.Prefix
		table  uint32
		metric int
	}
	seen := map[destination]problem.Pos{}
	var list []saidRoute
	for v := range n.bodyOf(s).Field("routes").Fields() {
		if routeText(v.Name()) != "" {
			continue
		}
		for _, r := range readRoutes(v) {
			d := destination{r.Dst, r.Table, r.Metric}
			if r.Metric == 0 && r.Dst.Addr().Is6() {
				d.metric = 1024 // what the kernel takes for none (IP6_RT_PRIO_USER, net/ip6_route.h)
			}
			at := v.Key()
			if r.item {
				at = r.value
			}
			if was, twice := seen[d]; twice {
				at.Errorf("%s has a route already, in line %d; a second one needs another metric or table", r.Dst,
					was.Line)
				continue
			}
			seen[d] = at.Pos()
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(x, y saidRoute) int { return compareRoutes(x.Route, y.Route) })
	devices := map[uint32]*reachable{0: newReachable()}
	for _, r := range list {
		if devices[r.Table] == nil {
			devices[r.Table] = newReachable()
		}
		n.routeOK(s, devices, r)
		if r.Dev != "" && !r.Via.IsValid() {
			devices[r.Table].add(r.Dst, r.Dev, 0)
		}
		node.Routes = append(node.Routes, r.Route)
	}
}

// compareRoutes orders the routes of a node, none of which is twice: those without a gateway come first, since they may
// lead to the gateways of the others.
func compareRoutes(a, b topology.Route) int {
	tier := func(r topology.Route) int {
		if r.Via.IsValid() || len(r.NextHops) > 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(tier(a)-tier(b), a.Dst.Addr().Compare(b.Dst.Addr()), a.Dst.Bits()-b.Dst.Bits(),
		cmp.Compare(a.Table, b.Table), a.Metric-b.Metric)
}

// readRoutes reads one entry: a route, one for each of two gateways, or a list of routes.
func readRoutes(v grammar.Value) []saidRoute {
	dst, _ := netip.ParsePrefix(v.Name())
	r := topology.Route{Type: "unicast", Dst: dst}
	several := false
	for _, x := range v.Items() {
		several = several || x.IsMap()
	}
	switch {
	case v.IsMap():
		return longRoute(r, v, false)
	case several:
		var out []saidRoute
		for _, x := range v.Items() {
			if x.IsMap() {
				out = append(out, longRoute(r, x, true)...)
			} else {
				out = append(out, gateways(r, v, x)...)
			}
		}
		return out
	case v.IsList() && v.Name() != "default":
		v.Errorf("a list of gateways belongs to default, one of IPv4 and one of IPv6; for several gateways that " +
			"share the packets write {nexthops: [{via: …}, …]}")
		return nil
	case !v.IsList():
		return gateways(r, v, v)
	}
	var list []grammar.Value
	for _, g := range v.Items() {
		list = append(list, g)
	}
	return gateways(r, v, list...)
}

// gateways are the routes to a destination by each of some gateways.
func gateways(r topology.Route, v grammar.Value, list ...grammar.Value) []saidRoute {
	var out []saidRoute
	for i, g := range list {
		a, err := netip.ParseAddr(g.Word())
		if err != nil || grammar.AddressText(g.Word()) != "" {
			continue
		}
		r.Via = a
		if v.Name() == "default" {
			r.Dst = everywhere(a.Is6())
		}
		if i > 1 || i > 0 && len(out) > 0 && out[0].Via.Is6() == a.Is6() {
			g.Errorf("two gateways are one of IPv4 and one of IPv6")
			continue
		}
		out = append(out, saidRoute{r, g, v.IsList()})
	}
	return out
}

func everywhere(v6 bool) netip.Prefix {
	if v6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

func longRoute(r topology.Route, v grammar.Value, item bool) []saidRoute {
	r.Type = v.Field("type").Text("unicast")
	r.Via, _ = netip.ParseAddr(v.Field("via").Text(""))
	r.Src, _ = netip.ParseAddr(v.Field("src").Text(""))
	r.Dev = v.Field("dev").Text("")
	r.Metric = v.Field("metric").Int(0)
	r.OnLink = v.Field("onlink").Bool(false)
	r.Table = tableOf(v.Field("table"))
	r.NextHops = readNextHops(v.Field("nexthops"))
	if !r.Dst.IsValid() {
		r.Dst = everywhere(r.Hops()[0].Via.Is6() || r.Src.Is6())
	}
	if !slices.Contains(routeTypes(), r.Type) {
		return nil
	}
	via, dev, hops := v.Has("via"), v.Has("dev"), v.Has("nexthops")
	switch {
	case r.Type != "unicast" && (via || dev || r.OnLink || hops):
		v.Errorf("%s: such a route has no via, dev, onlink or nexthops", r.Type)
	case hops && (via || dev || r.OnLink):
		v.Errorf("a route with nexthops has via, dev and onlink in each of them")
	case hops:
		if len(r.NextHops) < 2 {
			return nil // which has been said
		}
	case r.Type == "unicast" && !via && !dev:
		v.Errorf("a route needs via, dev or both, or nexthops")
	case r.OnLink && !(via && dev):
		v.Errorf("onlink needs via and dev")
	}
	return []saidRoute{{r, v, item}}
}

// routeOK checks that the kernel would take the route: fib_check_nh() wants a gateway on a connected network.
func (n *networks) routeOK(s *nodeDecl, devices map[uint32]*reachable, r saidRoute) {
	own := n.reachableFrom(s)
	at := []grammar.Value{r.value}
	if len(r.NextHops) > 0 {
		at = nil
		for _, x := range r.value.Field("nexthops").Items() {
			at = append(at, x)
		}
	}
	for i, h := range r.Hops() {
		if !n.hopOK(s, devices, r.Route, h, at[i]) {
			return
		}
	}
	if r.Src.IsValid() && r.Src.Is6() != r.Dst.Addr().Is6() {
		r.value.Errorf("%s and %s are of different families", r.Src, r.Dst)
		return
	}
	if r.Src.IsValid() && !own.own[r.Src] && !own.more {
		r.value.Errorf("src %s is not an address of %s", r.Src, s.full)
	}
}

// hopOK checks one way of a route, which is at a place of the file. It reports whether more can be said of the route.
func (n *networks) hopOK(s *nodeDecl, devices map[uint32]*reachable, r topology.Route, h topology.NextHop,
	at grammar.Value) bool {
	if h.Via.IsValid() && h.Via.Is6() != r.Dst.Addr().Is6() {
		at.Errorf("%s and %s are of different families", h.Via, r.Dst)
		return false
	}
	if h.Dev != "" && n.at(s, h.Dev) == nil && grammar.InterfaceName().Refuses(h.Dev) == "" {
		at.Field("dev").Errorf("%s has no interface %q%s", s.full, h.Dev, n.doc.Near(h.Dev, n.namesOf(s)))
		return false
	}
	own := n.reachableFrom(s)
	if why := own.notAGateway(h); why != "" {
		at.Errorf("%s is %s; a gateway has the address of a router", h.Via, why)
		return false
	}
	if own.own[h.Via] {
		at.Errorf("%s is %s itself; a gateway is another node", h.Via, s.full)
		return false
	}
	connected := h.OnLink || !h.Via.IsValid() || h.Via.IsLinkLocalUnicast() && h.Dev != ""
	// A device route makes its destination connected. The kernel asks the route's own table first, and then, since the
	// routing rules come last, main (fib_check_nh_v4_gw, ip6_route_check_nh).
	for _, known := range []*reachable{own, devices[r.Table], devices[0]} {
		if !connected {
			_, connected = known.find(h.Via, h.Dev)
		}
	}
	if !connected && !own.more {
		at.Errorf("%s is on no network of %s%s; the kernel refuses a gateway that it cannot reach directly (or "+
			"write "+
			"{via, dev, onlink: true})",
			h.Via, s.full, own.words)
	}
	return true
}

// notAGateway says why no node can be behind a gateway's address: fib_check_nh_v4_gw() and ip6_validate_gw() want that
// of a host. The first address of a network was a broadcast address too before Linux 5.14 (net/ipv4/fib_frontend.c,
// fib_add_ifaddr).
func (r *reachable) notAGateway(h topology.NextHop) string {
	via := h.Via
	switch {
	case !via.IsValid():
		return ""
	case via.IsUnspecified():
		return "the unspecified address"
	case via.IsMulticast():
		return "a multicast address"
	case via.IsLoopback():
		return "a loopback address"
	case via == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "a broadcast address"
	}
	if !via.Is4() {
		return ""
	}
	dev := ""
	if h.OnLink {
		dev = h.Dev
	}
	for p := range r.around(via, dev) {
		switch {
		case p.Bits() >= 31:
		case via == p.Addr():
			return fmt.Sprintf("the network address of %s", p)
		case via == lastOf(p):
			return fmt.Sprintf("the broadcast address of %s", p)
		}
	}
	return ""
}
