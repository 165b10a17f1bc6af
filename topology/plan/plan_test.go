package plan

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/problem"
)

func TestPlansAreGolden(t *testing.T) {
	everyShipped(t, func(t *testing.T, name string, lab *labfile.File) {
		file := filepath.Join("testdata", "plans", name+".sh")
		got := []byte(New(lab.Lab, lab.Name).String())
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := mustRead(t, file); !bytes.Equal(got, want) {
			t.Errorf("%s: the plan is another one; see what differs with \"go test ./topology -run TestPlansAreGolden -update; git diff\"", file)
		}
	})
	plans, _ := filepath.Glob("testdata/plans/*.sh")
	labs, _ := filepath.Glob("../../labs/*.yaml")
	if len(plans) != len(labs) {
		t.Errorf("%d golden plans for %d labs", len(plans), len(labs))
	}
}

func TestPlanIsTheSameEachTime(t *testing.T) {
	everyShipped(t, func(t *testing.T, name string, lab *labfile.File) {
		first := New(lab.Lab, "x").String()
		for range 5 {
			again, problems := labfile.Load(lab.Path, lab.Source)
			if again == nil {
				t.Fatal(problems)
			}
			if New(again.Lab, "x").String() != first {
				t.Fatal("the same file gives two plans")
			}
		}
	})
}

// What the keys of a node's map are written in must not matter: only the order of nodes and links does.
func TestPlanDoesNotDependOnTheOrderOfKeys(t *testing.T) {
	const head = "format: 1\nlab: order\nnodes:\n  s1: {kind: bridge}\n"
	plan := func(nodes string) string {
		lab, problems := labfile.Load("order.yaml", []byte(head+nodes+"links: [a b -- s1]\n"))
		if lab == nil {
			t.Fatal(problems)
		}
		return New(lab.Lab, "x").String()
	}
	first := plan("  a: {ip: 10.0.0.1/24, mtu: 1400, sysctls: {rp_filter: 1, arp_ignore: 1}}\n  b: {mac: \"02:00:00:00:00:01\", ip: 10.0.0.2/24}\n")
	second := plan("  a: {sysctls: {arp_ignore: 1, rp_filter: 1}, mtu: 1400, ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24, mac: \"02:00:00:00:00:01\"}\n")
	if first != second {
		t.Errorf("two plans:\n%s\n%s", first, second)
	}
}

func TestPlanNamesEverythingExactly(t *testing.T) {
	everyShipped(t, func(t *testing.T, name string, lab *labfile.File) {
		inside := false // of what a tool reads
		for line := range strings.Lines(New(lab.Lab, "inst").String()) {
			if strings.HasPrefix(line, "#") || inside {
				inside = inside && line != endOfRules+"\n"
				continue
			}
			inside = strings.HasSuffix(line, "<<'"+endOfRules+"'\n")
			if !strings.Contains(line, " inst.") {
				t.Errorf("a command that is in no namespace of the instance: %s", line)
			}
			f := strings.Fields(line)
			for i, w := range f[:len(f)-1] {
				if w == "link" && (f[i+1] == "set" || f[i+1] == "delete") && (i+2 >= len(f) || f[i+2] != "dev") {
					t.Errorf("an interface without \"dev\": %s", line)
				}
			}
		}
	})
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"": "''", "a=1": "a=1", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "a;b": "'a;b'"} {
		if got := problem.ShellWord(in); got != want {
			t.Errorf("problem.ShellWord(%q) = %s, want %s", in, got, want)
		}
	}
}
