package main

import (
	"fmt"
	"testing"

	"labctl/topology/cause"
)

func TestReasons(t *testing.T) {
	refused := func(rule string) cause.Cause {
		return cause.Cause{Kind: cause.Refused, Where: "s", Rule: "r/" + rule, Sure: true}
	}
	same, left := cause.Cause{Kind: cause.Dropped, Where: "v:p", Rule: "SamePort", Sure: true}, cause.Cause{Kind: cause.NotInvestigated}
	of := func(cell string, causes ...cause.Cause) reason { return reason{cell, causes} }
	var many []reason
	for i := range 10 {
		many = append(many, of(fmt.Sprintf("a -> n%d", i), refused(fmt.Sprint(i))))
	}
	var alike []reason
	for i := range 6 {
		alike = append(alike, of(fmt.Sprintf("a -> n%d", i), cause.Cause{Kind: cause.Dropped, Where: "s:p", Rule: "RxFilter", Sure: true, Frames: i + 2}))
	}
	for _, c := range []struct {
		name string
		list []reason
		want string
	}{
		{"none", []reason{of("a -> b")}, ""},
		{"equal ones together", []reason{of("a -> b", refused("x")), of("a -> c", same), of("b -> a", refused("x"))},
			"# a -> b, b -> a: refused by s/r/x\n# a -> c: dropped: v:p SamePort\n"},
		{"not looked into", []reason{of("a -> b", left), of("a -> c", same, left)},
			"# a -> c: dropped: v:p SamePort\n# a -> b, a -> c: not investigated, to save time: \"labctl ping A B\" says what stopped it\n"},
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
