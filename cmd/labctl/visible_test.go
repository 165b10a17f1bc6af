package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Nothing is printed past the writers that keep control characters from terminals. Only the line that shows progress
// moves the cursor itself; what commands in nodes and captures write is passed on as bytes, by other means.
func TestNothingIsPrintedRaw(t *testing.T) {
	raw := regexp.MustCompile(`Fprint\w*\(os\.Std|fmt\.Print|\bprintln\(|os\.Std(?:out|err)\.Write|WriteString\(os\.Std`)
	dirs := []string{"."}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" && e.Name() != "runtest" {
			dirs = append(dirs, e.Name())
		}
	}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			if f == "running_linux.go" {
				want = 2
			}
			if got := len(raw.FindAllString(string(text), -1)); got != want && !strings.HasSuffix(f, "_test.go") {
				t.Errorf("%s prints %d times to the terminal itself, want %d: take terminal.Stderr() or the command's own output", f, got, want)
			}
		}
	}
}
