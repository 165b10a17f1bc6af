// Package labctl_test holds the tree to the rules of docs/architecture.md.
package labctl_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"labctl/labs"
)

// pkg is a package as "go list" has it.
type pkg struct {
	ImportPath, Dir string
	Imports         []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("only %d packages", len(all))
	}
	return all
}

// rules say what a package may import beside the standard library, a path or all below one that ends in a slash, and
// what of all that it must not. The parent decides and its children do: a decider that could do would be neither
// testable without a machine nor portable.
var rules = map[string]struct{ may, never []string }{
	"labctl/labs":                {never: []string{"net", "os"}},
	"labctl/switchcore":          {never: []string{"net", "os", "os/exec", "sync", "sync/atomic", "syscall"}},
	"labctl/switchcore/datapath": {may: []string{"labctl/switchcore", "golang.org/x/sys/"}},
	"labctl/topology/problem":    {never: []string{"net", "os"}},
	"labctl/topology/cause":      {may: []string{"labctl/topology/problem"}, never: []string{"net", "net/netip", "os", "sync", "syscall", "time"}},
	"labctl/topology/rules":      {may: []string{"labctl/switchcore", "labctl/topology/problem"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology":            {may: []string{"labctl/switchcore", "labctl/topology/problem", "labctl/topology/rules"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology/expect":     {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/problem", "labctl/topology/rules"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology/labfile": {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/expect", "labctl/topology/labfile/grammar",
		"labctl/topology/problem", "labctl/topology/rules"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology/labfile/grammar": {may: []string{"go.yaml.in/yaml/", "labctl/switchcore", "labctl/topology", "labctl/topology/problem"},
		never: []string{"net", "os/exec", "os"}},
	"labctl/topology/randlab": {never: []string{"net", "os/exec", "os"}},
	"labctl/topology/shape":   {may: []string{"labctl/topology/problem"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology/graph":   {may: []string{"labctl/switchcore", "labctl/topology"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology/plan":    {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/problem", "labctl/topology/rules"}, never: []string{"net", "os/exec", "os"}},
	"labctl/topology/state":   {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/plan", "labctl/topology/problem", "labctl/topology/rules"}, never: []string{"net", "os/exec", "os", "sync", "sync/atomic", "syscall"}},
	"labctl/topology/kernel":  {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/plan", "labctl/topology/problem", "labctl/topology/rules", "labctl/topology/state", "github.com/vishvananda/", "github.com/google/nftables", "github.com/google/nftables/", "golang.org/x/sys/"}},
	"labctl/topology/model": {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/expect", "labctl/topology/labfile", "labctl/topology/model/sim",
		"labctl/topology/schedule", "labctl/topology/state"}, never: []string{"net", "os", "os/exec", "sync", "sync/atomic", "syscall"}},
	"labctl/topology/model/sim": {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/rules", "labctl/topology/state"},
		never: []string{"net", "os", "os/exec", "sync", "sync/atomic", "syscall"}},
	"labctl/topology/schedule":     {never: []string{"net", "net/netip", "os", "sync", "sync/atomic", "syscall", "time"}},
	"labctl/topology/silence":      {never: []string{"net", "os", "sync", "sync/atomic", "syscall", "time"}},
	"labctl/topology/reach":        {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/cause", "labctl/topology/expect", "labctl/topology/problem", "labctl/topology/rules", "labctl/topology/schedule", "labctl/topology/silence", "golang.org/x/sys/", "golang.org/x/net/", "golang.org/x/sync/"}, never: []string{"labctl/topology/kernel"}},
	"labctl/cmd/labctl/wire":       {may: []string{"labctl/switchcore", "labctl/topology", "labctl/topology/cause", "labctl/topology/expect", "labctl/topology/plan", "labctl/topology/state"}, never: []string{"net", "os/exec", "os"}},
	"labctl/cmd/labctl/terminal":   {may: []string{"labctl/topology/problem"}},
	"labctl/cmd/labctl/instance":   {may: []string{"labctl/cmd/labctl/wire", "labctl/topology", "labctl/topology/kernel", "labctl/topology/labfile", "labctl/topology/problem", "golang.org/x/sys/"}},
	"labctl/cmd/labctl/pcap":       {may: []string{"labctl/cmd/labctl/wire", "labctl/switchcore/datapath", "github.com/gopacket/"}},
	"labctl/cmd/labctl/innode":     {may: []string{"labctl/cmd/labctl/wire", "labctl/cmd/labctl/terminal", "labctl/topology/kernel", "golang.org/x/sys/", "github.com/creack/pty"}},
	"labctl/cmd/labctl/client":     {may: []string{"labctl/cmd/labctl/wire", "labctl/cmd/labctl/instance", "labctl/cmd/labctl/terminal", "labctl/topology/kernel", "labctl/topology/labfile", "labctl/topology/plan", "golang.org/x/", "github.com/creack/pty"}},
	"labctl/cmd/labctl/switchproc": {may: []string{"labctl/cmd/labctl/wire", "labctl/cmd/labctl/instance", "labctl/switchcore", "labctl/switchcore/datapath", "labctl/topology/kernel", "labctl/topology/problem", "golang.org/x/sys/"}},
	"labctl/cmd/labctl/trial":      {may: []string{"labctl/cmd/labctl/wire", "labctl/cmd/labctl/instance", "labctl/cmd/labctl/terminal", "labctl/topology", "labctl/topology/", "golang.org/x/sys/"}, never: []string{"labctl/topology/reach"}},
	"labctl/cmd/labctl/runtest":    {may: []string{"labctl/cmd/labctl/wire", "labctl/topology/kernel", "golang.org/x/sys/"}},
	"labctl/cmd/labctl/supervisor": {may: []string{"labctl/cmd/labctl/wire", "labctl/cmd/labctl/instance", "labctl/cmd/labctl/innode", "labctl/cmd/labctl/pcap", "labctl/topology", "labctl/topology/", "labctl/switchcore", "labctl/switchcore/", "golang.org/x/", "github.com/gopacket/", "github.com/florianl/go-nflog/"}, never: []string{"labctl/cmd/labctl/client"}},
	"labctl/cmd/labctl": {may: []string{"labctl/", "golang.org/x/", "github.com/spf13/", "go.yaml.in/yaml/", "github.com/jstemmer/go-junit-report/"},
		never: []string{"labctl/topology/reach"}},
	"labctl/e2e":     {},
	"labctl":         {},
	"labctl/scripts": {may: []string{"github.com/vishvananda/", "golang.org/x/sys/"}},
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		rule, ok := rules[p.ImportPath]
		if !ok {
			t.Errorf("%s: a package that docs/architecture.md does not know", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			if i == "C" {
				t.Errorf("%s uses cgo", p.ImportPath)
			}
			std := !strings.Contains(strings.Split(i, "/")[0], ".") && !strings.HasPrefix(i, "labctl")
			allowed := std || slices.ContainsFunc(rule.may, func(m string) bool { return i == m || strings.HasSuffix(m, "/") && strings.HasPrefix(i, m) })
			if !allowed || slices.Contains(rule.never, i) {
				t.Errorf("%s imports %s; docs/architecture.md says why it must not", p.ImportPath, i)
			}
		}
	}
}

// sources calls f with each Go file of the tree.
func sources(t *testing.T, f func(path string, file *ast.File, set *token.FileSet, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		f(path, file, set, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnePackageComment(t *testing.T) {
	comments := map[string][]string{}
	dirs := map[string]bool{}
	sources(t, func(path string, file *ast.File, _ *token.FileSet, text string) {
		dir := filepath.Dir(path)
		if strings.HasPrefix(text, "//go:build ignore") { // a program by itself
			return
		}
		if strings.HasSuffix(path, "_test.go") && dir != "e2e" && dir != "." {
			return
		}
		dirs[dir] = true
		if file.Doc != nil {
			comments[dir] = append(comments[dir], path)
		}
	})
	for dir := range dirs {
		// A command has one for each system that it is built for.
		if n := len(comments[dir]); n != 1 && !(dir == filepath.Join("cmd", "labctl") && n == 2) {
			t.Errorf("%s has %d package comments, want one: %v", dir, n, comments[dir])
		}
	}
}

// Waiting for a time is not waiting for a state; and what is left to do belongs into the tracker.
func TestNoSleepAndNoMarkers(t *testing.T) {
	marker := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	sources(t, func(path string, file *ast.File, set *token.FileSet, text string) {
		if m := marker.FindString(text); m != "" {
			t.Errorf("%s: %s", path, m)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s: time.Sleep", set.Position(s.Pos()))
				}
			}
			return true
		})
	})
}

// TestNumbersAgree: a number before a noun comes from topology.Count, which knows the singular.
func TestNumbersAgree(t *testing.T) {
	counted := regexp.MustCompile(`%d (more )?(answer|cell|command|drop|entrie|frame|lab|namespace|node|packet|pair|port|request|row|rule|step)s\b`)
	always := []string{ // more than one, whatever it is
		`the table stands for %d pairs`, `%s has more than %d ports`, `a %s switch has at most %d ports`, `"%d ports, and the switch has room for`, `all %d cells are`,
	}
	sources(t, func(path string, file *ast.File, set *token.FileSet, text string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING && counted.MatchString(s.Value) &&
				!slices.ContainsFunc(always, func(a string) bool { return strings.Contains(s.Value, a) }) {
				t.Errorf("%s: %s", set.Position(s.Pos()), s.Value)
			}
			return true
		})
	})
}

// A file longer than this holds more than one theme, and a function longer than that cannot be read at once.
const maxFile, maxFunc = 400, 80

func TestLengths(t *testing.T) {
	allowed := map[string]string{ // a path, or path:function, and why
		"topology/kernel/ops_test.go:TestEveryOpApplies": "a flat table of all operations",
	}
	used := map[string]bool{}
	check := func(what string, lines, limit int) {
		if lines <= limit {
			return
		}
		if used[what] = true; allowed[what] == "" {
			t.Errorf("%s has %d lines, of at most %d: divide it by what it is about", what, lines, limit)
		}
	}
	sources(t, func(path string, file *ast.File, set *token.FileSet, text string) {
		if !strings.HasSuffix(path, "_test.go") {
			check(path, strings.Count(text, "\n"), maxFile)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				check(path+":"+f.Name.Name, set.Position(f.End()).Line-set.Position(f.Pos()).Line+1, maxFunc)
			}
		}
	})
	for what := range allowed {
		if !used[what] {
			t.Errorf("%s is not too long any more: take it off the list", what)
		}
	}
}

func TestTopLevelFolders(t *testing.T) {
	known := []string{".ci", ".git", ".github", "bin", "cmd", "dist", "docs", "e2e", "labs", "scripts", "switchcore", "topology"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(known, e.Name()) {
			t.Errorf("%s/: a folder that docs/architecture.md does not know", e.Name())
		}
	}
}

func TestShippedLabsHaveADrawing(t *testing.T) {
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(src), "\nformat:")
		drawn := false
		for line := range strings.Lines(head) {
			if !strings.HasPrefix(line, "#") {
				t.Errorf("%s: the drawing comes first, not %q", name, line)
			}
			drawn = drawn || strings.ContainsAny(line, "─│┌┐└┘├┤┬┴┼")
		}
		if !drawn {
			t.Errorf("%s: no drawing on top", name)
		}
		if !strings.Contains(string(src), "\nlab: "+name+"\n") {
			t.Errorf("%s: the file is called otherwise than the lab", name)
		}
	}
}

func TestScriptsAreDescribed(t *testing.T) {
	text, err := os.ReadFile("scripts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		if !strings.Contains(string(text), filepath.Base(f)) {
			t.Errorf("%s has no line in scripts/README.md", f)
		}
		if st, err := os.Stat(f); err != nil || st.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run", f)
		}
	}
}

// TestLinesFit: code is read beside other code, so a line has at most 120 columns, a tab being 4 of them. Text within
// raw strings is as its reader gets it, and the tables of tests have one case a line.
func TestLinesFit(t *testing.T) {
	const columns = 120
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		seen++
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		raw, test := linesOfRawStrings(src), strings.HasSuffix(path, "_test.go")
		for i, line := range strings.Split(string(src), "\n") {
			exempt := raw[i+1] || test && !strings.HasPrefix(strings.TrimSpace(line), "//")
			if n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); n > columns && !exempt {
				t.Errorf("%s:%d has %d columns, more than %d", path, i+1, n, columns)
			}
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files: %v", seen, err)
	}
}

// linesOfRawStrings are the numbers of lines that have a part of one.
func linesOfRawStrings(src []byte) map[int]bool {
	files := token.NewFileSet()
	file := files.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0)
	out := map[int]bool{}
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			return out
		}
		if kind != token.STRING || text[0] != '`' {
			continue
		}
		first := file.Line(pos)
		for i := range 1 + strings.Count(text, "\n") {
			out[first+i] = true
		}
	}
}

// TestNothingBuiltIsKept: what a compiler has made does not belong into the repository, whatever it is called.
func TestNothingBuiltIsKept(t *testing.T) {
	if _, err := os.Stat(".git"); err != nil {
		return // an archive keeps what was in the repository
	}
	list, err := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if st, err := os.Stat(path); err == nil && st.Size() > 1<<20 {
			t.Errorf("%s has %d bytes", path, st.Size())
		}
	}
}
