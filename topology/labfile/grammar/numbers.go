package grammar

import (
	"regexp"
	"strings"
)

var hexNumber = regexp.MustCompile(`^0x[0-9a-fA-F]{1,8}$`)

// outside says that a number is not one of those that the shape wants, or "".
func (s *Shape) outside(word string, n int) string {
	if n < s.Min || n > s.Max || s.Step > 1 && n%s.Step != 0 {
		return word + " does not fit; want " + s.Want
	}
	return ""
}

// trueOrFalse says what to write for a word that means true or false elsewhere, "" for any other.
func trueOrFalse(word string) string {
	switch strings.ToLower(word) {
	case "true", "yes", "on", "y", "1":
		return "; write true"
	case "false", "no", "off", "n", "0":
		return "; write false"
	}
	return ""
}
