//go:build linux

package supervisor

import (
	"context"
	"encoding/binary"
	"fmt"
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
type between struct{ from, to netip.Addr }

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
func (w *switches) droppedBetween(ctx context.Context, lab *topology.Lab, since map[*vswitch]uint64) map[between][]string {
	out := map[between][]string{}
	if len(since) == 0 || w.quiet(ctx) != nil {
		return out
	}
	for _, v := range w.list() {
		records, _, _ := v.loop.Drops(since[v])
		counts := map[between]map[string]int{}
		at := newSides(lab, v.node)
		for _, r := range records {
			b, ok := about(r.Data)
			if !ok || !at.mattered(&r, b) {
				continue
			}
			if counts[b] == nil {
				counts[b] = map[string]int{}
			}
			counts[b][v.node+":"+place(r)+" "+r.Reason.String()]++
		}
		for b, words := range counts {
			for word, n := range words {
				if n > 1 {
					word += fmt.Sprintf(" (%d frames)", n)
				}
				out[b] = append(out[b], word)
			}
		}
	}
	for _, words := range out {
		slices.Sort(words)
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
		return between{netip.AddrFrom4([4]byte(p[14:18])), netip.AddrFrom4([4]byte(p[24:28]))}, true
	case ethertype == 0x0800 && len(p) >= 20:
		return between{netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))}, true
	case ethertype == 0x86dd && len(p) >= 40:
		return between{netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))}, true
	}
	return b, false
}

// tellWhy adds to the details of pings that did not get through where switches have dropped their frames since, in either direction.
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
		var words []string
		for _, from := range addressesOf(lab, r.Question.A) {
			for _, to := range addressesOf(lab, r.Question.B) {
				for _, b := range []between{{from, to}, {to, from}} {
					words = append(words, lost[b]...)
				}
			}
		}
		if len(words) > 0 {
			slices.Sort(words)
			r.Detail = strings.TrimPrefix(r.Detail+"; dropped: "+strings.Join(slices.Compact(words), ", "), "; ")
		}
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
