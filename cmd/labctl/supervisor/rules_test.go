//go:build linux

package supervisor

import (
	"fmt"
	"testing"

	"labctl/cmd/labctl/wire"
	"labctl/topology/rules"
)

func TestLogGroups(t *testing.T) {
	line := func(args ...string) rules.Line { return rules.Line{Args: args} }
	for _, c := range []struct {
		set  rules.Set
		want string
	}{
		{rules.Set{Load: true, Lines: []rules.Line{line("-A", "INPUT", "-j", "NFLOG")}}, "[0]"},
		{rules.Set{Load: true, Lines: []rules.Line{line("-A", "INPUT", "-j", "NFLOG", "--nflog-group", "7"), line("-A", "INPUT", "-j", "NFLOG")}}, "[0 7]"},
		{rules.Set{Load: true, Lines: []rules.Line{line("-A", "INPUT", "-j", "DROP")}}, "[]"},
		{rules.Set{Lines: []rules.Line{line("-A", "INPUT", "-j", "NFLOG")}}, "[]"},
		{rules.Set{Load: true, Text: "ip saddr 1.1.1.1 log prefix \"x\" group 3 drop\nlog group 3\nlog flags all\n"}, "[3]"},
	} {
		if got := fmt.Sprint(logGroups([]*rules.Set{&c.set})); got != c.want {
			t.Errorf("%+v: %s, want %s", c.set, got, c.want)
		}
	}
}

// The ring forgets the oldest, and says so by the numbers.
func TestRuleLogKeepsTheLast(t *testing.T) {
	l := newRuleLog(nil)
	_, more := l.after(0)
	for range kept + 2 {
		l.add(wire.Logged{})
	}
	select {
	case <-more:
	default:
		t.Error("nobody was told")
	}
	list, _ := l.after(0)
	if len(list) != kept || list[0].Seq != 3 || list[len(list)-1].Seq != kept+2 {
		t.Errorf("%d entries from %d to %d", len(list), list[0].Seq, list[len(list)-1].Seq)
	}
	if list, _ := l.after(kept + 1); len(list) != 1 {
		t.Errorf("%d entries after the last but one", len(list))
	}
}
