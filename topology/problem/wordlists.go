package problem

import "strings"

// AndList is "a, b and c".
func AndList(words []string) string { return joinList(words, "and") }

// OrList is "a, b or c".
func OrList(words []string) string { return joinList(words, "or") }

func joinList(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
