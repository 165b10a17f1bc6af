//go:build linux

package supervisor

import (
	"errors"
	"maps"
	"testing"
)

// TestRulesOfThePing: what only the first of two requests in a row meets has not stopped the ping, unless that leaves
// nothing.
func TestRulesOfThePing(t *testing.T) {
	const all = refusalRounds
	for _, c := range []struct {
		name    string
		with    map[string]int
		without map[string]bool
		second  []string // that count by the second request
		fails   bool
		want    map[string]int
	}{
		{"one is not asked about", map[string]int{"a": all, "b": 1}, nil, nil, true, map[string]int{"a": all, "b": 1}},
		{"the one met again", map[string]int{"a": all, "b": all}, nil, []string{"b"}, false, map[string]int{"b": all}},
		{"both met again", map[string]int{"a": all, "b": all}, nil, []string{"a", "b"}, false, map[string]int{"a": all, "b": all}},
		{"none met again", map[string]int{"a": all, "b": all}, nil, nil, false, map[string]int{"a": all, "b": all}},
		{"only another", map[string]int{"a": all, "b": all, "c": 1}, nil, []string{"c"}, false, map[string]int{"a": all, "b": all, "c": 1}},
		{"perhaps stays", map[string]int{"a": all, "b": all, "c": all}, map[string]bool{"c": true}, []string{"a"}, false, map[string]int{"a": all, "c": all}},
		{"cannot be asked", map[string]int{"a": all, "b": all}, nil, []string{"b"}, true, map[string]int{"a": all, "b": all}},
	} {
		now := map[string]uint64{"a": 7, "b": 7, "c": 7}
		counts := func() map[string]uint64 { return maps.Clone(now) }
		got := ofThePing(counts, c.with, c.without, func(between func()) error {
			if c.fails {
				return errors.New("no")
			}
			now["a"]++ // the first one's
			between()
			for _, r := range c.second {
				now[r]++
			}
			return nil
		})
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
