package labfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGoodFilesLoad(t *testing.T) {
	for _, name := range labFiles(t) {
		src := mustRead(t, name)
		lab, problems := Load(name, src)
		if name == "../../labs/mitm-one-bridge.yaml" { // shows what the warning is about
			if len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, "comes before deny/") {
				t.Errorf("%s: %v, want the warning of the order of its rules alone", name, problems)
			}
			problems = nil
		}
		if len(problems) > 0 && !strings.Contains(string(src), "# warns") {
			t.Errorf("%v", problems.Error())
		}
		if lab == nil {
			continue
		}
		if !bytes.Equal(lab.Source, src) || lab.Path != name || lab.Name == "" {
			t.Errorf("%s: the lab does not know its file", name)
		}
		again, _ := Load(name, src)
		if describeLab(lab) != describeLab(again) {
			t.Errorf("%s: loading twice gives two labs", name)
		}
	}
}

func TestBadFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, name := range names {
		src := mustRead(t, name)
		lab, problems := Load(filepath.Base(name), src)
		if lab != nil || len(problems.Errors()) == 0 {
			t.Errorf("%s: loads", name)
		}
		inside(t, src, problems)
		golden := strings.TrimSuffix(name, ".yaml") + ".errors"
		got := problems.Error() + "\n"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(mustRead(t, golden)); got != want {
			t.Errorf("%s: got\n%swant\n%s", name, got, want)
		}
	}
}
