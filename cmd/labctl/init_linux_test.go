package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/shape"
)

func TestLabNameFor(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		"my-first.yaml": "my-first", "my Lab.yaml": "my-lab", "x/Büro_2.yml": "b-ro-2", "2024.yaml": "lab", "2024-net.yaml": "net", "-a--b-.yaml": "a-b",
		filepath.Join(dir, "office-net", "lab.yaml"): "office-net", filepath.Join(dir, "Net 7!", "lab.yml"): "net-7", filepath.Join(dir, "42", "lab.yaml"): "lab",
		"/lab.yaml": "lab", filepath.Join(dir, "office-net", "two.yaml"): "two",
		strings.Repeat("a", 40) + ".yaml": strings.Repeat("a", 32), strings.Repeat("a", 31) + "-b.yaml": strings.Repeat("a", 31),
	} {
		if got := labNameFor(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	folder := filepath.Join(dir, "first")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	if got := labNameFor("lab.yaml"); got != "first" {
		t.Errorf("lab.yaml here: %q", got)
	}
}

// What init writes is a lab file without a warning, whose name is a lab's, and which says what it expects.
func TestInitWritesValidFiles(t *testing.T) {
	words := []string{"single,2", "single,1000", "linear,1,2", "linear,999", "linear,5,200", "tree,1,2", "tree,9,2", "tree,3,10", "tree,6,3", "ring,3", "ring,40", "ring,40,25", "torus,3,3", "torus,30,33", "torus,3,70,4"}
	for _, word := range words {
		s, err := shape.Parse(word)
		if err != nil {
			t.Fatal(err)
		}
		file, problems := labfile.Load("lab.yaml", s.File("a"))
		if file == nil || len(problems) > 0 {
			t.Errorf("%s: %v", word, problems)
			continue
		}
		cells := 0
		for _, table := range file.Expect.Tables {
			for _, c := range table.Cells {
				if c.Judged {
					cells++
				}
			}
		}
		if cells == 0 {
			t.Errorf("%s expects nothing", word)
		}
	}
	if file, problems := labfile.Load("lab.yaml", []byte(strings.ReplaceAll(firstLab, "%s", "a"))); file == nil || len(problems) > 0 {
		t.Error(problems)
	}
}

// The flags that say what to write exclude each other, and nothing is written when one is wrong.
func TestInitRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for line, want := range map[string]string{
		"init --hosts 3 --topo ring,3":            "--hosts and --topo: want one of them, each says what to write",
		"init --from routed --hosts 3":            "--from and --hosts: want one of them",
		"init --from routed --topo single":        "--from and --topo: want one of them",
		"init --hosts 0":                          "--hosts 0: want 2 to 1000 hosts",
		"init --hosts 70000":                      "--hosts 70000: want 2 to 1000 hosts",
		"init --hosts -3":                         "--hosts -3: want 2 to 1000 hosts",
		"init --hosts many":                       `--hosts "many": want a whole number`,
		"init --topo torus,2,2":                   `--topo "torus,2,2": X is 2, want at least 3`,
		"init --topo tree,9,9":                    `--topo "tree,9,9": that is more than 1000 hosts; want smaller numbers, such as tree,3,9`,
		"init --topo cube,3":                      `--topo "cube,3": there is no shape "cube"; there are single`,
		"init --topo= other.yaml":                 `--topo "": there is no shape ""; there are`,
		"init --from nothing-of-the-kind my.yaml": `no shipped lab is called "nothing-of-the-kind"`,
	} {
		got := verb(t, t.TempDir(), "HOME", line)
		if !strings.Contains(got, want) || !strings.Contains(got, "=> 2") {
			t.Errorf("%s: %s\nwant %s", line, got, want)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("written: %v", left)
	}
}
