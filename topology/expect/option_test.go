package expect

import "testing"

// sized is a kind with one option of each form.
var sized = Kind{Options: []Option{
	{Name: "df", Form: OptionFlag, Want: "true or false"},
	{Name: "promiscuous", Form: OptionFlag, Want: "true or false", Usual: "true"},
	{Name: "size", Form: OptionNumber, Min: 0, Max: 65507, Want: "0 to 65507", Usual: "56"},
	{Name: "payload", Form: OptionWord, Max: 10, Want: "a text"},
	{Name: "listen", Form: OptionWords, Words: []string{"real"}, Want: "real or a list"},
}}

func TestOptionsOfAQuestion(t *testing.T) {
	for _, c := range []struct{ text, wrong string }{
		{"size=1472,df", ""},
		{"df=maybe", "df: want true or false"},
		{"size", "size: want 0 to 65507"},
		{"size=01", "size: want 0 to 65507"},
		{"size=65508", "size: want 0 to 65507"},
		{"size=1,size=2", `"size" is said twice`},
		{"siz=1", `"siz" is not an option of ; did you mean "size"?`},
		{"payload=a%2", `"payload=a%2": a % is followed by two hexadecimal digits`},
		{"listen=", "listen: want real or a list"},
	} {
		_, wrong := parseOptions(&sized, c.text)
		if wrong != c.wrong {
			t.Errorf("%s: %q, want %q", c.text, wrong, c.wrong)
		}
	}
}

// FuzzEscape: what is escaped can be read back, and ends no part of a question.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "web:80", "a,b=c+d%", "\x00ü \n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := escape(s)
		for i := range len(text) {
			if c := text[i]; c <= ' ' || c > '~' || c == ':' || c == ',' || c == '+' || c == '=' {
				t.Fatalf("%q is written %q", s, text)
			}
		}
		if back, ok := unescape(text); !ok || back != s {
			t.Fatalf("%q is written %q and read %q, %v", s, text, back, ok)
		}
	})
}
