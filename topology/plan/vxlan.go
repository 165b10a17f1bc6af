package plan

import (
	"fmt"
	"slices"
	"strconv"

	"labctl/switchcore"
	"labctl/topology"
)

type (
	// AddVXLAN makes a VXLAN interface in Node, down, whose packets leave from the node of Lower, or from Node itself
	// where Lower is zero. Only the default entry of its forwarding table is made.
	AddVXLAN struct {
		Node, Name string
		Lower      topology.End
		MAC        switchcore.MAC
		MTU        int
		VXLAN      topology.VXLAN
	}

	// SetVXLAN changes what differs between two states of a VXLAN, but for its entries. What it has learned stays.
	SetVXLAN struct {
		Node, Name string
		From, To   topology.VXLAN
	}

	// AddTunnelEntry adds a static entry to a VXLAN's forwarding table. For the zero MAC it is one more beside others;
	// for another MAC it replaces what there is.
	AddTunnelEntry struct {
		Node, Name string
		topology.TunnelEntry
	}

	// DelTunnelEntry removes it. One that is gone is no error.
	DelTunnelEntry struct {
		Node, Name string
		topology.TunnelEntry
	}
)

func (o AddVXLAN) shell(ns func(string) string) string {
	under := o.Node
	if o.Lower.Node != "" {
		under = o.Lower.Node
	}
	s := "ip -n " + ns(under) + " link add name " + o.Name
	if under != o.Node {
		s += " netns " + ns(o.Node)
	}
	v := &o.VXLAN
	s += fmt.Sprintf(" address %s mtu %d type vxlan id %d", o.MAC, o.MTU, v.ID)
	if o.Lower.Node != "" {
		s += " dev " + o.Lower.Interface
	}
	s += fmt.Sprintf(" dstport %d", v.DstPort)
	if v.Group.IsValid() {
		s += " group " + v.Group.String()
	}
	usual := topology.VXLAN{Group: v.Group, DF: "unset", Learning: true, Ageing: usualAgeing}
	return s + vxlanArgs(&usual, v)
}

// usualAgeing is the kernel's (FDB_AGE_DEFAULT, drivers/net/vxlan).
const usualAgeing = 300e9

func (o SetVXLAN) shell(ns func(string) string) string {
	return linkSet(ns(o.Node), o.Name, "type vxlan"+vxlanArgs(&o.From, &o.To))
}

// vxlanArgs are the words of ip-link(8) for what differs.
func vxlanArgs(from, to *topology.VXLAN) string {
	var s string
	add := func(differs bool, words string) {
		if differs {
			s += " " + words
		}
	}
	add(from.Default() != to.Default(), "remote "+to.Default().String())
	add(from.Local != to.Local, "local "+to.Local.String())
	ttl := "auto"
	if to.TTL != 0 {
		ttl = strconv.Itoa(to.TTL)
	}
	add(from.TTL != to.TTL, "ttl "+ttl)
	add(from.DF != to.DF, "df "+to.DF)
	add(from.Learning != to.Learning, map[bool]string{true: "learning", false: "nolearning"}[to.Learning])
	add(from.Ageing != to.Ageing, fmt.Sprintf("ageing %d", int(to.Ageing.Seconds())))
	return s
}

func (o AddTunnelEntry) shell(ns func(string) string) string {
	verb := "replace"
	if o.MAC.IsZero() {
		verb = "append"
	}
	return fmt.Sprintf("bridge -n %s fdb %s %s dev %s dst %s", ns(o.Node), verb, o.MAC, o.Name, o.Remote)
}

func (o DelTunnelEntry) shell(ns func(string) string) string {
	return tolerant(fmt.Sprintf("bridge -n %s fdb del %s dev %s dst %s", ns(o.Node), o.MAC, o.Name, o.Remote))
}

// tunnelsOf calls f with each VXLAN, the entries that it has, and those that it is to have.
func (d *differ) tunnelsOf(new *topology.Lab,
	f func(node string, i *topology.Interface, was, now []topology.TunnelEntry, made bool)) {
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			if i.VXLAN == nil {
				continue
			}
			var was []topology.TunnelEntry
			made := d.made[topology.End{Node: n.Name, Interface: i.Name}]
			if !made {
				was = d.old[n.Name].Interface(i.Name).VXLAN.Entries()
			}
			f(n.Name, i, was, i.VXLAN.Entries(), made)
		}
	}
}

// dropTunnelEntries takes away entries of VXLANs that are no more. It comes before the default changes: what was an
// entry may be the default then, and the kernel has both only once (vxlan_changelink, drivers/net/vxlan).
func (d *differ) dropTunnelEntries(new *topology.Lab) {
	d.tunnelsOf(new, func(node string, i *topology.Interface, was, now []topology.TunnelEntry, _ bool) {
		for _, e := range was {
			if !slices.Contains(now, e) {
				d.say(node, "%s: fdb %s dst %s -> -", i.Name, e.MAC, e.Remote)
				d.add(DelTunnelEntry{node, i.Name, e})
			}
		}
	})
}

// addTunnelEntries adds those that are new.
func (d *differ) addTunnelEntries(new *topology.Lab) {
	d.tunnelsOf(new, func(node string, i *topology.Interface, was, now []topology.TunnelEntry, made bool) {
		for _, e := range now {
			if slices.Contains(was, e) {
				continue
			}
			if !made {
				d.say(node, "%s: fdb %s dst %s", i.Name, e.MAC, e.Remote)
			}
			d.add(AddTunnelEntry{node, i.Name, e})
		}
	})
}
