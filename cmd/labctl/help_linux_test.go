package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/cmd/labctl/terminal"
	"labctl/labs"
	"labctl/topology/labfile"
)

// everyVerb calls f with each verb that is to be seen, and those below it, of a command tree of its own.
func everyVerb(f func(cmd *cobra.Command)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.HasParent() && c.Parent().Name() == "completion" {
			return // the library's own
		}
		f(c)
		for _, k := range c.Commands() {
			if !k.Hidden {
				walk(k)
			}
		}
	}
	walk(newRoot())
}

// TestEveryVerbIsInAGroup: help would list it under "Others".
func TestEveryVerbIsInAGroup(t *testing.T) {
	var listed []string
	for _, g := range verbGroups {
		listed = append(listed, g.verbs...)
	}
	there := verbNames(newRoot())
	for _, name := range there {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is in no group of verbs.go", name)
		}
	}
	if slices.Sort(listed); len(slices.Compact(slices.Clone(listed))) != len(listed) {
		t.Errorf("a verb is in two groups: %v", listed)
	}
	for _, name := range listed {
		if !slices.Contains(there, name) {
			t.Errorf("verbs.go has a verb %s, which there is not", name)
		}
	}
}

// TestExamplesParse: every verb has an example, and each is a command line that the verb takes. They are not carried
// out: most of them need a lab.
func TestExamplesParse(t *testing.T) {
	n := 0
	everyVerb(func(c *cobra.Command) {
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			text := strings.TrimSpace(line)
			if text == "" || !strings.HasPrefix(line, "  labctl ") {
				t.Errorf("%s: an example is two blanks and a command of labctl, not %q", c.CommandPath(), line)
				continue
			}
			n++
			if err := parses(words(text)[1:]); err != nil {
				t.Errorf("%s: %s: %v", c.CommandPath(), text, err)
			}
		}
	})
	if n < 50 {
		t.Errorf("only %d examples", n)
	}
	for _, wrong := range []string{"ping h1", "levitate", "up --sideways", "send guest", "step --all --list", "down -o xml",
		"deploy"} {
		if parses(strings.Fields(wrong)) == nil {
			t.Errorf("%q is taken for an example", wrong)
		}
	}
}

// TestExamplesFitTheirLab: examples that begin with "labctl up" of a shipped lab name a node of it first.
func TestExamplesFitTheirLab(t *testing.T) {
	n := 0
	everyVerb(func(c *cobra.Command) {
		up, rest, more := strings.Cut(strings.TrimSpace(c.Example), "\n")
		name, isUp := strings.CutPrefix(up, "labctl up ")
		if !isUp || !more || c.Name() == "up" || c.HasParent() && !c.Parent().HasParent() && c.HasSubCommands() {
			return
		}
		src, err := labs.Read(name)
		if err != nil {
			t.Errorf("%s: %v", c.CommandPath(), err)
			return
		}
		file, problems := labfile.Load(name, src)
		if file == nil {
			t.Fatal(problems)
		}
		for line := range strings.SplitSeq(rest, "\n") {
			args := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), c.CommandPath()))
			if len(args) == 0 || strings.HasPrefix(args[0], "-") {
				continue
			}
			n++
			node := strings.FieldsFunc(args[0], func(r rune) bool { return strings.ContainsRune(":/.", r) })[0]
			if file.Lab.Node(node) == nil {
				t.Errorf("%s: %s: the lab %s has no node %s", c.CommandPath(), line, name, node)
			}
		}
	})
	if n < 15 {
		t.Errorf("only %d examples name a node", n)
	}
}

// parses reads a command line up to the point at which its verb would begin.
func parses(args []string) error {
	root := newRoot()
	begin := errNo // any error: the verb would have begun
	var stop func(c *cobra.Command)
	stop = func(c *cobra.Command) {
		if c.RunE != nil && !c.Hidden && !(c.HasSubCommands() && c.HasParent()) {
			c.RunE = func(*cobra.Command, []string) error { return begin }
		}
		for _, k := range c.Commands() {
			stop(k)
		}
	}
	stop(root)
	root.SetArgs(args)
	root.SetOut(&strings.Builder{})
	if err := root.Execute(); err != begin {
		return err
	}
	return nil
}

// words divides a command line as a shell would, up to a pipe or a redirection.
func words(line string) (out []string) {
	for i, quoted := range strings.Split(line, "'") {
		if i%2 == 1 {
			out[len(out)-1] += quoted
			continue
		}
		for _, w := range strings.Fields(quoted) {
			if w == "|" || w == ">" {
				return out
			}
			out = append(out, w)
		}
	}
	return out
}

// TestHelpFits: help has no line that is wider than it is to be, but for what cannot be broken: examples.
func TestHelpFits(t *testing.T) {
	for _, width := range []int{terminal.HelpWidth(0), terminal.HelpWidth(500)} {
		everyVerb(func(c *cobra.Command) {
			text := helpText(c, width)
			for line := range strings.SplitSeq(text, "\n") {
				if terminal.Width(line) > width && !strings.Contains(c.Example, line) {
					t.Errorf("%s, %d columns: a line of %d: %s", c.CommandPath(), width, terminal.Width(line), line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s: blanks at the end of %q", c.CommandPath(), line)
				}
			}
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if !f.Hidden && !strings.Contains(text, "--"+f.Name) {
					t.Errorf("%s: help does not tell of --%s", c.CommandPath(), f.Name)
				}
			})
		})
	}
}

// TestTriedVerbsLeadSomewhere: what is named instead is a verb, with flags that it has, and what people try is not one.
func TestTriedVerbsLeadSomewhere(t *testing.T) {
	seen := map[string]bool{}
	there := verbNames(newRoot())
	for _, v := range triedVerbs {
		for _, w := range v.words {
			if seen[w] || slices.Contains(there, w) {
				t.Errorf("%s is a verb, or is listed twice", w)
			}
			seen[w] = true
		}
		if err := parses(strings.Fields(v.instead)[1:]); err != nil {
			t.Errorf("%v leads to %q: %v", v.words, v.instead, err)
		}
	}
	for _, w := range []string{"deploy", "destroy", "stop", "rm", "start", "apply", "test", "create", "delete", "remove",
		"kill", "run", "status", "list", "get", "logs", "attach", "check", "lint", "install", "connect", "ssh", "console",
		"pingall", "save", "redeploy", "config", "dump", "nodes", "net", "links"} {
		if !seen[w] {
			t.Errorf("%s leads nowhere", w)
		}
	}
}

// TestUsageNamesWhatIsMissing looks at verbs whose usage lines have all there is.
func TestUsageNamesWhatIsMissing(t *testing.T) {
	for line, want := range map[string]string{
		"ping":                      "ping needs FROM and TO: labctl ping h1 h2",
		"ping h1":                   `ping "h1" lacks TO: labctl ping h1 h2`,
		"ping a b c":                `ping takes FROM and TO, and was given "a" "b" "c": labctl ping h1 h2`,
		"exec h1":                   `exec "h1" lacks COMMAND: labctl exec h1 -- tcpdump -ni eth0`,
		"ping h2":                   `ping "h2" lacks TO: labctl ping h1 h2`,
		"down --al":                 `unknown flag: --al; did you mean "--all"?`,
		"up --force":                `unknown flag: --force; it belongs to down and init; see "labctl up --help"`,
		"up --levitate":             `unknown flag: --levitate; see "labctl up --help"`,
		"shell":                     "shell needs NODE: labctl shell h1",
		"ls x":                      `ls takes no arguments, and was given "x": labctl ls`,
		"send":                      "send needs NODE|NODE:INTERFACE: labctl send guest --src 00:11:22:33:44:55 --dst gw --icmp 192.168.0.4,192.168.0.1",
		"send h1":                   "send needs --dst: labctl send guest --src 00:11:22:33:44:55 --dst gw --icmp 192.168.0.4,192.168.0.1",
		"policy":                    "policy needs a verb, set: labctl policy set vSwitch0 promiscuous=accept",
		"policy set v1":             `policy set "v1" lacks key=value: labctl policy set v1 promiscuous=accept`,
		"port blok a:b":             `port has no verb "blok"; it has block and unblock; did you mean "block"?`,
		"step --all --list":         "--all and --list exclude each other; give one of them",
		"up --dry-run --foreground": "--dry-run and --foreground exclude each other; give one of them",
		"deploy -t lab.yaml --now":  "there is no verb deploy; to build a lab: labctl up FILE",
		"help deploy":               "there is no verb deploy; to build a lab: labctl up FILE",
		"ls --color sometimes":      `--color "sometimes": there are auto, always and never`,
		"switch add vsw":            `switch add "vsw" lacks INTERFACE: labctl switch add vsw veth3-vsw`,
		"completion tcsh":           `completion has no verb "tcsh"; it has bash, fish, powershell and zsh`,
	} {
		err := parses(strings.Fields(line))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", line, err, want)
		}
	}
	for word, want := range map[string]string{
		"verfy":      `there is no verb "verfy"; did you mean "verify"?`,
		"levitate":   `there is no verb "levitate"; "labctl --help" lists them`,
		"./lab.yaml": `there is no verb "./lab.yaml"; to build a lab: labctl up FILE`,
	} {
		root := newRoot()
		root.SetArgs([]string{word, "--flag"})
		if err := plainUnknown(root, root.Execute()); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", word, err, want)
		}
	}
}
