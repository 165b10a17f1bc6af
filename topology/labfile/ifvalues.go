package labfile

import (
	"net/netip"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// shortForms applies what stands at hosts, once it is known which interfaces are left to them.
func (b *build) shortForms() {
	for _, s := range b.sites {
		if b.node[s] != nil && s.kind != topology.Bridge && s.kind != topology.VSwitch {
			b.shortForm(s, field(b.bodyOf(s), "interfaces"))
		}
	}
}

// shortForm applies what stands at the node to its only interface.
func (b *build) shortForm(s *site, list *yaml.Node) {
	body := b.bodyOf(s)
	for _, name := range []string{"ip", "mac", "effective_mac", "mtu", "promisc"} {
		k, v := entry(body, name)
		if v == nil {
			continue
		}
		path := problem.PathKey(b.path(s), name)
		have := b.of[s]
		if len(have) == 0 { // its only interface may be its switch's by now
			for _, x := range s.inner {
				for _, u := range b.borrowed[x] {
					have = append(have, u.made)
				}
			}
		}
		if len(have) != 1 {
			if len(have) == 0 {
				if len(b.ends[s]) == 0 && (len(b.links) > 0 || !b.failed()) {
					b.errorf(k, path, "%s has no interface; link it to something", s.full)
				}
				continue
			}
			var names []string
			for _, m := range have {
				names = append(names, m.Name)
			}
			b.errorf(k, path, "%s has %s interfaces, %s: write %q under one of them in \"interfaces\"", s.full, problem.Amount(len(have)), problem.AndList(problem.ClipList(names)), name)
			continue
		}
		if inner := field(list, have[0].Name); inner != nil && (field(inner, name) != nil || name == "ip" && inner.Kind != yaml.MappingNode) {
			b.errorf(k, path, "stands under interfaces.%s too; write it once", have[0].Name)
			continue
		}
		have[0].path = b.path(s)
		b.values(have[0], &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{k, v}}, b.path(s))
	}
}

// values reads the keys that every interface has.
func (b *build) values(m *made, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		b.ip(m, n, path)
		return
	}
	if v := field(n, "ip"); v != nil {
		b.ip(m, v, problem.PathKey(path, "ip"))
	}
	if v := field(n, "mac"); v != nil {
		m.MAC, m.ownMAC = b.mac(v, problem.PathKey(path, "mac")), v
	}
	if v := field(n, "effective_mac"); v != nil {
		m.EffectiveMAC = b.mac(v, problem.PathKey(path, "effective_mac"))
	}
	if v := field(n, "mtu"); v != nil {
		m.MTU, m.ownMTU, m.mtuPath = intOf(v, m.MTU), v, problem.PathKey(path, "mtu")
	}
	if v := field(n, "up"); v != nil {
		m.Up = boolOf(v, true)
	}
	if v := field(n, "promisc"); v != nil {
		m.Promisc = boolOf(v, false)
	}
}

// ip adds addresses.
func (b *build) ip(m *made, n *yaml.Node, path string) {
	list := items(n)
	if n.Kind == yaml.ScalarNode {
		list = []*yaml.Node{n}
	}
	for _, v := range list {
		p, err := netip.ParsePrefix(v.Value)
		if err != nil || prefixText(v.Value) != "" {
			m.broken = true
			continue
		}
		if m.has[p] {
			b.errorf(v, path, "%s stands here twice", p)
		}
		if m.has == nil {
			m.has = map[netip.Prefix]bool{}
		}
		m.has[p] = true
		m.Addrs = append(m.Addrs, p)
		m.addrs = append(m.addrs, v)
	}
}

// mac reads a MAC or the name of one.
func (b *build) mac(n *yaml.Node, path string) switchcore.MAC {
	if strings.Contains(n.Value, ":") || n.Kind != yaml.ScalarNode || macOrNameText(n.Value) != "" {
		m, _ := switchcore.ParseMAC(n.Value)
		return m
	}
	e := b.names[n.Value]
	if e == nil {
		known := func() (out []string) {
			for _, x := range b.lab.Names {
				out = append(out, x.Name)
			}
			return out
		}
		b.errorf(n, path, "%q is neither a MAC address nor a name under \"names\"%s", problem.Clip(n.Value), b.Near(n.Value, known))
		return switchcore.MAC{}
	}
	if e.MAC.IsZero() {
		b.errorf(n, path, "%q has no \"mac\" under \"names\"", n.Value)
	}
	return e.MAC
}
