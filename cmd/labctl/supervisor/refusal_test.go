//go:build linux

package supervisor

import "testing"

func TestRefusedBy(t *testing.T) {
	a, b := refuser{"n", "s", "a", "a"}, refuser{"n", "s", "b", "b"}
	for _, c := range []struct {
		name    string
		with    map[refuser]int
		without map[refuser]bool
		want    string
	}{
		{"nobody", nil, nil, ""},
		{"every time, and never without it", map[refuser]int{b: 3, a: 3}, map[refuser]bool{a: false}, "refused by n/s/a, n/s/b"},
		{"not every time", map[refuser]int{a: 2}, nil, ""},
		{"without it too", map[refuser]int{a: 3}, map[refuser]bool{a: true}, "perhaps refused by n/s/a, which also refuses other packets at the same time"},
		{"one that is sure is enough", map[refuser]int{a: 3, b: 3}, map[refuser]bool{a: true}, "refused by n/s/b"},
	} {
		if got := refusedBy(c.with, c.without); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
