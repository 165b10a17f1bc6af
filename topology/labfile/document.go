package labfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
	"labctl/topology/rules"
)

const bom = "\ufeff"

// maxDepth is how deep lists and maps may stand in each other; nested labs need about five for each level.
const maxDepth = 100

// reader knows where the words of one file stand, and collects what is wrong with them.
type reader struct {
	file  string
	src   []byte // without a byte order mark, which no editor counts as a column
	text  string // the same
	ascii bool   // it has nothing else
	lines []int  // where each line begins in src
	probs []problem.Problem
	wide  map[int][]int // of long lines that are not ASCII: where every wideStep-th character begins

	mistakes     int                      // of problem.MaxProblems
	warned       int                      // likewise
	sysctlsGiven int                      // of maxGiven
	compared     int                      // of maxCompared
	guardPairs   int                      // of rules.MaxGuarded
	ways         int                      // of rules.MaxWays, that may still be looked at
	seen         map[problem.Problem]bool // by place and words only

	// While a step's set is laid over the nodes: what it says of them is reported in it, and only if the file did not
	// say so before.
	overlay *overlay
}

// overlay is the place of a step's set in the file.
type overlay struct {
	at          *yaml.Node
	path        string
	first, last int // lines
	nodes       []overlaid
}

// overlaid is a node that a set changes.
type overlaid struct {
	key  *yaml.Node
	path string
}

// of is where a problem of that path is shown.
func (o *overlay) of(path string) (at *yaml.Node, shown string) {
	for _, n := range o.nodes {
		if path == n.path || strings.HasPrefix(path, n.path+".") {
			return n.key, path
		}
	}
	return o.at, o.path
}

func newReader(file string, src []byte) *reader {
	src = bytes.TrimPrefix(src, []byte(bom))
	r := &reader{file: file, src: src, seen: map[problem.Problem]bool{}, ways: rules.MaxWays}
	if len(src) <= maxFile {
		r.text, r.ascii = string(src), true
		r.lines = append(r.lines, 0)
		for i, c := range src {
			r.ascii = r.ascii && c < utf8.RuneSelf
			if c == '\n' && i+1 < len(src) {
				r.lines = append(r.lines, i+1)
			}
		}
	}
	return r
}

// Line returns a line by its number, without its end.
func (r *reader) Line(n int) string {
	if n < 1 || n > len(r.lines) {
		return ""
	}
	end := len(r.text)
	if n < len(r.lines) {
		end = r.lines[n]
	}
	return strings.TrimSuffix(strings.TrimSuffix(r.text[r.lines[n-1]:end], "\n"), "\r")
}

// Pos turns the parser's column, which counts characters, into bytes.
func (r *reader) pos(line, col int) problem.Pos {
	if line < 1 || len(r.lines) == 0 {
		return problem.Pos{}
	}
	if line > len(r.lines) {
		return problem.Pos{Line: len(r.lines), Col: len(r.Line(len(r.lines))) + 1}
	}
	s := r.Line(line)
	if r.ascii {
		return problem.Pos{Line: line, Col: min(max(col, 1), len(s)+1)}
	}
	at, i := r.skipped(line, s, col)
	for ; i < col && at < len(s); i++ {
		_, n := utf8.DecodeRuneInString(s[at:])
		at += n
	}
	return problem.Pos{Line: line, Col: at + 1}
}

func (r *reader) at(n *yaml.Node) problem.Pos { return r.pos(n.Line, n.Column) }

// width is how much of the line a value's own word takes.
func (r *reader) width(n *yaml.Node, p problem.Pos) int {
	s := r.Line(p.Line)
	if p.Col < 1 || p.Col > len(s) {
		return 1
	}
	s = s[p.Col-1:]
	switch {
	case n.Kind != yaml.ScalarNode, n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 1
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		if i := strings.IndexByte(s[1:], s[0]); i >= 0 {
			return i + 2
		}
	case strings.HasPrefix(s, n.Value):
		return max(1, len(n.Value))
	}
	return len(strings.TrimRight(s, " "))
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

// Add reports a mistake, or a warning; see rules.File.
func (r *reader) Add(p problem.Pos, width int, path, text string, warning bool) {
	if r.overlay != nil && warning {
		return
	}
	if warning && r.warned == problem.MaxProblems {
		return
	}
	path, text = shown(path), shown(text)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	key := problem.Problem{Line: p.Line, Col: p.Col, Message: text}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	if o := r.overlay; o != nil && (p.Line < o.first || p.Line > o.last) {
		at, shown := o.of(path)
		if path != "" && shown != path {
			text = path + ": " + text
		}
		p, path = r.at(at), shown
		width = r.width(at, p)
	}
	source := r.Line(p.Line)
	width = min(width, len(source)+1-p.Col)
	if len(source) > maxSource {
		source = source[:maxSource]
	}
	r.probs = append(r.probs, problem.Problem{File: r.file, Line: p.Line, Col: p.Col, Width: max(1, width),
		Path: path, Message: text, Warning: warning, Source: strings.ToValidUTF8(source, "")})
	if warning {
		r.warned++
	} else if r.mistakes++; r.mistakes == problem.MaxProblems {
		r.stop()
	}
}

func (r *reader) errorf(n *yaml.Node, path, format string, args ...any) {
	p := r.at(n)
	r.Add(p, r.width(n, p), path, fmt.Sprintf(format, args...), false)
}

func (r *reader) warnf(n *yaml.Node, path, format string, args ...any) {
	p := r.at(n)
	r.Add(p, r.width(n, p), path, fmt.Sprintf(format, args...), true)
}

// take adopts problems of a table, which know their place but not their file.
func (r *reader) take(ps []problem.Problem, path string) {
	for _, p := range ps {
		r.Add(problem.Pos{Line: p.Line, Col: p.Col}, p.Width, path, p.Message, p.Warning)
	}
}

// failed reports whether anything but warnings was found.
func (r *reader) failed() bool {
	return slices.ContainsFunc(r.probs, func(p problem.Problem) bool { return !p.Warning })
}

func (r *reader) done() problem.List {
	slices.SortStableFunc(r.probs, func(a, b problem.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return r.probs
}

// parse returns the file's only document, or nil and a problem.
func (r *reader) parse() *yaml.Node {
	if !r.fewValues() {
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(r.src))
	if err != nil {
		r.syntax(err)
		return nil
	}
	var doc, more yaml.Node
	if err := loader.Load(&doc); err != nil {
		r.syntax(err)
		return nil
	}
	if err := loader.Load(&more); err == nil {
		r.errorf(&more, "", "a second document begins here; a lab file is one document")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	return doc.Content[0]
}

// syntax says in plain words what the YAML parser met.
func (r *reader) syntax(err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		text := "the file has only comments; a lab begins with \"format: 1\""
		if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "no documents") {
			text = "not YAML: " + err.Error()
		}
		r.Add(problem.Pos{}, 1, "", text, false)
		return
	}
	mark, start := e.Mark, e.ContextMark
	p := r.pos(mark.Line, mark.Column)
	if start.Line > 0 && (mark.Line > len(r.lines) || mark.Line < 1) {
		p = r.pos(start.Line, start.Column)
	}
	r.Add(p, 1, "", syntaxText(e.Message, e.ContextMsg, r.Line(p.Line), p, start.Line), false)
}

// syntaxText translates the parser's own words for the usual slips.
func syntaxText(msg, context, line string, p problem.Pos, start int) string {
	rest := ""
	if p.Col >= 1 && p.Col <= len(line) {
		rest = line[p.Col-1:]
	}
	switch {
	case strings.HasPrefix(rest, "\t"):
		return "a tab cannot indent in YAML; use spaces"
	case strings.Contains(msg, "cannot start any token"):
		return "a value cannot begin with this character; put it in quotes"
	case strings.Contains(msg, "mapping values are not allowed"):
		return `": " cannot stand here; put the value in quotes, or begin a new line`
	case strings.Contains(msg, "unknown anchor"):
		return "aliases are not allowed; write the value out"
	case strings.Contains(msg, "escape"):
		return "an unknown escape; inside single quotes a backslash is only a backslash"
	case strings.Contains(context, "flow sequence"):
		return fmt.Sprintf(`the list that begins in line %d has no closing "]", or a "," is missing`, start)
	case strings.Contains(context, "flow mapping"):
		return fmt.Sprintf(`the map that begins in line %d has no closing "}", or a "," is missing`, start)
	case strings.Contains(context, "quoted scalar"):
		return fmt.Sprintf("the quoted text that begins in line %d is not closed", start)
	case strings.Contains(msg, "expected key"):
		return "this does not fit the lines above; check the indentation"
	case strings.Contains(msg, "could not find expected ':'"):
		return `a key needs a ": " and a value`
	case strings.Contains(msg, "max depth"):
		return "lists and maps are nested too deep"
	}
	return "not YAML: " + msg
}

// treeOK refuses what YAML can say and a lab file must not, everywhere in the document.
func (r *reader) treeOK(root *yaml.Node) bool {
	before := len(r.probs)
	r.tree(root, 0)
	return len(r.probs) == before || !slices.ContainsFunc(r.probs, func(p problem.Problem) bool { return p.Message == tooDeep })
}

const tooDeep = "lists and maps are nested too deep"

func (r *reader) tree(n *yaml.Node, depth int) {
	if depth > maxDepth {
		r.errorf(n, "", tooDeep)
		return
	}
	switch {
	case n.Anchor != "":
		r.errorf(n, "", "anchors are not allowed: positions and diffs refer to what stands in the file; write the value out")
	case n.Kind == yaml.AliasNode:
		r.errorf(n, "", "aliases are not allowed; write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		r.errorf(n, "", "tags (%s) are not allowed; a value's kind follows from its place", n.Tag)
	}
	if n.Kind == yaml.MappingNode {
		r.keysOK(n)
	}
	if i := strings.IndexFunc(n.Value, control); i >= 0 && n.Kind == yaml.ScalarNode {
		c, _ := utf8.DecodeRuneInString(n.Value[i:])
		r.errorf(n, "", "the control character %U is not allowed, not as an escape either", c)
	}
	for _, c := range n.Content {
		r.tree(c, depth+1)
	}
}

func (r *reader) keysOK(n *yaml.Node) {
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch was := first[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			if k.Kind != yaml.AliasNode {
				r.errorf(k, "", "a key is one word, not a list or a map")
			}
		case k.Tag == "!!merge":
			r.errorf(k, "", "merge keys are not allowed; write the keys out")
		case was != nil:
			r.errorf(k, "", "%q stands here twice, first in line %d", k.Value, was.Line)
		default:
			first[k.Value] = k
		}
	}
}

// field returns the value of a key of a map, or nil.
func field(n *yaml.Node, key string) *yaml.Node {
	_, v := entry(n, key)
	return v
}

// entry returns a key of a map and its value, or nils.
func entry(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// entries goes through a map in file order, leaving out what was refused as a repeated key.
func entries(n *yaml.Node) func(yield func(k, v *yaml.Node) bool) {
	return func(yield func(k, v *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || seen[k.Value] {
				continue
			}
			seen[k.Value] = true
			if !yield(k, n.Content[i+1]) {
				return
			}
		}
	}
}

// items are the entries of a list.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}
