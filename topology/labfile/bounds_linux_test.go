package labfile

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"labctl/topology/labfile/grammar"
)

func times(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// bigFiles ask for much of one kind.
func bigFiles() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n"
	line := func(format string, args ...any) string { return "          " + fmt.Sprintf(format, args...) + "\n" }
	rules := func(lines string) string {
		return "format: 1\nlab: big\nnodes:\n  s1:\n    kind: bridge\n    rules:\n      r:\n" + lines + "  a: {ip: 10.0.0.1/24}\nlinks: [a -- s1]\n"
	}
	hosts := func(n int) string {
		return times(n, func(i int) string { return fmt.Sprintf("  h%d: {ip: 10.%d.%d.1/8}\n", i, i>>8, i&255) }) + "links:\n" +
			times(n, func(i int) string { return fmt.Sprintf("  - h%d -- s1\n", i) })
	}
	out := map[string]string{
		"chains that jump twice": rules("        iptables: |\n" + times(8000, func(i int) string { return line("-N c%d", i) }) +
			line("-A FORWARD -m state --state ESTABLISHED -j c0") +
			times(7999, func(i int) string { return strings.Repeat(line("-A c%d -j c%d", i, i+1), 2) }) + line("-A c7999 -j ACCEPT")),
		"chains of nft that jump twice": rules("        nft: |\n          table bridge t {\n" + line("chain f { type filter hook forward priority 0; jump c0; }") +
			times(1999, func(i int) string { return line("chain c%d { jump c%d; jump c%d; }", i, i+1, i+1) }) + line("chain c1999 { accept; }") + "          }\n"),
		"accepts without an end":       rules("        iptables: |\n" + times(12000, func(i int) string { return line("-A FORWARD -m state --state ESTABLISHED -j ACCEPT # a%d", i) })),
		"matrices of a thousand hosts": head + hosts(1000) + "steps:\n" + times(10, func(i int) string { return fmt.Sprintf("  - {name: s%d, expect: {ping: ok}}\n", i) }),
		"sets of many steps":           head + hosts(1000) + "steps:\n" + times(10000, func(i int) string { return fmt.Sprintf("  - {name: s%d, set: {h1: {mtu: 1400}}}\n", i) }),
		"cases": head + hosts(1000) + "steps:\n  - name: s\n    cases:\n" + times(10000, func(i int) string { return fmt.Sprintf("      c%d: {h1: {mtu: 1400}}\n", i) }) +
			"    expect:\n      cases: |\n        question c1\n        ping:h1->h2 ok\n",
		"a file in one line": "{format: 1, lab: big, nodes: {" + times(20000, func(i int) string { return fmt.Sprintf("h%d: {ip: 10.%d.%d.1/8},", i, i>>8, i&255) }) + "}}",
	}
	maps.Copy(out, bigNodes())
	maps.Copy(out, bigShapes())
	return out
}

// asChild is what the test binary does instead of the test, told by LABCTL_TEST_BIG: it loads its input, or makes a
// fixed computation.
func asChild(t *testing.T, what string) {
	if what == "fixed" {
		fixedWork()
		return
	}
	src, err := io.ReadAll(os.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes int64 // this process's; what wait4 tells is at least what its parent had
	_, problems := Load("big.yaml", src)
	fmt.Println(problems.Error())
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, most, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(most, &kilobytes); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, kilobytes)
}

// fixedWork is of the sort that loading does, and calls none of it: small texts are made, found in a map and sorted.
func fixedWork() {
	seen, list := map[string]int{}, []string{}
	for i := range 400_000 {
		s := fmt.Sprintf("%x", uint32(i*2654435761))
		seen[s], list = i, append(list, s)
	}
	slices.Sort(list)
	runtime.KeepAlive(seen)
}

// fixedTook is what fixedWork takes on a machine of 2023, on all processors together.
const fixedTook = 450 * time.Millisecond

// child runs the test binary as asChild.
func child(t *testing.T, what, src string) (took time.Duration, mb int64, said int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoadIsBounded$")
	cmd.Env = append(os.Environ(), "LABCTL_TEST_BIG="+what)
	cmd.Stdin = strings.NewReader(src)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err == nil && what != "fixed" {
		_, err = fmt.Sscan(errs.String(), &mb)
	}
	if err != nil {
		t.Errorf("%s: %v\n%.2000s%s", what, err, out, errs.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), mb >> 10, len(out)
}

// onceOver are files that have been beyond the bounds, one for each cause. "make proof" tries all files (LABCTL_PROOF),
// which takes a minute.
var onceOver = []string{"a lab of 4000 hosts", "chains that jump twice", "chains of nft that jump twice", "matrices of a thousand hosts", "unknown keys",
	"nodes in one line", "sets of all nodes", "sets of many steps", "umlauts in a row", "empty lists", "question marks", "a long header of one name",
	"routes to nowhere", "links of many words", "guard and steps", "nft rules and steps", "routes and steps", "commands and steps", "links and steps",
	"sysctls and steps", "sysctls of a node", "sysctls of the lab", "wrong addresses", "interfaces in rules", "a long word in a table", "rows of nobody", "rows of entries", "rules that steps add",
	"guards of many ports"}

// What these files ask for takes two seconds and half a gigabyte at most, or is refused. Each is loaded in a process of
// its own, and the time is that on all processors, so that it does not matter how busy they are. A machine that is
// slower at something else, at the same time, may be as much slower at this.
func TestLoadIsBounded(t *testing.T) {
	if what := os.Getenv("LABCTL_TEST_BIG"); what != "" {
		asChild(t, what)
		return
	}
	allowed := func() time.Duration {
		took, _, _ := child(t, "fixed", "")
		return max(2*time.Second, time.Duration(2*float64(time.Second)*float64(took)/float64(fixedTook)))
	}
	files := bigFiles()
	names := onceOver
	if os.Getenv("LABCTL_PROOF") != "" {
		names = slices.Sorted(maps.Keys(files))
	}
	most := allowed()
	for _, name := range names {
		src := files[name]
		if len(src) > grammar.MaxFile {
			t.Errorf("%s: %d bytes", name, len(src))
		}
		took, mb, said := child(t, name, src)
		t.Logf("%s: %v, %d MB", name, took, mb)
		if took > most {
			most = max(most, allowed())
		}
		if took > most || mb > 512 {
			t.Errorf("%s: took %v of %v, and %d MB", name, took, most, mb)
		}
		if said > 200<<10 {
			t.Errorf("%s: says %d bytes", name, said)
		}
	}
	for name, want := range map[string]string{
		"matrices of a thousand hosts": "tables up to this one stand for 2000000 pairs",
		"empty lists":                  "more than 262144 keys and values",
		"empty nodes":                  "more than 10000 nodes",
		"links":                        "more than 32768 links",
		"unknown keys":                 "and at least 950 more",
		"sysctls of the lab":           "more than 262144 sysctls",
		"routes and steps":             "let fewer steps change the lab",
	} {
		if lab, problems := Load("big.yaml", []byte(files[name])); lab != nil || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want %q", name, problems, want)
		}
	}
	for _, name := range []string{"a lab of 4000 hosts", "a lab of 1000 hosts"} {
		if lab, problems := Load("big.yaml", []byte(files[name])); lab == nil {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestLoadIsLinear compares sizes, not clocks: ten times the nodes may not take a hundred times as long. The time is
// that on the processors: what takes a second is hardly ever undisturbed where others want them too, what takes little
// is.
func TestLoadIsLinear(t *testing.T) {
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	took := func(n int) time.Duration {
		src := bigLab(n)
		start := spent()
		if lab, problems := Load("big.yaml", src); lab == nil {
			t.Fatal(problems.Error())
		}
		return spent() - start
	}
	small, big := time.Hour, time.Hour
	for range 20 { // the collector runs now and then: the best of each, by turns
		small, big = min(small, took(500)), min(big, took(5000))
		if big <= 40*small {
			return
		}
	}
	t.Errorf("500 nodes take %v, 5000 take %v", small, big)
}
