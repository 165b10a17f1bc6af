package kernel

import (
	"reflect"
	"testing"
)

// TestRulesOfOneNameCountTogether: in the order of the first of them, and apart from those of other sets.
func TestRulesOfOneNameCountTogether(t *testing.T) {
	const saved = `*filter
[1:10] -A INPUT -m comment --comment "labctl:deny/x" -j DROP
[4:40] -A INPUT -m comment --comment "labctl:deny/y" -j DROP
[2:20] -A FORWARD -m comment --comment "labctl:deny/x" -j DROP
[8:80] -A FORWARD -m comment --comment "labctl:more/x" -j DROP
[16:160] -A OUTPUT -j DROP
COMMIT
`
	want := []RuleCount{{"deny", "x", 3, 30}, {"deny", "y", 4, 40}, {"more", "x", 8, 80}}
	if got := addUp(savedCounts(saved)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
