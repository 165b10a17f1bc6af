package main

import (
	"fmt"
	"testing"

	"labctl/cmd/labctl/supervisor"
)

func TestReasons(t *testing.T) {
	var many []reason
	for i := range 10 {
		many = append(many, reason{fmt.Sprintf("a -> n%d", i), fmt.Sprintf("refused by s/r/%d", i)})
	}
	var alike []reason
	for i := range 6 {
		alike = append(alike, reason{fmt.Sprintf("a -> n%d", i), fmt.Sprintf("dropped: s:p RxFilter (%d frames)", i+2)})
	}
	for _, c := range []struct {
		name string
		list []reason
		want string
	}{
		{"none", []reason{{"a -> b", ""}}, ""},
		{"equal ones together", []reason{{"a -> b", "refused by s/r/x"}, {"a -> c", "dropped: v:p SamePort"}, {"b -> a", "refused by s/r/x"}},
			"# a -> b, b -> a: refused by s/r/x\n# a -> c: dropped: v:p SamePort\n"},
		{"not looked into", []reason{{"a -> b", supervisor.NotInvestigated}, {"a -> c", supervisor.NotInvestigated + "; dropped: v:p SamePort"}},
			"# a -> c: dropped: v:p SamePort\n# 2 pings that failed: " + supervisor.NotInvestigated + "\n"},
		{"numbers of frames make no difference", alike, "# a -> n0, a -> n1, a -> n2, a -> n3 and 2 more: dropped: s:p RxFilter\n"},
	} {
		if got := reasons(c.list); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	want := ""
	for i := range 8 {
		want += fmt.Sprintf("# a -> n%d: refused by s/r/%d\n", i, i)
	}
	if got := reasons(many); got != want+"# and 2 more (-o json)\n" {
		t.Errorf("got\n%s", got)
	}
}
