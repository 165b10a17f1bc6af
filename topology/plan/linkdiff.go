package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"labctl/topology"
)

// links makes every interface that is to be made: all bridges, then what may be a port of one or stacked on one.
func (d *differ) links(new *topology.Lab) {
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			if i.Type == topology.BridgeLink && d.made[topology.End{Node: n.Name, Interface: i.Name}] {
				d.add(AddBridge{n.Name, i.Name, i.MAC, i.MTU, *i.Bridge})
			}
		}
	}
	done := map[topology.End]bool{}
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			d.link(n, i, done)
		}
	}
	for _, n := range new.Nodes {
		d.reattach(n)
	}
	d.changeLinks(new)
}

func (d *differ) link(n *topology.Node, i *topology.Interface, done map[topology.End]bool) {
	e := topology.End{Node: n.Name, Interface: i.Name}
	if !d.made[e] || done[e] || i.Type == topology.BridgeLink {
		return
	}
	done[e] = true
	if i.Type == topology.Veth {
		peer := d.new[i.Peer.Node].Interface(i.Peer.Interface)
		near, far := i, peer
		nearNode, farNode := n.Name, i.Peer.Node
		if near.Master == "" && far.Master != "" {
			near, far, nearNode, farNode = far, near, farNode, nearNode
		}
		done[i.Peer] = true
		d.bornUp[topology.End{Node: nearNode, Interface: near.Name}] = near.Up
		d.add(AddVeth{vethEnd(nearNode, near), vethEnd(farNode, far)})
		if far.Master != "" {
			d.add(SetMaster{farNode, far.Name, far.Master})
		}
		return
	}
	if lower := d.new[i.Lower.Node]; lower != nil {
		d.link(lower, lower.Interface(i.Lower.Interface), done)
	}
	if i.VXLAN != nil {
		d.add(AddVXLAN{n.Name, i.Name, i.Lower, i.MAC, i.MTU, *i.VXLAN})
	} else {
		d.add(AddUpper{n.Name, i.Name, i.Type, i.Lower, i.Mode, i.Flags, i.Sources, i.VLANID, i.MAC, i.MTU})
	}
	if i.Master != "" {
		d.add(SetMaster{n.Name, i.Name, i.Master})
	}
}

func vethEnd(node string, i *topology.Interface) VethEnd {
	return VethEnd{Node: node, Name: i.Name, MAC: i.MAC, MTU: i.MTU, Master: i.Master, Up: i.Up}
}

// reattach puts surviving ports back under a bridge that was rebuilt.
func (d *differ) reattach(n *topology.Node) {
	for _, i := range n.Interfaces {
		if i.Master != "" && !d.made[topology.End{Node: n.Name, Interface: i.Name}] &&
			d.made[topology.End{Node: n.Name, Interface: i.Master}] {
			d.add(SetMaster{n.Name, i.Name, i.Master})
		}
	}
}

// changeLinks changes in place what differs on interfaces, rebuilt or not.
func (d *differ) changeLinks(new *topology.Lab) {
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			made := d.made[topology.End{Node: n.Name, Interface: i.Name}]
			was := freshly(i)
			if !made {
				was = d.old[n.Name].Interface(i.Name)
			}
			d.changeLink(n.Name, was, i, made)
			if i.Bridge != nil && was.MTU == i.MTU && d.adjusted(n, i) {
				d.add(SetMTU{n.Name, i.Name, i.MTU})
			}
		}
		for _, s := range n.Sysctls {
			if dev := ofInterface(n, s.Key); dev != "" && d.made[topology.End{Node: n.Name, Interface: dev}] {
				d.add(SetSysctl{n.Name, s})
			}
		}
	}
}

// adjusted reports whether the kernel gives a bridge another MTU than it should have, because of its ports: it takes
// the lowest of them whenever one comes or changes, until somebody sets the bridge's own (br_mtu_auto_adjust,
// net/bridge/br_if.c).
func (d *differ) adjusted(n *topology.Node, br *topology.Interface) bool {
	lowest, news := 0, false
	for _, i := range n.Interfaces {
		if i.Master != br.Name {
			continue
		}
		if lowest == 0 || i.MTU < lowest {
			lowest = i.MTU
		}
		news = news || d.made[topology.End{Node: n.Name, Interface: i.Name}] ||
			d.made[topology.End{Node: n.Name, Interface: br.Name}] || d.old[n.Name].Interface(i.Name).MTU != i.MTU
	}
	return news && lowest > 0 && lowest != br.MTU
}

// freshly is what an interface is like right after it was made.
func freshly(i *topology.Interface) *topology.Interface {
	return &topology.Interface{Name: i.Name, Type: i.Type, MAC: i.MAC, MTU: i.MTU, Bridge: i.Bridge, VXLAN: i.VXLAN,
		Port: new(topology.DefaultPortSettings())}
}

func (d *differ) changeLink(node string, was, i *topology.Interface, made bool) {
	say := func(what string, from, to any) {
		if !made {
			d.say(node, "%s: %s %v -> %v", i.Name, what, from, to)
		}
	}
	if was.MTU != i.MTU {
		say("mtu", was.MTU, i.MTU)
		d.add(SetMTU{node, i.Name, i.MTU})
	}
	if was.Wears() != i.Wears() && !i.Wears().IsZero() {
		say("mac", was.Wears(), i.Wears())
		d.add(SetMAC{node, i.Name, i.Wears()})
	}
	if was.Promisc != i.Promisc {
		say("promisc", was.Promisc, i.Promisc)
		d.add(SetPromisc{node, i.Name, i.Promisc})
	}
	if i.Bridge != nil && *was.Bridge != *i.Bridge {
		words := func(from, to topology.BridgeSettings) string {
			return strings.TrimSpace(bridgeArgs(from, to) + querierArg(from, to))
		}
		say("bridge", words(*i.Bridge, *was.Bridge), words(*was.Bridge, *i.Bridge))
		d.add(SetBridge{node, i.Name, *was.Bridge, *i.Bridge})
	}
	if i.VXLAN != nil && !i.VXLAN.SameSettings(was.VXLAN) {
		say("vxlan", strings.TrimSpace(vxlanArgs(i.VXLAN, was.VXLAN)), strings.TrimSpace(vxlanArgs(was.VXLAN, i.VXLAN)))
		d.add(SetVXLAN{node, i.Name, *was.VXLAN, *i.VXLAN})
	}
	if i.Port != nil && !samePort(was.Port, i.Port) {
		op := SetPort{node, i.Name, topology.DefaultPortSettings(), *i.Port}
		if was.Port != nil {
			op.From = *was.Port
		}
		if !made {
			d.say(node, "%s: port settings", i.Name)
		}
		d.add(op)
	}
}

func samePort(a, b *topology.PortSettings) bool {
	if a == nil {
		a = new(topology.DefaultPortSettings())
	}
	x, y := *a, *b
	x.VLAN, y.VLAN = nil, nil
	if x != y || (a.VLAN == nil) != (b.VLAN == nil) {
		return false
	}
	return a.VLAN == nil || a.VLAN.PVID == b.VLAN.PVID && slices.Equal(a.VLAN.Tagged, b.VLAN.Tagged)
}

// bridgeArgs are the words of ip-link(8) for what differs. Times are in hundredths of a second there.
func bridgeArgs(from, to topology.BridgeSettings) string {
	var s string
	add := func(differs bool, key, value string) {
		if differs {
			s += " " + key + " " + value
		}
	}
	ticks := func(from, to time.Duration, key string) {
		add(from != to, key, strconv.FormatInt(to.Milliseconds()/10, 10))
	}
	ticks(from.ForwardDelay, to.ForwardDelay, "forward_delay")
	ticks(from.HelloTime, to.HelloTime, "hello_time")
	ticks(from.MaxAge, to.MaxAge, "max_age")
	ticks(from.Ageing, to.Ageing, "ageing_time")
	add(from.STP != to.STP, "stp_state", zeroOne(to.STP))
	add(from.Priority != to.Priority, "priority", strconv.Itoa(int(to.Priority)))
	add(from.VLANFiltering != to.VLANFiltering, "vlan_filtering", zeroOne(to.VLANFiltering))
	add(from.McastSnooping != to.McastSnooping, "mcast_snooping", zeroOne(to.McastSnooping))
	add(from.GroupFwdMask != to.GroupFwdMask, "group_fwd_mask", strconv.Itoa(int(to.GroupFwdMask)))
	was, is := from.Mcast.Intervals(), to.Mcast.Intervals()
	for k := range is {
		ticks(*was[k].Value, *is[k].Value, is[k].Name)
	}
	return s
}

// querierArg is what bridgeArgs leaves out, and what comes in a command of its own behind it: when a bridge begins to
// ask, it believes in its groups after the response interval that it has then (br_multicast_set_querier in
// net/bridge/br_multicast.c), and in one request it takes the intervals last (br_changelink in br_netlink.c).
func querierArg(from, to topology.BridgeSettings) string {
	if from.Mcast.Querier == to.Mcast.Querier {
		return ""
	}
	return " mcast_querier " + zeroOne(to.Mcast.Querier)
}

// setBridge is how a bridge is changed, a command a line.
func setBridge(ns, name string, from, to topology.BridgeSettings) (lines []string) {
	for _, args := range []string{bridgeArgs(from, to), querierArg(from, to)} {
		if args != "" {
			lines = append(lines, "ip -n "+ns+" link set dev "+name+" type bridge"+args)
		}
	}
	return lines
}
