package expect

import (
	"strings"

	"labctl/topology/problem"
)

// splitTables cuts a block at its blank lines. Lines with nothing but a comment belong to no table, but do not end one.
func splitTables(text string, at problem.Pos) [][]tableLine {
	var tables [][]tableLine
	var table []tableLine
	line := at.Line
	for s := range strings.SplitSeq(text, "\n") {
		l := splitWords(s, at.Col-1)
		l.line = line
		line++
		switch {
		case len(l.words) > 0:
			table = append(table, l)
		case l.comment < 0 && table != nil:
			tables, table = append(tables, table), nil
		}
	}
	if table != nil {
		tables = append(tables, table)
	}
	return tables
}

// splitWords cuts a line at blanks. A tab is one byte, as in the columns of all positions.
func splitWords(s string, indent int) tableLine {
	l := tableLine{comment: -1}
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\r' {
			i++
			continue
		}
		if s[i] == '#' {
			l.comment = indent + i
			break
		}
		j := i + 1
		for j < len(s) && s[j] != ' ' && s[j] != '\t' && s[j] != '\r' {
			j++
		}
		l.words = append(l.words, tableWord{indent + i, s[i:j]})
		i = j
	}
	return l
}

// tableLine is a header or a row as it is in the file.
type tableLine struct {
	line    int // of the file
	words   []tableWord
	comment int // byte offset of '#' in the line of the file, or -1
}

// tableWord is a word and its byte offset in the line of the file.
type tableWord struct {
	at   int
	text string
}

func (w tableWord) pos(line int) problem.Pos { return problem.Pos{Line: line, Col: w.at + 1} }

// from is the word from a byte on.
func (w tableWord) from(at int) tableWord { return tableWord{w.at + at, w.text[at:]} }

// part is n bytes of the word from a byte on.
func (w tableWord) part(at, n int) tableWord { return tableWord{w.at + at, w.text[at : at+n]} }

// isWord reports whether s could be a node, a node's interface or a name.
func isWord(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\r\n@#>") }
