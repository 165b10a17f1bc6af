package labfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"labctl/topology/expect"
)

// expectationsOf are those of a lab that Update may rewrite.
func expectationsOf(l *File) []*expect.Expectation {
	out := []*expect.Expectation{l.Expect}
	for _, s := range l.Steps {
		out = append(out, s.Expect)
	}
	return slices.DeleteFunc(out, func(e *expect.Expectation) bool { return e == nil })
}

// answerer answers each question with one of the words of its kind, chosen by the question and a seed.
func answerer(seed int) func(*expect.Cell) (string, bool) {
	return func(c *expect.Cell) (string, bool) {
		words := expect.Words(c.Question)
		sum := seed
		for _, b := range []byte(c.Question.String()) {
			sum = (sum*31 + int(b)) % 65521
		}
		return words[sum%len(words)], sum%7 != 0
	}
}

// comments are the words behind each # of a file.
func comments(src string) []string {
	var out []string
	for line := range strings.Lines(src) {
		if i := strings.Index(line, "#"); i == 0 || i > 0 && strings.ContainsRune(" \t", rune(line[i-1])) {
			out = append(out, strings.TrimRight(line[i:], "\r\n"))
		}
	}
	return out
}

// TestUpdateShippedLabs: whatever is measured, a shipped lab that is updated loads, keeps its comments, and is
// finished.
func TestUpdateShippedLabs(t *testing.T) {
	files, err := filepath.Glob("../../labs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no labs", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range 8 {
			updateTwice(t, file, string(src), answerer(seed*1009))
			updateTwice(t, file, strings.ReplaceAll(string(src), "\n", "\r\n"), answerer(seed*1009))
		}
	}
}

func updateTwice(t *testing.T, file, src string, got func(*expect.Cell) (string, bool)) string {
	t.Helper()
	lab, problems := Load(file, []byte(src))
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	words := got
	got = func(c *expect.Cell) (string, bool) {
		word, measured := words(c)
		node, name, _ := strings.Cut(c.Question.A, ":")
		if n := lab.Node(node); word == "down" && n != nil && n.Switch == nil {
			if n.Interface(name).Master != "" {
				word = "disabled" // as a port of a Linux bridge says it
			}
		}
		return word, measured
	}
	if same := lab.Update(func(c *expect.Cell) (string, bool) { return c.Want.Text, c.Judged }); string(same) != src {
		t.Errorf("%s: nothing differs, and yet it becomes\n%s", file, same)
	}
	once := string(lab.Update(got))
	again, problems := Load(file, []byte(once))
	if len(problems.Errors()) > 0 {
		t.Fatalf("%s: updated it no longer loads: %v\n%s", file, problems, once)
	}
	if twice := string(again.Update(got)); twice != once {
		t.Errorf("%s: a second update changes\n%s\nto\n%s", file, once, twice)
	}
	if a, b := comments(src), comments(once); !slices.Equal(a, b) {
		t.Errorf("%s: comments %q became %q", file, a, b)
	}
	for _, e := range expectationsOf(again) {
		for _, table := range e.Tables {
			for _, c := range table.Cells {
				w, measured := got(c)
				if measured && w != "unknown" && w != "x" && !(c.Judged && c.Want.Match(w)) && !table.Short {
					t.Errorf("%s: %v wants %s, measured %s", file, c.Question, c.Want.Text, w)
				}
			}
		}
	}
	return once
}

// TestUpdateShortForms: where the word of a short form is decides how it can be rewritten.
func TestUpdateShortForms(t *testing.T) {
	const head = "format: 1\nlab: short\nnodes: {s1: {kind: bridge}, a: {ip: 10.0.0.1/24}, b: {ip: 10.0.0.2/24}}\nlinks: [a b -- s1]\n"
	for _, tt := range []struct{ name, expect, one, all string }{
		{"plain", "expect:\n  ping: ok # c\n",
			"expect:\n  ping: | # c\n    from\\to  a       b\n    a        -       ok\n    b        no-arp  -\n",
			"expect:\n  ping: silent # c\n"},
		{"double quotes", "expect:\n  ping: \"ok\"\n",
			"expect:\n  ping: |\n    from\\to  a       b\n    a        -       ok\n    b        no-arp  -\n",
			"expect:\n  ping: silent\n"},
		{"single quotes, no end of line", "expect:\n  'ping':   'ok'",
			"expect:\n  'ping':   |\n    from\\to  a       b\n    a        -       ok\n    b        no-arp  -\n",
			"expect:\n  'ping':   silent"},
		{"an item of a list", "expect:\n  ping:\n    - ok # c\n",
			"expect:\n  ping:\n    - | # c\n      from\\to  a       b\n      a        -       ok\n      b        no-arp  -\n",
			"expect:\n  ping:\n    - silent # c\n"},
		{"in the long form", "expect:\n  ping:\n    - table: ok\n      size: 1472\n",
			"expect:\n  ping:\n    - table: |\n        from\\to  a       b\n        a        -       ok\n        b        no-arp  -\n      size: 1472\n",
			"expect:\n  ping:\n    - table: silent\n      size: 1472\n"},
		{"flow", "expect: {ping: ok, answers: yes}\n", "expect: {ping: ok, answers: yes}\n", "expect: {ping: silent, answers: no}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one := updateTwiceLoosely(t, head+tt.expect, func(c *expect.Cell) (string, bool) {
				switch {
				case c.Question.Kind == "answers":
					return "yes", true
				case c.Row == "b":
					return "no-arp", true
				}
				return "ok", true
			})
			if one != head+tt.one {
				t.Errorf("one differs:\n%s\nwant\n%s", one, head+tt.one)
			}
			all := updateTwiceLoosely(t, head+tt.expect, func(c *expect.Cell) (string, bool) {
				return map[string]string{"ping": "silent", "answers": "no"}[c.Question.Kind], true
			})
			if all != head+tt.all {
				t.Errorf("all differ:\n%s\nwant\n%s", all, head+tt.all)
			}
		})
	}
}

func updateTwiceLoosely(t *testing.T, src string, got func(*expect.Cell) (string, bool)) string {
	t.Helper()
	out := src
	for range 2 {
		lab, problems := Load("lab.yaml", []byte(out))
		if len(problems.Errors()) > 0 {
			t.Fatalf("%v\n%s", problems, out)
		}
		next := string(lab.Update(got))
		if out != src && next != out {
			t.Errorf("a second update changes\n%s\nto\n%s", out, next)
		}
		out = next
	}
	return out
}
