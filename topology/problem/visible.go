package problem

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Visible is the text with everything that a terminal acts upon, instead of showing it, written out as an escape
// (\u001b, and \x9b for a byte that is no UTF-8), so that no text of a file or of a program in a node can move the
// cursor, set a title or turn a line round. Tabs stay, and line feeds if lines says so. It is valid inside a string of
// JSON.
func Visible(s string, lines bool) string {
	at := strings.IndexFunc(s, func(c rune) bool { return acts(c, lines) || c == utf8.RuneError })
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:at])
	for i := at; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case acts(c, lines):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// acts reports whether a terminal does something at a character: the controls of C0 and C1 (ECMA-48), the separators of
// lines, and what embeds, overrides and isolates directions (Unicode, UAX 9).
func acts(c rune, lines bool) bool {
	switch {
	case c == '\t', c == '\n' && lines:
		return false
	case c < ' ', c >= 0x7f && c < 0xa0, c == 0x2028, c == 0x2029:
		return true
	}
	return c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}
