package problem

import "testing"

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain ─ ü\ttext\n", "plain ─ ü\ttext\n"},
		{"\x1b]0;title\x07\r", `\u001b]0;title\u0007\u000d`},
		{"\u009b2J\x7f", `\u009b2J\u007f`},
		{"a\x9b2J\xc3", `a\x9b2J\xc3`},
		{"\u202eabc\u2066\u2028\ufffd", `\u202eabc\u2066\u2028` + "\ufffd"},
	} {
		if got := Visible(c.in, true); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	if got := Visible("a\nb", false); got != `a\u000ab` {
		t.Errorf("%q", got)
	}
}
