//go:build linux

package supervisor

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/reach"
	"labctl/topology/rules"
)

// logged is where the drop logs are.
func (w *switches) logged() map[*vswitch]uint64 {
	m := map[*vswitch]uint64{}
	for _, v := range w.list() {
		_, m[v], _ = v.loop.Drops(math.MaxUint64)
	}
	return m
}

// portSides knows what is behind the ports of a switch.
type portSides struct {
	lab    *topology.Lab
	node   string
	owners map[netip.Addr][]string
	behind map[string]map[string]bool
}

func newPortSides(lab *topology.Lab, node string) *portSides {
	s := &portSides{lab: lab, node: node, owners: map[netip.Addr][]string{}, behind: map[string]map[string]bool{}}
	for _, n := range lab.Nodes {
		for _, i := range n.Addressed() {
			for _, p := range i.Addrs {
				s.owners[p.Addr()] = append(s.owners[p.Addr()], n.Name)
			}
		}
	}
	return s
}

func (s *portSides) of(port string) map[string]bool {
	b, known := s.behind[port]
	if !known {
		b = s.lab.Behind(s.node, port)
		s.behind[port] = b
	}
	return b
}

// mattered reports whether a dropped frame was on the way to the address that it is for: not a copy for somebody else,
// nor one of a frame whose receiver is on the side that it came from.
func (s *portSides) mattered(r *datapath.DropRecord, b talk) bool {
	owners, known := s.owners[b.to]
	if !known {
		return true
	}
	is := func(port string) func(string) bool { return func(owner string) bool { return s.of(port)[owner] } }
	if r.Port != switchcore.NoPort && !slices.ContainsFunc(owners, func(o string) bool { return !is(r.PortName)(o) }) {
		return false
	}
	return r.Out == switchcore.NoPort || slices.ContainsFunc(owners, is(r.OutName))
}

// honest reports whether who asks for an address, or tells of his own, may have sent the frame: he is where it came
// from. Others may answer for him if they are proxies.
func (s *portSides) honest(r *datapath.DropRecord, b talk) bool {
	owners, known := s.owners[b.from]
	if b.purpose == echo || r.Port == switchcore.NoPort || !known {
		return true
	}
	there := s.of(r.PortName)
	if there == nil || slices.ContainsFunc(owners, func(o string) bool { return there[o] }) {
		return true
	}
	return b.purpose == answers && slices.ContainsFunc(s.lab.Nodes, func(n *topology.Node) bool {
		return there[n.Name] &&
			proxy(n)
	})
}

// proxy reports whether a node may answer for others, as far as the file says.
func proxy(n *topology.Node) bool {
	return slices.ContainsFunc(n.Sysctls, func(s topology.Sysctl) bool {
		return s.Value != "0" && (strings.Contains(s.Key, "proxy_arp") || strings.Contains(s.Key, "proxy_ndp"))
	})
}

// lostFrames are frames that pings may have needed, each with the place and the reason of its drop.
type lostFrames struct {
	echoes map[marker][]frameDrop
	talk   map[talk][]lostTalk // about neighbours
}

// frameDrop is where a switch dropped a frame, as NODE:PORT, and for which reason.
type frameDrop struct{ where, reason string }

// lostTalk is a dropped frame that is not marked: it is known by its time.
type lostTalk struct {
	at time.Time
	frameDrop
}

// lost collects where switches dropped frames since a moment that may have been a ping's and were on their way, and
// why.
func (w *switches) lost(ctx context.Context, lab *topology.Lab, since map[*vswitch]uint64) lostFrames {
	out := lostFrames{map[marker][]frameDrop{}, map[talk][]lostTalk{}}
	if len(since) == 0 || w.quiet(ctx) != nil {
		return out
	}
	ports := tunnelPorts(lab)
	for _, v := range w.list() {
		records, _, _ := v.loop.Drops(since[v])
		at := newPortSides(lab, v.node)
		for _, r := range records {
			b, m, ok := about(carried(r.Data, ports))
			if !ok || !at.mattered(&r, b) || !at.honest(&r, b) {
				continue
			}
			d := frameDrop{v.node + ":" + dropPort(r), r.Reason.String()}
			if b.purpose == echo {
				out.echoes[m] = append(out.echoes[m], d)
			} else {
				out.talk[b] = append(out.talk[b], lostTalk{r.Time, d})
			}
		}
	}
	return out
}

// of counts the frames that a ping has lost, by place and reason: its own requests, the replies to them and errors
// about them; and, where by its outcome a node may have asked for its next hop in vain, what was asked there and
// answered while the ping was under way.
func (l lostFrames) of(lab *topology.Lab, r *reach.Result) map[frameDrop]int {
	counts := map[frameDrop]int{}
	for _, t := range r.Sent.Tries {
		m := marker{r.Sent.Cookie, t.Key}
		if t.Port != 0 {
			m = portMarker(trafficOf(r.Question) == rules.UDP, t.Port)
		}
		for _, d := range l.echoes[m] {
			counts[d]++
		}
	}
	talks := map[talk]bool{}
	for _, h := range r.Hops {
		for _, own := range addressesOf(lab, h.Node) {
			talks[talk{asks, own, h.Next}], talks[talk{answers, h.Next, own}] = true, true
		}
	}
	for b := range talks {
		for _, t := range l.talk[b] {
			if r.Sent.During(t.at) {
				counts[t.frameDrop]++
			}
		}
	}
	return counts
}

// tellWhy adds to the causes of pings that did not get through where switches have dropped their frames since, on the
// whole way there and back.
func (c *call) tellWhy(ctx context.Context, since map[*vswitch]uint64, results []*reach.Result) {
	failed := slices.DeleteFunc(slices.Clone(results), func(r *reach.Result) bool {
		k := expect.KindOf(r.Question.Kind)
		return !k.Echo && !k.Ports || r.Got == "" || k.GotThrough(r.Got) || r.Got == "open"
	})
	if len(failed) == 0 {
		return
	}
	lab := c.current()
	lost := c.switches.lost(ctx, lab, since)
	for _, r := range failed {
		var drops []cause.Cause
		for d, n := range lost.of(lab, r) {
			drops = append(drops,
				cause.Cause{Kind: cause.Dropped, Where: d.where, Rule: d.reason, Sure: true, Frames: n})
		}
		slices.SortFunc(drops, cause.Compare)
		if r.Got == reach.Unknown { // whether the drops have stopped it is not known either
			r.Detail = cause.Explain(r.Detail, drops)
			continue
		}
		r.Causes = append(r.Causes, drops...)
	}
}

// addressesOf are all addresses of a node, of an interface, or of a name.
func addressesOf(lab *topology.Lab, text string) []netip.Addr {
	t, ok := lab.Target(text)
	if !ok {
		return nil
	}
	var out []netip.Addr
	if t.Node == "" {
		return append(out, t.IP, t.IP6)
	}
	for _, i := range lab.Node(t.Node).Addressed() {
		if t.Interface != "" && i.Name != t.Interface {
			continue
		}
		for _, p := range i.Addrs {
			out = append(out, p.Addr())
		}
	}
	return out
}

// resultsOf are the answers in a report.
func resultsOf(r *reach.Report) []*reach.Result {
	var out []*reach.Result
	for ti := range r.Tables {
		for ci := range r.Tables[ti].Cells {
			out = append(out, &r.Tables[ti].Cells[ci].Result)
		}
	}
	return out
}
