package reach

import (
	"testing"
	"time"
)

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

func TestAFewPingsAreLookedIntoHoweverLongItTakes(t *testing.T) {
	for _, c := range []struct {
		looked int
		took   time.Duration
		enough bool
	}{{0, time.Minute, false}, {investigated - 1, time.Minute, false}, {investigated, time.Minute, true}, {1000, investigating, false}} {
		if got := enoughLookedInto(c.looked, c.took); got != c.enough {
			t.Errorf("after %d in %s: %v, want %v", c.looked, c.took, got, c.enough)
		}
	}
}
