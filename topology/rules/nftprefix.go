package rules

import "strings"

// nftPrefix is what a "log" of nft tells, where the file does not say it.
type nftPrefix struct {
	at   [2]int // line and column behind "log", from 0
	text string
}

func (p nftPrefix) words() string { return ` prefix "` + p.text + `"` }

// prefixed puts prefixes into a text, so that what is logged says which rule it was, as [Line.prefix] does for
// iptables.
func (r *nftReader) prefixed(text string) string {
	r.set.prefixes = r.prefixes
	rest := r.prefixes
	var b strings.Builder
	line := 0
	for s := range strings.Lines(text) {
		from := 0
		for ; len(rest) > 0 && rest[0].at[0] == line; rest = rest[1:] {
			b.WriteString(s[from:rest[0].at[1]] + rest[0].words())
			from = rest[0].at[1]
		}
		b.WriteString(s[from:])
		line++
	}
	return b.String()
}

// TextColumn is the column in the file's text, from 1, of a column of a line of Text, from 0: they differ behind what
// labctl has put in.
func (set *Set) TextColumn(line, col int) int {
	shift := 0
	for _, p := range set.prefixes {
		switch begin, n := p.at[1]+shift, len(p.words()); {
		case p.at[0] != line || col-1 < begin:
		case col-1 < begin+n:
			return p.at[1] + 1
		default:
			shift += n
		}
	}
	return col - shift
}
