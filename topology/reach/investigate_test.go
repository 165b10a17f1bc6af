package reach

import (
	"slices"
	"testing"
	"time"

	"labctl/topology/cause"
)

// TestPairsThatNobodyLookedIntoSaySo: when the time is over, the pairs that are left do not look like pairs without a
// cause.
func TestPairsThatNobodyLookedIntoSaySo(t *testing.T) {
	pairs := []*pair{{word: "silent"}, {word: "ok"}, {word: "no-arp"}, {word: "silent"}, {word: Unknown}}
	looked := 0
	refused, left := cause.Cause{Kind: cause.Refused, Where: "a", Rule: "s/1", Sure: true}, cause.Cause{Kind: cause.NotInvestigated}
	lookInto(pairs, func() bool { return looked == 2 }, func(*pair) []cause.Cause {
		looked++
		return map[int][]cause.Cause{1: {refused}}[looked]
	})
	for i, want := range [][]cause.Cause{{refused}, nil, nil, {left}, nil} {
		if got := pairs[i].causes; !slices.Equal(got, want) {
			t.Errorf("pair %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestHowManyPingsAreLookedInto(t *testing.T) {
	for _, c := range []struct {
		looked int
		took   time.Duration
		enough bool
	}{{0, time.Minute, false}, {1, time.Minute, false}, {2, time.Minute, true}, {2, tooLong, false}, {investigated - 1, tooLong, false},
		{investigated, tooLong, true}, {1000, investigating, false}} {
		if got := enoughLookedInto(c.looked, c.took); got != c.enough {
			t.Errorf("after %d in %s: %v, want %v", c.looked, c.took, got, c.enough)
		}
	}
}
