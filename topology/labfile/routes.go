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

// routesKey is "routes".
func routesKey() grammar.Key {
	gateway := grammar.Address()
	gateway.Test = gatewayText
	gateway.Want = "a gateway: an address"
	route := &grammar.Shape{Form: grammar.Either,
		Want: "a gateway: an address, or {via, dev, metric, src, onlink, type}", Any: []*grammar.Shape{
			gateway,
			{Form: grammar.List, Want: "two gateways, of IPv4 and IPv6", Of: gateway, Min: 1, Max: 2},
			{Form: grammar.Object, Want: "{via, dev, metric, src, onlink, type}", Keys: []grammar.Key{
				{Name: "via", Shape: grammar.Address()}, {Name: "dev", Shape: grammar.InterfaceName()},
				{Name: "metric", Shape: grammar.NumberOf("a metric from 1 to 999999999", 1, 999999999)},
				{Name: "src", Shape: grammar.Address()},
				{Name: "onlink", Shape: grammar.YesNo("the gateway is believed to be on the link")},
				{Name: "type", Shape: grammar.OneOf(routeTypes()...)}}}}}
	return grammar.Key{Name: "routes", Shape: &grammar.Shape{Form: grammar.Dict,
		Want: "a map from destinations to gateways, as {default: 10.0.0.254}", Of: route, Instead: routesInWords,
		Doc: "default or a prefix: its gateway",
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
}

// routes reads a node's routes and refuses what the kernel would.
func (n *networks) routes(s *nodeDecl, node *topology.Node) {
	type destination struct {
		dst    netip.Prefix
		metric int
	}
	seen := map[destination]problem.Pos{}
	var list []saidRoute
	for v := range n.bodyOf(s).Field("routes").Fields() {
		if routeText(v.Name()) != "" {
			continue
		}
		for _, r := range readRoute(v) {
			if was, twice := seen[destination{r.Dst, r.Metric}]; twice {
				v.Key().Errorf("%s has a route already, in line %d; a second one needs another metric", r.Dst, was.Line)
				continue
			}
			seen[destination{r.Dst, r.Metric}] = v.Key().Pos()
			list = append(list, saidRoute{r, v})
		}
	}
	slices.SortFunc(list, func(x, y saidRoute) int { return compareRoutes(x.Route, y.Route) })
	devices := newReachable()
	for _, r := range list {
		n.routeOK(s, devices, r)
		if r.Dev != "" && !r.Via.IsValid() {
			devices.add(r.Dst, r.Dev, 0)
		}
		node.Routes = append(node.Routes, r.Route)
	}
}

// compareRoutes orders the routes of a node, none of which is twice: those without a gateway come first, since they may
// lead to the gateways of the others.
func compareRoutes(a, b topology.Route) int {
	tier := func(r topology.Route) int {
		if r.Via.IsValid() {
			return 1
		}
		return 0
	}
	return cmp.Or(tier(a)-tier(b), a.Dst.Addr().Compare(b.Dst.Addr()), a.Dst.Bits()-b.Dst.Bits(), a.Metric-b.Metric)
}

// readRoute reads one entry, which is two routes for a list of gateways.
func readRoute(v grammar.Value) []topology.Route {
	r := topology.Route{Type: "unicast"}
	r.Dst, _ = netip.ParsePrefix(v.Name())
	if v.IsMap() {
		return longRoute(r, v)
	}
	if v.IsList() && v.Name() != "default" {
		v.Errorf("a list of gateways belongs to default, one of IPv4 and one of IPv6")
		return nil
	}
	if !v.IsList() {
		return gateways(r, v, v)
	}
	var list []grammar.Value
	for _, g := range v.Items() {
		list = append(list, g)
	}
	return gateways(r, v, list...)
}

// gateways are the routes to a destination by each of some gateways.
func gateways(r topology.Route, v grammar.Value, list ...grammar.Value) []topology.Route {
	var out []topology.Route
	for i, g := range list {
		a, err := netip.ParseAddr(g.Word())
		if err != nil || grammar.AddressText(g.Word()) != "" {
			continue
		}
		r.Via = a
		if v.Name() == "default" {
			r.Dst = everywhere(a.Is6())
		}
		if i > 0 && len(out) > 0 && out[0].Via.Is6() == a.Is6() {
			g.Errorf("two gateways are one of IPv4 and one of IPv6")
			continue
		}
		out = append(out, r)
	}
	return out
}

func everywhere(v6 bool) netip.Prefix {
	if v6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

func longRoute(r topology.Route, v grammar.Value) []topology.Route {
	r.Type = v.Field("type").Text("unicast")
	r.Via, _ = netip.ParseAddr(v.Field("via").Text(""))
	r.Src, _ = netip.ParseAddr(v.Field("src").Text(""))
	r.Dev = v.Field("dev").Text("")
	r.Metric = v.Field("metric").Int(0)
	r.OnLink = v.Field("onlink").Bool(false)
	if !r.Dst.IsValid() {
		r.Dst = everywhere(r.Via.Is6() || r.Src.Is6())
	}
	if !slices.Contains(routeTypes(), r.Type) {
		return nil
	}
	via, dev := v.Has("via"), v.Has("dev")
	switch {
	case r.Type == "unicast" && !via && !dev:
		v.Errorf("a route needs via, dev or both")
	case r.Type != "unicast" && (via || dev || r.OnLink):
		v.Errorf("%s: such a route has no via, dev or onlink", r.Type)
	case r.OnLink && !(via && dev):
		v.Errorf("onlink needs via and dev")
	}
	return []topology.Route{r}
}

// routeOK checks that the kernel would take the route: fib_check_nh() wants a gateway on a connected network.
func (n *networks) routeOK(s *nodeDecl, devices *reachable, r saidRoute) {
	for _, a := range []netip.Addr{r.Via, r.Src} {
		if a.IsValid() && a.Is6() != r.Dst.Addr().Is6() {
			r.value.Errorf("%s and %s are of different families", a, r.Dst)
			return
		}
	}
	if r.Dev != "" && n.at(s, r.Dev) == nil {
		r.value.Field("dev").Errorf("%s has no interface %q%s", s.full, r.Dev, n.doc.Near(r.Dev, n.namesOf(s)))
		return
	}
	own := n.reachableFrom(s)
	if why := own.notAGateway(r.Route); why != "" {
		r.value.Errorf("%s is %s; a gateway has the address of a router", r.Via, why)
		return
	}
	if own.own[r.Via] {
		r.value.Errorf("%s is %s itself; a gateway is another node", r.Via, s.full)
		return
	}
	connected := r.OnLink || !r.Via.IsValid() || r.Via.IsLinkLocalUnicast() && r.Dev != ""
	for _, known := range []*reachable{own, devices} { // a device route makes its destination connected
		if !connected {
			_, connected = known.find(r.Via, r.Dev)
		}
	}
	source := !r.Src.IsValid() || own.own[r.Src]
	if !connected && !own.more {
		r.value.Errorf("%s is on no network of %s%s; the kernel refuses a gateway that it cannot reach directly (or "+
			"write "+
			"{via, dev, onlink: true})",
			r.Via, s.full, own.words)
	}
	if !source && !own.more {
		r.value.Errorf("src %s is not an address of %s", r.Src, s.full)
	}
}

// notAGateway says why no node can be behind a gateway's address: fib_check_nh_v4_gw() and ip6_validate_gw() want that
// of a host. The first address of a network was a broadcast address too before Linux 5.14 (net/ipv4/fib_frontend.c,
// fib_add_ifaddr).
func (r *reachable) notAGateway(route topology.Route) string {
	via := route.Via
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
	if route.OnLink {
		dev = route.Dev
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
