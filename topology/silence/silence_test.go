package silence

import (
	"net/netip"
	"testing"
)

// A proof needs two looks that find the same with nothing held, a fence, and a third that still finds it.
func TestProof(t *testing.T) {
	const fence = "fence"
	still := Look{Counted: 1}
	moved := Look{Counted: 2}
	held := Look{Counted: 1, Held: []string{"sw holds frames"}}
	asking := Look{Counted: 1, Resolving: []Entry{{"h1", 2, netip.MustParseAddr("10.0.0.2")}}}
	type step struct {
		look any
		want Next
	}
	for _, c := range []struct {
		name  string
		steps []step
		waits string
	}{
		{"nothing moves", []step{{still, Again}, {still, Fence}, {fence, 0}, {still, Proven}}, ""},
		{"something was counted before the fence", []step{{still, Again}, {moved, Again}, {moved, Fence}, {fence, 0}, {moved, Proven}}, ""},
		{"something was counted after it", []step{{still, Again}, {still, Fence}, {fence, 0}, {moved, Again}, {moved, Fence}, {fence, 0}, {moved, Proven}}, ""},
		{"something is held after it", []step{{still, Again}, {still, Fence}, {fence, 0}, {held, Wait}, {still, Again}, {still, Fence}}, ""},
		{"something is held all the time", []step{{held, Wait}, {held, Wait}, {held, Wait}}, "sw holds frames"},
		{"no fence", []step{{still, Again}, {still, Fence}, {still, Fence}, {still, Fence}}, ""},
		{"a fence before anything was looked at", []step{{fence, 0}, {still, Again}, {still, Fence}}, ""},
		{"a fence while something moved", []step{{still, Again}, {moved, Again}, {fence, 0}, {moved, Fence}, {fence, 0}, {moved, Proven}}, ""},
		{"a neighbour is asked for", []step{{asking, Again}, {asking, Fence}, {fence, 0}, {asking, Stuck}}, "h1 asks for 10.0.0.2"},
		{"and answers", []step{{asking, Again}, {asking, Fence}, {fence, 0}, {asking, Stuck}, {moved, Again}, {moved, Fence}, {fence, 0}, {moved, Proven}}, ""},
		{"and is held", []step{{asking, Again}, {held, Wait}, {asking, Again}, {asking, Fence}}, "h1 asks for 10.0.0.2"},
	} {
		var p Proof
		for i, s := range c.steps {
			if s.look == fence {
				p.Fenced()
			} else if got := p.Take(s.look.(Look)); got != s.want {
				t.Errorf("%s: step %d says %d, want %d", c.name, i+1, got, s.want)
				break
			}
		}
		if got := p.Waits(); got != c.waits {
			t.Errorf("%s: waits for %q, want %q", c.name, got, c.waits)
		}
	}
}
