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
		want turn
	}{
		{"ping", false, turn{phasePing, 0}}, {"ping6", true, turn{phasePing, 0}},
		{"arp", false, turn{phasePing, 0}}, {"arp", true, turn{phaseRead, 0}},
		{"answers", false, turn{phaseAnswers, 0}}, {"sees", false, turn{phaseSees, 200}}, {"streams", true, turn{phaseStreams, 0}},
		{"route", false, turn{phaseRead, 0}}, {"hits", true, turn{phaseRead, 0}},
	} {
		if got := probeOf(tt.kind).turnOf(200, tt.kept); got != tt.want {
			t.Errorf("%s, kept %v: %v, want %v", tt.kind, tt.kept, got, tt.want)
		}
	}
	order := []turn{{phasePing, 0}, {phaseAnswers, 0}, {phaseSees, 1}, {phaseSees, 12}, {phaseRead, 0}}
	if !slices.IsSortedFunc(order, compareTurns) || slices.IsSortedFunc([]turn{order[3], order[2]}, compareTurns) {
		t.Error("not in the order in which tables are judged")
	}
}
