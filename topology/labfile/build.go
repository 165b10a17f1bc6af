package labfile

import (
	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// site is what the lab of the file and those of all its steps have in common: the nodes, the cables and the names, none
// of which a step changes, and what would take long to make again.
type site struct {
	doc    *grammar.Document
	root   grammar.Value
	cables *cabling
	names  *nameTable

	budget  *budget
	sysctls *sysctlMemory
	rules   *ruleMemory
	macs    map[topology.End]switchcore.MAC // derived addresses: a step must not move them
}

// newSite reads the nodes and links of a document.
func newSite(doc *grammar.Document, root grammar.Value) *site {
	t := newTree(doc, root, nodeKinds())
	s := &site{doc: doc, root: root, cables: newCabling(t), budget: &budget{},
		sysctls: &sysctlMemory{pinned: map[*nodeDecl]*pinned{}},
		rules:   newRuleMemory(), macs: map[topology.End]switchcore.MAC{}}
	s.cables.checkGroups()
	s.names = newNameTable(t, root.Field("names"))
	return s
}

// labBuild is one lab and what it was made of: that of the file, or of a step.
type labBuild struct {
	*ifaces
	uplinks *uplinks
	rules   *ruleReader
	lab     *topology.Lab
	node    map[*nodeDecl]*topology.Node
	sysctls *sysctls
}

// build makes the lab of nodes as they are after a step; of those that no step has changed, as the file has them.
// Everything that is wrong is reported.
func (t *site) build(after bodies) *labBuild {
	x := newIfaces(t.cables, t.names, t.root.Field("mtu").Int(1500), after)
	b := &labBuild{ifaces: x, node: map[*nodeDecl]*topology.Node{},
		lab: &topology.Lab{Name: t.root.Field("lab").Text(""),
			Needs: t.root.Field("needs").Words(), KernelTimers: t.root.Has("timers"), Names: t.names.list}}
	reader := interfaceReader{x}
	for _, s := range x.tree.all {
		if s.skip {
			continue
		}
		n := &topology.Node{Name: s.full, Kind: s.kind.name, Pos: s.value.Key().Pos()}
		b.node[s] = n
		b.lab.Nodes = append(b.lab.Nodes, n)
		reader.read(s)
	}
	b.uplinks = newUplinks(x)
	b.uplinks.shortForms(reader)
	stack := stacking{x}
	stack.lowers()
	stack.masters()
	b.uplinks.check()
	stack.loops()
	stack.sizes()
	tunnels{x}.check()
	b.layer3(t, stack)
	(&macGiver{ifaces: x, lab: b.lab.Name, derived: t.macs}).give()
	staticEntries{x}.read()
	tunnels{x}.entries()
	b.each(func(s *nodeDecl, n *topology.Node) {
		if s.body == switchBody {
			switchReader{b.uplinks}.read(s, n)
		}
	})
	b.rules = &ruleReader{doc: x.doc, memory: t.rules, budget: t.budget, needs: b.lab.Needs,
		guards: &guardReader{ifaces: x, nodes: b.node, memory: t.rules, budget: t.budget}}
	b.each(func(s *nodeDecl, n *topology.Node) { b.rules.read(s, n, x.bodyOf(s)) })
	b.lab.Index(t.names.by, x.moved)
	return b
}

// each calls f with every node that is made, in the order of the file.
func (b *labBuild) each(f func(*nodeDecl, *topology.Node)) {
	for _, s := range b.tree.all {
		if n := b.node[s]; n != nil {
			f(s, n)
		}
	}
}

// layer3 reads what nodes have above their interfaces.
func (b *labBuild) layer3(t *site, stack stacking) {
	nets := &networks{ifaces: b.ifaces, known: map[*nodeDecl]*reachable{}}
	b.sysctls = &sysctls{ifaces: b.ifaces, sysctlMemory: t.sysctls, root: t.root}
	b.each(func(s *nodeDecl, n *topology.Node) {
		stack.order(s, n)
		if lo := b.lo[s]; lo != nil && len(lo.Addrs) > 0 {
			n.Loopback = lo.Interface
		}
		b.ipv6(s, n, t.root.Field("ipv6").Bool(false))
		nets.routes(s, n)
		nets.ipRules(s, n)
		nets.neighbours(s, n)
		b.sysctls.pin(s, n)
		readRun(s, n)
	})
}

// ipv6 says whether the node has IPv6: when the lab or the node says so, and when it has such an address anyway. The
// namespace of a virtual switch never has: its ports must not speak for themselves.
func (b *labBuild) ipv6(s *nodeDecl, n *topology.Node, everywhere bool) {
	own := b.bodyOf(s).Field("ipv6")
	n.IPv6 = own.Bool(everywhere) && s.body != switchBody
	for _, m := range b.withLoopback(s) {
		for i, p := range m.Addrs {
			if p.Addr().Is4() {
				continue
			}
			if !own.Bool(true) {
				own.Warnf("is false, but %s has an IPv6 address, %s, and so the node has IPv6; leave one of them out",
					m.Name, p)
			}
			n.IPv6 = true
			// RFC 8200 section 5; the kernel takes IPv6 off an interface below it (net/ipv6/addrconf.c,
			// NETDEV_CHANGEMTU).
			if m.MTU < 1280 {
				m.addrs[i].Errorf("%s has an MTU of %d, and IPv6 needs 1280", m.Name, m.MTU)
			}
		}
	}
}
