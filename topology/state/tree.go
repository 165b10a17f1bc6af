package state

import (
	"cmp"
	"fmt"
	"strings"

	"labctl/switchcore"
)

// trees gives every bridge its tree, and every port its state.
func (m *maker) trees() {
	m.stacked()
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			if br := &n.Interfaces[k]; br.Bridge != nil {
				m.ports(&n, br)
			}
		}
	}
	m.elect()
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			br := &n.Interfaces[k]
			if br.Bridge == nil {
				continue
			}
			forwards := len(br.Bridge.Ports) == 0 // then nobody takes its carrier away
			for _, name := range br.Bridge.Ports {
				forwards = forwards || n.Interface(name).Port.State == "forwarding"
			}
			br.Carrier = br.Up && forwards
		}
	}
	m.stacked()
}

// ports gives the ports of a bridge their numbers, and the states that they have without a tree: they forward with a
// carrier while the bridge is up (br_port_carrier_check, net/bridge/br_if.c).
func (m *maker) ports(n *Node, br *Interface) {
	b := br.Bridge
	b.ID = bridgeID(b.Priority, br.MAC)
	b.Root = b.ID
	for k, name := range b.Ports {
		p := n.Interface(name)
		p.Port.Number = len(b.Ports) - k
		p.Port.State = "disabled"
		if br.Up && p.Carrier {
			p.Port.State = "forwarding"
		}
		// the cost of 10 Gbit/s, which a veth has (br_cost_speed_map, port_cost in net/bridge/br_if.c), and what is
		// stacked on one
		p.Port.Cost = cmp.Or(p.Port.Cost, vethCost)
		if b.STP && p.Port.State == "disabled" {
			p.Port.Role = "disabled"
		}
	}
}

const vethCost = 2

func bridgeID(priority uint16, mac switchcore.MAC) string {
	return fmt.Sprintf("%04x.%s", priority, mac)
}

// heard is a message of a spanning tree (IEEE 802.1D-2004, 9.3.1). IDs compare as their texts do.
type heard struct {
	root         string
	cost         int
	bridge, port string
}

func (a heard) compare(b heard) int {
	return cmp.Or(strings.Compare(a.root, b.root), cmp.Compare(a.cost, b.cost), strings.Compare(a.bridge, b.bridge),
		strings.Compare(a.port, b.port))
}

// treePort is a port that takes part in a tree.
type treePort struct {
	at    End
	of    *treeBridge
	i     *Interface
	id    string
	holds heard
	hears []*treePort // who hears what it sends
}

func (p *treePort) designated() bool { return p.holds.bridge == p.of.ID && p.holds.port == p.id }

// treeBridge is a bridge that takes part in a tree.
type treeBridge struct {
	*Bridge
	ports []*treePort // by number
	root  *treePort   // nil: it is the root
}

// elect lets the bridges that take part in spanning trees agree, by the kernel's rules (net/bridge/br_stp.c): in each
// round every designated port sends, until nobody learns anything new.
func (m *maker) elect() {
	bridges := m.treeBridges()
	for range len(bridges)*4 + 4 {
		changed := false
		for _, b := range bridges {
			for _, p := range b.ports {
				if !p.designated() {
					continue
				}
				for _, q := range p.hears {
					if q.supersededBy(p.holds) {
						q.holds, changed = p.holds, true
					}
				}
			}
		}
		for _, b := range bridges {
			changed = b.update() || changed
		}
		if !changed {
			break
		}
	}
	byID := map[string]*treeBridge{}
	for _, b := range bridges {
		byID[b.ID] = b
	}
	for _, b := range bridges {
		b.tell(byID[b.Root])
	}
}

// supersededBy reports whether a port takes a message for better than what it holds (br_supersedes_port_info).
func (p *treePort) supersededBy(h heard) bool {
	a, b := h, p.holds
	a.port, b.port = "", ""
	if c := a.compare(b); c != 0 {
		return c < 0
	}
	return (h.bridge != p.of.ID || h.port <= p.holds.port) && h != p.holds
}

// update chooses the root port, and the ports that are designated (br_configuration_update).
func (b *treeBridge) update() (changed bool) {
	was, root, cost := b.root, b.Root, b.RootCost
	b.root, b.Root, b.RootCost = nil, b.ID, 0
	for _, p := range b.ports {
		if p.designated() || p.holds.root >= b.ID {
			continue
		}
		if b.root == nil || p.better(b.root) {
			b.root = p
		}
	}
	if b.root != nil {
		b.Root, b.RootCost = b.root.holds.root, b.root.holds.cost+b.root.i.Port.Cost
	}
	for _, p := range b.ports {
		own := heard{b.Root, b.RootCost, b.ID, p.id}
		if p != b.root && (p.designated() || p.holds.root != b.Root || own.compare(p.holds) < 0) && p.holds != own {
			p.holds, changed = own, true
		}
	}
	return changed || was != b.root || root != b.Root || cost != b.RootCost
}

// better reports whether a port leads to the root on a better way than another (br_should_become_root_port).
func (p *treePort) better(q *treePort) bool {
	a, b := p.holds, q.holds
	a.cost += p.i.Port.Cost
	b.cost += q.i.Port.Cost
	return cmp.Or(a.compare(b), strings.Compare(p.id, q.id)) < 0
}

// tell writes down what the bridge and its ports are in the tree. The times of the root are in force.
func (b *treeBridge) tell(root *treeBridge) {
	if root != nil {
		b.ForwardDelay, b.HelloTime, b.MaxAge = root.ForwardDelay, root.HelloTime, root.MaxAge
	}
	for _, p := range b.ports {
		port := p.i.Port
		port.Role = "alternate"
		switch {
		case p == b.root:
			port.Role, b.RootPort = "root", p.i.Name
		case p.designated():
			port.Role = "designated"
		default:
			port.State = "blocking"
		}
		port.Designated = &Designated{p.holds.root, p.holds.cost, p.holds.bridge, p.holds.port}
	}
}
