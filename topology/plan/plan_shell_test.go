package plan

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/labfile"
)

// stub is ip, bridge and timeout in the tests: it writes its words, and what it reads, into a file of its own. It and
// whatever else runs has no other program.
const stub = `#!%s
{
  printf '%%s\n' "${0##*/}"
  for w; do printf '<%%s>\n' "$w"; done
  case "$*" in
    *-restore | *"nft -f -") while IFS= read -r l; do printf '|%%s\n' "$l"; done ;;
    "netns exec "*" sh -c "* | [0-9]*" sh -c "*) IFS= read -r l && printf 'read: %%s\n' "$l" ;;
  esac
} >>"$LABCTL_CALLS/$$"
exit 0
`

// shellFor is a shell, and a directory with stubs and nothing else.
func shellFor(t testing.TB) (shell, bin string) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	bin = t.TempDir()
	for _, name := range []string{"ip", "bridge", "timeout"} {
		if err := os.WriteFile(filepath.Join(bin, name), fmt.Appendf(nil, stub, shell), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return shell, bin
}

// calls runs a script and returns what it called, in no order, since some run in the background.
func calls(t *testing.T, shell, bin, script string) []string {
	t.Helper()
	log, work := t.TempDir(), t.TempDir()
	cmd := exec.Command(shell, "-e")
	cmd.Stdin = strings.NewReader(script + "wait\n")
	cmd.Dir, cmd.Env = work, []string{"PATH=" + bin, "LABCTL_CALLS=" + log}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("the script ends with %v and says %s\n%s", err, out, script)
	}
	if left, _ := os.ReadDir(work); len(left) > 0 {
		t.Fatalf("the script has made %s\n%s", left[0].Name(), script)
	}
	var got []string
	files, _ := os.ReadDir(log)
	for _, f := range files {
		got = append(got, string(mustRead(t, filepath.Join(log, f.Name()))))
	}
	slices.Sort(got)
	return got
}

var plainWords = regexp.MustCompile(`^[a-z]+( [A-Za-z0-9_.:/+-]+)+$`)

// meant are the calls that the operations of a plan stand for, in words that have not been through a shell.
func meant(t *testing.T, p *Plan) []string {
	t.Helper()
	var out []string
	call := func(text string, words ...string) {
		s := words[0] + "\n"
		for _, w := range words[1:] {
			s += "<" + w + ">\n"
		}
		for line := range strings.Lines(text) {
			s += "|" + line
		}
		out = append(out, s)
	}
	for i := 0; i < len(p.Ops); i++ {
		switch o := p.Ops[i].(type) {
		case SetSysctl:
			n := p.sysctlRun(i)
			words := []string{"ip", "netns", "exec", p.Namespace(o.Node), "sysctl", map[bool]string{true: "-qew", false: "-qw"}[o.Optional()]}
			for _, op := range p.Ops[i : i+n] {
				words = append(words, op.(SetSysctl).Key+"="+op.(SetSysctl).Value)
			}
			call("", words...)
			i += n - 1
		case RunCommand:
			call("", "ip", "netns", "exec", p.Namespace(o.Node), "sh", "-c", o.Sh)
		case AwaitReady:
			call("", "timeout", fmt.Sprint(o.Ready.Timeout.Seconds()), "sh", "-c", readyScript(o.Ready, "ip netns exec "+p.Namespace(o.Node)+" "))
		case SetRules:
			in := []string{"ip", "netns", "exec", p.Namespace(o.Node)}
			for _, s := range o.Sysctls {
				call("", append(slices.Clone(in), "sysctl", "-qw", s.Key+"="+s.Value)...)
			}
			text := map[string]string{}
			for _, table := range o.Tables() {
				text[table.Family] += table.Text
			}
			for _, family := range []string{"iptables", "ip6tables"} {
				if text[family] != "" {
					call(text[family], append(slices.Clone(in), family+"-restore")...)
				}
			}
			if text, _ := o.NFT(); text != "" {
				call(text, append(slices.Clone(in), "nft", "-f", "-")...)
			}
		default:
			for line := range strings.SplitSeq(o.shell(p.Namespace), "\n") {
				line = strings.TrimSuffix(line, tolerant(""))
				if !plainWords.MatchString(line) {
					t.Errorf("%T has words that a shell may take for something else: %q", o, line)
				}
				call("", strings.Fields(line)...)
			}
		}
	}
	slices.Sort(out)
	return out
}

// onlyItsOwn fails where a shell that reads a lab's plan would do anything but its operations.
func onlyItsOwn(t *testing.T, shell, bin string, lab *topology.Lab) {
	t.Helper()
	p := New(lab, lab.Name)
	got, want := calls(t, shell, bin, p.String()), meant(t, p)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("calls\n%s\ninstead of\n%s\nin\n%s", got[i], want[i], p)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d calls, want %d, in\n%s", len(got), len(want), p)
	}
}

// What a shell makes of a plan is what the plan says.
func TestPlanRunsOnlyItsOwnLines(t *testing.T) {
	shell, bin := shellFor(t)
	for _, name := range []string{"../labfile/testdata/good/everything.yaml", "../labfile/testdata/good/rules.yaml", "../labfile/testdata/good/switches.yaml"} {
		onlyItsOwn(t, shell, bin, mustLoad(t, string(mustRead(t, name))).Lab)
	}
}

// hostile is a lab with texts of an author's at every place that takes any.
func hostile(nft, comment, sh, value string, form uint8) []byte {
	quoted := func(s string) string {
		b := []byte{'"'}
		for _, c := range s {
			b = fmt.Appendf(b, `\U%08x`, c)
		}
		return string(append(b, '"'))
	}
	rules := []string{
		"nft: " + quoted("table ip x\n"+nft),
		"nft: " + quoted("table ip x { chain y { comment \""+nft+"\"; } }"),
		"nft: " + quoted("table ip x {\n chain y {\n"+nft+"\n}\n}"),
		"nft: " + quoted("add table ip x \\\n"+nft),
		"nft: |\n          " + strings.ReplaceAll("add table ip x \\\n"+nft, "\n", "\n          "),
		"iptables: " + quoted("-A FORWARD -m comment --comment '"+comment+"' -j ACCEPT # "+nft),
		"ip6tables: " + quoted("-A FORWARD "+comment+" -j ACCEPT\n"+nft),
	}
	return fmt.Appendf(nil, `format: 1
lab: hostile
nodes:
  s1:
    kind: bridge
    rules:
      r:
        %s
  a: {ip: 10.0.0.1/24, run: [%s, {sh: %s, background: true, ready: %s}], sysctls: {net.ipv4.ip_local_reserved_ports: %s}}
links: [a -- s1]
`, rules[int(form)%len(rules)], quoted(sh), quoted(sh), quoted("sh:x"+sh), quoted(value))
}

func TestPlanOfHostileTexts(t *testing.T) {
	shell, bin := shellFor(t)
	loaded := 0
	for _, s := range hostileTexts() {
		for form := range uint8(7) {
			if lab, _ := labfile.Load("hostile.yaml", hostile(s, s, s, s, form)); lab != nil {
				loaded++
				onlyItsOwn(t, shell, bin, lab.Lab)
			}
		}
	}
	if loaded < 40 {
		t.Errorf("only %d of these labs load", loaded)
	}
}

func hostileTexts() []string {
	return []string{
		endOfRules + "\nset -- x >here\n" + endOfRules,
		endOfRules + "\n:>here\nip netns add y <<'" + endOfRules + "'",
		endOfRules + "-2\n:>here\n" + endOfRules + "\n:>here\n" + endOfRules + "-2",
		"$(:>here)", "`:>here`", "'; :>here; '", "a'b", `a\`, "x\n:>here\n", "-e", "1 2", "#", "cat", "${IFS}", "*", "~", "!!", "é\u3000x", "\\\n:>here", "",
	}
}

// FuzzPlan: whatever loads, a shell that reads the plan does nothing but its operations.
func FuzzPlan(f *testing.F) {
	for i, s := range hostileTexts() {
		f.Add(s, s, s, s, uint8(i))
	}
	shell, bin := shellFor(f)
	f.Fuzz(func(t *testing.T, nft, comment, sh, value string, form uint8) {
		if lab, _ := labfile.Load("hostile.yaml", bytes.ToValidUTF8(hostile(nft, comment, sh, value, form), nil)); lab != nil {
			onlyItsOwn(t, shell, bin, lab.Lab)
		}
	})
}
