package labctl_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// idea is something that CONTRIBUTING.md says how to add: which files change when there is one more of it.
type idea struct {
	howTo   string // how its paragraph begins, behind "**… "
	changes []change
	tests   map[string]string // by package, a pattern of those of its tests that say if something was forgotten
	works   func(t *testing.T, labctl string)
}

// change is what happens to one file.
type change struct {
	file string // from the top of the tree
	edit func(t *testing.T, text string) string
	as   string // what CONTRIBUTING.md calls a file that is new; "" if the file is there
}

// ideas has one more of everything that there should be one place for. Each is as small as it can be.
var ideas = []idea{
	{
		howTo: "an expectation kind or a probe",
		changes: []change{
			{file: "topology/expect/kinds.go", edit: behind("\t&hits,\n", `	{Name: "greets", Doc: "who greets whom", Short: true, Pairs: true, cellWords: cellWords{
		words: []string{"yes", "no", "unknown"},
		means: [][2]string{{"yes", "does"}, {"no", "does not"}, {"unknown", "nobody knows"}}}},
`)},
			{file: "topology/reach/probes.go", edit: behind("ask: (*asking).readHits},\n", `	{kind: "greets", phase: phaseRead, ask: func(a *asking, _ context.Context, at []int) {
		for _, i := range at {
			a.out[i].Got = "no"
		}
	}},
`)},
		},
		tests: map[string]string{
			"./topology/expect": "^TestEveryWordIsReadMeasuredAndExplained$",
			"./topology/reach":  "^TestEveryKindHasAProbe$",
		},
		works: func(t *testing.T, labctl string) {
			accepts(t, labctl, pair+"expect: {greets: no}\n")
			accepts(t, labctl, pair+"expect:\n  greets: |\n    from\\to  a    b\n    a        -    yes\n    b        no|yes  -\n")
			refuses(t, labctl, pair+"expect: {greets: maybe}\n", `"maybe" is not an answer`)
			refuses(t, labctl, pair+"steps: [{name: one, wait: {greets: yes}}]\n", "a wait only reads")
		},
	},
	{
		howTo: "a node kind",
		changes: []change{{file: "topology/labfile/nodekinds.go", edit: behind("\t\tbridgeRow(),\n",
			"\t\t{name: \"printer\", want: \"a printer\", doc: \"a host that prints\", keys: hostKeys, hints: hostHints()},\n")}},
		works: func(t *testing.T, labctl string) {
			accepts(t, labctl, strings.Replace(pair, "{ip: 10.0.0.2/24}", "{kind: printer, ip: 10.0.0.2/24}", 1))
			refuses(t, labctl, strings.Replace(pair, "{ip: 10.0.0.2/24}", "{kind: printing, ip: 10.0.0.2/24}", 1), "printer")
		},
	},
	{
		howTo: "a step action",
		changes: []change{
			{file: "topology/labfile/actionnap.go", as: "a file `action*.go`", edit: content(`package labfile

import "labctl/topology/labfile/grammar"

// Nap is what somebody does in between.
type Nap struct{ Times int }

var napAction = actionKind{name: "nap", doc: "naps",
	shape: func() *grammar.Shape { return grammar.NumberOf("a number from 1 to 9", 1, 9) },
	read:  func(_ *story, v grammar.Value) any { return &Nap{v.Int(0)} }}
`)},
			{file: "topology/labfile/actions.go", edit: replaced("restartAction, spoofAction}", "restartAction, spoofAction, napAction}")},
			{file: "cmd/labctl/supervisor/act.go", edit: behind("\tcase *topology.ARPSpoof:\n\t\treturn do.Name, v.spoof(do)\n",
				"\tcase *labfile.Nap:\n\t\treturn \"\", nil\n")},
		},
		works: func(t *testing.T, labctl string) {
			accepts(t, labctl, pair+"steps: [{name: one, do: [{nap: 2}]}]\n")
			refuses(t, labctl, pair+"steps: [{name: one, do: [{nap: 12}]}]\n", "a number from 1 to 9")
		},
	},
	{
		howTo: "a cause of an answer",
		changes: []change{
			{file: "topology/cause/kinds.go", edit: behind("const (\n", "\tEclipse Kind = \"eclipse\" // of node Where\n")},
			{file: "topology/cause/kinds.go", edit: behind("var kinds = []kind{\n",
				"\t{name: Eclipse, text: each(func(c Cause) string { return c.Where + \" was dark\" })},\n")},
		},
		tests: map[string]string{"./topology/cause": "^(TestEveryKindIsSaid|TestText)$"},
		works: func(*testing.T, string) {}, // a file cannot name one
	},
	{
		howTo: "a drop reason",
		changes: []change{
			{file: "switchcore/reason.go", edit: behind("// the egress has an allow-list, and the destination is not on it\n", "\tBoredom // the switch had no mind to\n")},
			{file: "switchcore/reason.go", edit: behind(`	ReceiveFilter:  {"ReceiveFilter", "", 0, "-"},`+"\n", `	Boredom: {"Boredom", "", 0, "-"},`+"\n")},
		},
		works: func(t *testing.T, labctl string) {
			accepts(t, labctl, onSwitch+"expect:\n  drops: |\n    at  reason   frames\n    sw  Boredom  0\n")
			refuses(t, labctl, onSwitch+"expect:\n  drops: |\n    at  reason   frames\n    sw  Bordeom  0\n", "Boredom")
		},
	},
	{
		howTo: "a policy of virtual switches",
		changes: []change{
			{file: "switchcore/policy.go", edit: behind("\tMACChanges      *bool        `json:\"mac_changes,omitzero\"`\n",
				"\tWhistling *bool `json:\"whistling,omitzero\"`\n")},
			{file: "switchcore/policy.go", edit: behind("\tBlocked                                  Setting\n", "\tWhistling Setting\n")},
			{file: "switchcore/policy.go", edit: behind("var allDecisions = []Decision{\n", `	{"whistling", "may a guest whistle (default reject)",
		func(s *Spec) **bool { return &s.Whistling }, func(c *Computed) *Setting { return &c.Whistling }},
`)},
		},
		tests: map[string]string{"./switchcore": "^TestPoliciesHaveRows$"},
		works: func(t *testing.T, labctl string) {
			accepts(t, labctl, strings.Replace(onSwitch, "kind: vswitch", "kind: vswitch, whistling: accept", 1))
			refuses(t, labctl, strings.Replace(onSwitch, "kind: vswitch", "kind: vswitch, whistling: loudly", 1), "accept")
			if help, err := exec.Command(labctl, "ports", "--help").Output(); err == nil && runtime.GOOS == "linux" &&
				!strings.Contains(string(help), "whistling") {
				t.Errorf("labctl ports has no column of it:\n%s", help)
			}
		},
	},
	{
		howTo: "a verb",
		changes: []change{
			{file: "cmd/labctl/yawn_linux.go", as: "One file `cmd/labctl/<verb>_linux.go`", edit: content(`package main

import "github.com/spf13/cobra"

func yawnCommand(*globals) *cobra.Command {
	return &cobra.Command{Use: "yawn", Short: "Yawn", RunE: func(cmd *cobra.Command, _ []string) error {
		cmd.Println("yawns")
		return nil
	}}
}
`)},
			{file: "cmd/labctl/verbs.go", edit: replaced(`"doctor",`, `"doctor", "yawn",`)},
			{file: "cmd/labctl/verbs_linux.go", edit: replaced("switchCommand, doctorCommand,", "switchCommand, doctorCommand, yawnCommand,")},
		},
		works: func(t *testing.T, labctl string) {
			if runtime.GOOS != "linux" {
				return // it needs a kernel there, and says so
			}
			if out, err := exec.Command(labctl, "yawn").CombinedOutput(); err != nil || string(out) != "yawns\n" {
				t.Errorf("%v: %s", err, out)
			}
		},
	},
}

// onSwitch is a lab of two hosts on a virtual switch.
const onSwitch = "format: 1\nlab: two\nnodes:\n  sw: {kind: vswitch}\n  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\nlinks: [a b -- sw]\n"

// pair is a lab of two hosts.
const pair = "format: 1\nlab: pair\nnodes:\n  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\nlinks: [\"a -- b\"]\n"

// TestOneMoreOfEverything adds one of each to the program, by an overlay over the files that are there, and sees that
// it works. What has to change beyond the files listed makes the program not build, a test of its package fail, or the
// program not know the new one; and the paragraph about it names these files.
func TestOneMoreOfEverything(t *testing.T) {
	overlay := newOverlay(t)
	for _, i := range ideas {
		paragraph := contributing(t, i.howTo)
		for _, c := range i.changes {
			overlay.apply(t, c)
			if !strings.Contains(paragraph, cmp.Or(c.as, "`"+c.file+"`")) {
				t.Errorf("CONTRIBUTING.md does not say that %s changes to add %s", c.file, i.howTo)
			}
		}
	}
	labctl := filepath.Join(t.TempDir(), "labctl")
	overlay.run(t, "build", "-o", labctl, "./cmd/labctl")
	for _, i := range ideas {
		t.Run(i.howTo, func(t *testing.T) {
			i.works(t, labctl)
			for pkg, tests := range i.tests {
				out := overlay.run(t, "test", "-v", "-count=1", "-run", tests, pkg)
				if !strings.Contains(out, "--- PASS") {
					t.Errorf("%s has no test %s", pkg, tests)
				}
			}
		})
	}
}

// overlay is files as "go build -overlay" takes them.
type overlay struct {
	dir  string
	text map[string]string // by file, from the top of the tree
}

func newOverlay(t *testing.T) *overlay { return &overlay{t.TempDir(), map[string]string{}} }

func (o *overlay) apply(t *testing.T, c change) {
	t.Helper()
	text, changed := o.text[c.file]
	if !changed {
		there, err := os.ReadFile(filepath.FromSlash(c.file))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		text = string(there)
	}
	if o.text[c.file] = c.edit(t, text); o.text[c.file] == text {
		t.Fatalf("nothing changes in %s", c.file)
	}
}

// run is a command of go with the overlay; it returns what that says.
func (o *overlay) run(t *testing.T, command string, args ...string) string {
	t.Helper()
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for file, text := range o.text {
		changed := filepath.Join(o.dir, strings.ReplaceAll(file, "/", "+"))
		if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(top, filepath.FromSlash(file))] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(o.dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", append([]string{command, "-overlay", name}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", command, err, out)
	}
	return string(out)
}

// behind adds a text behind another one, which is in the file once.
func behind(anchor, added string) func(*testing.T, string) string {
	return func(t *testing.T, text string) string {
		t.Helper()
		if n := strings.Count(text, anchor); n != 1 {
			t.Fatalf("%q is in the file %d times, want it once", anchor, n)
		}
		return strings.Replace(text, anchor, anchor+added, 1)
	}
}

// replaced has another text in place of one that is in the file once.
func replaced(old, now string) func(*testing.T, string) string {
	return func(t *testing.T, text string) string {
		t.Helper()
		if n := strings.Count(text, old); n != 1 {
			t.Fatalf("%q is in the file %d times, want it once", old, n)
		}
		return strings.Replace(text, old, now, 1)
	}
}

// content is that of a file which is new.
func content(text string) func(*testing.T, string) string {
	return func(t *testing.T, there string) string {
		t.Helper()
		if there != "" {
			t.Fatal("the file is there already")
		}
		return text
	}
}

// contributing is the paragraph of CONTRIBUTING.md about adding something.
func contributing(t *testing.T, howTo string) string {
	t.Helper()
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "**… "+howTo+".**")
	if !found {
		t.Errorf("CONTRIBUTING.md does not say how to add %s", howTo)
	}
	paragraph, _, _ := strings.Cut(rest, "\n\n")
	return paragraph
}

// validated is what "labctl validate" says of a lab file.
func validated(t *testing.T, labctl, lab string) (said string, valid bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lab.yaml")
	if err := os.WriteFile(file, []byte(lab), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(labctl, "validate", file).CombinedOutput()
	return string(out), err == nil
}

func accepts(t *testing.T, labctl, lab string) {
	t.Helper()
	if said, valid := validated(t, labctl, lab); !valid {
		t.Errorf("refused:\n%s\n%s", lab, said)
	}
}

func refuses(t *testing.T, labctl, lab, because string) {
	t.Helper()
	if said, valid := validated(t, labctl, lab); valid || !strings.Contains(said, because) {
		t.Errorf("valid: %v, want it refused because %s:\n%s\n%s", valid, because, lab, said)
	}
}
