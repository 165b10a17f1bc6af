package reach

import "testing"

// TestPairsThatNobodyLookedIntoSaySo: when the time is over, the pairs that are left do not look like pairs without a cause.
func TestPairsThatNobodyLookedIntoSaySo(t *testing.T) {
	pairs := []*pair{{word: "silent"}, {word: "ok"}, {word: "no-arp"}, {word: "silent"}, {word: Unknown}}
	looked := 0
	lookInto(pairs, func() bool { return looked == 2 }, func(*pair) string {
		looked++
		return map[int]string{1: "refused by a"}[looked]
	})
	for i, want := range []string{"; refused by a", "", "", "; " + NotInvestigated, ""} {
		if pairs[i].detail != want {
			t.Errorf("pair %d: %q, want %q", i, pairs[i].detail, want)
		}
	}
}
