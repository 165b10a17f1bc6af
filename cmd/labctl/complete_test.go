package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/cobra"

	"labctl/labs"
)

// TestFilesComeFirst: what is there is probably meant, and no file that is not a lab.
func TestFilesComeFirst(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, f := range []string{"b.yaml", "a.yml", "notes.txt", ".hidden.yaml", "sub/c.yaml", "sub/deeper/d.yaml", "two.yaml/e"} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const noSpace = cobra.ShellCompDirectiveNoSpace
	for _, c := range []struct {
		begun string
		want  []string
		space bool
	}{
		{"", slices.Concat([]string{"a.yml", "b.yaml", "sub/", "two.yaml/"}, labs.Names()), true},
		{"b", []string{"b.yaml", "bridge-ageing", "bridge-of-bridge"}, true},
		{"s", nil, true},
		{"sub", []string{"sub/", "subnet-mask-redirect", "subnet-mask-rp-filter", "subnet-mask-typo"}, true},
		{"sub/", []string{"sub/c.yaml", "sub/deeper/"}, true},
		{"sub/d", []string{"sub/deeper/"}, false},
		{".h", []string{".hidden.yaml"}, true},
		{"nowhere/", nil, true},
	} {
		got, after := completeFiles(nil, nil, c.begun)
		if c.begun == "s" {
			if len(got) < 2 || got[0] != "sub/" || slices.Contains(got[1:], "sub/") {
				t.Errorf("s: %v", got)
			}
			continue
		}
		if !slices.Equal(got, c.want) || (after&noSpace == 0) != c.space {
			t.Errorf("%q: %v, %v, want %v", c.begun, got, after, c.want)
		}
		if after&cobra.ShellCompDirectiveKeepOrder == 0 || after&cobra.ShellCompDirectiveNoFileComp == 0 {
			t.Errorf("%q: the shell is to %v", c.begun, after)
		}
	}
	if got, _ := completeFile(nil, []string{"a.yml"}, ""); got != nil {
		t.Errorf("a second FILE: %v", got)
	}
}
