//go:build linux

package kernel

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// RuleError is a rule that a tool or the kernel refuses. Nothing of the change it was part of is left.
type RuleError struct {
	Node, Set string      // Set is "" when nobody knows which
	Pos       problem.Pos // in the lab file; zero when not known
	Text      string      // the line that the tool refused, without what is around it; "" when not known
	Col       int         // in Text, 1 or more; 0 when not known
	Message   string      // in the tool's or the kernel's words
}

func (e *RuleError) Error() string { return e.Path() + ": " + e.Message }

// Path is the rule set as messages about lab files name it.
func (e *RuleError) Path() string {
	p := "nodes." + e.Node + ".rules"
	if e.Set != "" {
		p += "." + e.Set
	}
	return p
}

// Problem is the refusal as a mistake in the lab file, whose path and text are given.
func (e *RuleError) Problem(file string, source []byte) problem.Problem {
	p := problem.Problem{File: file, Line: e.Pos.Line, Col: e.Pos.Col, Width: 1, Path: e.Path(), Message: e.Message}
	if lines := strings.Split(string(source), "\n"); p.Line > 0 && p.Line <= len(lines) {
		p.Source = lines[p.Line-1]
	}
	return p
}

// Where a tool found the mistake: iptables-restore's "line 5 failed", "Error occurred at line: 3" and "line 3:
// RULE_APPEND failed"; nft's "/dev/stdin:7:37-43: Error: …".
var (
	xtLine  = regexp.MustCompile(`line:? (\d+)`)
	nftLine = regexp.MustCompile(`(?m)^[^\s:]*:(\d+):(\d+)(?:-\d+)?: Error: (.*)$`)
)

// ruleFailure turns a tool's complaint into a RuleError with the place in the lab file.
func ruleFailure(ctx context.Context, node string, p rulePart, text string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, ErrUnsupported) || strings.TrimSpace(text) == "" {
		return err
	}
	e := &RuleError{Node: node, Message: toolWords(text)}
	line, col := 0, 0
	if m := nftLine.FindStringSubmatch(text); p.tool == "nft" && m != nil {
		line, _ = strconv.Atoi(m[1])
		col, _ = strconv.Atoi(m[2])
		e.Message = m[3]
	} else if m := xtLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	if line < 1 || line > len(p.lines) {
		return e
	}
	e.refused(strings.Split(p.text, "\n")[line-1], col)
	from := p.blame(line-1, text)
	if from.set == nil {
		return e
	}
	e.Set, e.Pos = from.set.Name, from.pos
	if e.Pos == (problem.Pos{}) {
		e.Pos = from.set.Pos
	} else if col > 1 && from.set.Form == "nft" {
		e.Pos.Col += from.set.TextColumn(e.Pos.Line-from.set.TextPos.Line, col) - 1
	}
	return e
}

// refused notes the line of text that the tool names, and where in it: at the tool's column, or at the word that it
// quotes.
func (e *RuleError) refused(line string, col int) {
	e.Text = strings.TrimSpace(line)
	if col > 0 {
		e.Col = max(1, col-strings.Index(line, e.Text))
	} else if m := quotedWord.FindStringSubmatch(e.Message); m != nil {
		e.Col = strings.Index(e.Text, m[1]) + 1
	}
}

var quotedWord = regexp.MustCompile("[\"'`]([^\"'`]+)[\"']")

var chainWord = regexp.MustCompile(`[Cc]hain '([^']+)'`)

// blame finds where line i, counted from 0, comes from. What only the kernel finds wrong is often reported for the end
// of the table: then a chain's name may tell the line, and if not, there may be just one set.
func (p rulePart) blame(i int, words string) ruleOrigin {
	if p.lines[i].set != nil {
		return p.lines[i]
	}
	list := strings.Split(p.text, "\n")
	m := chainWord.FindStringSubmatch(words)
	var only ruleOrigin
	for k := i; k >= 0 && !strings.HasPrefix(list[k], "*"); k-- {
		set := p.lines[k].set
		switch {
		case set == nil:
		case m != nil && slices.Contains(strings.Fields(list[k]), m[1]):
			return p.lines[k]
		case only.set == nil:
			only.set = set
		case only.set != set:
			return ruleOrigin{}
		}
	}
	return only
}

var (
	toolPrefix = regexp.MustCompile(`^\S*(?:tables\S*|nft)(?: v\S+ \(\w+\))?: *`)
	advice     = regexp.MustCompile(`^(?:Try .*for more information\.|Error occurred at line: \d+)$`)
	lineNumber = regexp.MustCompile(`^line \d+:? *`)
)

// toolWords is what a tool said, on one line, without its own name, line numbers and advice.
func toolWords(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for range 2 {
			line = strings.TrimSpace(toolPrefix.ReplaceAllString(line, ""))
		}
		line = lineNumber.ReplaceAllString(line, "")
		if line != "" && !advice.MatchString(line) {
			out = append(out, line)
		}
	}
	if len(out) > 3 {
		out = out[:3]
	}
	if s := strings.Join(out, "; "); s != "failed" {
		return s
	}
	return "the kernel refuses a rule and does not say which or why" // all that older versions of iptables-restore know
}
