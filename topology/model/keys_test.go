package model_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"labctl/topology/labfile"
)

// formatKeys are the keys of a lab file, each with what the model does about it: "modelled"; "undecided", where it
// makes answers undecided; "nothing", where it changes no answer. A key that is added to the format has to be added
// there.
const formatKeys = "testdata/keys.txt"

func TestTheModelKnowsEveryKey(t *testing.T) {
	var schema any
	if err := json.Unmarshal(labfile.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case map[string]any:
			if props, ok := x["properties"].(map[string]any); ok {
				for name := range props {
					keys[name] = true
				}
			}
			for _, v := range x {
				walk(v)
			}
		case []any:
			for _, v := range x {
				walk(v)
			}
		}
	}
	walk(schema)
	text, err := os.ReadFile(formatKeys)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, what, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			known[key] = strings.TrimSpace(what)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains([]string{"modelled", "undecided", "nothing"}, known[key]) {
			t.Errorf("%s: what does the model do about it? add it to topology/state and topology/model, and to %s", key, formatKeys)
		}
	}
	for key := range known {
		if !keys[key] {
			t.Errorf("%s is not a key of the format any more", key)
		}
	}
	if len(keys) < 80 {
		t.Errorf("only %d keys: %s", len(keys), fmt.Sprint(keys))
	}
}
