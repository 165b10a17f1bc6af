package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/model/sim"
)

// readARP reads neighbour tables; where they are not kept, after the ping of the pair.
func (a *asking) readARP(at []int) {
	for _, i := range at {
		if a.out[i].Got != "" || a.stained(i) {
			continue
		}
		if from, to, ok := a.ends(i); ok {
			a.holds(i, from, to)
		}
	}
}

// readRoutes asks the kernels of the senders which way they would send.
func (a *asking) readRoutes(at []int) {
	for _, i := range at {
		from, to, ok := a.ends(i)
		if !ok || a.stained(i) {
			continue
		}
		if !to.IP.IsValid() {
			a.undecided(i, sim.Doubt{Reason: sim.NotModelled, Why: "routes of IPv6"})
			continue
		}
		out := &a.out[i]
		r := a.world.Tables().Route(from.Node, to.IP)
		switch {
		case r.Refused != "":
			out.Got, out.Detail = "-", string(r.Refused)
		case !r.Via.IsValid():
			out.Got, out.Detail = "direct", "to "+to.IP.String()
		default:
			out.Got, out.Exact = a.own.ofAddr(r.Via), a.own.exactAddr(r.Via)
			out.Detail = fmt.Sprintf("to %s via %s", to.IP, r.Via)
			if r.Redirected {
				out.Got += "+redirect"
				for n := range out.Exact {
					out.Exact[n] += "+redirect"
				}
			}
		}
	}
}

// readFDB reads where bridges have learned addresses, and virtual switches have any.
func (a *asking) readFDB(at []int) {
	for _, i := range at {
		if a.stained(i) {
			continue
		}
		q := a.out[i].Question
		macs := a.macs(q.A)
		node, bridge, ok := a.bridge(q.B)
		if len(macs) == 0 || !ok {
			a.fail(i, fmt.Sprintf("%s has no MAC address, or %s no bridge", q.A, q.B))
			continue
		}
		var ports []string
		for _, e := range a.world.Tables().FDB(node, bridge) {
			if slices.Contains(macs, e.MAC) && !slices.Contains(ports, e.Port) {
				ports = append(ports, e.Port)
			}
		}
		slices.Sort(ports)
		a.out[i].Got = "-"
		if len(ports) > 0 {
			a.out[i].Got = strings.Join(ports, "+")
		}
		a.doubted(i)
	}
}

// bridge finds the bridge that a column of an fdb table names.
func (a *asking) bridge(text string) (node, bridge string, ok bool) {
	name, ifname := cut(text)
	n := a.lab.Node(name)
	switch {
	case n == nil:
		return "", "", false
	case ifname != "":
		return name, ifname, true
	case n.Kind == topology.Bridge:
		return name, n.Base(), true
	case n.Kind == topology.VSwitch:
		return name, "", true
	}
	for _, i := range n.Interfaces {
		if i.Type == topology.BridgeLink {
			return name, i.Name, true
		}
	}
	return "", "", false
}

// readPorts reads the columns of port tables.
func (a *asking) readPorts(at []int) {
	for _, i := range at {
		q := a.out[i].Question
		if d := a.world.Stained(); d.Reason == sim.Run {
			a.undecided(i, d)
			continue
		}
		word := ""
		ofSwitch := slices.Contains([]string{"promiscuous", "initial", "effective"}, q.At)
		if sw, port, isPort := a.port(q.A); isPort && (ofSwitch || q.At == "state") {
			if st, ok := a.world.Tables().SwitchPort(sw, port); ok {
				word = switchWord(&st, q.At)
			}
		} else if node, ifname, ok := a.interfaceAt(q.A); ok && !ofSwitch {
			if st, ok := a.world.Tables().Interface(node, ifname); ok {
				word = interfaceWord(st, q.At)
			}
		}
		if a.out[i].Got = word; word == "" {
			a.fail(i, fmt.Sprintf("%s has no %q", q.A, q.At))
		}
	}
}

// port finds the port of a virtual switch that a text names.
func (a *asking) port(text string) (node, port string, ok bool) {
	node, port = cut(text)
	n := a.lab.Node(node)
	if n == nil || port == "" {
		return "", "", false
	}
	if n.Kind != topology.VSwitch {
		t, found := a.lab.Target(text)
		if n = a.lab.Node(t.Node); !found || n == nil || n.Kind != topology.VSwitch {
			return "", "", false
		}
		return t.Node, t.Interface, true
	}
	return node, port, true
}

// interfaceAt finds the interface that a text names; of a port of a switch it is the switch's own end.
func (a *asking) interfaceAt(text string) (node, ifname string, ok bool) {
	if sw, port, is := a.port(text); is {
		for _, p := range a.lab.Node(sw).Switch.Ports {
			if p.Name == port {
				return p.At.Node, p.At.Interface, true
			}
		}
	}
	t, ok := a.lab.Target(text)
	return t.Node, t.Interface, ok && t.Interface != ""
}

func switchWord(s *switchcore.PortStatus, column string) string {
	switch column {
	case "state":
		return s.State
	case "promiscuous":
		return s.Promiscuous
	case "initial":
		return macWord(s.Initial)
	}
	return macWord(s.Effective)
}

func interfaceWord(s topology.InterfaceState, column string) string {
	switch column {
	case "state":
		return s.State
	case "mac":
		return macWord(s.MAC)
	case "flags":
		return fmt.Sprintf("%#x", s.Flags)
	case "promiscuity":
		return strconv.Itoa(s.Promiscuity)
	}
	return ""
}

func macWord(m switchcore.MAC) string {
	if m.IsZero() {
		return "-"
	}
	return m.String()
}

// readDrops counts dropped frames, or says for which reasons frames were dropped.
func (a *asking) readDrops(at []int) {
	for _, i := range at {
		if a.stained(i) {
			continue
		}
		q := a.out[i].Question
		node, port := cut(q.A)
		if port != "" {
			node, port, _ = a.port(q.A)
		}
		fits := a.dropFilter(q.Drop, port)
		frames, reasons := 0, []string(nil)
		for _, d := range a.world.Tables().Drops(node) {
			if fits(&d) {
				frames++
				reasons = append(reasons, d.Reason)
			}
		}
		switch reasons = unique(reasons); {
		case q.Drop != expect.DropMatch{}:
			a.out[i].Got = strconv.Itoa(frames)
		case len(reasons) == 0:
			a.out[i].Got = "-"
		default:
			a.out[i].Got = strings.Join(reasons, "+")
		}
	}
}

// dropFilter is the sort of frames that a question is about.
func (a *asking) dropFilter(m expect.DropMatch, port string) func(*sim.Drop) bool {
	src, dst := a.stations(m.Src), a.stations(m.Dst)
	return func(d *sim.Drop) bool {
		return (port == "" || d.Port == port) && (m.Reason == "" || d.Reason == m.Reason) &&
			(m.Function == "" || d.Function == m.Function) &&
			(m.Length == "" || strconv.Itoa(d.Length) == m.Length) && (src == nil || slices.Contains(src, d.Src)) &&
			(dst == nil || slices.Contains(dst, d.Dst))
	}
}

// stations are the addresses that a column of a drops table stands for; nil for any.
func (a *asking) stations(text string) []switchcore.MAC {
	if text == "" {
		return nil
	}
	if text == "broadcast" {
		return []switchcore.MAC{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	}
	if m, err := switchcore.ParseMAC(text); err == nil {
		return []switchcore.MAC{m}
	}
	return append(a.macs(text), switchcore.MAC{})
}

// readHits counts what rules have met.
func (a *asking) readHits(at []int) {
	for _, i := range at {
		if a.stained(i) {
			continue
		}
		node, rule, _ := strings.Cut(a.out[i].Question.A, "/")
		packets, ok := a.world.Tables().Hits(node, rule)
		if a.out[i].Got = strconv.FormatUint(packets, 10); !ok {
			a.fail(i, "no such rule is loaded, or it does not count")
		}
	}
}
