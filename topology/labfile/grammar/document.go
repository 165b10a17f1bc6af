// Package grammar is the language in which the format of a lab file is described and read. A [Document] is a file of
// YAML that knows its lines and collects what is wrong with it; a [Value] is a part of it that knows its place and its
// path; a [Shape] describes what a value may be, and is both the check and the JSON Schema. What YAML can say and a lab
// file must not, and where the parser's positions are not an editor's, is known here alone. It knows no key of any
// format.
package grammar

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"labctl/topology/problem"
)

const bom = "\ufeff"

// Document is the text of one file: it knows where its words are, and collects what is wrong with them. It is used by
// one goroutine.
type Document struct {
	file  string
	src   []byte // without a byte order mark, which no editor counts as a column
	text  string // the same
	ascii bool   // it has nothing else
	lines []int  // where each line begins in src
	wide  wideLines

	probs    []problem.Problem
	mistakes int                      // of problem.MaxProblems
	warned   int                      // of problem.MaxProblems
	compared int                      // of maxCompared
	seen     map[problem.Problem]bool // by place and words only

	overlay *overlay // while values are laid over others
}

// New is a document that has not been parsed. It keeps src: the caller must not change it. file is only a name for
// messages.
func New(file string, src []byte) *Document {
	src = bytes.TrimPrefix(src, []byte(bom))
	d := &Document{file: file, src: src, seen: map[problem.Problem]bool{}}
	if len(src) <= MaxFile {
		d.text, d.ascii = string(src), true
		d.lines = append(d.lines, 0)
		for i, c := range src {
			d.ascii = d.ascii && c < utf8.RuneSelf
			if c == '\n' && i+1 < len(src) {
				d.lines = append(d.lines, i+1)
			}
		}
	}
	return d
}

// Line returns a line by its number, without its end.
func (d *Document) Line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	end := len(d.text)
	if n < len(d.lines) {
		end = d.lines[n]
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.text[d.lines[n-1]:end], "\n"), "\r")
}

// pos turns the parser's column, which counts characters, into bytes.
func (d *Document) pos(line, col int) problem.Pos {
	if line < 1 || len(d.lines) == 0 {
		return problem.Pos{}
	}
	if line > len(d.lines) {
		return problem.Pos{Line: len(d.lines), Col: len(d.Line(len(d.lines))) + 1}
	}
	s := d.Line(line)
	if d.ascii {
		return problem.Pos{Line: line, Col: min(max(col, 1), len(s)+1)}
	}
	at, i := d.wide.skip(line, s, col)
	for ; i < col && at < len(s); i++ {
		_, n := utf8.DecodeRuneInString(s[at:])
		at += n
	}
	return problem.Pos{Line: line, Col: at + 1}
}

// shown is a text with what a terminal would obey written out.
func shown(s string) string {
	if !strings.ContainsFunc(s, control) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if control(c) {
			fmt.Fprintf(&b, "\\u%04x", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Add reports a mistake, or a warning: width bytes at a place, and the path of what is there.
func (d *Document) Add(p problem.Pos, width int, path, text string, warning bool) {
	if d.overlay != nil && warning {
		return
	}
	if warning && d.warned == problem.MaxProblems {
		return
	}
	path, text = shown(path), shown(text)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	key := problem.Problem{Line: p.Line, Col: p.Col, Message: text}
	if d.seen[key] {
		return
	}
	d.seen[key] = true
	if o := d.overlay; o != nil && (p.Line < o.first || p.Line > o.last) {
		at := o.of(path)
		if path != "" && at.path != path {
			text = path + ": " + text
		}
		p, path = at.Pos(), at.path
		width = at.width(p)
	}
	source := d.Line(p.Line)
	width = min(width, len(source)+1-p.Col)
	if len(source) > maxSource {
		source = source[:maxSource]
	}
	d.probs = append(d.probs, problem.Problem{File: d.file, Line: p.Line, Col: p.Col, Width: max(1, width),
		Path: path, Message: text, Warning: warning, Source: strings.ToValidUTF8(source, "")})
	if warning {
		d.warned++
	} else if d.mistakes++; d.mistakes == problem.MaxProblems {
		d.Stop()
	}
}

// Take adopts problems of a text inside the document, which know their place but not their file.
func (d *Document) Take(ps []problem.Problem, path string) {
	for _, p := range ps {
		d.Add(problem.Pos{Line: p.Line, Col: p.Col}, p.Width, path, p.Message, p.Warning)
	}
}

// Failed reports whether anything but warnings was found.
func (d *Document) Failed() bool {
	return slices.ContainsFunc(d.probs, func(p problem.Problem) bool { return !p.Warning })
}

// Found is how many problems were found so far, warnings too.
func (d *Document) Found() int { return len(d.probs) }

// Refused reports whether something is wrong at a path, or further in, already.
func (d *Document) Refused(path string) bool {
	return slices.ContainsFunc(d.probs, func(p problem.Problem) bool {
		rest, inside := strings.CutPrefix(p.Path, path)
		return inside && !p.Warning && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Problems is what was found, in the order of the file.
func (d *Document) Problems() problem.List {
	slices.SortStableFunc(d.probs, func(a, b problem.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return d.probs
}

// Forget lets what comes be reported as if nothing had been read before.
func (d *Document) Forget() {
	d.probs, d.seen = nil, map[problem.Problem]bool{}
	d.mistakes, d.warned = 0, 0
}
