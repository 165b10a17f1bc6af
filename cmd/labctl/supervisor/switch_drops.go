//go:build linux

package supervisor

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/reach"
)

// mark begins to count dropped frames from 0, for the tables of a step. The ports' counters go on.
func (w *switches) mark() {
	w.mu.Lock()
	clear(w.past)
	w.mu.Unlock()
	for _, v := range w.list() {
		w.countOversized(v)
		_, next, _ := v.loop.Drops(math.MaxUint64)
		lost := w.countOverruns(v)
		w.mu.Lock()
		v.since, v.overrun = next, lost
		w.mu.Unlock()
	}
}

// past is what a switch that was stopped has dropped since the mark.
type past struct {
	records []datapath.DropRecord
	lost    uint64
}

// retireLocked stops a switch for good; what it has dropped since the mark counts on.
func (w *switches) retireLocked(v *vswitch) error {
	delete(w.byNode, v.node)
	overrun := w.countOverrunsLocked(v) - v.overrun
	err := w.stop(v)
	records, _, lost := v.loop.Drops(v.since) // now, or what it had under way would be missing
	p := w.past[v.node]
	p.records, p.lost = append(p.records, records...), p.lost+lost+overrun
	w.past[v.node] = p
	return err
}

// drops lists what was dropped since the mark, frames of one sort as one entry. What the node dropped before it was
// restarted counts.
func (w *switches) drops(node string) ([]reach.Drop, int, error) {
	v, err := w.get(node)
	if err != nil {
		return nil, 0, err
	}
	overrun := w.countOverruns(v)
	w.countOversized(v)
	w.mu.Lock()
	since, before := v.since, w.past[node]
	overrun -= v.overrun
	w.mu.Unlock()
	records, _, lost := v.loop.Drops(since)
	lost += overrun + before.lost
	sorts := map[reach.Drop]int{}
	for _, r := range slices.Concat(before.records, records) {
		d := reach.Drop{Port: dropPort(r), Reason: r.Reason.String(), Function: function(r.Reason), Length: r.Length}
		if len(r.Data) >= 12 {
			d.Dst, d.Src = switchcore.MAC(r.Data[:6]), switchcore.MAC(r.Data[6:12])
		}
		sorts[d]++
	}
	out := []reach.Drop{}
	for d, n := range sorts {
		d.Frames = n
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b reach.Drop) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out, int(lost), nil
}

// countOverruns brings the counts of a switch's ports up to date and returns their sum.
func (w *switches) countOverruns(v *vswitch) (sum uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.countOverrunsLocked(v)
}

func (w *switches) countOverrunsLocked(v *vswitch) (sum uint64) {
	if v.overruns == nil {
		v.overruns = map[string]uint64{}
	}
	fresh := v.loop.Overruns()
	for name, p := range v.ports {
		v.overruns[name] += fresh[p.id]
	}
	for _, n := range v.overruns {
		sum += n
	}
	return sum
}

// overruns counts the frames that were thrown away before a switch saw them, by its ports.
func (w *switches) overruns() map[topology.End]uint64 {
	out := map[topology.End]uint64{}
	for _, v := range w.list() {
		w.countOverruns(v)
		w.mu.Lock()
		for port, n := range v.overruns {
			out[topology.End{Node: v.node, Interface: port}] = n
		}
		w.mu.Unlock()
	}
	return out
}

// dropPort is the port at which a frame ended: the one that a copy was for, else the one that it came from.
func dropPort(r datapath.DropRecord) string {
	if r.Out != switchcore.NoPort {
		return r.OutName
	}
	return r.PortName
}

func function(r switchcore.Reason) string { _, _, f := r.ESXi(); return f }
