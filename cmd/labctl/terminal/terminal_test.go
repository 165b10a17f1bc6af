package terminal

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestColoured(t *testing.T) {
	for _, c := range []struct {
		mode     string
		terminal bool
		env      map[string]string
		want     bool
	}{
		{"auto", true, nil, true},
		{"auto", false, nil, false},
		{"auto", true, map[string]string{"NO_COLOR": "1"}, false},
		{"auto", true, map[string]string{"NO_COLOR": ""}, true},
		{"auto", true, map[string]string{"TERM": "dumb"}, false},
		{"always", false, map[string]string{"NO_COLOR": "1", "TERM": "dumb"}, true},
		{"never", true, nil, false},
	} {
		if got := Coloured(c.mode, c.terminal, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestHelpWidth(t *testing.T) {
	for columns, want := range map[int]int{0: 80, -1: 80, 10: 40, 72: 72, 80: 80, 100: 100, 300: 100} {
		if got := HelpWidth(columns); got != want {
			t.Errorf("%d columns: %d, want %d", columns, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := Wrap("one two three\nfour\n\n  stays as  it is, however long\nfive incomprehensibilities six\n", 13)
	want := "one two three\nfour\n\n  stays as  it is, however long\nfive\nincomprehensibilities\nsix\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Wrap("äöü äöü", 7); got != "äöü äöü\n" {
		t.Errorf("bytes were counted: %q", got)
	}
}

func TestCommentsStayComments(t *testing.T) {
	text := "from\\to  a  b  and a line of a table that is long\n# no-arp  no answer to the request was received\n# short\n" +
		"# a->b: incomprehensibilities-everywhere x\n"
	want := "from\\to  a  b  and a line of a table that is long\n# no-arp  no answer to the\n#   request was received\n# short\n" +
		"# a->b:\n#   incomprehensibilities-everywhere\n#   x\n"
	if got := Comments(text, 28); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Comments(text, 0); got != text {
		t.Errorf("without a terminal:\n%s", got)
	}
}

var rules = []Rule{{regexp.MustCompile(`(\S+!)`), Bad}, {regexp.MustCompile(`^#.*`), Aside}}

func TestPaint(t *testing.T) {
	const text = "a  no-arp!  b\n# why!\n\x1b[31mforged\nlast"
	for _, c := range []struct {
		colour bool
		want   string
	}{
		{true, "a  \x1b[31mno-arp!\x1b[0m  b\n\x1b[2m# \x1b[0m\x1b[31mwhy!\x1b[0m\n\\u001b[31mforged\nlast"},
		{false, "a  no-arp!  b\n# why!\n\\u001b[31mforged\nlast"},
	} {
		var b strings.Builder
		if err := Paint(Writer{W: &b, Screen: Screen{Colour: c.colour}}, text, rules...); err != nil || b.String() != c.want {
			t.Errorf("%v: got %q, %v\nwant %q", c.colour, b.String(), err, c.want)
		}
	}
	var b strings.Builder
	if err := Paint(&b, "x!", rules...); err != nil || b.String() != "x!" {
		t.Errorf("no screen: %q %v", b.String(), err)
	}
}

// colours is what SGR puts into a text.
var colours = regexp.MustCompile("\x1b\\[[0-9]*m")

// TestColourSaysNothingMore: without its colours a text is what it is without colours.
func TestColourSaysNothingMore(t *testing.T) {
	table := Table{Head: []string{"NODE", "STATE", "WHAT"}, Prose: true, Style: func(column, word string) Style {
		if column == "STATE" {
			return Bad
		}
		return Plain
	}, Rows: [][]string{{"a", "down\x1b[7m", "some words that take more room than there is in the last column"}, {"b", "up", ""}}}
	for _, columns := range []int{0, 40, 12} {
		var plain, coloured strings.Builder
		err := table.Write(Writer{&plain, Screen{columns, false}})
		if e := table.Write(Writer{&coloured, Screen{columns, true}}); err != nil || e != nil {
			t.Fatal(err, e)
		}
		if !strings.Contains(coloured.String(), "\x1b[31mdown") {
			t.Errorf("no colours: %q", coloured.String())
		}
		if got := colours.ReplaceAllString(coloured.String(), ""); got != plain.String() {
			t.Errorf("%d columns:\n%s\nwithout colours:\n%s", columns, got, plain.String())
		}
	}
}

func TestTable(t *testing.T) {
	table := Table{Head: []string{"NODE", "KIND", "INTERFACE", "ADDRESSES"}, Keys: []string{"NODE", "INTERFACE"},
		Rows: [][]string{{"h1", "host", "eth0", "10.0.0.1/24"}, {"", "", "eth1", "tab\there"}}}
	for columns, want := range map[int]string{
		0:  "NODE  KIND  INTERFACE  ADDRESSES\nh1    host  eth0       10.0.0.1/24\n-     -     eth1       tab\\there\n",
		34: "NODE  KIND  INTERFACE  ADDRESSES\nh1    host  eth0       10.0.0.1/24\n-     -     eth1       tab\\there\n",
		33: "NODE  KIND  INTERFACE\nh1    host  eth0\n-     -     eth1\n\nNODE  INTERFACE  ADDRESSES\nh1    eth0       10.0.0.1/24\n-     eth1       tab\\there\n",
		5:  "NODE  KIND  INTERFACE\nh1    host  eth0\n-     -     eth1\n\nNODE  INTERFACE  ADDRESSES\nh1    eth0       10.0.0.1/24\n-     eth1       tab\\there\n",
	} {
		var b strings.Builder
		if err := table.Write(Writer{&b, Screen{Columns: columns}}); err != nil || b.String() != want {
			t.Errorf("%d columns: %v, got\n%s\nwant\n%s", columns, err, b.String(), want)
		}
	}
	prose := Table{Head: []string{"NAME", "ABOUT"}, Prose: true, Rows: [][]string{{"lab", "a text that goes on for a while"}, {"x", "y"}}}
	var b strings.Builder
	if err := prose.Write(Writer{&b, Screen{Columns: 30}}); err != nil {
		t.Fatal(err)
	}
	if want := "NAME  ABOUT\nlab   a text that goes on for\n      a while\nx     y\n"; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		widths, keys []int
		columns      int
		want         [][]int
	}{
		{[]int{4, 4, 4}, []int{0}, 0, [][]int{{0, 1, 2}}},
		{[]int{4, 4, 4}, []int{0}, 16, [][]int{{0, 1, 2}}},
		{[]int{4, 4, 4}, []int{0}, 15, [][]int{{0, 1}, {0, 2}}},
		{[]int{4, 40, 4, 4}, []int{0}, 20, [][]int{{0, 1}, {0, 2, 3}}},
		{[]int{4, 4, 4, 4}, []int{0, 2}, 17, [][]int{{0, 1, 2}, {0, 2, 3}}},
		{[]int{4}, []int{0}, 2, [][]int{{0}}},
	} {
		if got := Blocks(c.widths, c.keys, c.columns); !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
