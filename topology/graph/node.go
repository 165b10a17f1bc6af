package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/topology"
)

// nodeOf is a node as it is drawn.
func nodeOf(n *topology.Node) Node {
	out := Node{Name: n.Name, Holder: holderOf(n.Name), Kind: string(n.Kind), Interfaces: []Interface{}}
	for _, i := range n.Interfaces {
		out.Interfaces = append(out.Interfaces, interfaceOf(n, i))
	}
	if n.Loopback != nil {
		out.Interfaces = append(out.Interfaces, interfaceOf(n, n.Loopback))
	}
	if n.Kind == topology.Bridge { // the bridge is the node
		if br := n.Interface(n.Base()); br != nil {
			out.Settings = bridgeSettings(br.Bridge)
		}
	}
	if n.Switch != nil {
		out.addSwitch(n)
	}
	return out
}

func interfaceOf(n *topology.Node, i *topology.Interface) Interface {
	out := Interface{Name: i.Name, Type: string(i.Type), Mode: i.Mode, Down: !i.Up}
	for _, a := range i.Addrs {
		out.Addresses = append(out.Addresses, a.String())
	}
	for _, p := range n.Interfaces {
		if i.Bridge != nil && p.Master == i.Name {
			out.Ports = append(out.Ports, p.Name)
		}
	}
	if i.Bridge != nil && n.Kind != topology.Bridge {
		out.Settings = bridgeSettings(i.Bridge)
	}
	if i.Port != nil {
		out.VLAN, out.Settings = portVLAN(i.Port.VLAN), portSettings(i.Port)
	}
	if i.VXLAN != nil {
		out.Settings = append(out.Settings, tunnelSettings(i.VXLAN)...)
	}
	if i.Flags != "" && i.Flags != "bridge" {
		out.Settings = append(out.Settings, "flags "+i.Flags)
	}
	if i.Promisc {
		out.Settings = append(out.Settings, "promisc true")
	}
	switch {
	case i.Peer.Node != "":
		out.Peer = i.Peer.String()
	case i.Lower.Node != "":
		out.On = i.Lower.String()
	}
	if i.Type == topology.VLAN {
		out.VLAN = strconv.Itoa(i.VLANID)
	}
	return out
}

// addSwitch adds what a virtual switch says of itself, of its port groups and of its ports.
func (n *Node) addSwitch(of *topology.Node) {
	c := of.Switch.Config
	if n.Profile = c.Preset; n.Profile == "" {
		n.Profile = switchcore.PresetNames()[c.Profile]
	}
	for _, g := range c.Groups {
		n.Groups = append(n.Groups, Group{Name: g.Name})
	}
	vlans := map[string]string{}
	if running, err := switchcore.New(c); err == nil { // what Load made is valid
		for _, id := range running.Ports() {
			st := running.Status(id)
			vlans[st.Name] = st.VLAN
		}
	}
	for k, p := range c.Ports {
		i := n.port(p.Name, of.Switch.Ports[k])
		i.Group, i.Down = p.Group, i.Down || p.Down
		if v := vlans[p.Name]; v != "-" && v != "0" && !p.Uplink {
			i.VLAN = v
		}
		if p.Uplink {
			i.Settings = append(i.Settings, "uplink true")
		}
		for _, s := range []struct {
			said bool
			key  string
		}{{p.Isolated, "isolated"}, {p.Hairpin, "hairpin"}} {
			if s.said {
				i.Settings = append(i.Settings, s.key+" true")
			}
		}
	}
	for _, d := range c.Departures() {
		n.depart(d)
	}
}

// port is the interface of a port, or one made for a port that is an interface of the holder.
func (n *Node) port(name string, at topology.SwitchPort) *Interface {
	for i := range n.Interfaces {
		if n.Interfaces[i].Name == name {
			return &n.Interfaces[i]
		}
	}
	n.Interfaces = append(n.Interfaces, Interface{Name: name, Type: "inlet", On: at.At.String()})
	return &n.Interfaces[len(n.Interfaces)-1]
}

// depart notes a policy that differs from the default, where it is said. The VLAN of a port is shown as such.
func (n *Node) depart(d switchcore.Departure) {
	text := d.Key + " " + d.Value
	switch d.At {
	case switchcore.LevelGroup:
		for i := range n.Groups {
			if n.Groups[i].Name == d.Name {
				n.Groups[i].Settings = append(n.Groups[i].Settings, text)
			}
		}
	case switchcore.LevelPort:
		for i := range n.Interfaces {
			if n.Interfaces[i].Name == d.Name && d.Key != "vlan" {
				n.Interfaces[i].Settings = append(n.Interfaces[i].Settings, text)
			}
		}
	default:
		n.Settings = append(n.Settings, text)
	}
}

// bridgeSettings are those of a Linux bridge that differ from the kernel's, by the keys of a lab file.
func bridgeSettings(b *topology.BridgeSettings) []string {
	d := topology.DefaultBridgeSettings()
	var out []string
	say := func(key string, is, was any) {
		if is != was {
			out = append(out, fmt.Sprintf("%s %v", key, is))
		}
	}
	say("ageing", b.Ageing, d.Ageing)
	say("stp", b.STP, d.STP)
	for _, t := range []struct {
		key     string
		is, was time.Duration
	}{{"forward_delay", b.ForwardDelay, d.ForwardDelay}, {"hello_time", b.HelloTime, d.HelloTime},
		{"max_age", b.MaxAge, d.MaxAge}} {
		say(t.key, t.is, t.was)
	}
	say("vlan_filtering", b.VLANFiltering, d.VLANFiltering)
	say("mcast_snooping", b.McastSnooping, d.McastSnooping)
	say("mcast_querier", b.Mcast.Querier, d.Mcast.Querier)
	is, was := b.Mcast, d.Mcast
	for k, t := range is.Intervals() {
		say(t.Name, *t.Value, *was.Intervals()[k].Value)
	}
	say("group_fwd_mask", b.GroupFwdMask, d.GroupFwdMask)
	say("priority", b.Priority, d.Priority)
	return out
}

// portSettings are those of a port of a Linux bridge that differ from the kernel's.
func portSettings(p *topology.PortSettings) []string {
	d := topology.DefaultPortSettings()
	var out []string
	for _, s := range []struct {
		key     string
		is, was bool
	}{{"learning", p.Learning, d.Learning}, {"flood", p.Flood, d.Flood}, {"mcast_flood", p.McastFlood, d.McastFlood},
		{"bcast_flood", p.BcastFlood, d.BcastFlood}, {"isolated", p.Isolated, d.Isolated},
		{"hairpin", p.Hairpin, d.Hairpin}, {"locked", p.Locked, d.Locked}, {"mab", p.MAB, d.MAB},
		{"neigh_suppress", p.NeighSuppress, d.NeighSuppress}, {"bpdu_guard", p.BPDUGuard, d.BPDUGuard}} {
		if s.is != s.was {
			out = append(out, s.key+" "+strconv.FormatBool(s.is))
		}
	}
	for _, s := range []struct {
		key     string
		is, was int
	}{{"cost", p.Cost, d.Cost}, {"priority", p.Priority, d.Priority}, {"mcast_router", p.McastRouter, d.McastRouter},
		{"group_fwd_mask", int(p.GroupFwdMask), int(d.GroupFwdMask)}} {
		if s.is != s.was {
			out = append(out, s.key+" "+strconv.Itoa(s.is))
		}
	}
	return out
}

// tunnelSettings are what tells one VXLAN from another, and what differs from the usual, by the keys of a lab file.
func tunnelSettings(v *topology.VXLAN) []string {
	out := []string{"id " + strconv.Itoa(v.ID)}
	say := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	if len(v.Remotes) > 0 {
		out = append(out, "remote "+strings.Trim(fmt.Sprint(v.Remotes), "[]"))
	}
	say(v.Group.IsValid(), "group "+v.Group.String())
	say(v.Local.IsValid(), "local "+v.Local.String())
	say(v.DstPort != topology.VXLANPort, "dstport "+strconv.Itoa(v.DstPort))
	say(v.TTL != 0, "ttl "+strconv.Itoa(v.TTL))
	say(v.DF != "unset", "df "+v.DF)
	say(!v.Learning, "learning false")
	for _, e := range v.FDB {
		say(true, "fdb "+e.MAC.String()+" "+e.Remote.String())
	}
	return out
}

// portVLAN is the VLAN membership of a port of a Linux bridge: 10, "tagged 10,20-30" or "1, tagged 10".
func portVLAN(v *topology.PortVLAN) string {
	if v == nil {
		return ""
	}
	var words []string
	if v.PVID != 0 {
		words = append(words, strconv.Itoa(v.PVID))
	}
	var ranges []string
	for _, r := range v.Tagged {
		text := strconv.Itoa(r.First)
		if r.Last != r.First {
			text += "-" + strconv.Itoa(r.Last)
		}
		ranges = append(ranges, text)
	}
	if len(ranges) > 0 {
		words = append(words, "tagged "+strings.Join(ranges, ","))
	}
	return strings.Join(words, ", ")
}

// said are settings as a drawing has them: one that is true is its key alone.
func said(settings []string) []string {
	out := slices.Clone(settings)
	for i, s := range out {
		out[i] = strings.TrimSuffix(s, " true")
	}
	return out
}
