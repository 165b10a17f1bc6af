package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// OptionForm is what the value of an option is.
type OptionForm int

// The forms of options.
const (
	OptionFlag   OptionForm = iota // true or false
	OptionNumber                   // a whole number from Min to Max
	OptionWord                     // one word or one of Words
	OptionWords                    // Words, or a list of the author's
)

// Option is what a table in its long form, a map with the table under "table", may say of all its questions: how large
// a ping is, who listens.
type Option struct {
	Name     string // the key beside "table", and its name in a question
	Doc      string // for editors
	Form     OptionForm
	Min, Max int      // of a number; of a text, Max: bytes, 0: any
	Words    []string // of a word, the only ones; of a list, what may be written in its place
	Want     string   // for messages
	Usual    string   // the value that a question has anyway; it is left out of the question's name

	wrong func(g *vocabulary, value string) string // what is wrong with one of its values in a lab; nil: nothing can be
}

// Option is the option of the kind with that name; nil if it has none.
func (k *Kind) Option(name string) *Option {
	for i := range k.Options {
		if k.Options[i].Name == name {
			return &k.Options[i]
		}
	}
	return nil
}

// Title is a kind with options, as the question's name begins: "ping,df,size=1472". Options are sorted by name, one
// that says only what is so anyway is left out, and a flag that is true is its name alone. The values of a list are
// joined with "+". What would end the title, a question or a word in a line is written %3A, as in a URL (RFC 3986,
// 2.1).
func Title(kind string, options map[string][]string) string {
	k := KindOf(kind)
	parts := []string{kind}
	for name, values := range options {
		o := k.Option(name)
		switch value := strings.Join(values, "+"); {
		case o == nil, value == o.Usual && (value != "" || o.Form == OptionFlag):
		case o.Form == OptionFlag && value == "true":
			parts = append(parts, name)
		case o.Form == OptionFlag && value == "false" && o.Usual == "":
		default:
			escaped := make([]string, len(values))
			for i, v := range values {
				escaped[i] = escape(v)
			}
			parts = append(parts, name+"="+strings.Join(escaped, "+"))
		}
	}
	slices.Sort(parts[1:])
	return strings.Join(parts, ",")
}

// splitTitle is the inverse of [Title]: the kind, and its options as a [Question] has them.
func splitTitle(title string) (kind, with string) {
	kind, with, _ = strings.Cut(title, ",")
	return kind, with
}

// Option is the value of an option of the question, "" if it has none: "true" or "false" of a flag, a number, a word.
// Several values, which only a list has, are in [Question.Options].
func (q Question) Option(name string) string { return strings.Join(q.Options(name), "+") }

// Options are the values of an option of the question.
func (q Question) Options(name string) []string {
	for part := range strings.SplitSeq(q.With, ",") {
		key, value, valued := strings.Cut(part, "=")
		switch {
		case key != name:
		case !valued:
			return []string{"true"}
		default:
			var out []string
			for v := range strings.SplitSeq(value, "+") {
				text, _ := unescape(v)
				out = append(out, text)
			}
			return out
		}
	}
	if o := KindOf(q.Kind).Option(name); o != nil && o.Usual != "" {
		return []string{o.Usual}
	}
	return nil
}

// Title is the kind and the options of the table, as its questions begin.
func (t *Table) Title() string { return title(t.Kind, t.With) }

// Title is the kind and the options of the question, as its name begins.
func (q Question) Title() string { return title(q.Kind, q.With) }

func title(kind, with string) string {
	if with == "" {
		return kind
	}
	return kind + "," + with
}

// parseOptions reads the options of a question's name, in any order, and says what is wrong with them.
func parseOptions(k *Kind, text string) (with, wrong string) {
	options := map[string][]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, valued := strings.Cut(part, "=")
		o := k.Option(name)
		if o == nil {
			return "", fmt.Sprintf("%q is not an option of %s%s", name, k.Name, k.optionNames(name))
		}
		if _, twice := options[name]; twice {
			return "", fmt.Sprintf("%q is said twice", name)
		}
		var values []string
		for v := range strings.SplitSeq(value, "+") {
			plain, ok := unescape(v)
			if !ok {
				return "", fmt.Sprintf("%q: a %% is followed by two hexadecimal digits", part)
			}
			values = append(values, plain)
		}
		if !valued {
			values = []string{"true"}
		}
		if !o.fits(values, valued) {
			return "", fmt.Sprintf("%s: want %s", name, o.Want)
		}
		options[name] = values
	}
	_, with = splitTitle(Title(k.Name, options))
	return with, ""
}

// fits reports whether the values are some that the option may have; valued: there is something behind a "=".
func (o *Option) fits(values []string, valued bool) bool {
	switch o.Form {
	case OptionFlag:
		return len(values) == 1 && (values[0] == "true" || values[0] == "false")
	case OptionNumber:
		n, err := strconv.Atoi(values[0])
		return valued && len(values) == 1 && err == nil && strconv.Itoa(n) == values[0] && n >= o.Min && n <= o.Max
	case OptionWord:
		return valued && len(values) == 1 && (o.Words == nil || slices.Contains(o.Words, values[0])) &&
			(o.Max == 0 || len(values[0]) <= o.Max)
	}
	return valued && !slices.Contains(values, "")
}

// optionNames lists the options of the kind, or suggests the one that was meant.
func (k *Kind) optionNames(word string) string {
	var names []string
	for _, o := range k.Options {
		names = append(names, o.Name)
	}
	switch near := problem.Suggest(word, names); {
	case len(names) == 0:
		return "; it has none"
	case near != "":
		return near
	}
	return "; there are " + problem.AndList(names)
}

// escape writes what would be taken for a part of a question's name, and what is not printable ASCII, as %3A.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`%,:+=#"'|>`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape is the inverse of [escape].
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), true
}
