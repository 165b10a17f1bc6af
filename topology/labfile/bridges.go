package labfile

import (
	"strconv"
	"time"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// maxPorts is the number of ports of a Linux bridge (BR_MAX_PORTS of net/bridge/br_private.h, port 0 being none).
const maxPorts = 1023

// bridgeKeys are the keys of a Linux bridge, of a bridge node or in a host.
func bridgeKeys(needs []string, set bool) []grammar.Key {
	mask := grammar.NumberOf("a mask from 0 to 65528 without bits 0 to 2, which the kernel refuses", 0, 65528)
	mask.Step = 8
	keys := []grammar.Key{
		{Name: "ageing", Shape: grammar.Ticks(0, grammar.MaxDuration,
			"how long a learned address is kept; 0s makes a hub")},
		{Name: "stp", Shape: grammar.YesNo("spanning tree")},
		{Name: "forward_delay", Shape: grammar.Ticks(2*time.Second, 30*time.Second,
			"how long a port of a spanning tree listens, and then learns, before it forwards (default 15s)")},
		{Name: "hello_time", Shape: grammar.Ticks(time.Second, 10*time.Second,
			"how often the root of the spanning tree sends (default 2s)")},
		{Name: "max_age", Shape: grammar.Ticks(6*time.Second, 40*time.Second,
			"how long a port of a spanning tree believes what it heard (default 20s)")},
		{Name: "vlan_filtering", Shape: grammar.YesNo("ports have VLANs")},
		{Name: "mcast_snooping", Shape: grammar.YesNo("multicast goes to those who asked for it (default true)")},
		{Name: "mcast_querier", Shape: grammar.YesNo("it asks itself who has joined a group")},
		{Name: "group_fwd_mask", Shape: mask},
		{Name: "priority", Shape: grammar.NumberOf("a priority from 0 to 65535", 0, 65535)},
		{Name: "ports", Shape: &grammar.Shape{Form: grammar.Dict, Want: "a map from ports to their settings",
			Name: grammar.InterfaceName(), Of: portShape(), Max: maxPorts}},
		{Name: "fdb", Shape: fdbShape(set)},
	}
	for _, t := range new(topology.McastSettings).Intervals() {
		keys = append(keys, grammar.Key{Name: t.Name, Shape: grammar.Ticks(t.Low, t.High, t.Doc)})
	}
	for i := range keys {
		keys[i].Needs = needs
	}
	return keys
}

func bridgeSettings(v grammar.Value) *topology.BridgeSettings {
	usual := topology.DefaultBridgeSettings()
	mcast := usual.Mcast
	mcast.Querier = v.Field("mcast_querier").Bool(false)
	for _, t := range mcast.Intervals() {
		*t.Value = v.Field(t.Name).Duration(*t.Value)
	}
	return &topology.BridgeSettings{
		Ageing:        v.Field("ageing").Duration(300 * time.Second),
		STP:           v.Field("stp").Bool(false),
		ForwardDelay:  v.Field("forward_delay").Duration(usual.ForwardDelay),
		HelloTime:     v.Field("hello_time").Duration(usual.HelloTime),
		MaxAge:        v.Field("max_age").Duration(usual.MaxAge),
		VLANFiltering: v.Field("vlan_filtering").Bool(false),
		McastSnooping: v.Field("mcast_snooping").Bool(true),
		GroupFwdMask:  uint16(v.Field("group_fwd_mask").Int(0)),
		Priority:      uint16(v.Field("priority").Int(32768)),
		Mcast:         mcast,
	}
}

// portFlags are the keys of a port that are true or false, and what they set.
var portFlags = []struct {
	key string
	of  func(*topology.PortSettings) *bool
}{
	{"learning", func(p *topology.PortSettings) *bool { return &p.Learning }},
	{"flood", func(p *topology.PortSettings) *bool { return &p.Flood }},
	{"mcast_flood", func(p *topology.PortSettings) *bool { return &p.McastFlood }},
	{"bcast_flood", func(p *topology.PortSettings) *bool { return &p.BcastFlood }},
	{"isolated", func(p *topology.PortSettings) *bool { return &p.Isolated }},
	{"hairpin", func(p *topology.PortSettings) *bool { return &p.Hairpin }},
	{"locked", func(p *topology.PortSettings) *bool { return &p.Locked }},
	{"mab", func(p *topology.PortSettings) *bool { return &p.MAB }},
	{"neigh_suppress", func(p *topology.PortSettings) *bool { return &p.NeighSuppress }},
	{"bpdu_guard", func(p *topology.PortSettings) *bool { return &p.BPDUGuard }},
}

// portShape is an entry of "ports" of a bridge.
func portShape() *grammar.Shape {
	keys := []grammar.Key{}
	for _, f := range portFlags {
		keys = append(keys, grammar.Key{Name: f.key, Shape: grammar.YesNo("")})
	}
	return &grammar.Shape{Form: grammar.Object, Want: "a port", Keys: append(keys,
		grammar.Key{Name: "up", Shape: grammar.YesNo("")},
		grammar.Key{Name: "mtu", Shape: mtuShape()},
		grammar.Key{Name: "cost", Shape: grammar.NumberOf("a cost from 1 to 65535", 1, 65535)},
		grammar.Key{Name: "priority", Shape: grammar.NumberOf("a port's priority from 0 to 63", 0, 63)},
		grammar.Key{Name: "mcast_router", Shape: grammar.NumberOf("0 (never), 1 (while queries come in there) or 2 "+
			"(always)", 0, 2).With("whether all multicast goes there, as to a router")},
		grammar.Key{Name: "group_fwd_mask", Shape: grammar.NumberOf("a mask from 0 to 65533 without bit 1, which the "+
			"kernel refuses", 0, 65533).With("link-local groups that are forwarded from there: 4 is LACP")},
		grammar.Key{Name: "vlan", Shape: &grammar.Shape{Form: grammar.Either,
			Want: `a VLAN (untagged), "10,20-30" (tagged) or {pvid, tagged}`, Any: []*grammar.Shape{
				grammar.VLANID(), grammar.VLANs(),
				{Form: grammar.Object, Want: "{pvid, tagged}", Keys: []grammar.Key{
					{Name: "pvid", Shape: grammar.VLANID()}, {Name: "tagged", Shape: grammar.VLANs()}}}}}})}
}

func newPort() *topology.PortSettings {
	p := topology.DefaultPortSettings()
	return &p
}

// portSettings applies "ports" of a bridge, where the file says what it is like, to its ports.
func (x *ifaces) portSettings(br *ifaceBuild, said grammar.Value) {
	for v := range said.Field("ports").Fields() {
		m := x.at(br.node, v.Name())
		if m == nil || m.Master != br.Name {
			if grammar.InterfaceName().Refuses(v.Name()) == "" {
				v.Key().Errorf("%s has no port %q%s", br.Name, v.Name(), x.doc.NearOrList(v.Name(), x.portsOf(br)))
			}
			continue
		}
		p := m.Port
		for _, f := range portFlags {
			*f.of(p) = v.Field(f.key).Bool(*f.of(p))
		}
		p.Cost = v.Field("cost").Int(0)
		p.Priority = v.Field("priority").Int(p.Priority)
		p.McastRouter = v.Field("mcast_router").Int(p.McastRouter)
		portMask(p, v.Field("group_fwd_mask"))
		if p.MAB && !(p.Locked && p.Learning) {
			v.Field("mab").Key().Errorf("the kernel wants a port that is locked and learns; write \"locked: true\"")
		}
		m.Up = m.Up && v.Field("up").Bool(true)
		portMTU(m, v)
		if vlan := v.Field("vlan"); vlan.Given() {
			p.VLAN = portVLAN(vlan)
			if !br.Bridge.VLANFiltering {
				vlan.Key().Errorf("%s does not filter VLANs; write \"vlan_filtering: true\" at the bridge", br.Name)
			}
		}
	}
}

// portMask reads the group_fwd_mask of a port. Bit 1 is of pause frames, which never leave a link (IEEE 802.3, 31B).
func portMask(p *topology.PortSettings, v grammar.Value) {
	p.GroupFwdMask = uint16(v.Int(0))
	if p.GroupFwdMask&2 != 0 && p.GroupFwdMask <= 65533 {
		v.Errorf("%d has bit 1, of 01:80:c2:00:00:01, which the kernel forwards from no port", p.GroupFwdMask)
	}
}

// portMTU reads "mtu" of a port, which an interface of a host may have in its own place too.
func portMTU(m *ifaceBuild, port grammar.Value) {
	v := port.Field("mtu")
	switch {
	case !v.Given():
	case m.ownMTU.Given() && (m.node.body != switchBody || m.movedToSwitch):
		v.Key().Errorf("is also given at interface %s, in line %d; write it once", m.Name, m.ownMTU.Pos().Line)
	default:
		m.MTU, m.ownMTU = v.Int(m.MTU), v
	}
}

func portVLAN(v grammar.Value) *topology.PortVLAN {
	if v.IsMap() {
		tagged, _ := grammar.ParseVLANs(v.Field("tagged").Text(""))
		return &topology.PortVLAN{PVID: v.Field("pvid").Int(0), Tagged: tagged}
	}
	if id, err := strconv.Atoi(v.Word()); err == nil { // with quotes or without: it must not hang on them
		return &topology.PortVLAN{PVID: id}
	}
	tagged, _ := grammar.ParseVLANs(v.Word())
	return &topology.PortVLAN{Tagged: tagged}
}
