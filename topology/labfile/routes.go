package labfile

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// routes reads a node's routes and refuses what the kernel would.
func (b *build) routes(s *site, n *topology.Node) {
	path := problem.PathKey(b.path(s), "routes")
	type place struct {
		dst    netip.Prefix
		metric int
	}
	type said struct {
		route topology.Route
		val   *yaml.Node
		path  string
	}
	seen := map[place]problem.Pos{}
	var list []said
	for k, v := range entries(b.key(s, "routes")) {
		if routeText(k.Value) != "" {
			continue
		}
		at := problem.PathKey(path, k.Value)
		for _, r := range b.route(k, v, at) {
			if was, twice := seen[place{r.Dst, r.Metric}]; twice {
				b.errorf(k, at, "%s has a route already, in line %d; a second one needs another metric", r.Dst, was.Line)
				continue
			}
			seen[place{r.Dst, r.Metric}] = b.at(k)
			list = append(list, said{r, v, at})
		}
	}
	slices.SortFunc(list, func(x, y said) int { return compareRoutes(x.route, y.route) })
	devices := &reach{order: map[onNet]int{}, are: map[int]bool{}}
	for _, x := range list {
		b.routeOK(s, devices, x.route, x.val, x.path)
		if x.route.Dev != "" && !x.route.Via.IsValid() {
			devices.add(x.route.Dst, x.route.Dev, 0)
		}
		n.Routes = append(n.Routes, x.route)
	}
}

// compareRoutes orders the routes of a node, none of which is twice: those without a gateway come first, since they may lead to
// the gateways of the others.
func compareRoutes(a, b topology.Route) int {
	tier := func(r topology.Route) int {
		if r.Via.IsValid() {
			return 1
		}
		return 0
	}
	return cmp.Or(tier(a)-tier(b), a.Dst.Addr().Compare(b.Dst.Addr()), a.Dst.Bits()-b.Dst.Bits(), a.Metric-b.Metric)
}

// route reads one entry, which is two routes for a list of gateways.
func (b *build) route(k, v *yaml.Node, path string) []topology.Route {
	r := topology.Route{Type: "unicast"}
	r.Dst, _ = netip.ParsePrefix(k.Value)
	var gateways []*yaml.Node
	switch v.Kind {
	case yaml.MappingNode:
		return b.longRoute(r, v, path)
	case yaml.SequenceNode:
		gateways = v.Content
		if k.Value != "default" {
			b.errorf(v, path, "a list of gateways belongs to default, one of IPv4 and one of IPv6")
			return nil
		}
	default:
		gateways = []*yaml.Node{v}
	}
	var out []topology.Route
	for i, g := range gateways {
		a, err := netip.ParseAddr(g.Value)
		if err != nil || addressText(g.Value) != "" {
			continue
		}
		r.Via = a
		if k.Value == "default" {
			r.Dst = everywhere(a.Is6())
		}
		if i > 0 && len(out) > 0 && out[0].Via.Is6() == a.Is6() {
			b.errorf(g, problem.PathIndex(path, i), "two gateways are one of IPv4 and one of IPv6")
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

func (b *build) longRoute(r topology.Route, v *yaml.Node, path string) []topology.Route {
	r.Type = stringOf(field(v, "type"), "unicast")
	r.Via, _ = netip.ParseAddr(stringOf(field(v, "via"), ""))
	r.Src, _ = netip.ParseAddr(stringOf(field(v, "src"), ""))
	r.Dev = stringOf(field(v, "dev"), "")
	r.Metric = intOf(field(v, "metric"), 0)
	r.OnLink = boolOf(field(v, "onlink"), false)
	if !r.Dst.IsValid() {
		r.Dst = everywhere(r.Via.Is6() || r.Src.Is6())
	}
	if !slices.Contains([]string{"unicast", "blackhole", "unreachable", "prohibit"}, r.Type) {
		return nil
	}
	via, dev := field(v, "via") != nil, field(v, "dev") != nil
	switch {
	case r.Type == "unicast" && !via && !dev:
		b.errorf(v, path, "a route needs via, dev or both")
	case r.Type != "unicast" && (via || dev || r.OnLink):
		b.errorf(v, path, "%s: such a route has no via, dev or onlink", r.Type)
	case r.OnLink && !(via && dev):
		b.errorf(v, path, "onlink needs via and dev")
	}
	return []topology.Route{r}
}

// routeOK checks that the kernel would take the route: fib_check_nh() wants a gateway on a connected network.
func (b *build) routeOK(s *site, devices *reach, r topology.Route, v *yaml.Node, path string) {
	for _, a := range []netip.Addr{r.Via, r.Src} {
		if a.IsValid() && a.Is6() != r.Dst.Addr().Is6() {
			b.errorf(v, path, "%s and %s are of different families", a, r.Dst)
			return
		}
	}
	if r.Dev != "" && b.made[topology.End{Node: s.full, Interface: r.Dev}] == nil {
		dev := field(v, "dev")
		b.errorf(dev, problem.PathKey(path, "dev"), "%s has no interface %q%s", s.full, r.Dev, b.Near(r.Dev, b.interfaceNames(s)))
		return
	}
	if why := b.gatewayText(s, r); why != "" {
		b.errorf(v, path, "%s is %s; a gateway has the address of a router", r.Via, why)
		return
	}
	own := b.reachOf(s)
	if own.own[r.Via] {
		b.errorf(v, path, "%s is %s itself; a gateway is another node", r.Via, s.full)
		return
	}
	connected := r.OnLink || !r.Via.IsValid() || r.Via.IsLinkLocalUnicast() && r.Dev != ""
	for _, known := range []*reach{own, devices} { // a device route makes its destination connected
		if !connected {
			_, connected = known.find(r.Via, r.Dev)
		}
	}
	source := !r.Src.IsValid() || own.own[r.Src]
	broken := own.broken || b.hasBadIP(s)
	if !connected && !broken {
		b.errorf(v, path, "%s is on no network of %s%s; the kernel refuses a gateway that it cannot reach directly (or write {via, dev, onlink: true})",
			r.Via, s.full, own.words)
	}
	if !source && !broken {
		b.errorf(v, path, "src %s is not an address of %s", r.Src, s.full)
	}
}

// gatewayText says why no node can be behind a gateway's address: fib_check_nh_v4_gw() and ip6_validate_gw() want that of a host. The
// first address of a network was a broadcast address too before Linux 5.14 (net/ipv4/fib_frontend.c, fib_add_ifaddr).
func (b *build) gatewayText(s *site, r topology.Route) string {
	switch via := r.Via; {
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
	if !r.Via.Is4() {
		return ""
	}
	dev := ""
	if r.OnLink {
		dev = r.Dev
	}
	for p := range b.reachOf(s).around(r.Via, dev) {
		switch {
		case p.Bits() >= 31:
		case r.Via == p.Addr():
			return fmt.Sprintf("the network address of %s", p)
		case r.Via == lastOf(p):
			return fmt.Sprintf("the broadcast address of %s", p)
		}
	}
	return ""
}

// hasBadIP reports whether the node may have more addresses than could be read.
func (b *build) hasBadIP(s *site) bool {
	if s.ipBad == nil {
		bad := len(b.of[s]) == 0
		for k := range entries(b.bodyOf(s)) {
			if spec := b.grammar.kind[s.kind].file.key(k.Value); spec == nil && problem.Suggest(k.Value, []string{"ip", "interfaces"}) != "" {
				bad = true
			}
		}
		if field(b.bodyOf(s), "ip") != nil && len(b.of[s]) != 1 && s.kind != topology.Bridge {
			bad = true
		}
		for _, e := range b.ends[s] {
			bad = bad || e.bad
		}
		s.ipBad = &bad
	}
	return *s.ipBad
}

func (b *build) networks(s *site) string {
	var out []string
	for _, m := range b.of[s] {
		for _, p := range m.Addrs {
			out = append(out, p.Masked().String())
		}
	}
	if len(out) == 0 {
		return ", which has none"
	}
	return fmt.Sprintf(" (%s)", problem.AndList(problem.ClipList(out)))
}

// neighbours reads a node's permanent neighbour entries.
func (b *build) neighbours(s *site, n *topology.Node) {
	path := problem.PathKey(b.path(s), "neigh")
	for k, v := range entries(b.key(s, "neigh")) {
		a, err := netip.ParseAddr(k.Value)
		if err != nil || addressText(k.Value) != "" || v.Kind != yaml.ScalarNode {
			continue
		}
		at := problem.PathKey(path, k.Value)
		e := topology.Neighbour{IP: a, MAC: b.mac(v, at)}
		own := b.reachOf(s)
		broken := own.broken || b.hasBadIP(s)
		if i, ok := own.find(a, ""); ok {
			e.Dev = b.of[s][i].Name
		}
		if e.Dev == "" && len(b.of[s]) == 1 {
			e.Dev = b.of[s][0].Name
		}
		if e.Dev == "" && !broken {
			b.errorf(k, at, "%s is on no network of %s%s, so it belongs to none of its interfaces", a, s.full, own.words)
			continue
		}
		n.Neighbours = append(n.Neighbours, e)
	}
	slices.SortStableFunc(n.Neighbours, func(x, y topology.Neighbour) int { return x.IP.Compare(y.IP) })
}
