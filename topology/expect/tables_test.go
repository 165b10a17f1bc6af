package expect

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"labctl/topology/problem"
)

// sections reads a golden file: "-- name --" lines with text between them, comments before the first.
func sections(t *testing.T, file string) (names []string, text map[string]string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = map[string]string{}
	name := ""
	for line := range strings.Lines(string(raw)) {
		if s, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(s, " --\n") {
			name = strings.TrimSuffix(s, " --\n")
			names, text[name] = append(names, name), ""
			continue
		}
		text[name] += line
	}
	return names, text
}

// golden compares, or writes the file's section again with LABCTL_UPDATE_GOLDEN=1.
func golden(t *testing.T, file, section, got string) {
	t.Helper()
	names, text := sections(t, file)
	if text[section] == got {
		return
	}
	if os.Getenv("LABCTL_UPDATE_GOLDEN") == "" {
		t.Errorf("%s:\n%s\nwant:\n%s", section, got, text[section])
		return
	}
	text[section] = got
	var b strings.Builder
	b.WriteString(text[""])
	for _, n := range names {
		b.WriteString("-- " + n + " --\n" + text[n])
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goldens(t *testing.T, pattern string, least int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "tables", pattern))
	if err != nil || len(files) < least {
		t.Fatalf("%d golden files, want at least %d (%v)", len(files), least, err)
	}
	return files
}

// expectLine is a kind of table in a file: its key and what follows the colon.
var expectLine = regexp.MustCompile(`^( *)(ping|ping6|mtu|tcp|tcp6|udp|udp6|answers|arp|route|sees|fdb|mdb|cases|port|drops|streams): +(\S*)`)

// readTables finds the tables of a source as simply as can be: keys at the beginning of a line, literal blocks.
func readTables(src string, rs *Resolver) (*Expectation, problem.List) {
	e := &Expectation{}
	var problems problem.List
	lines := strings.Split(src, "\n")
	for i := 0; i < len(lines); i++ {
		m := expectLine.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		if m[3] != "|" {
			table, ps := ParseShort(m[2], strings.Trim(m[3], `"'`), problem.Pos{Line: i + 1, Col: strings.Index(lines[i], ": ") + 3}, rs)
			e.Tables, problems = append(e.Tables, table), append(problems, ps...)
			continue
		}
		indent := len(m[1]) + 2
		first := i + 1
		var block []string
		for i+1 < len(lines) && (strings.TrimSpace(lines[i+1]) == "" || strings.HasPrefix(lines[i+1], strings.Repeat(" ", indent))) {
			i++
			block = append(block, lines[i][min(indent, len(lines[i])):])
		}
		tables, ps := ParseTable(m[2], strings.Join(block, "\n"), problem.Pos{Line: first + 1, Col: indent + 1}, rs)
		e.Tables, problems = append(e.Tables, tables...), append(problems, ps...)
	}
	return e, problems
}

// TestTables walks the golden tables: the cells of the good ones, the messages of the bad ones with line and column.
func TestTables(t *testing.T) {
	for _, file := range goldens(t, "parse-*.txt", 10) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, text := sections(t, file)
			src := text["expect"]
			e, problems := readTables(src, richResolver())
			if _, bad := text["problems"]; bad || len(problems) > 0 {
				lines := strings.Split(src, "\n")
				var got strings.Builder
				for _, p := range problems {
					p.File, p.Source = "lab.yaml", lines[p.Line-1]
					got.WriteString(p.Error() + "\n" + p.Excerpt())
				}
				if !bad {
					t.Fatal(got.String())
				}
				golden(t, file, "problems", got.String())
				return
			}
			golden(t, file, "cells", show(e.Tables))
		})
	}
}

// measured is a got function from lines of "question word".
func measured(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if q, word, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			m[q] = word
		}
	}
	return m
}

func TestUpdateGolden(t *testing.T) {
	for _, file := range goldens(t, "update-*.txt", 5) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, text := sections(t, file)
			m := measured(text["measured"])
			got := func(c *Cell) (string, bool) {
				w, ok := m[c.Question.String()]
				if !ok {
					w, ok = m["else"]
				}
				return w, ok
			}
			update := func(src string) string {
				rs := richResolver()
				e, problems := readTables(src, rs)
				if len(problems) > 0 {
					t.Fatalf("%v\nin\n%s", problems, src)
				}
				return string(Update([]byte(src), []Asked{{rs.Lab, e}}, got))
			}
			once := update(text["before"])
			golden(t, file, "after", once)
			if twice := update(once); twice != once {
				t.Errorf("a second update changes it again:\n%s", twice)
			}
		})
	}
}

func TestRenderGolden(t *testing.T) {
	for _, file := range goldens(t, "render-*.txt", 3) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, text := sections(t, file)
			e, problems := readTables(text["expect"], richResolver())
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			m := measured(text["measured"])
			var got strings.Builder
			for _, table := range e.Tables {
				var words []string
				got.WriteString(Render(table, func(c *Cell) string {
					word, _, _ := strings.Cut(m[c.Question.String()], ": ")
					words = append(words, word)
					return m[c.Question.String()]
				}))
				got.WriteString(Legend(table.Cells[0].Question.Kind, words))
			}
			golden(t, file, "rendered", got.String())
		})
	}
}

func TestNewVisibility(t *testing.T) {
	l := richLab()
	for _, tt := range []struct {
		from, to, at []string
		want         string
	}{
		{[]string{"h0", "rt"}, []string{"h0", "rt"}, nil, "" +
			"flow\\at  h0  h1  h2  rt  hv.vm1  six\nh0->rt   .   ?   ?   .   ?       ?\nrt->h0   .   ?   ?   .   ?       ?\n"},
		{[]string{"six", "h0"}, []string{"rt", "six"}, []string{"h1"}, "flow\\at  h1\nsix->rt  ?\nh0->rt   ?\nh0->six  ?\n"},
		{nil, []string{"six"}, []string{"h1"}, "flow\\at      h1\nrt->six      ?\nhv.vm1->six  ?\n"},
		{[]string{"h0"}, []string{"s1"}, nil, "error: s1 has no address to ask for; give it one or leave it out"},
		{[]string{"h0"}, []string{"rt"}, []string{"h0", "s1", "rt"}, "flow\\at  h0  s1  rt\nh0->rt   ?   ?   ?\n"},
		{[]string{"h0"}, []string{"h9"}, nil, `error: no node "h9"; did you mean "h0"?`},
		{[]string{"h0"}, []string{"rt"}, []string{"h9"}, `error: no node "h9"; did you mean "h0"?`},
	} {
		var got string
		if table, err := NewVisibility(l, "sees", tt.from, tt.to, tt.at); err != nil {
			got = fmt.Sprintf("error: %v", err)
		} else {
			got = Render(table, func(*Cell) string { return "?" })
		}
		if got != tt.want {
			t.Errorf("%v %v %v:\n%s\nwant:\n%s", tt.from, tt.to, tt.at, got, tt.want)
		}
	}
}

func TestNewMatrix(t *testing.T) {
	l := richLab()
	for _, tt := range []struct {
		kind     string
		from, to []string
		want     string
	}{
		{"ping", []string{"h0", "rt:eth1"}, []string{"h0", "rt", "cluster"}, "" +
			"from\\to  h0  rt  cluster\nh0       -   ?   ?\nrt:eth1  ?   -   ?\n"},
		{"ping6", nil, nil, "" +
			"from\\to  rt  hv.vm1  six\nrt       -   ?       ?\nhv.vm1   ?   -       ?\nsix      ?   ?       -\n"},
		{"ping", []string{"h9"}, nil, `error: no node "h9"; did you mean "h0"?`},
		{"ping", nil, []string{"s1"}, "error: s1 has no address to ask for; give it one or leave it out"},
		{"fdb", nil, nil, `error: no matrix of kind "fdb"; there are ping, ping6, mtu, mtu6, tcp, udp, tcp6, udp6, answers, arp and route`},
	} {
		var got string
		if table, err := NewMatrix(l, tt.kind, tt.from, tt.to); err != nil {
			got = fmt.Sprintf("error: %v", err)
		} else {
			got = Render(table, func(*Cell) string { return "?" })
		}
		if got != tt.want {
			t.Errorf("%s %v %v:\n%s\nwant:\n%s", tt.kind, tt.from, tt.to, got, tt.want)
		}
	}
	if !reflect.DeepEqual(l, richLab()) {
		t.Error("a matrix of a shared lab changed the lab")
	}
}
