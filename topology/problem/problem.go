// Package problem holds what every reader of text has to say about a mistake: where it is, what was found there, what
// was probably meant. It knows nothing of labs.
package problem

import (
	"fmt"
	"strings"
)

// Pos is a place in a lab file. Line and Col count from 1, Col in bytes as editors' "go to" does; the zero Pos is
// "nowhere".
type Pos struct{ Line, Col int }

// Problem is one mistake, or one warning, in a lab file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Width   int    `json:"width"`          // bytes to underline, at least 1
	Path    string `json:"path,omitempty"` // nodes.h3.ip, links[0], expect.ping
	Message string `json:"message"`        // what is wrong; what to do
	Warning bool   `json:"warning,omitempty"`
	Source  string `json:"source,omitempty"` // the line itself
}

// Error is the one-line form: file:line:col: path: message. A problem of no file, as one in what is set by hand, begins
// with its path. What a terminal
// would act upon, or would begin another line, is written out.
func (p Problem) Error() string { return Visible(p.text(), false) }

func (p Problem) text() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.File != "" && p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	if p.File != "" {
		b.WriteString(": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Excerpt is the source line with a caret under the word, as two lines with a newline after each; "" without a
// position.
func (p Problem) Excerpt() string {
	if p.Line == 0 {
		return ""
	}
	num := fmt.Sprintf("%4d | ", p.Line)
	pad := make([]rune, 0, len(p.Source))
	for i, r := range p.Source {
		if i >= p.Col-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	return fmt.Sprintf("%s%s\n%s| %s%s\n", num, p.Source, strings.Repeat(" ", len(num)-2), string(pad),
		strings.Repeat("^", max(1, min(p.Width, len(p.Source)+1-p.Col))))
}

// List are in file order.
type List []Problem

// Errors returns those that are not warnings.
func (ps List) Errors() List {
	var out List
	for _, p := range ps {
		if !p.Warning {
			out = append(out, p)
		}
	}
	return out
}

// MaxProblems is how many mistakes of a file are reported; it is not read further. As many warnings are kept.
const MaxProblems = 1000

// MaxShown is how many problems are printed; a person mends the first few and asks again.
const MaxShown = 50

// Error prints every problem with its excerpt, at most 50, and the number of the rest, as far as the file was read.
func (ps List) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i == MaxShown {
			least := ""
			if len(ps) >= MaxProblems { // then reading has ended
				least = "at least "
			}
			fmt.Fprintf(&b, "… and %s%d more\n", least, len(ps)-MaxShown)
			break
		}
		b.WriteString(p.Error() + "\n" + p.Excerpt())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Before orders places in a file; nowhere is before nothing.
func (p Pos) Before(q Pos) bool {
	if p.Line == 0 || q.Line == 0 {
		return false
	}
	return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col
}
