package grammar

import (
	"strings"

	"labctl/topology/problem"
)

// Hint is what is said of a key that a newcomer from another program may write in an object. The schema has no hints.
type Hint struct {
	Say   string // "$" in it becomes the value, as it would be written in one line
	Means string // the key that was meant; what is wrong with that one beside it, or that it is missing, is not said

	// Cure is a message that knows the object and the value under the key; "" is as Say. nil: always Say.
	Cure func(object, v Value) string
}

// hint is what is to be said of the key of v, an entry of an object; "" if the shape has no hint for it.
func (s *Shape) hint(object, v Value) string {
	if text := s.Hints[v.Name()]; text != "" {
		return text
	}
	h, ok := s.Foreign[v.Name()]
	if !ok {
		return ""
	}
	text := ""
	if h.Cure != nil {
		text = h.Cure(object, v)
	}
	if text == "" {
		text = strings.ReplaceAll(h.Say, "$", v.InLine())
	}
	return "unknown key; " + text
}

// Meant are the keys that the unknown ones of an object stand for.
func (s *Shape) Meant(object Value) map[string]bool {
	out := map[string]bool{}
	for x := range object.Fields() {
		if s.Key(x.Name()) == nil {
			if h := s.Foreign[x.Name()]; h.Means != "" {
				out[h.Means] = true
			}
		}
	}
	return out
}

// InLine is the value as it would be written in one line, and "…" for what is longer.
func (v Value) InLine() string {
	var words []string
	switch {
	case v.IsNull() || v.IsMap():
		return "…"
	case v.IsSingle():
		words = []string{v.Word()}
	case v.IsList():
		for _, x := range v.Items() {
			if !x.IsSingle() {
				return "…"
			}
			words = append(words, x.Word())
		}
	}
	text := strings.Join(words, ", ")
	if v.IsList() && len(words) != 1 {
		text = "[" + text + "]"
	}
	if strings.Contains(text, "\n") || len(text) > 60 {
		return "…"
	}
	return text
}

// otherForm reports that a value is neither a map, a list nor a single one where the shape wants one of these.
func (s *Shape) otherForm(v Value, usual string) {
	if s.Instead != nil {
		if text := s.Instead(v); text != "" {
			v.Errorf("%s", text)
			return
		}
	}
	if t, ok := tightColon(firstLine(v.Word())); ok && (s.Key(t.key) != nil || s.Form == Dict) {
		v.Errorf("%s", t.text())
		return
	}
	v.Errorf("%s", usual)
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// SpaceMissing says that a key has swallowed its value, "ip:10.0.0.1/24", or "". It is asked of keys that are refused.
func SpaceMissing(v Value) string {
	t, ok := tightColon(v.Name())
	if !ok || v.Key().Style() != Plain || !v.IsNull() && !strings.ContainsAny(t.value[:1], "{[") {
		return ""
	}
	return t.text()
}

// TightColon says of a single value that it should be a key and its value, or "".
func TightColon(v Value) string {
	t, ok := tightColon(firstLine(v.Word()))
	if !ok {
		return ""
	}
	return t.text()
}

// missing says that a key is missing.
func (k *Key) missing() string {
	if k.Write != "" {
		return problem.Quoted(k.Name) + " is missing; write " + k.Write
	}
	return problem.Quoted(k.Name) + " is missing; want " + k.Shape.Want
}
