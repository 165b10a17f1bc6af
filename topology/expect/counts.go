package expect

import (
	"strings"

	"labctl/topology/problem"
)

// isCount reports whether a word is a number, or ">=" and one.
func isCount(word string) bool { return problem.Decimal.MatchString(strings.TrimPrefix(word, ">=")) }

// countOf judges how many are wanted of what is counted.
func countOf(what, word string) string {
	if isCount(word) {
		return ""
	}
	return problem.Quoted(word) + " is not a number of " + what + "; want 3, >=1 or 0"
}
