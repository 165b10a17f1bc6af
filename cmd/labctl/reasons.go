package main

import (
	"fmt"
	"slices"
	"strings"

	"labctl/cmd/labctl/wire"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

// Below a table are at most so many lines of reasons, each with at most so many of its pairs: who wants more takes -o
// json.
const (
	maxReasons = 8
	maxPairs   = 4
)

// reason is what is known of why a cell holds what it holds.
type reason struct {
	cell   string
	causes []cause.Cause
}

// reasonsIn are those of a judged table. A cell that differs has its own line, with the reason in it.
func reasonsIn(t *expect.Table, got map[*expect.Cell]wire.Verdict) []reason {
	var out []reason
	for _, c := range t.Cells {
		if m := got[c]; m.OK {
			out = append(out, reason{c.Label(), m.Causes})
		}
	}
	return out
}

// reasons says below a table why pings did not get through, cells with the same reason on one line:
//
//	# kali3 -> kali5, kali5 -> kali3: refused by virbr6/deny/to-vk64
func reasons(list []reason) string {
	var order []string
	cells := map[string][]string{}
	var left []string
	for _, r := range list {
		known := slices.DeleteFunc(cause.Alike(r.causes),
			func(c cause.Cause) bool { return c.Kind == cause.NotInvestigated })
		if len(known) < len(r.causes) {
			left = append(left, r.cell)
		}
		why := cause.Text(known)
		if why == "" {
			continue
		}
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
		fmt.Fprintf(&b, "# %s: %s\n", firstPairs(cells[why]), why)
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "# %s: %s\n", firstPairs(left), cause.Text([]cause.Cause{{Kind: cause.NotInvestigated}}))
	}
	return b.String()
}

// firstPairs are the first of a list of cells, and how many more there are.
func firstPairs(cells []string) string {
	if len(cells) <= maxPairs {
		return strings.Join(cells, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(cells[:maxPairs], ", "), len(cells)-maxPairs)
}
