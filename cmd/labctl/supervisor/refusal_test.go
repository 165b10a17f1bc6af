//go:build linux

package supervisor

import (
	"maps"
	"slices"
	"testing"

	"labctl/topology/cause"
)

func TestRefusedBy(t *testing.T) {
	a, b, port := refuser{"n", "s", "a", "a"}, refuser{"n", "s", "b", ""}, refuser{"sw", "", "p", ""}
	by := func(rule string, sure bool) cause.Cause {
		return cause.Cause{Kind: cause.Refused, Where: "n", Rule: rule, Sure: sure}
	}
	const bare = "s/a rule without a name"
	for _, c := range []struct {
		name    string
		with    map[refuser]int
		without map[refuser]bool
		want    []cause.Cause
	}{
		{"nobody", nil, nil, nil},
		{"every time, and never without it", map[refuser]int{b: 3, a: 3}, map[refuser]bool{a: false}, []cause.Cause{by("s/a", true), by(bare, true)}},
		{"not every time", map[refuser]int{a: 2}, nil, nil},
		{"without it too", map[refuser]int{a: 3}, map[refuser]bool{a: true}, []cause.Cause{by("s/a", false)}},
		{"one that is sure is enough", map[refuser]int{a: 3, b: 3}, map[refuser]bool{a: true}, []cause.Cause{by(bare, true)}},
		{"a port", map[refuser]int{port: 3}, nil, []cause.Cause{{Kind: cause.Dropped, Where: "sw:p", Rule: "MtuExceeded", Sure: true}}},
	} {
		if got := refusedBy(c.with, c.without); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestCounted: a node that could not be read once has not refused a ping with all that it had counted before.
func TestCounted(t *testing.T) {
	a, b, c := refuser{key: "a"}, refuser{key: "b"}, refuser{key: "c"}
	before, after := map[refuser]uint64{a: 1, b: 2}, map[refuser]uint64{a: 2, b: 2, c: 7}
	if got := counted(before, after); !maps.Equal(got, map[refuser]bool{a: true}) {
		t.Errorf("%v", got)
	}
	if got := counted(after, before); len(got) > 0 {
		t.Errorf("backwards: %v", got)
	}
}
