package expect

import (
	"strings"
	"testing"

	"labctl/topology/problem"
)

// TestBlocksReadBack: whatever the width of a terminal, what is printed there is read as the table that it was.
func TestBlocksReadBack(t *testing.T) {
	table, err := NewMatrix(richLab(), "ping", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	words := map[*Cell]string{}
	for i, c := range table.Cells {
		words[c] = []string{"ok", "no-route", "icmp:net-unreachable@rt", "silent"}[i%4]
	}
	got := func(c *Cell) string { return words[c] }
	wide := Render(table, got)
	most := 0
	for _, columns := range []int{1, 20, 40, 60, 79, 80, 500} {
		text := RenderWithin(table, got, columns)
		blocks := strings.Count(text, `from\to`)
		most = max(most, blocks)
		for line := range strings.Lines(text) {
			if n := displayWidth(strings.TrimSuffix(line, "\n")); columns >= 40 && n > columns {
				t.Errorf("%d columns: a line of %d: %s", columns, n, line)
			}
		}
		tables, problems := ParseTable("ping", text, problem.Pos{Line: 1, Col: 1}, &Resolver{Lab: richLab()})
		if len(problems) > 0 || len(tables) != 1 {
			t.Fatalf("%d columns: %d tables, %v in\n%s", columns, len(tables), problems, text)
		}
		if again := Render(tables[0], nil); again != wide {
			t.Errorf("%d columns: printed\n%sread as\n%swant\n%s", columns, text, again, wide)
		}
		if columns == 500 && text != wide {
			t.Errorf("a table that fits is broken:\n%s", text)
		}
	}
	if most < 3 {
		t.Errorf("at most %d blocks", most)
	}
}

// TestNarrowedRowsAreNotBroken: a block without the words that narrow a row would ask something else.
func TestNarrowedRowsAreNotBroken(t *testing.T) {
	_, text := sections(t, "testdata/tables/render-switch.txt")
	e, problems := readTables(text["expect"], richResolver())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	found := false
	for _, table := range e.Tables {
		if table.Kind == "drops" {
			found = true
			if got := RenderWithin(table, nil, 10); got != Render(table, nil) {
				t.Errorf("broken:\n%s", got)
			}
		}
	}
	if !found {
		t.Error("no table of drops")
	}
}
