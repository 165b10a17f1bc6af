//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"labctl/cmd/labctl/wire"
)

// The kinds of events are a closed list, and docs/events.md is where it is.
func TestEventKindsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, src := range []struct{ path, pattern string }{
		{"../../../switchcore/verdict.go", `(?m)^\tEvent\w+ += "([a-z-]+)"`},
		{"*.go", `Happened\{(?:[^}]*?)Kind: "([a-z-]+)"`},
	} {
		for _, text := range sourcesOf(t, src.path) {
			for _, m := range regexp.MustCompile(src.pattern).FindAllStringSubmatch(text, -1) {
				kinds = append(kinds, m[1])
			}
		}
	}
	if len(kinds) < 20 {
		t.Fatalf("only %d kinds were found: %v", len(kinds), kinds)
	}
	for _, k := range kinds {
		if !strings.Contains(string(doc), "`"+k+"`") {
			t.Errorf("docs/events.md does not know %q", k)
		}
	}
}

// Who reads what "watch" tells too slowly is told that something is missing.
func TestWatchTellsOfLostEvents(t *testing.T) {
	log := newEventLog("x")
	log.add(wire.Happened{Kind: "changed"})
	since := log.last()
	for range kept + 1 {
		log.add(wire.Happened{Kind: "changed"})
	}
	r, w := io.Pipe()
	defer r.Close()
	watching := &watching{call: &call{server: &server{eventLog: log}, out: newOutbox(w)}}
	defer watching.out.close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = watching.events(ctx, since) }()
	in := bufio.NewReader(r)
	for _, want := range []string{"lost", "changed"} {
		var rep wire.Reply
		var k wire.Change
		if err := wire.ReadLine(in, &rep); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(rep.Item, &k); err != nil || k.Kind != want {
			t.Errorf("%s: %+v, %v; want %s", rep.Item, k, err, want)
		}
	}
}

func TestEventLogKeepsItsLast(t *testing.T) {
	l := newEventLog("lab")
	for range kept + 10 {
		l.add(wire.Happened{Kind: "changed"})
	}
	list, more := l.after(0)
	if len(list) != kept || list[0].Seq != 11 || list[len(list)-1].Seq != kept+10 {
		t.Fatalf("%d events, from %d to %d", len(list), list[0].Seq, list[len(list)-1].Seq)
	}
	select {
	case <-more:
		t.Fatal("more before there is more")
	default:
	}
	l.add(wire.Happened{Kind: "step"})
	<-more
	if list, _ := l.after(kept + 10); len(list) != 1 || list[0].Kind != "step" {
		t.Errorf("%v", list)
	}
}

// sourcesOf are the texts of the files that match a pattern.
func sourcesOf(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	var out []string
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}
