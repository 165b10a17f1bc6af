package labfile

import (
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// switchReader makes the virtual switches, once their interfaces are complete.
type switchReader struct{ *uplinks }

// read makes a node's [topology.Switch].
func (r switchReader) read(s *nodeDecl, n *topology.Node) {
	body := r.bodyOf(s)
	c, _ := switchcore.Preset(s.value.Field("profile").Text("standard"))
	readSpec(&c.Spec, body, r.names)
	for v := range body.Field("groups").Fields() {
		g := switchcore.Group{Name: v.Name(), Overrides: overridesOf(c.Profile, v.Field("port_overrides"))}
		readSpec(&g.Spec, v, r.names)
		c.Groups = append(c.Groups, g)
	}
	switchSettings(&c, body)
	n.Switch = &topology.Switch{Config: c}
	r.ports(s, n.Switch)
	r.knownPorts(s, n.Switch, body.Field("ports"))
	r.mistakes(s, &n.Switch.Config)
}

// ports lists the ports: uplinks first, then the others in the order of their links.
func (r switchReader) ports(s *nodeDecl, sw *topology.Switch) {
	var lent []*holderUplink
	for _, u := range r.held[s] {
		if !u.movedToSwitch {
			lent = append(lent, u)
		}
	}
	own := r.of[s]
	for _, name := range s.value.Field("uplinks").Words() {
		for _, x := range lent {
			if x.name == name {
				r.port(s, sw, x.ifaceBuild, topology.SwitchPort{Name: x.name, At: x.end, Shared: x.shared})
			}
		}
		if len(own) > 0 && own[0].Name == name {
			r.port(s, sw, own[0], topology.SwitchPort{Name: own[0].Name, At: own[0].end})
			own = own[1:]
		}
	}
	for _, m := range own {
		r.port(s, sw, m, topology.SwitchPort{Name: m.Name, At: m.end})
	}
}

// port adds a port.
func (r switchReader) port(s *nodeDecl, sw *topology.Switch, m *ifaceBuild, at topology.SwitchPort) {
	v := r.portOf(s, at.Name)
	p := switchcore.Port{Name: at.Name, Uplink: isUplink(s, at.Name), MTU: m.MTU, Down: !v.Field("up").Bool(true),
		Isolated: v.Field("isolated").Bool(false), Hairpin: v.Field("hairpin").Bool(false)}
	readSpec(&p.Spec, v, r.names)
	if far := r.byEnd[m.Peer]; far != nil { // it takes 4 bytes more than it says (is_skb_forwardable, net/core/dev.c)
		p.MTU = min(p.MTU, far.MTU+4)
		if !p.Uplink {
			at.Far, p.Initial = far.end, far.MAC
		}
	}
	if m.link != nil && !m.movedToSwitch {
		p.Group = m.link.group
	}
	sw.Config.Ports, sw.Ports = append(sw.Config.Ports, p), append(sw.Ports, at)
}

// knownPorts refuses settings of ports that do not exist, and sharing of what nobody else has.
func (r switchReader) knownPorts(s *nodeDecl, sw *topology.Switch, said grammar.Value) {
	var names []string
	uplink := map[string]bool{}
	for _, p := range sw.Config.Ports {
		names = append(names, p.Name)
		uplink[p.Name] = p.Uplink
	}
	for v := range said.Fields() {
		isUp, found := uplink[v.Name()]
		if shared := v.Field("shared"); found && shared.Word() == "true" && !isUp {
			shared.Key().Errorf("%s is not an uplink; only an uplink that is an interface of the node that holds the "+
				"switch "+
				"can be shared", v.Name())
		}
		if !found && grammar.InterfaceName().Refuses(v.Name()) == "" && !isUplink(s, v.Name()) && !r.anyBad(s) {
			near := r.doc.NearOrList(v.Name(), func() []string { return names })
			v.Key().Errorf("%s has no port %q%s", s.full, problem.Clip(v.Name()), near)
		}
	}
}

// mistakes says what the platform does not allow, where the file says it. What the grammar has refused already is not
// among it, nor are groups, which belong to links, and addresses, which belong to what is linked to the ports.
func (r switchReader) mistakes(s *nodeDecl, c *switchcore.Config) {
	if r.anyBad(s) {
		return // a port that could not be made may be the uplink or the port that is missed
	}
	for _, m := range c.Check() {
		if m.Key == "group" || m.Key == "mac" {
			continue
		}
		in := r.bodyOf(s)
		at := in.Key()
		step := func(key string) {
			if in = in.Field(key); in.Given() {
				at = in.Key()
			}
		}
		text := m.Message
		switch {
		case m.Port != "":
			text = s.full + ":" + m.Port + ": " + text
			step("ports")
			step(m.Port)
		case m.Group != "":
			text = s.full + "/" + m.Group + ": " + text
			step("groups")
			step(m.Group)
		case m.Key == "vlan" && strings.HasPrefix(text, "private VLAN"): // the core has no word for the map of them
			m.Key = "pvlans"
		case m.Key == "ports":
			m.Key = "max_ports"
		}
		if m.Key != "" {
			step(m.Key)
		}
		if !r.doc.Refused(at.Path()) {
			at.Errorf("%s", text)
		}
	}
}
