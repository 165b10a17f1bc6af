package problem

import (
	"regexp"
	"strings"
)

// Decimal matches a whole number as lab files write one: of at most ten digits, without a leading zero.
var Decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,9})$`)

// Clip shortens what is quoted in a message.
func Clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return strings.ToValidUTF8(s[:57], "") + "…"
}

// Quoted puts a word between quotation marks, as it is.
func Quoted(s string) string { return `"` + s + `"` }

// ShellWord is s as one word of a POSIX shell: as it is if the shell takes nothing in it for its own, or between single
// quotes.
func ShellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/=:,@%+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
