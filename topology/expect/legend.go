package expect

import (
	"cmp"
	"slices"
	"strings"
)

// Legend explains the words, one comment line for each that is in the table, in a fixed order; "" when there is nothing
// to explain. The words are those of cells of the kind, wanted or measured; the cells of cases are explained by the
// kinds of their questions. The kind may be a [Title].
func Legend(title string, words []string) string {
	kind, with := splitTitle(title)
	k := KindOf(kind)
	used, names := map[string]bool{}, []string{}
	for _, w := range words {
		for alt := range strings.SplitSeq(w, "|") {
			if parts := k.legendParts(alt, used); k.explain != nil || strings.HasSuffix(alt, "*") {
				names = append(names, parts...) // addresses and numbers explain themselves
			}
		}
	}
	slices.Sort(names)
	var lines [][2]string
	for _, m := range k.means {
		if other := k.meansWith[with][m[0]]; other != "" {
			m[1] = other
		}
		if used[m[0]] {
			lines = append(lines, m)
		}
	}
	for _, n := range slices.Compact(names) {
		lines = append(lines, [2]string{n, k.explained(n)})
	}
	if used["."] {
		lines = append(lines, [2]string{".", "not judged"})
	}
	width := 0
	for _, l := range lines {
		width = max(width, displayWidth(l[0]))
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("# " + l[0])
		pad(&b, width-displayWidth(l[0])+2)
		b.WriteString(l[1] + "\n")
	}
	return b.String()
}

// legendParts notes the fixed words in one alternative of a cell and returns the others.
func (k *Kind) legendParts(alt string, used map[string]bool) (names []string) {
	base, mods, modified := strings.Cut(alt, "+")
	switch {
	case strings.HasSuffix(alt, "*"):
		return []string{alt}
	case base == "" || base == "-" && k.dashMeansItself():
	case k.whole && modified:
		return []string{alt}
	case k.counts && isCount(base):
		used[manyMeans] = true
	case base == "." || k.hasMeaning(base):
		used[base] = true
	default:
		names = append(names, base)
	}
	if !modified {
		return names
	}
	for m := range strings.SplitSeq(mods, "+") {
		if k.hasMeaning("+" + m) {
			used["+"+m] = true
		} else if m != "" {
			names = append(names, m)
		}
	}
	return names
}

func (k *Kind) hasMeaning(word string) bool {
	return slices.ContainsFunc(k.means, func(m [2]string) bool { return m[0] == word })
}

// explained explains a word that is not listed: an ICMP error, or a name.
func (k *Kind) explained(word string) string {
	switch {
	case strings.HasSuffix(word, "*"):
		return "any word that begins so"
	case k.explain == nil:
		return notOfTable
	}
	return cmp.Or(k.explain(k, word), notOfTable)
}

const notOfTable = "no word of this table"
