package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"labctl/cmd/labctl/terminal"
	"labctl/labs"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// labFile is a lab file that was named on the command line, and found.
type labFile struct {
	display  string // for messages: the path as given
	identity string // what tells it from another file of the same lab name: see instance.Meta
	source   []byte
	fromDisk bool
}

// defaultFile is what a verb takes when no FILE is given and it is there.
const defaultFile = "lab.yaml"

// findFile reads FILE: "-", a path, or the name of a shipped lab.
func findFile(arg string) (*labFile, error) {
	if arg == "-" {
		src, err := io.ReadAll(io.LimitReader(os.Stdin, 2<<20))
		return &labFile{display: "<stdin>", identity: "-", source: src}, err
	}
	if !looksLikePath(arg) {
		if src, err := labs.Read(arg); err == nil {
			return &labFile{display: arg + ".yaml", identity: "shipped:" + arg, source: src, fromDisk: true}, nil
		}
	}
	src, err := readLimited(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !looksLikePath(arg):
		return nil, usagef("%s: no such file, and no shipped lab of that name (\"labctl labs\" lists them)%s", arg,
			problem.Suggest(arg, labs.Names()))
	case errors.Is(err, fs.ErrNotExist):
		here, _ := filepath.Glob(filepath.Join(filepath.Dir(arg), "*.y*ml"))
		return nil, usagef("%s: no such file%s", arg,
			cmp.Or(problem.Suggest(arg, here), fmt.Sprintf("; \"%s\" writes one", initLine(arg))))
	case err != nil:
		return nil, usageError{err}
	}
	return &labFile{display: arg, identity: identityOf(arg), source: src, fromDisk: true}, nil
}

// initLine is the command that writes a file to begin with, in a folder that may not be there yet.
func initLine(path string) string {
	line := "labctl init " + problem.ShellWord(path)
	if folder := folderMissing(path); folder != "" {
		line = "mkdir -p " + problem.ShellWord(folder) + " && " + line
	}
	return line
}

// looksLikePath tells the path of a file from the name of a shipped lab.
func looksLikePath(arg string) bool {
	return strings.ContainsRune(arg, '/') || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml")
}

// identityOf is what tells a file from another: its path from the root, without symbolic links.
func identityOf(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	return abs
}

// readLimited reads no more of a file than it takes to see that it is too long: a lab file has at most 1 MiB.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a lab file", path)
	}
	return io.ReadAll(io.LimitReader(f, 2<<20))
}

// load reads and checks FILE; warnings go to standard error.
func load(arg string) (*labFile, *labfile.File, error) { return loadTelling(arg, true) }

// loadTelling says warnings only if they are to be told.
func loadTelling(arg string, warnings bool) (*labFile, *labfile.File, error) {
	f, err := findFile(arg)
	if err != nil {
		return nil, nil, err
	}
	lab, problems := labfile.Load(f.display, f.source)
	if lab == nil {
		return f, nil, problems
	}
	if len(problems) > 0 && warnings {
		fmt.Fprintln(terminal.Stderr(), problems.Error())
		annotateProblems(problems)
	}
	return f, lab, nil
}

// oneFile is FILE, or lab.yaml if none is given.
func oneFile(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if _, err := os.Stat(defaultFile); err == nil {
		return defaultFile, nil
	}
	return "", usagef("which lab? give a FILE, or the name of a shipped lab (labctl labs); there is no %s here",
		defaultFile)
}

var instanceName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// instanceFor is the name under which a lab is brought up: its own, or --as.
func instanceFor(lab *labfile.File, as string) (string, error) {
	if as == "" {
		return lab.Name, nil
	}
	if !instanceName.MatchString(as) {
		return "", usagef("--as %q: want a lower-case letter, then letters, digits and '-', at most 40 in all", as)
	}
	return as, nil
}

// displayOf is a file's identity as a person would write it.
func displayOf(identity string) string {
	if name, ok := strings.CutPrefix(identity, "shipped:"); ok {
		return name + ".yaml"
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, identity); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return identity
}
