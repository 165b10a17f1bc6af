package expect

import (
	"strings"
	"testing"

	"labctl/topology/problem"
)

func addTables(f *testing.F) {
	for _, s := range []string{
		"from\\to  h0  h1\nh0  -  ok+dup\nh1  ok|x  -\n",
		"from\\to\th0 * # c\n# d\n* . ok*\r\nh1 icmp:*  x\n\nfrom\\to cluster\nrt:eth1 no*",
		"from\\to h0 h2\nh1 rt+redirect -\nh2 direct -\n",
		"flow\\at rt *\nh0->h1 yes no #\ntalk no yes\n",
		"mac\\on s1 hv:br0\nh0 h0 up|vm1\n* . -",
		"question RRR RRA\nping:h0->h1 ok x\nfdb:h0@s1 h0 -\n",
		"port state promiscuous effective flags\ndvs:p1 blocked granted 02:00:00:00:00:01 .\nh0:eth0 up . . 0x1103 # c\n",
		"at reason src length frames\ndvs:p1 MacForgery mask1 . >=1 # c\ndvs:p1 TxFail . 60 .\n\nat reason frames\ndvs LearnLimit 0|3\n",
		"rule hits\ns1/deny/to-h0 >=2 # c\ns1/deny/2 0|1\n\nrule hits\ns1/off/1 .\n", "question RRA\nhits:s1/off/1 >=1\nhits:s1/deny/2 0\n",
		"stream is\ntalk ok|lossy\n", "question RRR\nport:dvs:p1@state down\ndrops:dvs MacForgery+TxFail\nstreams:talk ok\n",
		"flow\\at rt\n00->\n->h0\n", "# only\n\n \t\n", "", "\xff\xfe \x00", "*\n*", "from\\to * *\n* ok ok\n* ok ok",
	} {
		for i := range kinds {
			f.Add(s, uint8(i))
		}
	}
}

// FuzzTable: no text makes the parser panic, each problem points into the text, and what is rendered reads back as the
// same words.
func FuzzTable(f *testing.F) {
	addTables(f)
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		k := kinds[int(kind)%len(kinds)].Name
		rs := richResolver()
		tables, problems := ParseTable(k, text, problem.Pos{Line: 3, Col: 5}, rs)
		lines := strings.Split(text, "\n")
		for _, p := range problems {
			if p.Line < 3 || p.Line-3 >= len(lines) || p.Col < 5 || p.Width < 1 || p.Col-5+p.Width > max(1, len(lines[p.Line-3])) {
				t.Errorf("%+v is not in %q", p, text)
			}
			if p.Message == "" || p.Path != "expect."+k {
				t.Errorf("%+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		for _, table := range tables {
			again, problems := ParseTable(k, Render(table, nil), problem.Pos{Line: 3, Col: 5}, rs)
			if len(problems) > 0 {
				if table.emptyStar() {
					continue
				}
				t.Fatalf("%v\nfor what was rendered from %q", problems, text)
			}
			if a, b := wordsOf(table), wordsOf(again[0]); a != b {
				t.Errorf("%q reads back as\n%s, was\n%s", text, b, a)
			}
		}
	})
}

// emptyStar: a star that stands for nobody leaves a table without rows or columns, which cannot be pasted back.
func (t *Table) emptyStar() bool { return len(t.rows()) == 0 || len(t.columns()) == 0 }

func wordsOf(t *Table) string {
	var b strings.Builder
	for _, c := range t.Cells {
		if c.Judged {
			b.WriteString(c.Question.String() + " " + c.Want.Text + "\n")
		}
	}
	return b.String()
}

// FuzzUpdate: an update can be read again, changes nothing the second time, keeps every comment, and then holds.
func FuzzUpdate(f *testing.F) {
	addTables(f)
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		k := kinds[int(kind)%len(kinds)].Name
		if strings.ContainsAny(text, "\r") {
			text = strings.ReplaceAll(text, "\r", "")
		}
		src := "expect:\n  " + k + ": |\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n  ping: ok  # all\n"
		got := func(c *Cell) (string, bool) {
			words := Words(c.Question)
			sum := len(words)
			for _, b := range []byte(c.Question.String()) {
				sum = sum*31 + int(b)
			}
			return words[(sum%len(words)+len(words))%len(words)], sum%5 != 0
		}
		once, ok := updated(t, src, got)
		if !ok {
			return
		}
		twice, ok := updated(t, once, got)
		if !ok {
			t.Fatalf("cannot be read again:\n%s\nwas\n%s", once, src)
		}
		if once != twice {
			t.Errorf("a second update changes\n%s\nto\n%s", once, twice)
		}
		for line := range strings.Lines(src) {
			if l := splitWords(strings.TrimSuffix(line, "\n"), 0); l.comment >= 0 &&
				!strings.Contains(once, strings.TrimRight(line[l.comment:], "\n")) {
				t.Errorf("comment of %q is gone:\n%s", line, once)
			}
		}
	})
}

func updated(t *testing.T, src string, got func(*Cell) (string, bool)) (string, bool) {
	t.Helper()
	rs := richResolver()
	e, problems := readTables(src, rs)
	if len(problems) > 0 {
		return "", false
	}
	source := []byte(src)
	out := string(Update(source, []Asked{{rs.Lab, e}}, got))
	if string(source) != src {
		t.Error("the source was changed")
	}
	return out, true
}
