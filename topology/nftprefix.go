package topology

import (
	"strings"
)

// nftPrefix is what a "log" of nft tells, where the file does not say it.
type nftPrefix struct {
	at   [2]int // line and column behind "log", from 0
	text string
}

func (p nftPrefix) words() string { return ` prefix "` + p.text + `"` }

// prefixed puts prefixes into a text, so that what is logged says which rule it was, as [RuleLine.prefix] does for iptables.
func (r *nftReader) prefixed(text string) string {
	lines := strings.Split(text, "\n")
	for i := len(r.prefixes) - 1; i >= 0; i-- {
		p := r.prefixes[i]
		s := lines[p.at[0]]
		lines[p.at[0]] = s[:p.at[1]] + p.words() + s[p.at[1]:]
	}
	r.set.prefixes = r.prefixes
	return strings.Join(lines, "\n")
}

// TextColumn is the column in the file's text, from 1, of a column of a line of Text, from 0: they differ behind what labctl has
// put in.
func (set *RuleSet) TextColumn(line, col int) int {
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
