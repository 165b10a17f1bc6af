package topology

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/topology/problem"
)

// Target is what a row or a column of a table means.
type Target struct {
	Text      string     // as written
	Node      string     // full node name, "" for an entry of "names"
	Interface string     // "" unless written node:if
	Name      string     // entry of "names", else ""
	IP        netip.Addr // first address in file order, or that of the name; zero if it has none
	IP6       netip.Addr // the first IPv6 address, or that of the name
}

// Target finds what the text of a row or column means: a node by its full name, an interface as node:interface, or
// an entry of "names". IP is the first IPv4 address in file order, IP6 the first IPv6 address; both are zero for a
// target that has none, as a bridge may well be. An interface that its node's virtual switch has taken is one of the
// switch's node. The second result is false when the text means nothing in this lab.
func (l *Lab) Target(text string) (Target, bool) {
	if e := l.entries[text]; e != nil { // no node has such a name
		return e.target(), true
	}
	node, ifname, hasIf := strings.Cut(text, ":")
	if n := l.Node(node); n != nil {
		if to, taken := l.aliases[End{node, ifname}]; taken {
			return Target{Text: text, Node: to.Node, Interface: to.Interface}, true
		}
		if hasIf && n.Interface(ifname) == nil && (ifname != LoopbackName || n.Loopback == nil) {
			return Target{}, false
		}
		return Target{Text: text, Node: node, Interface: ifname,
			IP: n.FirstAddr(ifname, false), IP6: n.FirstAddr(ifname, true)}, true
	}
	if e := l.Entry(text); e != nil {
		return e.target(), true
	}
	return Target{}, false
}

// Entry is the entry of "names" of that name, or nil.
func (l *Lab) Entry(name string) *NamedEnd {
	if l.entries != nil {
		return l.entries[name]
	}
	for i := range l.Names {
		if l.Names[i].Name == name {
			return &l.Names[i]
		}
	}
	return nil
}

func (e *NamedEnd) target() Target {
	t := Target{Text: e.Name, Name: e.Name}
	if e.IP.Is4() {
		t.IP = e.IP
	} else {
		t.IP6 = e.IP
	}
	return t
}

// Index makes finding by name fast, of nodes and of entries of "names", and notes which interfaces a virtual switch has
// taken, and where they are now. It is for who makes a lab, before anybody shares it.
func (l *Lab) Index(names map[string]*NamedEnd, taken map[End]End) {
	l.entries, l.aliases = names, taken
	l.reindex()
}

func (l *Lab) reindex() {
	l.byName = make(map[string]int, len(l.Nodes))
	for i, n := range l.Nodes {
		l.byName[n.Name] = i
	}
}

// Index makes finding interfaces by name fast. It is for who makes a lab, before anybody shares it.
func (n *Node) Index() {
	n.byName = make(map[string]int, len(n.Interfaces))
	for i, x := range n.Interfaces {
		n.byName[x.Name] = i
	}
}

// FirstAddr is the first address of the family in file order, of one interface unless ifname is "". Interfaces are in
// the order in which they are made, which is not the file's: a bridge comes before its ports.
func (n *Node) FirstAddr(ifname string, v6 bool) netip.Addr {
	var first netip.Addr
	var at problem.Pos
	for _, i := range n.Addressed() {
		if ifname != "" && i.Name != ifname {
			continue
		}
		for _, p := range i.Addrs {
			if p.Addr().Is4() == v6 {
				continue
			}
			if !first.IsValid() || i.Pos.Before(at) {
				first, at = p.Addr(), i.Pos
			}
			break
		}
	}
	return first
}

// bridgeOf returns the node and the bridge that an fdb column means: a bridge node, or node:bridge.
func (l *Lab) bridgeOf(text string) (*Node, *Interface) {
	node, ifname, hasIf := strings.Cut(text, ":")
	n := l.Node(node)
	if n == nil || !hasIf && n.Kind != Bridge {
		return nil, nil
	}
	if !hasIf {
		ifname = n.Base()
	}
	if i := n.Interface(ifname); i != nil && i.Type == BridgeLink {
		return n, i
	}
	return nil, nil
}

// SwitchPorts returns the node that an fdb column means, a virtual switch, a bridge node or node:bridge, and its ports;
// nil when it means nothing that learns.
func (l *Lab) SwitchPorts(text string) (*Node, []string) {
	if n := l.Node(text); n != nil && n.Switch != nil {
		ports := []string{}
		for _, p := range n.Switch.Ports {
			ports = append(ports, p.Name)
		}
		return n, ports
	}
	n, br := l.bridgeOf(text)
	if n == nil {
		return nil, nil
	}
	ports := []string{}
	for _, i := range n.Interfaces {
		if i.Master == br.Name {
			ports = append(ports, i.Name)
		}
	}
	return n, ports
}

// Rule takes node/set/rule apart. The last result is false when this lab has no such rule.
func (l *Lab) Rule(text string) (node, set, rule string, ok bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return "", "", "", false
	}
	node, set, rule = parts[0], parts[1], parts[2]
	n := l.Node(node)
	if n == nil {
		return node, set, rule, false
	}
	s := n.RuleSet(set)
	return node, set, rule, s != nil && s.Has(rule)
}

// PortOf resolves switch:port or node:interface; an interface that a switch has taken is the switch's port. ports are
// what the node has instead when there is no such one.
func (l *Lab) PortOf(text string) (n *Node, ok bool, ports []string) {
	node, name, has := strings.Cut(text, ":")
	if n = l.Node(node); n == nil {
		return nil, false, nil
	}
	if to, taken := l.aliases[End{node, name}]; taken {
		return l.Node(to.Node), true, nil
	}
	if n.Switch != nil {
		for _, p := range n.Switch.Ports {
			ports = append(ports, p.Name)
		}
	} else {
		for _, i := range n.Interfaces {
			ports = append(ports, i.Name)
		}
	}
	return n, has && slices.Contains(ports, name), ports
}
