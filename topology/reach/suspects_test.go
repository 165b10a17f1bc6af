package reach

import (
	"fmt"
	"net/netip"
	"testing"
)

// Which hops may be to blame follows from the outcome: a hop that the outcome says nothing of is innocent.
func TestSuspects(t *testing.T) {
	at := netip.MustParseAddr
	there := &path{hops: []hop{{"a", 2, at("10.0.1.254")}, {"r1", 3, at("10.0.2.254")}, {"r2", 3, at("10.0.3.1")}}}
	back := &path{hops: []hop{{"b", 2, at("10.0.3.253")}, {"r3", 2, at("10.0.1.1")}}}
	for _, c := range []struct {
		word string
		back *path
		want string
	}{
		{"ok", back, "[]"},
		{"no-route", back, "[]"},
		{"icmp:net-unreachable@r1", back, "[]"},
		{"icmp:admin-prohibited@r2", back, "[]"},
		{Unknown, back, "[]"},
		{"no-arp", back, "[{a 10.0.1.254}]"},
		{"icmp:host-unreachable@r1", back, "[{r1 10.0.2.254}]"},
		{"icmp:host-unreachable@r2", back, "[{r2 10.0.3.1}]"},
		{"icmp:host-unreachable@r9", back, "[]"},
		{"silent", back, "[{r1 10.0.2.254} {r2 10.0.3.1} {b 10.0.3.253} {r3 10.0.1.1}]"},
		{"silent", nil, "[{r1 10.0.2.254} {r2 10.0.3.1}]"},
	} {
		pr := &pair{word: c.word, path: there, back: c.back}
		if got := fmt.Sprint(pr.suspects()); got != c.want {
			t.Errorf("%s: %s, want %s", c.word, got, c.want)
		}
	}
	for _, w := range []*path{nil, {}} {
		if got := (&pair{word: "no-arp", path: w}).suspects(); len(got) != 0 {
			t.Errorf("without a way: %v", got)
		}
	}
}
