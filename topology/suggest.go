package topology

// Suggest is `; did you mean "near"?` for the candidate that a mistyped word was probably meant to be, or "" if none is close.
func Suggest(word string, candidates []string) string { return suggestWord(word, candidates) }
