package terminal

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text at its blanks so that no line has more than width columns, a word that is longer having a line of
// its own. Lines that follow each other are one paragraph; a blank line ends it, and a line that begins with a blank is
// left as it is.
func Wrap(text string, width int) string {
	var b strings.Builder
	var words []string
	flush := func() {
		for _, line := range fill(words, width) {
			b.WriteString(line + "\n")
		}
		words = nil
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line != "" && line[0] != ' ' && line[0] != '\t' {
			words = append(words, strings.Fields(line)...)
			continue
		}
		flush()
		b.WriteString(line + "\n")
	}
	flush()
	return b.String()
}

// Comments breaks the lines of a text that begin with "#" as [Wrap] does; what follows begins with "#" too, so that the
// text can be pasted. 0 columns: nothing is broken.
func Comments(text string, columns int) string {
	if columns <= 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "#" || Width(strings.TrimSuffix(line, "\n")) <= columns {
			b.WriteString(line)
			continue
		}
		// The words of the first line stay where they are: they may be in columns.
		head, rest := cut(strings.TrimSuffix(line, "\n"), columns)
		b.WriteString(head + "\n")
		for _, l := range fill(strings.Fields(rest), columns-len(hanging)) {
			b.WriteString(hanging + l + "\n")
		}
	}
	return b.String()
}

// hanging begins the lines on which a comment goes on.
const hanging = "#   "

// cut cuts a line at the last blank that leaves at most width columns before it, or else at the first behind that, the
// mark of the comment and its first word aside.
func cut(line string, width int) (head, rest string) {
	at, columns := -1, 0
	for i, r := range line {
		if r == ' ' && i > len(hanging) && (at < 0 || columns <= width) {
			at = i
		}
		columns++
	}
	if at < 0 {
		return line, ""
	}
	return strings.TrimRight(line[:at], " "), line[at:]
}

// fill puts words on lines of at most width columns.
func fill(words []string, width int) (lines []string) {
	line := ""
	for _, w := range words {
		switch {
		case line == "":
			line = w
		case Width(line)+1+Width(w) > width:
			lines, line = append(lines, line), w
		default:
			line += " " + w
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Width is how many columns a text takes, at one a character: names, addresses and words are ASCII.
func Width(s string) int { return utf8.RuneCountInString(s) }
