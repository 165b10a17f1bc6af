package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	var pairs []Ends
	node := func(i int) string { return fmt.Sprintf("n%02d", i) }
	for a := range tile + 1 {
		for b := range tile + 1 {
			pairs = append(pairs, Ends{node(a), node(b)})
		}
	}
	got := Order(pairs, func(e Ends) Ends { return e })
	if len(got) != len(pairs) {
		t.Fatalf("%d pairs of %d", len(got), len(pairs))
	}
	at := map[Ends]int{}
	for i, e := range got {
		at[e] = i
	}
	for _, e := range pairs {
		i, known := at[e]
		if !known {
			t.Fatalf("%v is lost", e)
		}
		if back := at[Ends{e.To, e.From}]; e.From != e.To && (back-i == 1 || i-back == 1) {
			t.Errorf("%v comes beside its opposite", e)
		}
	}
	last := Ends{node(0), node(tile)} // of another tile than the first ones
	if i := at[last]; i < tile*tile {
		t.Errorf("%v comes at %d, within the first tile", last, i)
	}
	if got := Order([]Ends{{"b", "a"}, {"a", ""}, {"a", "b"}}, func(e Ends) Ends { return e }); !slices.Equal(got, []Ends{{"b", "a"}, {"a", ""}, {"a", "b"}}) {
		t.Errorf("a target that is nobody's comes at %v", got)
	}
}

type pair struct {
	name string
	Wait
}

func names(pairs []pair) string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.name)
	}
	return strings.Join(out, " ")
}

func TestBatch(t *testing.T) {
	waits := func(name, source, wanted, asking string) pair {
		return pair{name, Wait{Source: source, Waiting: wanted != "", Wanted: strings.Fields(wanted), Asking: strings.Fields(asking)}}
	}
	for _, c := range []struct {
		name        string
		queue       []pair
		room        int
		batch, left string
	}{
		{"nothing", nil, 9, "", ""},
		{"strangers", []pair{waits("ab", "a", "b", "a"), waits("cd", "c", "d", "c")}, 9, "ab cd", ""},
		{"one waits for whom the other makes ask", []pair{waits("ab", "a", "b", "a"), waits("bc", "b", "c", "b"), waits("ad", "a", "d", "a")}, 9, "ab ad", "bc"},
		{"one makes ask whom the other waits for", []pair{waits("bc", "b", "c", "b"), waits("ab", "a", "b", "a")}, 9, "bc", "ab"},
		{"no room", []pair{waits("ab", "a", "b", "a"), waits("cd", "c", "d", "c"), waits("ef", "e", "f", "e")}, 2, "ab cd", "ef"},
		{"the first is always taken", []pair{waits("ab", "a", "b", "a")}, 0, "ab", ""},
		{"nobody asks", []pair{waits("ab", "a", "", ""), waits("ba", "b", "", "")}, 9, "ab ba", ""},
	} {
		batch, left := Batch(c.queue, func(p pair) Wait { return p.Wait }, c.room)
		if names(batch) != c.batch || names(left) != c.left {
			t.Errorf("%s: %q together and %q later, want %q and %q", c.name, names(batch), names(left), c.batch, c.left)
		}
	}
}

func TestBatchLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		wait func(i int) Wait
		want int
	}{
		{"one source", func(int) Wait { return Wait{Source: "a"} }, MaxSame},
		{"sources of their own", func(i int) Wait { return Wait{Source: fmt.Sprint(i)} }, 400},
		{"routers wait", func(i int) Wait { return Wait{Source: fmt.Sprint(i), Waiting: true, Routed: true} }, MaxErrors},
		{"one router waits", func(i int) Wait { return Wait{Source: fmt.Sprint(i), Waiting: true, Routed: i == 0} }, MaxErrors},
		{"senders wait", func(i int) Wait { return Wait{Source: fmt.Sprint(i), Waiting: true} }, 400},
	} {
		queue := make([]int, 400)
		for i := range queue {
			queue[i] = i
		}
		batch, left := Batch(queue, c.wait, 512)
		if len(batch) != c.want || len(batch)+len(left) != len(queue) {
			t.Errorf("%s: %d together and %d later, want %d together", c.name, len(batch), len(left), c.want)
		}
	}
}

func TestTurns(t *testing.T) {
	source := func(p string) string { return p[:1] }
	answered := map[string]int{"a1": 1, "a2": 2, "b1": 9, "c1": 3} // at which try
	turns := NewTurns([]string{"a1", "b1", "a2", "c1"}, source, 3)
	tries := map[string]int{}
	var rounds, over []string
	for turns.Left() > 0 {
		round := turns.Round()
		rounds = append(rounds, strings.Join(round, " "))
		for _, p := range round {
			if tries[p]++; turns.Over(p, tries[p] == answered[p]) {
				over = append(over, p)
			}
		}
		if len(rounds) > 9 {
			t.Fatal("it does not end")
		}
	}
	if want := []string{"a1 b1 c1", "a2 b1 c1", "a2 b1 c1"}; !slices.Equal(rounds, want) {
		t.Errorf("rounds %q, want %q", rounds, want)
	}
	if want := []string{"a1", "a2", "b1", "c1"}; !slices.Equal(over, want) {
		t.Errorf("over in the order %q, want %q", over, want)
	}
}
