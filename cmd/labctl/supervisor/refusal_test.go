//go:build linux

package supervisor

import (
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
