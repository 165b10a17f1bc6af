package labfile

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// fdbShape is "fdb" of a bridge.
func fdbShape() *shape {
	name := &shape{form: formText, want: "a MAC address, a name, a node or node:interface", test: fdbKeyText,
		re: regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?)$`)}
	return &shape{form: formDict, want: "a map from MAC addresses to ports", name: name, of: interfaceName(),
		doc: "static forwarding entries: the port behind which an address is said to be"}
}

// fdbKeyText says why s is nothing that has a MAC address. A node's interface is told from a MAC by its letters and colons.
func fdbKeyText(s string) string {
	node, ifname, two := strings.Cut(s, ":")
	if two && endRE.MatchString(s) && interfaceName().textOK(ifname) == "" && strings.Count(s, ":") == 1 {
		return ""
	}
	if !two && endRE.MatchString(node) && !strings.Contains(node, "/") {
		return ""
	}
	return macText(s)
}

// staticEntries reads "fdb" of all bridges, when every interface has its address.
func (b *build) staticEntries() {
	var ports map[topology.End][]*made
	for _, br := range b.all {
		if br.Type != topology.BridgeLink {
			continue
		}
		body := br.body
		if br.site.kind == topology.Bridge {
			body = b.bodyOf(br.site)
		}
		path := problem.PathKey(br.path, "fdb")
		list := field(body, "fdb")
		if list == nil {
			continue
		}
		if ports == nil {
			ports = b.portsBy()
		}
		own, seen := b.wornBy(br, ports[br.end]), map[switchcore.MAC]bool{}
		for k, v := range entries(list) {
			b.staticEntry(br, own, seen, k, v, problem.PathKey(path, k.Value))
		}
		slices.SortFunc(br.Static, func(x, y topology.StaticEntry) int { return slices.Compare(x.MAC[:], y.MAC[:]) })
	}
}

// portsBy are the ports of all bridges.
func (b *build) portsBy() map[topology.End][]*made {
	out := map[topology.End][]*made{}
	for _, m := range b.all {
		if m.Master != "" {
			at := topology.End{Node: m.site.full, Interface: m.Master}
			out[at] = append(out[at], m)
		}
	}
	return out
}

// wornBy are the addresses of a bridge itself, and whose they are.
func (b *build) wornBy(br *made, ports []*made) map[switchcore.MAC]string {
	own := map[switchcore.MAC]string{br.Wears(): br.Name}
	for _, m := range ports {
		if _, twice := own[m.Wears()]; !twice {
			own[m.Wears()] = m.Name
		}
	}
	return own
}

func (b *build) staticEntry(br *made, own map[switchcore.MAC]string, seen map[switchcore.MAC]bool, k, v *yaml.Node, path string) {
	if fdbKeyText(k.Value) != "" || v.Kind != yaml.ScalarNode || interfaceName().textOK(v.Value) != "" {
		return
	}
	mac := b.fdbMAC(br.site, k, path)
	port := b.made[topology.End{Node: br.site.full, Interface: v.Value}]
	if port == nil || port.Master != br.Name {
		b.errorf(v, path, "%s has no port %q%s", br.Name, v.Value, b.nearOrList(v.Value, func() []string { return b.portsOf(br) }))
		return
	}
	if mac.IsZero() {
		return
	}
	if name, is := own[mac]; is {
		b.errorf(k, path, "%s is the address of %s itself, and what is for it goes to the bridge; no port has it behind it", mac, name)
		return
	}
	if seen[mac] {
		b.errorf(k, path, "%s stands here twice; an address is behind one port", mac)
		return
	}
	seen[mac] = true
	br.Static = append(br.Static, topology.StaticEntry{MAC: mac, Port: v.Value})
}

// portsOf are the names of a bridge's ports.
func (b *build) portsOf(br *made) []string {
	var out []string
	for _, m := range b.of[br.site] {
		if m.Master == br.Name {
			out = append(out, m.Name)
		}
	}
	return out
}

// fdbMAC is the address that a key of "fdb" stands for: a MAC, an entry of "names", or that of a node's interface, as its kernel has it.
func (b *build) fdbMAC(s *site, k *yaml.Node, path string) switchcore.MAC {
	if m, err := switchcore.ParseMAC(k.Value); err == nil {
		return m
	}
	node, ifname, _ := strings.Cut(k.Value, ":")
	if b.names[node] != nil && ifname == "" {
		return b.mac(k, path)
	}
	of, why := b.lookup(s, node)
	if of == nil {
		b.errorf(k, path, "%s, and it is not a name under \"names\"", why)
		return switchcore.MAC{}
	}
	if of.skip {
		return switchcore.MAC{}
	}
	if ifname == "" {
		return b.onlyMAC(of, k, path)
	}
	m := b.made[topology.End{Node: of.full, Interface: ifname}]
	if to, taken := b.alias[topology.End{Node: of.full, Interface: ifname}]; taken {
		m = b.made[to]
	}
	if m == nil {
		b.errorf(k, path, "%s has no interface %q%s", of.full, ifname, b.Near(ifname, b.interfaceNames(of)))
		return switchcore.MAC{}
	}
	return b.knownMAC(m, k, path)
}

// onlyMAC is the address of a node that has one interface, or that of the bridge of a bridge node.
func (b *build) onlyMAC(s *site, k *yaml.Node, path string) switchcore.MAC {
	list := b.of[s]
	switch {
	case s.kind == topology.VSwitch:
		b.errorf(k, path, "%s is a virtual switch, and has no address", s.full)
		return switchcore.MAC{}
	case s.kind == topology.Bridge:
		list = list[:min(1, len(list))]
	case len(list) == 0:
		b.errorf(k, path, "%s has no interface; link it to something", s.full)
		return switchcore.MAC{}
	case len(list) > 1:
		b.errorf(k, path, "%s has %s interfaces, %s: write %s:INTERFACE", s.full, problem.Amount(len(list)), problem.AndList(problem.ClipList(b.interfaceNames(s)())), s.full)
		return switchcore.MAC{}
	}
	return b.knownMAC(list[0], k, path)
}

func (b *build) knownMAC(m *made, k *yaml.Node, path string) switchcore.MAC {
	if m.Wears().IsZero() {
		b.errorf(k, path, "%s takes the lowest address of its ports; give it a \"mac\" to be named here", m.end)
	}
	return m.Wears()
}
