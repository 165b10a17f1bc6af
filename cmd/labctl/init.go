package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/terminal"
	"labctl/labs"
	"labctl/topology/problem"
	"labctl/topology/shape"
)

// firstLab is what init writes if nothing else is asked for: small enough to read, and it passes.
const firstLab = `# yaml-language-server: $schema=./labctl.schema.json     (labctl schema > labctl.schema.json)
#
#   h1 .1 ──┐
#           ├── s1
#   h2 .2 ──┘            10.0.0.0/24
format: 1
lab: %s

nodes:
  s1: {kind: bridge}
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24}

links:
  - h1 h2 -- s1

expect:
  ping: |
    from\to  h1  h2
    h1       -   ok
    h2       ok  -
`

// initFlags are what init is to write.
type initFlags struct {
	from, topo string
	hosts      int
	force      bool
}

func initCommand(*globals) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a lab file to begin with, of a size and shape of your choice, or a copy of a shipped one",
		Long: fmt.Sprintf(`Write a lab file (lab.yaml unless FILE is given): two hosts on a bridge, or with --hosts as many as you want, or with --topo a
shape as Mininet calls it, or with --from a copy of a shipped lab. Except for the copy, the lab is named after FILE, or, if that is
lab.yaml, after the folder it is in, so that labs in two folders can be up at the same time.

SHAPE is %s.
BRIDGES, X and Y count bridges, HOSTS the hosts on each, DEPTH the levels of bridges, FANOUT what is below each of them. Bridges that
form rings have a spanning tree, for which "labctl up" waits. At most %d hosts and %d bridges.`, shape.Usage(), shape.MaxHosts, shape.MaxBridges),
		Example: "  labctl init\n  labctl init --hosts 50\n  labctl init --topo tree,2,3 campus.yaml\n" +
			"  labctl init --from routed my.yaml",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultFile
			if len(args) == 1 {
				path = args[0]
			}
			src, err := f.text(cmd, path)
			if err != nil {
				return err
			}
			if err := f.write(path, src); err != nil {
				return err
			}
			named := ""
			if !cmd.Flags().Changed("from") && labNameOf(path) == "" {
				named = fmt.Sprintf(" with \"lab: %s\", because its own name has no letter", labNameFor(path))
			}
			fmt.Fprintf(terminal.Stderr(), "%s written%s; try: labctl verify %s\n", path, named,
				problem.ShellWord(path))
			return nil
		},
	}
	cmd.Flags().StringVar(&f.from, "from", "", "copy this shipped lab")
	cmd.Flags().IntVar(&f.hosts, "hosts", 0, "write this many hosts on one bridge")
	cmd.Flags().StringVar(&f.topo, "topo", "", "write bridges and hosts in this SHAPE, such as tree,2,3")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite a file that is there")
	must(cmd.RegisterFlagCompletionFunc("from", completeShipped))
	must(cmd.RegisterFlagCompletionFunc("topo", cobra.FixedCompletions(shape.Names(),
		cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)))
	return cmd
}

// text is what the flags ask for.
func (f *initFlags) text(cmd *cobra.Command, path string) ([]byte, error) {
	var given []string
	for _, name := range []string{"from", "hosts", "topo"} {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return nil, usagef("%s: want one of them, each says what to write", strings.Join(given, " and "))
	}
	var s *shape.Shape
	var err error
	switch {
	case len(given) == 0:
		return fmt.Appendf(nil, firstLab, labNameFor(path)), nil
	case given[0] == "--from":
		src, err := labs.Read(f.from)
		if err != nil {
			return nil, usagef("no shipped lab is called %q%s", f.from, problem.Suggest(f.from, labs.Names()))
		}
		return src, nil
	case given[0] == "--hosts":
		if s, err = shape.Hosts(f.hosts); err != nil {
			return nil, usagef("--hosts %d: %w", f.hosts, err)
		}
	default:
		if s, err = shape.Parse(f.topo); err != nil {
			return nil, usagef("--topo %s: %w", problem.Quoted(f.topo), err)
		}
	}
	return s.File(labNameFor(path)), nil
}

// write makes the file, and never overwrites one unless told to.
func (f *initFlags) write(path string, src []byte) error {
	flags := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if f.force {
		flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already; --force overwrites it", path)
	}
	if folder := folderMissing(path); folder != "" {
		return usagef("%s: no such folder; write \"mkdir -p %s\" first", folder, problem.ShellWord(folder))
	}
	if err != nil {
		return usageError{err}
	}
	if _, err := file.Write(src); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// folderMissing is the folder of a file if it is not there, or "".
func folderMissing(path string) string {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return folder
	}
	return ""
}

// labNameFor is what the lab of a file is called, "lab" if the file's name gives none.
func labNameFor(path string) string { return cmp.Or(labNameOf(path), "lab") }

// labNameOf makes the name of a lab from that of its file, or, if that is lab.yaml, from that of its folder. What a
// lab's name cannot have becomes a dash: "my Lab.yaml" is my-lab. It is "" if nothing is left.
func labNameOf(path string) string {
	base := filepath.Base(path)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	if base == strings.TrimSuffix(defaultFile, ".yaml") {
		if abs, err := filepath.Abs(path); err == nil {
			base = filepath.Base(filepath.Dir(abs))
		}
	}
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(base) {
		letter := r >= 'a' && r <= 'z'
		switch {
		case letter || b.Len() > 0 && r >= '0' && r <= '9':
			if dash {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			dash = false
		default:
			dash = b.Len() > 0
		}
	}
	name := strings.TrimRight(b.String()[:min(b.Len(), 32)], "-")
	if name == "true" || name == "false" || name == "null" { // which YAML takes for something else
		name += "-lab"
	}
	return name
}
