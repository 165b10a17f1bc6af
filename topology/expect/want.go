package expect

import (
	"slices"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// Want is the answer that a cell wants: words joined with "|", each a word of the cell's kind, one with its tail left
// open (ok*), >= and a number, or x, which in a ping means: does not get
// through, for whatever reason. The text "." wants nothing.
type Want struct{ Text string }

// Match reports whether a measured word is wanted. "unknown", could not be asked, never is, and neither is no word at
// all: a prober that fails must not pass. The order of "+" parts does not matter. A wanted node is any of its
// interfaces, so "host" wants "host:br0" too, if that is how the prober says it; "host:br0" wants only itself.
func (w Want) Match(got string) bool {
	base, _, _ := strings.Cut(got, "+")
	if base == "" || base == "unknown" {
		return false
	}
	for alt := range strings.SplitSeq(w.Text, "|") {
		prefix, open := strings.CutSuffix(alt, "*")
		switch {
		case alt == got:
			return true
		case alt == "x":
			if base != "ok" && base != "open" {
				return true
			}
		case open:
			if strings.HasPrefix(base+sortParts(got[len(base):]), prefix) {
				return true
			}
		case sameParts(alt, got), atLeast(alt, got):
			return true
		}
	}
	return false
}

// Counts reports whether one of the words is a number, or >= and one.
func (w Want) Counts() bool {
	for alt := range strings.SplitSeq(w.Text, "|") {
		if isCount(alt) {
			return true
		}
	}
	return false
}

// sameParts reports whether the words have the same parts, in whatever order, a node standing for its interfaces.
func sameParts(want, got string) bool {
	wanted, parts := strings.Split(sortParts(want), "+"), strings.Split(sortParts(got), "+")
	return slices.EqualFunc(wanted, parts, func(w, g string) bool {
		node, _, _ := strings.Cut(g, ":")
		return w == g || w == node
	})
}

// sortParts puts the parts that "+" joins into one order, whichever they came in.
func sortParts(word string) string {
	if !strings.Contains(word, "+") {
		return word
	}
	parts := strings.Split(word, "+")
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

// atLeast reports whether a number is as large as ">=1" wants.
func atLeast(want, got string) bool {
	low, some := strings.CutPrefix(want, ">=")
	if !some || !problem.Decimal.MatchString(low) || !problem.Decimal.MatchString(got) {
		return false
	}
	w, _ := strconv.Atoi(low)
	n, _ := strconv.Atoi(got)
	return n >= w
}
