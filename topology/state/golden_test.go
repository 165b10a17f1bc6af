package state_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/state"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What the kernel makes of the labs of testdata: e2e/state_test.go holds the same files against a kernel. Sysctls and
// routing rules are left out.
func TestStatesAreGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lab, problems := labfile.Load(file, src)
			if lab == nil {
				t.Fatal(problems)
			}
			s := state.Of(lab.Lab)
			whole, err := s.Text()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := state.Read(whole); err != nil {
				t.Error(err)
			}
			for k := range s.Nodes {
				s.Nodes[k].Sysctls, s.Nodes[k].Policies = nil, nil
			}
			got, err := s.Text()
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".json"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: %s is another one; see what differs with \"go test ./topology/state -update; git diff\"",
					err, golden)
			}
		})
	}
}

// Without an order of its own a State would not be the same from run to run.
func TestStateIsTheSameEachTime(t *testing.T) {
	src, err := os.ReadFile("testdata/ipv6.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 5 {
		lab, problems := labfile.Load("ipv6.yaml", src)
		if lab == nil {
			t.Fatal(problems)
		}
		text, err := state.Of(lab.Lab).Text()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(first, text) {
			t.Fatal("one file has two states")
		}
	}
}
