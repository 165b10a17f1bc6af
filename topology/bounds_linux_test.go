package topology

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
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
			"    expect: {cases: |\n      question c1\n      ping:h1->h2 ok}\n",
		"a file in one line": "{format: 1, lab: big, nodes: {" + times(20000, func(i int) string { return fmt.Sprintf("h%d: {ip: 10.%d.%d.1/8},", i, i>>8, i&255) }) + "}}",
	}
	maps.Copy(out, bigNodes())
	return out
}

// What these files ask for takes two seconds and half a gigabyte at most, or is refused. Each is loaded in a process of its own, and
// the time is that of all processors, with room for a machine that is busy.
func TestLoadIsBounded(t *testing.T) {
	if name := os.Getenv("LABCTL_TEST_BIG"); name != "" {
		_, problems := Load("big.yaml", []byte(bigFiles()[name]))
		fmt.Fprintln(os.Stderr, problems.Error())
		return
	}
	for name, src := range bigFiles() {
		if len(src) > maxFile {
			t.Errorf("%s: %d bytes", name, len(src))
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestLoadIsBounded$")
		cmd.Env = append(os.Environ(), "LABCTL_TEST_BIG="+name)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%.2000s", name, err, out)
			continue
		}
		use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		t.Logf("%s: %v, %d MB", name, cmd.ProcessState.UserTime(), use.Maxrss>>10)
		if took := cmd.ProcessState.UserTime(); took > 8*time.Second || use.Maxrss > 512<<10 {
			t.Errorf("%s: took %v and %d MB", name, took, use.Maxrss>>10)
		}
	}
	lab, problems := Load("big.yaml", []byte(bigFiles()["matrices of a thousand hosts"]))
	if lab != nil || len(problems) != 1 || !strings.Contains(problems.Error(), "tables up to this one stand for 2000000 pairs") {
		t.Errorf("ten matrices of a thousand hosts: %v", problems)
	}
}
