package model_test

import (
	"os"
	"path/filepath"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/model"
)

// TestPoints goes through the points at which Linux decides: testdata/points has labs, each of one point, whose cases
// differ in what the point goes by. The end-to-end suite holds the same files against the kernel. A case that answers
// everything as the first one does would show nothing of its point.
func TestPoints(t *testing.T) {
	files, err := filepath.Glob("testdata/points/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := judge(t, path, src); len(n.undecided) > 0 {
			t.Errorf("%s: undecided: %s", path, n)
		}
		decides(t, path, src)
	}
}

// decides fails the test if a case of a lab shows nothing.
func decides(t *testing.T, path string, src []byte) {
	f, _ := labfile.Load(path, src)
	steps, err := model.Verify(f, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range f.Steps {
		for i, c := range st.Cases {
			words, first := map[string]string{}, map[string]string{}
			for _, s := range steps {
				for _, tab := range s.Tables {
					for _, v := range tab.Cells {
						switch {
						case s.Step != st.Name:
						case v.Case == c.Name:
							words[v.Question.String()] = v.Got
						case v.Case == st.Cases[0].Name:
							first[v.Question.String()] = v.Got
						}
					}
				}
			}
			same := true
			for q, w := range words {
				same = same && first[q] == w
			}
			if i > 0 && same {
				t.Errorf("%s: case %s answers as case %s does", path, c.Name, st.Cases[0].Name)
			}
		}
	}
}
