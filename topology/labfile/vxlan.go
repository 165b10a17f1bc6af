package labfile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// maxRemotes keeps a file from naming more remotes than a kernel sends copies to in a reasonable time.
const maxRemotes = 1024

// vxlanShape is "vxlan" of an interface: the words of ip-link(8). In a set it is laid over what is there.
func vxlanShape(set bool) *grammar.Shape {
	ageing := grammar.Duration("how long a learned remote is kept (default 300s)")
	ageing.Test = func(s string) string {
		if why := grammar.Duration("").Refuses(s); why != "" {
			return why
		}
		// The kernel takes 0 for its own default (vxlan_config_validate, drivers/net/vxlan).
		if d, _ := time.ParseDuration(s); d < time.Second || d%time.Second != 0 {
			return s + " does not fit; a VXLAN counts in whole seconds, from 1s on"
		}
		return ""
	}
	remote := grammar.Address()
	return &grammar.Shape{Form: grammar.Object, Want: "a VXLAN, as {id: 10, remote: 10.0.0.2, dev: eth0}",
		Doc: "a VXLAN interface (RFC 7348)",
		Keys: []grammar.Key{
			{Name: "id", Must: !set, Shape: grammar.NumberOf("a VNI from 0 to 16777215", 0, 1<<24-1)},
			{Name: "dev", Shape: lowerShape("the interface that it goes over; it says the MTU")},
			{Name: "remote", Shape: &grammar.Shape{Form: grammar.Either, Want: "an address or a list of addresses",
				Doc: "where frames for nobody known go: each remote gets a copy (head-end replication)",
				Any: []*grammar.Shape{remote, {Form: grammar.List, Want: "a list of addresses", Of: remote, Min: 1,
					Max: maxRemotes}}}},
			{Name: "group", Bars: []string{"remote"}, Shape: grammar.Address().With("a multicast group, as remote")},
			{Name: "local", Shape: grammar.Address().With("the outer source address")},
			{Name: "dstport", Shape: grammar.NumberOf("a port from 1 to 65535", 1, 65535).With("default 4789")},
			{Name: "ttl", Shape: grammar.NumberOf("a TTL from 1 to 255", 1, 255)},
			{Name: "df", Shape: grammar.OneOf("unset", "set", "inherit").With("of the outer packets")},
			{Name: "learning", Shape: grammar.YesNo("remotes are learned from frames (default true)")},
			{Name: "ageing", Shape: ageing},
			{Name: "fdb", Shape: &grammar.Shape{Form: grammar.Dict, Want: "a map from MAC addresses to remotes",
				Name: fdbShape(set).Name, Of: grammar.Address(), Doc: "static entries: behind which remote a MAC is",
				Removed: "static entry", Removes: set}},
		},
		Hints: map[string]string{
			"vni":     `unknown key; write "id"`,
			"port":    `unknown key; write "dstport"`,
			"remotes": `unknown key; write "remote: [A, B]"`,
			"mtu":     `belongs to the interface: write it beside "vxlan"`,
			"ip":      `belongs to the interface: write it beside "vxlan"`,
		}}
}

// readVXLAN reads a VXLAN, but for its static entries.
func readVXLAN(v grammar.Value) *topology.VXLAN {
	out := &topology.VXLAN{ID: v.Field("id").Int(0), DstPort: v.Field("dstport").Int(topology.VXLANPort),
		TTL: v.Field("ttl").Int(0), DF: v.Field("df").Text("unset"), Learning: v.Field("learning").Bool(true),
		Ageing: v.Field("ageing").Duration(300 * time.Second)}
	out.Group, _ = netip.ParseAddr(v.Field("group").Text(""))
	out.Local, _ = netip.ParseAddr(v.Field("local").Text(""))
	for a := range v.Field("remote").OneOrMore() {
		remote, err := netip.ParseAddr(a.Word())
		switch {
		case err != nil:
		case slices.Contains(out.Remotes, remote):
			a.Errorf("%s appears here twice", remote)
		default:
			out.Remotes = append(out.Remotes, remote)
		}
	}
	return out
}

// tunnels checks the VXLANs of a lab, whose other interfaces are known.
type tunnels struct{ *ifaces }

// under is the node that sends a VXLAN's packets.
func (m *ifaceBuild) under() *nodeDecl {
	if m.above != nil {
		return m.above.node
	}
	return m.node
}

// check refuses what the kernel would refuse of a VXLAN, or never send.
func (t tunnels) check() {
	type number struct {
		node     *nodeDecl
		id, port int
		v6       bool
	}
	seen := map[number]*ifaceBuild{}
	for _, m := range t.all {
		if m.VXLAN == nil || !m.tunnel.IsMap() {
			continue
		}
		t.addresses(m)
		x := number{m.under(), m.VXLAN.ID, m.VXLAN.DstPort, m.VXLAN.V6()}
		was := seen[x]
		if seen[x] = m; was != nil {
			m.tunnel.Key().Errorf("%s has a VXLAN with id %d and dstport %d already, %s (line %d), and the kernel "+
				"takes no second one", x.node.full, x.id, x.port, was.Name, was.Pos.Line)
		}
	}
}

// addresses checks the outer addresses of a VXLAN.
func (t tunnels) addresses(m *ifaceBuild) {
	v := m.tunnel
	group := v.Field("group")
	switch {
	case !m.VXLAN.Group.IsValid():
	case !m.VXLAN.Group.IsMulticast():
		group.Errorf("%s is not a multicast address; for one remote write \"remote\"", m.VXLAN.Group)
	case !v.Has("dev"):
		group.Key().Errorf("needs \"dev\": a multicast group is joined on an interface")
	}
	for _, key := range []string{"group", "remote", "local"} {
		for a := range v.Field(key).OneOrMore() {
			t.address(m, key, a)
		}
	}
}

// address checks one of them.
func (t tunnels) address(m *ifaceBuild, key string, v grammar.Value) {
	a, err := netip.ParseAddr(v.Word())
	if err != nil {
		return
	}
	switch {
	case a.Is6() != m.VXLAN.V6():
		v.Errorf("%s is of another family than the other outer addresses of %s", a, m.Name)
	case key == "remote" && a.IsMulticast():
		v.Errorf("%s is a multicast address; write \"group: %s\" and \"dev\"", a, a)
	case key != "group" && (a.IsUnspecified() || a.IsMulticast()):
		v.Errorf("%s is not the address of a node", a)
	case key == "local" && !t.owns(m.under(), a):
		v.Errorf("local %s is not an address of %s", a, m.under().full)
	}
}

// owns reports whether a node has an address, or may have.
func (t tunnels) owns(s *nodeDecl, a netip.Addr) bool {
	return t.mayHaveMore(s) || slices.ContainsFunc(t.of[s], func(m *ifaceBuild) bool {
		return m.broken || slices.ContainsFunc(m.Addrs, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}

// entries reads "fdb" of all VXLANs, when every interface has its address.
func (t tunnels) entries() {
	for _, m := range t.all {
		if m.VXLAN == nil {
			continue
		}
		seen := map[switchcore.MAC]bool{}
		for v := range m.tunnel.Field("fdb").Fields() {
			remote, err := netip.ParseAddr(v.Word())
			if fdbKeyText(v.Name()) != "" || err != nil {
				continue
			}
			mac := staticEntries(t).mac(m.node, v.Key())
			switch {
			case mac.IsZero():
				continue
			case seen[mac]:
				v.Key().Errorf("%s appears here twice; an address is behind one remote", mac)
			}
			t.address(m, "remote", v)
			seen[mac] = true
			m.VXLAN.FDB = append(m.VXLAN.FDB, topology.TunnelEntry{MAC: mac, Remote: remote})
		}
		slices.SortFunc(m.VXLAN.FDB, func(x, y topology.TunnelEntry) int { return slices.Compare(x.MAC[:], y.MAC[:]) })
	}
}

// warn says what is legal and probably not meant.
func (t tunnels) warn(has map[netip.Addr]bool) {
	for _, m := range t.all {
		if m.VXLAN == nil {
			continue
		}
		out := t.wayOut(m)
		for a := range m.tunnel.Field("remote").OneOrMore() {
			if remote, err := netip.ParseAddr(a.Word()); err == nil && !has[remote] {
				a.Warnf("no node has %s", remote)
			}
		}
		if room := m.VXLAN.Headroom(); out != nil && m.MTU+room > out.MTU {
			at := m.ownMTU
			if !at.Given() {
				at = m.key
			}
			at.Warnf("packets of %s with more than %d bytes do not fit into the %d of %s, by which they leave: with "+
				"the outer header they grow by %d%s", m.end, out.MTU-room, out.MTU, out.end, room, byDevice(m, out))
		}
	}
}

// byDevice says how to get an MTU that fits.
func byDevice(m, out *ifaceBuild) string {
	if m.above != nil {
		return ""
	}
	return fmt.Sprintf("; write \"mtu: %d\", or \"dev: %s\", by which the kernel finds it itself",
		out.MTU-m.VXLAN.Headroom(), strings.TrimPrefix(out.end.String(), m.node.full+":"))
}

// wayOut is the interface on whose network the first remote is; nil if that is not known.
func (t tunnels) wayOut(m *ifaceBuild) *ifaceBuild {
	to := m.VXLAN.Default()
	for _, o := range t.of[m.under()] {
		if o != m && slices.ContainsFunc(o.Addrs, func(p netip.Prefix) bool { return p.Contains(to) }) {
			return o
		}
	}
	return nil
}
