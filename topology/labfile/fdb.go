package labfile

import (
	"regexp"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// fdbShape is "fdb" of a bridge.
func fdbShape(set bool) *grammar.Shape {
	name := &grammar.Shape{Form: grammar.Text, Want: "a MAC address, a name, a node or node:interface",
		Test: fdbKeyText,
		RE:   regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?)$`)}
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from MAC addresses to ports", Name: name,
		Of:  grammar.InterfaceName(),
		Doc: "static forwarding entries: the port behind which an address is said to be", Removed: "static entry",
		Removes: set}
}

// fdbKeyText says why s is nothing that has a MAC address. A node's interface is told from a MAC by its letters and
// colons.
func fdbKeyText(s string) string {
	node, ifname, two := strings.Cut(s, ":")
	if two && endRE.MatchString(s) && grammar.InterfaceName().Refuses(ifname) == "" && strings.Count(s, ":") == 1 {
		return ""
	}
	if !two && endRE.MatchString(node) && !strings.Contains(node, "/") {
		return ""
	}
	return grammar.MACText(s)
}

// staticEntries reads "fdb" of all bridges, when every interface has its address.
type staticEntries struct{ *ifaces }

func (e staticEntries) read() {
	var ports map[topology.End][]*ifaceBuild
	for _, br := range e.all {
		if br.Type != topology.BridgeLink {
			continue
		}
		list := e.bridgeSays(br).Field("fdb")
		if !list.Given() {
			continue
		}
		if ports == nil {
			ports = e.portsByBridge()
		}
		own, seen := ownAddresses(br, ports[br.end]), map[switchcore.MAC]bool{}
		for v := range list.Fields() {
			e.entry(br, own, seen, v)
		}
		slices.SortFunc(br.Static, func(x, y topology.StaticEntry) int { return slices.Compare(x.MAC[:], y.MAC[:]) })
	}
}

// bridgeSays is where the file says what a bridge is like: the node's own keys, or those of an entry of "interfaces".
func (x *ifaces) bridgeSays(br *ifaceBuild) grammar.Value {
	if br.node.body == bridgeBody {
		return x.bodyOf(br.node)
	}
	return br.entry
}

// portsByBridge are the ports of all bridges.
func (e staticEntries) portsByBridge() map[topology.End][]*ifaceBuild {
	out := map[topology.End][]*ifaceBuild{}
	for _, m := range e.all {
		if m.Master != "" {
			out[m.bridgeOf()] = append(out[m.bridgeOf()], m)
		}
	}
	return out
}

// ownAddresses are the addresses of a bridge itself, and whose they are.
func ownAddresses(br *ifaceBuild, ports []*ifaceBuild) map[switchcore.MAC]string {
	own := map[switchcore.MAC]string{br.Wears(): br.Name}
	for _, m := range ports {
		if _, twice := own[m.Wears()]; !twice {
			own[m.Wears()] = m.Name
		}
	}
	return own
}

func (e staticEntries) entry(br *ifaceBuild, own map[switchcore.MAC]string, seen map[switchcore.MAC]bool,
	v grammar.Value) {
	if fdbKeyText(v.Name()) != "" || !v.IsSingle() || grammar.InterfaceName().Refuses(v.Word()) != "" {
		return
	}
	mac := e.mac(br.node, v.Key())
	port := e.at(br.node, v.Word())
	if port == nil || port.Master != br.Name {
		v.Errorf("%s has no port %q%s", br.Name, v.Word(), e.doc.NearOrList(v.Word(), e.portsOf(br)))
		return
	}
	if mac.IsZero() {
		return
	}
	if name, is := own[mac]; is {
		v.Key().Errorf("%s is the address of %s itself, and what is for it goes to the bridge; no port has it behind "+
			"it",
			mac, name)
		return
	}
	if seen[mac] {
		v.Key().Errorf("%s appears here twice; an address is behind one port", mac)
		return
	}
	seen[mac] = true
	br.Static = append(br.Static, topology.StaticEntry{MAC: mac, Port: v.Word()})
}

// mac is the address that a key of "fdb" is for: a MAC, an entry of "names", or that of a node's interface, as its
// kernel has it.
func (e staticEntries) mac(s *nodeDecl, key grammar.Value) switchcore.MAC {
	if m, err := switchcore.ParseMAC(key.Word()); err == nil {
		return m
	}
	node, ifname, _ := strings.Cut(key.Word(), ":")
	if e.names.by[node] != nil && ifname == "" {
		return e.names.mac(key)
	}
	of, why := e.lookup(s, node)
	if of == nil {
		key.Errorf("%s, and it is not a name under \"names\"", why)
		return switchcore.MAC{}
	}
	if of.skip {
		return switchcore.MAC{}
	}
	if ifname == "" {
		return e.onlyMAC(of, key)
	}
	m := e.at(of, ifname)
	if to, moved := e.moved[topology.End{Node: of.full, Interface: ifname}]; moved {
		m = e.byEnd[to]
	}
	if m == nil {
		key.Errorf("%s has no interface %q%s", of.full, ifname, e.doc.Near(ifname, e.namesOf(of)))
		return switchcore.MAC{}
	}
	return knownMAC(m, key)
}

// onlyMAC is the address of a node that has one interface, or that of the bridge of a bridge node.
func (e staticEntries) onlyMAC(s *nodeDecl, key grammar.Value) switchcore.MAC {
	list := e.of[s]
	switch {
	case s.body == switchBody:
		key.Errorf("%s is a virtual switch, and has no address", s.full)
		return switchcore.MAC{}
	case s.body == bridgeBody:
		list = list[:min(1, len(list))]
	case len(list) == 0:
		key.Errorf("%s has no interface; link it to something", s.full)
		return switchcore.MAC{}
	case len(list) > 1:
		key.Errorf("%s has %s interfaces, %s: write %s:INTERFACE", s.full, problem.Amount(len(list)),
			problem.AndList(problem.ClipList(e.namesOf(s)())), s.full)
		return switchcore.MAC{}
	}
	return knownMAC(list[0], key)
}

func knownMAC(m *ifaceBuild, key grammar.Value) switchcore.MAC {
	if m.Wears().IsZero() {
		key.Errorf("%s takes the lowest address of its ports; give it a \"mac\" to be named here", m.end)
	}
	return m.Wears()
}
