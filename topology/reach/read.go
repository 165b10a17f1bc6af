package reach

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// readARP reads the tables as they are.
func (a *asking) readARP(_ context.Context, at []int) {
	for _, i := range at {
		q := a.out[i].Question
		from, to, err := a.b.ends(q)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		dst := to.IP
		if !dst.IsValid() {
			dst = to.IP6
		}
		if !dst.IsValid() {
			a.fail([]int{i}, fmt.Errorf("%s has no address", q.B))
			continue
		}
		word, exact, err := a.b.holds(a.own, from, dst)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		a.out[i].Got, a.out[i].Exact, a.out[i].Detail = word, exact, fmt.Sprintf("the entry of %s for %s", q.A, dst)
	}
}

// readRoutes asks the kernels of the senders which way they would send.
func (a *asking) readRoutes(_ context.Context, at []int) {
	for _, i := range at {
		q := a.out[i].Question
		from, to, err := a.b.ends(q)
		dst := to.IP
		if !dst.IsValid() {
			dst = to.IP6
		}
		if err == nil && !dst.IsValid() {
			err = fmt.Errorf("%s has no address", q.B)
		}
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		r, err := a.b.machine.Route(from.Node, topology.RouteQuery{Dst: dst})
		switch {
		case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES),
			errors.Is(err, unix.EINVAL):
			a.out[i].Got, a.out[i].Detail = "-", refusedRoute(dst, err)
		case err != nil:
			a.fail([]int{i}, err)
		default:
			a.out[i].Got, a.out[i].Detail = routeWord(a.own, r), "to "+dst.String()
			if r.Via.IsValid() {
				a.out[i].Detail += " via " + r.Via.String()
				a.out[i].Exact = a.own.exactAddr(r.Via)
				for n := range a.out[i].Exact {
					a.out[i].Exact[n] += strings.TrimPrefix(a.out[i].Got, a.own.ofAddr(r.Via))
				}
			}
		}
	}
}

// refusedRoute says why there is no way: no route, or one of a type, or a routing rule, that refuses (ip-route(8),
// ip-rule(8)), by the error that it gives.
func refusedRoute(dst netip.Addr, err error) string {
	kind := ""
	switch {
	case errors.Is(err, unix.EHOSTUNREACH): // no routing rule gives that (fib4_rule_action, net/ipv4/fib_rules.c)
		kind = "an unreachable route to "
	case errors.Is(err, unix.EACCES):
		kind = "a prohibit route or routing rule for "
	case errors.Is(err, unix.EINVAL):
		kind = "a blackhole route or routing rule for "
	default:
		kind = "no route to "
	}
	return kind + dst.String() + ": " + err.Error()
}

func routeWord(own *owners, r topology.RouteAnswer) string {
	if !r.Via.IsValid() {
		return "direct"
	}
	word := own.ofAddr(r.Via)
	if r.Redirected {
		word += "+redirect"
	}
	return word
}

// readFDB reads where bridges have learned addresses, and virtual switches have any.
func (a *asking) readFDB(_ context.Context, at []int) {
	tables := map[[2]string][]topology.FDBEntry{}
	for _, i := range at {
		q := a.out[i].Question
		macs, err := a.macs(q.A)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		node, bridge, err := a.bridge(q.B)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		k := [2]string{node, bridge}
		if _, ok := tables[k]; !ok {
			if tables[k], err = a.b.machine.FDB(node, bridge); err != nil {
				delete(tables, k)
				a.fail([]int{i}, fmt.Errorf("read the forwarding table of %s in %s: %w", q.B, node, err))
				continue
			}
		}
		where := bridge
		if where == "" {
			where = node
		}
		var ports []string
		for _, e := range tables[k] {
			if slices.Contains(macs, e.MAC) && !slices.Contains(ports, e.Port) {
				ports = append(ports, e.Port)
			}
		}
		slices.Sort(ports)
		a.out[i].Got, a.out[i].Detail = "-", fmt.Sprintf("%s has none of %s", where, macList(macs))
		if len(ports) > 0 {
			a.out[i].Got, a.out[i].Detail = strings.Join(ports, "+"), macList(macs)+" in "+where
		}
	}
}

func macList(macs []switchcore.MAC) string {
	words := make([]string, len(macs))
	for i, m := range macs {
		words[i] = m.String()
	}
	return strings.Join(words, " ")
}

// macs are the addresses of a node, an interface or a name.
func (a *asking) macs(text string) ([]switchcore.MAC, error) {
	t, ok := a.b.target(text)
	if !ok {
		return nil, fmt.Errorf("%q is neither a node nor a name of this lab", text)
	}
	var out []switchcore.MAC
	add := func(m switchcore.MAC) {
		if !m.IsZero() && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, n := range a.b.lab.Names {
		if n.Name == t.Name {
			add(n.MAC)
		}
	}
	for _, l := range a.own.links[t.Node] {
		if t.Interface == "" || l.Name == t.Interface {
			add(l.MAC)
		}
	}
	if n := a.b.lab.Node(t.Node); n != nil {
		for _, i := range n.Interfaces {
			if t.Interface == "" || i.Name == t.Interface {
				add(i.MAC)
				add(i.EffectiveMAC)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no MAC address", text)
	}
	return out, nil
}

// bridge finds the bridge that a column of an fdb table names: node:bridge, or a node's own; a virtual switch has no
// other name than its node's.
func (a *asking) bridge(text string) (node, bridge string, err error) {
	name, ifname, _ := strings.Cut(text, ":")
	n := a.b.lab.Node(name)
	if n == nil {
		return "", "", fmt.Errorf("%q is not a node of this lab", name)
	}
	if ifname != "" {
		return name, ifname, nil
	}
	switch n.Kind {
	case topology.Bridge:
		return name, n.Base(), nil
	case topology.VSwitch:
		return name, "", nil
	}
	for _, i := range n.Interfaces {
		if i.Type == topology.BridgeLink {
			return name, i.Name, nil
		}
	}
	return "", "", fmt.Errorf("%s has no bridge", text)
}
