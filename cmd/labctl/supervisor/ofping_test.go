//go:build linux

package supervisor

import (
	"errors"
	"maps"
	"testing"

	"labctl/topology/reach"
)

// TestRulesOfThePing: what only the first of two requests in a row meets has not stopped the ping, unless that leaves
// nothing.
func TestRulesOfThePing(t *testing.T) {
	const all = refusalRounds
	a, b, c := refuser{key: "a"}, refuser{key: "b"}, refuser{key: "c"}
	for _, tc := range []struct {
		name    string
		with    map[refuser]int
		without map[refuser]bool
		second  []refuser // that count by the second request
		fails   bool
		want    map[refuser]int
	}{
		{"one is not asked about", map[refuser]int{a: all, b: 1}, nil, nil, true, map[refuser]int{a: all, b: 1}},
		{"the one met again", map[refuser]int{a: all, b: all}, nil, []refuser{b}, false, map[refuser]int{b: all}},
		{"both met again", map[refuser]int{a: all, b: all}, nil, []refuser{a, b}, false, map[refuser]int{a: all, b: all}},
		{"none met again", map[refuser]int{a: all, b: all}, nil, nil, false, map[refuser]int{a: all, b: all}},
		{"only another", map[refuser]int{a: all, b: all, c: 1}, nil, []refuser{c}, false, map[refuser]int{a: all, b: all, c: 1}},
		{"perhaps stays", map[refuser]int{a: all, b: all, c: all}, map[refuser]bool{c: true}, []refuser{a}, false, map[refuser]int{a: all, c: all}},
		{"cannot be asked", map[refuser]int{a: all, b: all}, nil, []refuser{b}, true, map[refuser]int{a: all, b: all}},
	} {
		now := map[refuser]uint64{a: 7, b: 7, c: 7}
		counts := func() map[refuser]uint64 { return maps.Clone(now) }
		got := ofThePing(counts, tc.with, tc.without, func(between func(func() reach.Trace) bool) error {
			if tc.fails {
				return errors.New("no")
			}
			now[a]++ // the first one's
			between(nil)
			for _, r := range tc.second {
				now[r]++
			}
			return nil
		})
		if !maps.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
