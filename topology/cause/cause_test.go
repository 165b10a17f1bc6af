package cause

import (
	"reflect"
	"testing"
)

func TestText(t *testing.T) {
	rule := func(node, name string, sure bool) Cause {
		return Cause{Kind: Refused, Where: node, Rule: name, Sure: sure}
	}
	drop := func(at string, frames int) Cause {
		return Cause{Kind: Dropped, Where: at, Rule: "RxFilter", Sure: true, Frames: frames}
	}
	for _, c := range []struct {
		name      string
		causes    []Cause
		want      string
		explained string // of "silent"; "": the same behind it
	}{
		{"none", nil, "", "silent"},
		{"two rules", []Cause{rule("b", "x/2", true), rule("a", "x/1", true)}, "refused by a/x/1, b/x/2", ""},
		{"the same rule twice", []Cause{rule("a", "x/1", true), rule("a", "x/1", true)}, "refused by a/x/1", ""},
		{"one that is sure is enough", []Cause{rule("b", "x/2", false), rule("a", "x/1", true)}, "refused by a/x/1", ""},
		{"perhaps", []Cause{rule("a", "x/1", false)}, "perhaps refused by a/x/1, which also refuses other packets at the same time", ""},
		{"perhaps two", []Cause{rule("b", "x/2", false), rule("a", "x/1", false)},
			"perhaps refused by a/x/1, b/x/2, which also refuse other packets at the same time", ""},
		{"drops", []Cause{drop("s:b", 1), drop("s:a", 2), drop("s:c", 0)}, "dropped: s:a RxFilter (2 frames), s:b RxFilter, s:c RxFilter", ""},
		{"perhaps dropped", []Cause{{Kind: Dropped, Where: "s:a", Rule: "MtuExceeded"}},
			"perhaps dropped: s:a MtuExceeded, which also drops other frames at the same time", ""},
		{"too long", []Cause{{Kind: TooLong, Where: "gw:b", Rule: "mtu 1400"}, {Kind: TooLong, Where: "gw:a", Rule: "mtu 1300"}},
			"too long for gw:a (mtu 1300), gw:b (mtu 1400)", ""},
		{"of several kinds", []Cause{{Kind: NotInvestigated}, drop("s:a", 1), rule("a", "x/1", true)},
			`refused by a/x/1; dropped: s:a RxFilter; not investigated, to save time: "labctl ping A B" says what stopped it`, ""},
		{"a storm", []Cause{{Kind: Storm, Where: "s:a", Rule: "s:a -- r:a", Sure: true, Frames: 1_500_000}, drop("s:a", 1)},
			"storm: frames circle in a ring without a spanning tree (s:a -- r:a), 1.5 million a second at s:a",
			"storm: frames circle in a ring without a spanning tree (s:a -- r:a), 1.5 million a second at s:a; what drowns is not measured " +
				"silent; dropped: s:a RxFilter"},
		{"a small storm", []Cause{{Kind: Storm, Where: "s:a", Rule: "s:a -- r:a", Frames: 30_400}},
			"storm: frames circle in a ring without a spanning tree (s:a -- r:a), 30 thousand a second at s:a",
			"storm: frames circle in a ring without a spanning tree (s:a -- r:a), 30 thousand a second at s:a; what drowns is not measured silent"},
		{"the machine", []Cause{{Kind: NeighbourOverflow}}, "the machine's neighbour table was full meanwhile (net.ipv4.neigh.default.gc_thresh3)",
			"the machine's neighbour table was full meanwhile (net.ipv4.neigh.default.gc_thresh3), so this may be its doing: silent"},
		{"a port", []Cause{{Kind: Overrun, Where: "s:a"}}, "s:a got more frames meanwhile than its switch could take (labctl ports: overruns)",
			"s:a got more frames meanwhile than its switch could take (labctl ports: overruns), so this may be its doing: silent"},
		{"who answers", []Cause{{Kind: SeveralAnswers, Where: "10.0.0.1", Rule: "MAC1 and at MAC2", Frames: 2}},
			"2 answers: 10.0.0.1 is at MAC1 and at MAC2", "silent"},
	} {
		if got := Text(c.causes); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		want := c.explained
		if want == "" {
			want = "silent; " + c.want
		}
		if got := Explain("silent", c.causes); got != want {
			t.Errorf("%s, explained: %q, want %q", c.name, got, want)
		}
	}
	if got := Explain("", []Cause{rule("a", "x/1", true)}); got != "refused by a/x/1" {
		t.Errorf("without a sentence: %q", got)
	}
}

// TestAlike: what is found of two pairs is the same cause, however many frames either has lost.
func TestAlike(t *testing.T) {
	list := []Cause{{Kind: Dropped, Where: "s:a", Rule: "RxFilter", Frames: 2}, {Kind: SeveralAnswers, Frames: 2}}
	want := []Cause{{Kind: Dropped, Where: "s:a", Rule: "RxFilter"}, {Kind: SeveralAnswers, Frames: 2}}
	if got := Alike(list); !reflect.DeepEqual(got, want) || list[0].Frames != 2 {
		t.Errorf("%+v, and the list is %+v", got, list)
	}
}

// TestEveryKindIsSaid: a kind without a row would be silent.
func TestEveryKindIsSaid(t *testing.T) {
	seen := map[Kind]bool{}
	for _, k := range kinds {
		if seen[k.name] {
			t.Errorf("%q has two rows", k.name)
		}
		if c := []Cause{{Kind: k.name, Where: "w", Rule: "r", Sure: true}}; Text(c) == "" || Explain("s", c) == "" {
			t.Errorf("%q has no words", k.name)
		}
		seen[k.name] = true
	}
	for _, name := range []Kind{Refused, Dropped, SeveralAnswers, NotInvestigated, TooLong, Storm, NeighbourOverflow, Overrun} {
		if !seen[name] {
			t.Errorf("%q has no row", name)
		}
	}
}
