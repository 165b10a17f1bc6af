package grammar

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"labctl/topology/problem"
)

// Form is what a value is in YAML.
type Form int

// The forms.
const (
	Object Form = iota // a map with known keys
	Dict               // a map with keys of the author's
	List
	Text
	Number
	Bool
	Either // one of several, by what is written
	Table  // a literal block of a table
)

// Shape describes one value of the file. The same description checks the file and becomes the JSON Schema, so that the
// two cannot come apart.
type Shape struct {
	Form  Form
	Doc   string // for editors
	Want  string // in messages: "want " + it
	Keys  []Key
	Hints map[string]string // object: what to say of keys that one could expect here
	// Object: what to say of keys of other programs.
	Foreign map[string]Hint
	// Amiss says what to write for an object that is not one at all, in place of all that is wrong with it; or "".
	Amiss func(v Value) string
	// Instead says what to write for a value of another form, or "" for the usual words. nil: always these.
	Instead func(v Value) string
	Sole    bool   // object: has exactly one key
	Name    *Shape // dict: its keys
	Of      *Shape // dict, list: its values
	Any     []*Shape
	Words   []string              // text: the only ones
	Spell   map[string]string     // text: which of Words is meant by another word
	RE      *regexp.Regexp        // text: for the schema, and checked
	Not     []string              // text: reserved words, for the schema; Test knows them too
	Test    func(s string) string // text: what a pattern cannot say; "" is right
	Min     int                   // number; list and dict: the fewest entries
	// number; text: characters (0: any); list, dict: the most entries (0: any); table: a number up to it will do
	Max     int
	Step    int    // number: a multiple of; 0: any
	Hex     bool   // number: may be written 0x88cc too
	Removed string // dict: what an entry is, which a step's set may take away by null
	Removes bool   // dict: it is that of a set
	Def     string // the schema's name of this shape
	Later   bool   // checked by whoever knows more than its place
}

// Key is a key of an object.
type Key struct {
	Name  string
	Shape *Shape
	Must  bool
	Write string   // what to write where it must be and is not
	Needs []string // one of these has to be beside it
	Bars  []string // none of these may
}

// With is the shape with other words for editors.
func (s *Shape) With(doc string) *Shape { s.Doc = doc; return s }

// AtLeast is the shape with a number of entries that it must have.
func (s *Shape) AtLeast(n int) *Shape { s.Min = n; return s }

// Key is the key of that name, or nil.
func (s *Shape) Key(name string) *Key {
	for i := range s.Keys {
		if s.Keys[i].Name == name {
			return &s.Keys[i]
		}
	}
	return nil
}

// Inside is the shape of what is under a key, or nil.
func (s *Shape) Inside(key string) *Shape {
	switch s.Form {
	case Object:
		if k := s.Key(key); k != nil {
			return k.Shape
		}
	case Dict:
		return s.Of
	case Either:
		for _, a := range s.Any {
			if in := a.Inside(key); in != nil {
				return in
			}
		}
	}
	return nil
}

// Check reports everything in which a value is not as its shape says.
func (s *Shape) Check(v Value) bool {
	if s.Later || isAlias(v) {
		return true
	}
	switch s.Form {
	case Object:
		return s.checkObject(v)
	case Dict:
		return s.checkDict(v)
	case List:
		return s.checkList(v)
	case Either:
		return s.checkEither(v)
	case Table:
		return s.checkTable(v)
	}
	if !v.IsSingle() {
		s.otherForm(v, "want "+s.Want+", not a "+kindWord(v))
		return false
	}
	if why := s.refuses(v); why != "" {
		v.Errorf("%s", why)
		return false
	}
	return true
}

func kindWord(v Value) string {
	switch {
	case v.IsMap():
		return "map"
	case v.IsList():
		return "list"
	}
	return "single value"
}

// refuses says why a single value is not what the shape wants, or "".
func (s *Shape) refuses(v Value) string {
	if v.IsNull() {
		return "has no value; want " + s.Want
	}
	plain, word := v.Style() == Plain, v.Word()
	switch s.Form {
	case Bool:
		if !plain || word != "true" && word != "false" {
			return strconv.Quote(problem.Clip(word)) + " is neither true nor false" + trueOrFalse(word)
		}
	case Number:
		if s.Hex && plain && hexNumber.MatchString(word) {
			n, _ := strconv.ParseInt(word, 0, 64)
			return s.outside(word, int(n))
		}
		if !plain || !problem.Decimal.MatchString(word) {
			return strconv.Quote(problem.Clip(word)) + " is not a number; want " + s.Want
		}
		n, _ := strconv.Atoi(word)
		return s.outside(word, n)
	default:
		if plain && !v.IsText() && v.node.Tag != "!!timestamp" {
			if why := s.Refuses(word); why != "" && (s.Test != nil || s.Words != nil) {
				return why
			}
			return problem.Clip(word) + " is not text in YAML; want " + s.Want + " (in quotes, if it is meant so)"
		}
		return s.Refuses(word)
	}
	return ""
}

// Refuses says why a word is not what the shape of a text wants, or "".
func (s *Shape) Refuses(word string) string {
	if len(s.Words) > 0 {
		for _, w := range s.Words {
			if word == w {
				return ""
			}
		}
		near := problem.Suggest(word, s.Words)
		if meant := s.Spell[word]; meant != "" {
			near = "; write " + meant
		}
		return strconv.Quote(problem.Clip(word)) + " is unknown here; want " + s.Want + near
	}
	if s.Test != nil {
		if why := s.Test(word); why != "" {
			return why
		}
	}
	if s.Max > 0 && utf8.RuneCountInString(word) > s.Max {
		return strconv.Quote(problem.Clip(word)) + " is longer than " + strconv.Itoa(s.Max) + " characters"
	}
	if s.RE != nil && !s.RE.MatchString(word) {
		return strconv.Quote(problem.Clip(word)) + " does not fit; want " + s.Want
	}
	return ""
}

func (s *Shape) checkObject(v Value) bool {
	if !v.IsMap() {
		s.otherForm(v, "want "+s.Want)
		return false
	}
	if s.Amiss != nil {
		if why := s.Amiss(v); why != "" {
			v.Errorf("%s", why)
			return false
		}
	}
	before := v.doc.Found()
	count := 0
	meant := s.Meant(v)
	for x := range v.Fields() {
		count++
		switch key := s.Key(x.Name()); {
		case key == nil:
			x.Key().Errorf("%s", s.unknown(v, x))
		case !meant[x.Name()]:
			key.Shape.Check(x)
			key.checkBeside(v, x)
		}
	}
	for _, key := range s.Keys {
		if key.Must && !v.Has(key.Name) && !meant[key.Name] {
			v.Errorf("%s", key.missing())
		}
	}
	if count < s.Min {
		v.Errorf("is empty; want %s", s.Want)
	}
	if s.Sole && count != 1 {
		v.Errorf("want exactly one key, not %d", count)
	}
	return v.doc.Found() == before
}

// unknown is what is said of an entry of an object whose key the shape does not know.
func (s *Shape) unknown(object, v Value) string {
	if text := s.hint(object, v); text != "" {
		return text
	}
	if t, ok := tightColon(v.Name()); ok && s.Key(t.key) != nil {
		return t.text()
	}
	return "unknown key" + s.suggest(v.Name())
}

// checkBeside checks a key against those beside it.
func (k *Key) checkBeside(object, v Value) {
	for _, other := range k.Bars {
		if object.Has(other) {
			v.Key().Errorf("cannot be used together with %q", other)
		}
	}
	if len(k.Needs) == 0 {
		return
	}
	for _, other := range k.Needs {
		if object.Has(other) {
			return
		}
	}
	v.Key().Errorf("belongs beside %s", problem.OrList(k.Needs))
}

// maxListed is how many keys of an object are listed where none is near: those of a file or a step, not those of a
// host.
const maxListed = 14

func (s *Shape) suggest(word string) string {
	var names []string
	for _, k := range s.Keys {
		names = append(names, k.Name)
	}
	if m := problem.Suggest(word, names); m != "" {
		return m
	}
	if len(names) <= maxListed {
		return "; known are " + problem.AndList(names)
	}
	return "; " + strings.TrimSuffix(s.Want, "'s keys") + " has no such key"
}

func (s *Shape) checkDict(v Value) bool {
	if !v.IsMap() {
		s.otherForm(v, "want "+s.Want)
		return false
	}
	before := v.doc.Found()
	s.checkLen(v)
	for x := range v.Fields() {
		if s.Name != nil {
			if why := s.Name.Refuses(x.Name()); why != "" {
				x.Key().Errorf("%s", cmp.Or(SpaceMissing(x), why))
				continue
			}
		}
		switch {
		case s.Removed == "" || !x.IsNull():
			s.Of.Check(x)
		case !s.Removes:
			x.Errorf("has no value; in a step's set that takes a %s away, and here there is none yet: give it a "+
				"value, or leave it out", s.Removed)
		}
	}
	return v.doc.Found() == before
}

func (s *Shape) checkLen(v Value) (ok bool) {
	ok = true
	if v.Len() < s.Min {
		has := "is empty"
		if v.Len() > 0 {
			has = "has only " + problem.Count(v.Len(), "entry")
		}
		v.Errorf("%s; want %s", has, s.Want)
		ok = false
	}
	if s.Max > 0 && v.Len() > s.Max {
		v.Errorf("has %s; at most %d are possible", problem.Count(v.Len(), "entry"), s.Max)
		ok = false
	}
	return ok
}

func (s *Shape) checkList(v Value) bool {
	if !v.IsList() {
		s.otherForm(v, "want "+s.Want)
		return false
	}
	ok := s.checkLen(v)
	for _, x := range v.Items() {
		ok = s.Of.Check(x) && ok
	}
	return ok
}

// checkEither takes the shape whose YAML form fits, and among several single values the one that is right. When none
// is, a number is told what numbers may be, and a text what texts may be.
func (s *Shape) checkEither(v Value) bool {
	var near *Shape
	for _, a := range s.Any {
		switch {
		case v.IsMap() && (a.Form == Object || a.Form == Dict), v.IsList() && a.Form == List,
			v.IsSingle() && a.Form == Table:
			return a.Check(v)
		case v.IsSingle() && a.Form >= Text && a.Form <= Bool:
			if a.refuses(v) == "" {
				return true
			}
			if near == nil || v.IsNumber() == (a.Form == Number) {
				near = a
			}
		}
	}
	if near == nil || v.IsNull() || near.Test == nil && near.Form == Text {
		s.otherForm(v, "want "+s.Want)
		return false
	}
	why := near.refuses(v)
	if near.Form == Bool && trueOrFalse(v.Word()) == "" {
		why += "; want " + s.Want
	}
	v.Errorf("%s", why)
	return false
}
