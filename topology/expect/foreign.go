package expect

import "slices"

// refusal reports whether other tools have the word for a ping without an answer.
func refusal(word string) bool {
	return slices.Contains([]string{"fail", "failed", "no", "false", "0", "X", "drop", "dropped", "deny", "denied",
		"blocked", "timeout", "unreachable", "lost"}, word)
}

// approval reports whether other tools have the word for a ping that is answered.
func approval(word string) bool {
	return slices.Contains([]string{"yes", "OK", "pass", "true", "up", "reachable", "1"}, word)
}
