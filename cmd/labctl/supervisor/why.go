//go:build linux

package supervisor

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/reach"
)

// logged is where the drop logs stand.
func (w *switches) logged() map[*vswitch]uint64 {
	m := map[*vswitch]uint64{}
	for _, v := range w.list() {
		_, m[v], _ = v.loop.Drops(math.MaxUint64)
	}
	return m
}

// between are two addresses that a frame is about.
type between struct {
	from, to netip.Addr
	asks     bool // an ARP packet, or a neighbour solicitation or advertisement: one asks for the other, or answers
}

// sides knows what is behind the ports of a switch.
type sides struct {
	lab    *topology.Lab
	node   string
	owners map[netip.Addr]string
	behind map[string]map[string]bool
}

func newSides(lab *topology.Lab, node string) *sides {
	s := &sides{lab: lab, node: node, owners: map[netip.Addr]string{}, behind: map[string]map[string]bool{}}
	for _, n := range lab.Nodes {
		for _, i := range n.Interfaces {
			for _, p := range i.Addrs {
				s.owners[p.Addr()] = n.Name
			}
		}
	}
	return s
}

func (s *sides) of(port string) map[string]bool {
	b, known := s.behind[port]
	if !known {
		b = s.lab.Behind(s.node, port)
		s.behind[port] = b
	}
	return b
}

// mattered reports whether a dropped frame was on the way to the address that it is for: not a copy for somebody else, nor one of
// a frame whose receiver is on the side that it came from.
func (s *sides) mattered(r *datapath.DropRecord, b between) bool {
	owner, known := s.owners[b.to]
	if !known {
		return true
	}
	if r.Port != switchcore.NoPort && s.of(r.PortName)[owner] {
		return false
	}
	return r.Out == switchcore.NoPort || s.of(r.OutName)[owner]
}

// droppedBetween collects, for each pair of addresses, where switches dropped frames about it since a moment that were on their way,
// and why.
func (w *switches) droppedBetween(ctx context.Context, lab *topology.Lab, since map[*vswitch]uint64) map[between]map[string]int {
	out := map[between]map[string]int{}
	if len(since) == 0 || w.quiet(ctx) != nil {
		return out
	}
	for _, v := range w.list() {
		records, _, _ := v.loop.Drops(since[v])
		at := newSides(lab, v.node)
		for _, r := range records {
			b, ok := about(r.Data)
			if !ok || !at.mattered(&r, b) {
				continue
			}
			if out[b] == nil {
				out[b] = map[string]int{}
			}
			out[b][v.node+":"+place(r)+" "+r.Reason.String()]++
		}
	}
	return out
}

// about says which two addresses a frame is about: of an ARP packet (RFC 826) or of an IP packet, behind a tag or not.
func about(frame []byte) (b between, ok bool) {
	if len(frame) < 18 {
		return b, false
	}
	at := 12
	if binary.BigEndian.Uint16(frame[at:]) == 0x8100 {
		at += 4
	}
	ethertype, p := binary.BigEndian.Uint16(frame[at:]), frame[at+2:]
	switch {
	case ethertype == 0x0806 && len(p) >= 28:
		return between{netip.AddrFrom4([4]byte(p[14:18])), netip.AddrFrom4([4]byte(p[24:28])), true}, true
	case ethertype == 0x0800 && len(p) >= 20:
		return between{from: netip.AddrFrom4([4]byte(p[12:16])), to: netip.AddrFrom4([4]byte(p[16:20]))}, true
	case ethertype == 0x86dd && len(p) >= 40:
		return aboutIPv6(p), true
	}
	return b, false
}

// aboutIPv6 takes the address that is asked for out of a neighbour solicitation, which is for a group (RFC 4861, 4.3), and the one that
// is told of out of an advertisement (4.4).
func aboutIPv6(p []byte) between {
	b := between{from: netip.AddrFrom16([16]byte(p[8:24])), to: netip.AddrFrom16([16]byte(p[24:40]))}
	const icmpv6, solicitation, advertisement = 58, 135, 136
	if p[6] != icmpv6 || len(p) < 64 {
		return b
	}
	switch target := netip.AddrFrom16([16]byte(p[48:64])); p[40] {
	case solicitation:
		b.to, b.asks = target, true
	case advertisement:
		b.from, b.asks = target, true
	}
	return b
}

// tellWhy adds to the details of pings that did not get through where switches have dropped their frames since, on the whole way there
// and back.
func (c *call) tellWhy(ctx context.Context, since map[*vswitch]uint64, results []*reach.Result) {
	failed := slices.DeleteFunc(slices.Clone(results), func(r *reach.Result) bool {
		return r.Question.Kind != "ping" && r.Question.Kind != "ping6" || r.Got == "" || strings.HasPrefix(r.Got, "ok")
	})
	if len(failed) == 0 {
		return
	}
	lab := c.current()
	lost := c.switches.droppedBetween(ctx, lab, since)
	for _, r := range failed {
		counts := map[string]int{}
		for b := range onItsWay(lab, r) {
			for word, n := range lost[b] {
				counts[word] += n
			}
		}
		var words []string
		for _, word := range slices.Sorted(maps.Keys(counts)) {
			if n := counts[word]; n > 1 {
				word += " (" + topology.Count(n, "frame") + ")"
			}
			words = append(words, word)
		}
		if len(words) > 0 {
			r.Detail = strings.TrimPrefix(r.Detail+"; dropped: "+strings.Join(words, ", "), "; ")
		}
	}
}

// onItsWay lists what the frames of a ping are about: its two ends, and, where a node may have asked for its next hop in vain, these two.
// What else goes on between neighbours on the way is not the ping's.
func onItsWay(lab *topology.Lab, r *reach.Result) map[between]bool {
	out := map[between]bool{}
	both := func(a, b netip.Addr, asks bool) { out[between{a, b, asks}], out[between{b, a, asks}] = true, true }
	for _, from := range addressesOf(lab, r.Question.A) {
		for _, to := range addressesOf(lab, r.Question.B) {
			both(from, to, false)
			both(from, to, true)
		}
	}
	for _, h := range r.Hops {
		for _, own := range addressesOf(lab, h.Node) {
			both(own, h.Next, true)
		}
	}
	return out
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
	for _, i := range lab.Node(t.Node).Interfaces {
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
