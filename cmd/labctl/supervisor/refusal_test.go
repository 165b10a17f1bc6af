//go:build linux

package supervisor

import "testing"

func TestRefusedBy(t *testing.T) {
	for _, c := range []struct {
		name    string
		with    map[string]int
		without map[string]bool
		want    string
	}{
		{"nobody", nil, nil, ""},
		{"every time, and never without it", map[string]int{"n/s/b": 3, "n/s/a": 3}, map[string]bool{"n/s/a": false}, "refused by n/s/a, n/s/b"},
		{"not every time", map[string]int{"n/s/a": 2}, nil, ""},
		{"without it too", map[string]int{"n/s/a": 3}, map[string]bool{"n/s/a": true}, "perhaps refused by n/s/a, which also refuses other packets at the same time"},
		{"one that is sure is enough", map[string]int{"n/s/a": 3, "n/s/b": 3}, map[string]bool{"n/s/a": true}, "refused by n/s/b"},
	} {
		if got := refusedBy(c.with, c.without); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
