package problem

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest is `; did you mean "near"?` for the candidate that is the word in other case; else for those that are full
// names of which the word is the end; else for the nearest one; else for one that is longer or shorter by its end
// (okay, ok); or "" when none is near. Of two that are equally near the first one wins.
func Suggest(word string, candidates []string) string {
	if word == "" || len(word) > MaxGuessed {
		return ""
	}
	var inner []string
	for _, c := range candidates {
		if strings.EqualFold(c, word) {
			return didYouMean(c)
		}
		if n := len(c) - len(word); n > 1 && c[n-1] == '.' && strings.EqualFold(c[n:], word) &&
			!slices.Contains(inner, c) {
			inner = append(inner, c)
		}
	}
	if len(inner) > 0 {
		return didYouMean(inner...)
	}
	best, at := min(max(1, len(word)/3)+1, len(word)), ""
	for _, c := range candidates {
		if d := Typos(word, c, best); d < best {
			best, at = d, c
		}
	}
	for i := 0; at == "" && i < len(candidates); i++ {
		c := candidates[i]
		if min(len(c), len(word)) > 1 && (strings.HasPrefix(word, c) || strings.HasPrefix(c, word)) {
			at = c
		}
	}
	if at == "" {
		return ""
	}
	return didYouMean(at)
}

// MaxGuessed is the longest word that is compared with others, in bytes; no name is as long.
const MaxGuessed = 128

func didYouMean(words ...string) string {
	var quotes []string
	for _, w := range words[:min(len(words), 3)] {
		quotes = append(quotes, Quoted(w))
	}
	return "; did you mean " + OrList(quotes) + "?"
}

// suggestOrList is Suggest, or what there is when nothing is near.
func suggestOrList(word string, have []string) string {
	if near := Suggest(word, have); near != "" {
		return near
	}
	return Listed(have)
}

// Listed is "; it has a, b and c", shortened.
func Listed(have []string) string {
	if len(have) == 0 {
		return "; it has none"
	}
	return "; it has " + AndList(ClipList(have))
}

// Typos is the number of letters to add, drop, change or swap with their neighbour (optimal string alignment), or limit
// when there are at least that many.
func Typos(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	if len(b) > MaxGuessed {
		return limit
	}
	var rows [3][MaxGuessed + 1]int
	two, one, row := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := row[0]
		for j := 1; j <= len(b); j++ {
			change := one[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, one[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
		two, one, row = one, row, two
	}
	return min(one[len(b)], limit)
}

// Amount is a small number as a word, and a larger one in digits.
func Amount(n int) string {
	if words := []string{"no", "one", "two", "three", "four", "five", "six"}; n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// ClipList shortens what is listed in a message.
func ClipList(words []string) []string {
	if len(words) <= 8 {
		return words
	}
	return append(words[:7:7], fmt.Sprintf("%d more", len(words)-7))
}

// Count says how many there are of what is named in the singular: "1 cell", "2 cells", "3 entries".
func Count(n int, what string) string {
	switch stem, y := strings.CutSuffix(what, "ry"); {
	case n == 1:
		return "1 " + what
	case y:
		return fmt.Sprintf("%d %sries", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
