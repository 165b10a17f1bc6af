package main

import (
	"fmt"
	"regexp"
	"strings"

	"labctl/cmd/labctl/supervisor"
	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// Below a table stand at most so many lines of reasons, each with at most so many of its pairs: who wants more takes -o
// json.
const (
	maxReasons = 8
	maxPairs   = 4
)

// reason is what stopped the ping of a cell, "" if that is not known.
type reason struct{ cell, why string }

// reasonsIn are those of a judged table. A cell that differs has its own line, with the reason in it.
func reasonsIn(t *expect.Table, got map[*expect.Cell]wire.Verdict) []reason {
	var out []reason
	for _, c := range t.Cells {
		if m := got[c]; m.OK {
			out = append(out, reason{c.Label(), m.Why})
		}
	}
	return out
}

// frameCount says how many frames of one sort were dropped, which is not the same for two pairs or in two runs.
var frameCount = regexp.MustCompile(` \(\d+ frames?\)`)

// reasons says below a table why pings did not get through, cells with the same reason on one line:
//
//	# kali3 -> kali5, kali5 -> kali3: refused by virbr6/deny/to-vk64
func reasons(list []reason) string {
	var order []string
	cells := map[string][]string{}
	left := 0
	for _, r := range list {
		if before, after, found := strings.Cut(r.why, supervisor.NotInvestigated); found {
			left++
			r.why = strings.TrimPrefix(strings.TrimSuffix(before, "; ")+after, "; ")
		}
		if r.why == "" {
			continue
		}
		why := frameCount.ReplaceAllString(r.why, "")
		if cells[why] == nil {
			order = append(order, why)
		}
		cells[why] = append(cells[why], r.cell)
	}
	var b strings.Builder
	for i, why := range order {
		if i == maxReasons {
			fmt.Fprintf(&b, "# and %d more (-o json)\n", len(order)-maxReasons)
			break
		}
		pairs := cells[why]
		more := ""
		if len(pairs) > maxPairs {
			more = fmt.Sprintf(" and %d more", len(pairs)-maxPairs)
			pairs = pairs[:maxPairs]
		}
		fmt.Fprintf(&b, "# %s%s: %s\n", strings.Join(pairs, ", "), more, why)
	}
	if left > 0 {
		fmt.Fprintf(&b, "# %s that failed: %s\n", problem.Count(left, "ping"), supervisor.NotInvestigated)
	}
	return b.String()
}
