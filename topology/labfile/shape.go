package labfile

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// form is what a value is in YAML.
type form int

const (
	formObject form = iota // a map with known keys
	formDict               // a map with keys of the author's
	formList
	formText
	formNumber
	formBool
	formEither // one of several, by what stands there
	formTable  // a literal block of 7.1
)

// shape describes one value of the file. The same description checks the file and becomes the JSON Schema, so that the two
// cannot come apart.
type shape struct {
	form form
	doc  string // for editors
	want string // in messages: "want " + it
	keys []shapeKey
	hint map[string]string // object: what to say of keys that one could expect here
	sole bool              // object: has exactly one key
	name *shape            // dict: its keys
	of   *shape            // dict, list: its values
	any  []*shape
	word []string              // text: the only ones
	re   *regexp.Regexp        // text: for the schema, and checked
	not  []string              // text: reserved words, for the schema; test knows them too
	test func(s string) string // text: what a pattern cannot say; "" is right
	min  int                   // number; list and dict: the fewest entries
	max  int                   // number; text: bytes (0: any); list: the most entries (0: any)
	step int                   // number: a multiple of; 0: any
	hex  bool                  // number: may be written 0x88cc too
	def  string                // the schema's name of this shape; nodes and sets are checked by whoever knows the node's kind
}

// shapeKey is a key of an object.
type shapeKey struct {
	name  string
	shape *shape
	must  bool
	needs []string // one of these has to stand beside it
	bars  []string // none of these may
}

func (s *shape) key(name string) *shapeKey {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// check reports everything in which a value is not as its shape says.
func (r *reader) check(n *yaml.Node, s *shape, path string) bool {
	if s.def == "nodes" || s.def == "set" || n.Kind == yaml.AliasNode {
		return true
	}
	switch s.form {
	case formObject:
		return r.checkObject(n, s, path)
	case formDict:
		return r.checkDict(n, s, path)
	case formList:
		return r.checkList(n, s, path)
	case formEither:
		return r.checkEither(n, s, path)
	case formTable:
		return r.checkTable(n, path)
	}
	if n.Kind != yaml.ScalarNode {
		r.errorf(n, path, "want %s, not a %s", s.want, kindWord(n))
		return false
	}
	if why := s.scalar(n); why != "" {
		r.errorf(n, path, "%s", why)
		return false
	}
	return true
}

func kindWord(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "map"
	case yaml.SequenceNode:
		return "list"
	}
	return "single value"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// scalar says why a single value is not what the shape wants, or "".
func (s *shape) scalar(n *yaml.Node) string {
	if isNull(n) {
		return "has no value; want " + s.want
	}
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch s.form {
	case formBool:
		if !plain || n.Value != "true" && n.Value != "false" {
			return strconv.Quote(problem.Clip(n.Value)) + " is neither true nor false"
		}
	case formNumber:
		if s.hex && plain && hexNumber.MatchString(n.Value) {
			return ""
		}
		if !plain || !problem.Decimal.MatchString(n.Value) {
			return strconv.Quote(problem.Clip(n.Value)) + " is not a number; want " + s.want
		}
		if v, _ := strconv.Atoi(n.Value); v < s.min || v > s.max || s.step > 1 && v%s.step != 0 {
			return n.Value + " does not fit; want " + s.want
		}
	default:
		if plain && n.Tag != "!!str" && n.Tag != "!!timestamp" {
			if why := s.textOK(n.Value); why != "" && s.test != nil {
				return why
			}
			return problem.Clip(n.Value) + " is not text in YAML; want " + s.want + " (in quotes, if it is meant so)"
		}
		return s.textOK(n.Value)
	}
	return ""
}

// textOK says why a word is not what the shape wants, or "".
func (s *shape) textOK(v string) string {
	if len(s.word) > 0 {
		for _, w := range s.word {
			if v == w {
				return ""
			}
		}
		return strconv.Quote(problem.Clip(v)) + " is unknown here; want " + s.want + problem.Suggest(v, s.word)
	}
	if s.test != nil {
		if why := s.test(v); why != "" {
			return why
		}
	}
	if s.max > 0 && utf8.RuneCountInString(v) > s.max {
		return strconv.Quote(problem.Clip(v)) + " is longer than " + strconv.Itoa(s.max) + " characters"
	}
	if s.re != nil && !s.re.MatchString(v) {
		return strconv.Quote(problem.Clip(v)) + " does not fit; want " + s.want
	}
	return ""
}

func (r *reader) checkObject(n *yaml.Node, s *shape, path string) bool {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, path, "want %s", s.want)
		return false
	}
	before := len(r.probs)
	count := 0
	for k, v := range entries(n) {
		count++
		at := problem.PathKey(path, k.Value)
		spec := s.key(k.Value)
		switch {
		case spec == nil && s.hint[k.Value] != "":
			r.errorf(k, at, "%s", s.hint[k.Value])
		case spec == nil:
			r.errorf(k, at, "unknown key%s", s.suggest(k.Value))
		default:
			r.check(v, spec.shape, at)
			r.checkBeside(n, k, spec, at)
		}
	}
	for _, spec := range s.keys {
		if spec.must && field(n, spec.name) == nil {
			r.errorf(n, path, "%q is missing; want %s", spec.name, spec.shape.want)
		}
	}
	if count < s.min {
		r.errorf(n, path, "is empty; want %s", s.want)
	}
	if s.sole && count != 1 {
		r.errorf(n, path, "want exactly one key, not %d", count)
	}
	return len(r.probs) == before
}

// checkBeside checks a key against those that stand beside it.
func (r *reader) checkBeside(n, k *yaml.Node, spec *shapeKey, path string) {
	for _, other := range spec.bars {
		if o := field(n, other); o != nil {
			r.errorf(k, path, "cannot stand beside %q", other)
		}
	}
	if len(spec.needs) == 0 {
		return
	}
	for _, other := range spec.needs {
		if field(n, other) != nil {
			return
		}
	}
	r.errorf(k, path, "belongs beside %s", problem.OrList(spec.needs))
}

func (s *shape) suggest(word string) string {
	var names []string
	for _, k := range s.keys {
		names = append(names, k.name)
	}
	if m := problem.Suggest(word, names); m != "" {
		return m
	}
	if len(names) <= 8 {
		return "; known are " + problem.AndList(names)
	}
	return "; " + strings.TrimSuffix(s.want, "'s keys") + " has no such key"
}

func (r *reader) checkDict(n *yaml.Node, s *shape, path string) bool {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, path, "want %s", s.want)
		return false
	}
	before := len(r.probs)
	if len(n.Content)/2 < s.min {
		r.errorf(n, path, "is empty; want %s", s.want)
	}
	if s.max > 0 && len(n.Content)/2 > s.max {
		r.errorf(n, path, "has %s; at most %d are possible", problem.Count(len(n.Content)/2, "entry"), s.max)
	}
	for k, v := range entries(n) {
		at := problem.PathKey(path, k.Value)
		if s.name != nil {
			if why := s.name.textOK(k.Value); why != "" {
				r.errorf(k, at, "%s", why)
				continue
			}
		}
		r.check(v, s.of, at)
	}
	return len(r.probs) == before
}

func (r *reader) checkList(n *yaml.Node, s *shape, path string) bool {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, path, "want %s", s.want)
		return false
	}
	ok := true
	if len(n.Content) < s.min {
		r.errorf(n, path, "is empty; want %s", s.want)
		ok = false
	}
	if s.max > 0 && len(n.Content) > s.max {
		r.errorf(n, path, "has %s; at most %d are possible", problem.Count(len(n.Content), "entry"), s.max)
		ok = false
	}
	for i, v := range n.Content {
		ok = r.check(v, s.of, problem.PathIndex(path, i)) && ok
	}
	return ok
}

// checkEither takes the shape whose YAML form fits, and among several single values the one that is right. When none is,
// a number is told what numbers may be, and a text what texts may be.
func (r *reader) checkEither(n *yaml.Node, s *shape, path string) bool {
	var near *shape
	for _, a := range s.any {
		switch {
		case n.Kind == yaml.MappingNode && (a.form == formObject || a.form == formDict), n.Kind == yaml.SequenceNode && a.form == formList:
			return r.check(n, a, path)
		case n.Kind == yaml.ScalarNode && a.form >= formText && a.form <= formBool:
			if a.scalar(n) == "" {
				return true
			}
			if near == nil || (n.Tag == "!!int") == (a.form == formNumber) {
				near = a
			}
		}
	}
	if near == nil || isNull(n) || near.test == nil && near.form == formText {
		r.errorf(n, path, "want %s", s.want)
		return false
	}
	why := near.scalar(n)
	if near.form == formBool {
		why += "; want " + s.want
	}
	r.errorf(n, path, "%s", why)
	return false
}

const wantTable = `want a table: a literal block, that is a "|" and the lines below it`

func (r *reader) checkTable(n *yaml.Node, path string) bool {
	if n.Kind != yaml.ScalarNode {
		r.errorf(n, path, wantTable+", not a %s", kindWord(n))
		return false
	}
	if n.Tag != "!!str" {
		r.errorf(n, path, wantTable)
		return false
	}
	return true
}
