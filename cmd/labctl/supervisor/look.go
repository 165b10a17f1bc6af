//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/kernel"
)

// status, like all handlers of this file, only looks: it may run beside whatever changes the lab.
func status(_ context.Context, c *call, _ wire.Nothing) (wire.Status, error) {
	c.mu.Lock()
	st := wire.Status{Lab: c.meta.Instance, File: c.meta.File, Nodes: c.meta.Nodes}
	under := c.story.Under
	c.mu.Unlock()
	st.State, st.Why, st.Doing = c.life.report(under)
	if c.meta.Named && st.State == "running" {
		for _, n := range c.space.Nodes() {
			inode := c.space.Inode(n)
			// One that goes meanwhile is let go of before its name is.
			if !kernel.Exists(c.space.Namespace(n), inode) && inode != 0 && c.space.Inode(n) == inode {
				st.State, st.Why = "degraded", c.space.Namespace(n)+" is gone from "+kernel.NetnsDir
				break
			}
		}
	}
	return st, nil
}

func inspect(ctx context.Context, c *call, p wire.NodesParams) (wire.Inspection, error) {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return wire.Inspection{}, err
	}
	st, err := status(ctx, c, wire.Nothing{})
	if err != nil {
		return wire.Inspection{}, err
	}
	out := wire.Inspection{Format: 1, Status: st, List: []wire.Node{}}
	for _, n := range nodes {
		k := wire.Node{Name: n.Name, Kind: string(n.Kind), Inode: c.space.Inode(n.Name), Interfaces: []wire.Interface{},
			Died: c.commands.deaths(n.Name)}
		if c.meta.Named {
			k.Netns = c.space.Namespace(n.Name)
		}
		links, err := c.space.Tables().Links(n.Name)
		if err != nil {
			if err = c.missing(n.Name, c.named, err); err != nil {
				return wire.Inspection{}, err
			}
			continue
		}
		for _, l := range links {
			if l.Name != topology.LoopbackName || slices.ContainsFunc(l.Addrs, beyondLoopback) {
				k.Interfaces = append(k.Interfaces, iface(n, l))
			}
		}
		out.List = append(out.List, k)
	}
	return out, nil
}

// beyondLoopback reports whether somebody has given "lo" the address.
func beyondLoopback(p netip.Prefix) bool { return !p.Addr().IsLoopback() }

func iface(n *topology.Node, l topology.LinkState) wire.Interface {
	i := wire.Interface{Name: l.Name, MAC: l.MAC.String(), Addrs: []string{}, Up: l.Up, State: l.State, MTU: l.MTU}
	for _, a := range l.Addrs {
		i.Addrs = append(i.Addrs, a.String())
	}
	if f := n.Interface(l.Name); f != nil {
		switch {
		case f.Peer.Node != "":
			i.Peer = f.Peer.String()
		case f.Lower.Node != "":
			i.Peer = f.Lower.String()
		}
	}
	return i
}

// holders maps every MAC of the lab, as the kernel has them now, to the nodes that own it.
func (c *call) holders() (map[switchcore.MAC]string, error) {
	owners := map[switchcore.MAC]string{}
	for _, n := range c.seen.Nodes {
		links, err := c.space.Tables().Links(n.Name)
		if err != nil {
			if err = c.missing(n.Name, false, err); err != nil {
				return nil, err
			}
			continue
		}
		for _, l := range links {
			has := owners[l.MAC]
			switch {
			case l.MAC.IsZero() || has == n.Name || strings.HasSuffix(has, "+"+n.Name):
			case has == "":
				owners[l.MAC] = n.Name
			default:
				owners[l.MAC] = has + "+" + n.Name
			}
		}
	}
	return owners, nil
}

func neigh(_ context.Context, c *call, p wire.NodesParams) ([]wire.Neighbour, error) {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return nil, err
	}
	owners, err := c.holders()
	if err != nil {
		return nil, err
	}
	out := []wire.Neighbour{}
	for _, n := range nodes {
		list, err := c.neighbours(n.Name, owners)
		if err != nil {
			if err = c.missing(n.Name, c.named, err); err != nil {
				return nil, err
			}
		}
		out = append(out, list...)
	}
	return out, nil
}

func (c *call) neighbours(node string, owners map[switchcore.MAC]string) (out []wire.Neighbour, err error) {
	links, err := c.space.Tables().Links(node)
	if err != nil {
		return nil, err
	}
	dev := map[int]string{}
	for _, l := range links {
		dev[l.Index] = l.Name
	}
	for _, family := range kernel.Families {
		list, err := c.space.Tables().Neighbours(node, family)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b topology.NeighbourEntry) int { return a.IP.Compare(b.IP) })
		for _, e := range list {
			k := wire.Neighbour{Node: node, Addr: e.IP.String(), State: e.State, Dev: dev[e.Index]}
			if !e.MAC.IsZero() {
				k.MAC, k.Holder = e.MAC.String(), owners[e.MAC]
			}
			out = append(out, k)
		}
	}
	return out, nil
}

func fdb(_ context.Context, c *call, p wire.NodesParams) ([]wire.FDBEntry, error) {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return nil, err
	}
	owners, err := c.holders()
	if err != nil {
		return nil, err
	}
	out := []wire.FDBEntry{}
	for _, n := range nodes {
		if n.Switch != nil {
			list, err := c.switchTable(n.Name, owners)
			if err != nil {
				if err = c.missing(n.Name, c.named, err); err != nil {
					return nil, err
				}
			}
			out = append(out, list...)
		}
		for _, i := range n.Interfaces {
			list, err := c.forwarding(n, i)
			if err != nil {
				if err = c.missing(n.Name, c.named, err); err != nil {
					return nil, err
				}
			}
			name := n.Name
			if n.Kind != topology.Bridge {
				name += ":" + i.Name
			}
			for _, e := range list {
				k := wire.FDBEntry{Switch: name, MAC: e.MAC.String(), Holder: owners[e.MAC], Port: e.Port, VLAN: e.VLAN}
				if e.Static {
					k.How = "static"
				}
				out = append(out, k)
			}
		}
	}
	return out, nil
}

// forwarding is the forwarding table of a bridge or a VXLAN; other interfaces have none.
func (c *call) forwarding(n *topology.Node, i *topology.Interface) ([]topology.FDBEntry, error) {
	switch {
	case i.Bridge != nil:
		return c.space.Tables().FDB(n.Name, i.Name)
	case i.VXLAN != nil:
		return c.space.Tables().TunnelFDB(n.Name, i.Name)
	}
	return nil, nil
}

func routes(_ context.Context, c *call, p wire.NodesParams) ([]wire.Route, error) {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return nil, err
	}
	out := []wire.Route{}
	for _, n := range nodes {
		list, err := c.space.Tables().Routes(n.Name)
		if err != nil {
			if err = c.missing(n.Name, c.named, err); err != nil {
				return nil, err
			}
		}
		for _, e := range list {
			r := wire.Route{Node: n.Name, Dst: e.Dst, Via: e.Via, Dev: e.Dev, Src: e.Src, Type: e.Type,
				Protocol: e.Protocol, Metric: e.Metric, Table: e.Table}
			for _, h := range e.NextHops {
				r.NextHops = append(r.NextHops, wire.NextHop(h))
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func ipRules(_ context.Context, c *call, p wire.NodesParams) ([]wire.IPRule, error) {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return nil, err
	}
	out := []wire.IPRule{}
	for _, n := range nodes {
		list, err := c.space.Tables().IPRules(n.Name)
		if err != nil {
			if err = c.missing(n.Name, c.named, err); err != nil {
				return nil, err
			}
		}
		for _, r := range list {
			family := map[bool]string{false: "ipv4", true: "ipv6"}[r.V6]
			out = append(out, wire.IPRule{Node: n.Name, Family: family, Priority: r.Priority, Rule: r.Selects()})
		}
	}
	return out, nil
}

// switchTable is the forwarding table of a switch, for "fdb".
func (c *call) switchTable(node string, owners map[switchcore.MAC]string) ([]wire.FDBEntry, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	v, err := c.switches.get(node)
	if err != nil {
		return nil, err
	}
	out := []wire.FDBEntry{}
	v.loop.Do(func(now time.Duration, s *switchcore.Switch) {
		for _, e := range s.Table(now) {
			m := e.MAC
			how := "static"
			if !e.Static {
				how = fmt.Sprintf("learned %s ago", e.Age.Round(time.Second))
			}
			out = append(out, wire.FDBEntry{Switch: node, MAC: m.String(), Holder: owners[m],
				Port: s.Status(e.Port).Name, VLAN: int(e.VLAN), How: how})
		}
	})
	return out, nil
}
