package reach

import (
	"slices"
	"testing"

	"labctl/topology/expect"
)

// TestEveryKindHasAProbe, and no probe is of a kind that no table can have.
func TestEveryKindHasAProbe(t *testing.T) {
	var have, want []string
	for _, p := range probes {
		have = append(have, p.kind)
	}
	for _, k := range expect.Kinds() {
		if !k.OfStep {
			want = append(want, k.Name)
		}
	}
	if !slices.Equal(have, want) {
		t.Errorf("probes of %v, want them of the kinds %v, in the order in which tables are judged", have, want)
	}
}

// TestTogether: which questions are asked at once, and in which order.
func TestTogether(t *testing.T) {
	for _, tt := range []struct {
		kind string
		kept bool
		want together
	}{
		{"ping", false, together{phasePing, 0}}, {"ping6", true, together{phasePing, 0}},
		{"arp", false, together{phasePing, 0}}, {"arp", true, together{phaseRead, 0}},
		{"answers", false, together{phaseAnswers, 0}}, {"sees", false, together{phaseSees, 200}}, {"streams", true, together{phaseStreams, 0}},
		{"route", false, together{phaseRead, 0}}, {"hits", true, together{phaseRead, 0}},
	} {
		if got := probeOf(tt.kind).together(200, tt.kept); got != tt.want {
			t.Errorf("%s, kept %v: %v, want %v", tt.kind, tt.kept, got, tt.want)
		}
	}
	order := []together{{phasePing, 0}, {phaseAnswers, 0}, {phaseSees, 1}, {phaseSees, 12}, {phaseRead, 0}}
	if !slices.IsSortedFunc(order, compareTogether) || slices.IsSortedFunc([]together{order[3], order[2]}, compareTogether) {
		t.Error("not in the order in which tables are judged")
	}
}
