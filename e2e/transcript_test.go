package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// excused are commands of documents that do not run here, each with the reason.
var excused = map[string]string{
	"README.md: labctl shell h1":                  "wants a terminal",
	"docs/tour-mitm.md: labctl watch kali3 kali5": "goes on until Ctrl-C, in another terminal",
	"docs/capture.md: labctl capture vSwitch0                        # every port of a switch, a line for each frame":         "goes on until Ctrl-C",
	"docs/capture.md: labctl capture vSwitch0 --drops                # what it drops, and why":                                "goes on until Ctrl-C",
	"docs/capture.md: labctl capture guest vSwitch0:guest -w x.pcapng # both ends of one cable in one file":                   "goes on until Ctrl-C",
	"docs/capture.md: labctl capture vSwitch0 --wireshark":                                                                    "wants Wireshark and a screen",
	"docs/capture.md: labctl switch run vsw --detach                 # preset simple_vswitch: 24 ports, 256 addresses, 180 s": "wants interfaces that nothing of a lab makes; standalone_test.go runs these",
	"docs/capture.md: labctl switch add vsw veth1-vsw":                                                                        "wants interfaces that nothing of a lab makes; standalone_test.go runs these",
	"docs/capture.md: labctl switch add vsw veth2-vsw":                                                                        "wants interfaces that nothing of a lab makes; standalone_test.go runs these",
	"docs/capture.md: labctl switch show vsw":                                                                                 "wants interfaces that nothing of a lab makes; standalone_test.go runs these",
	"docs/capture.md: labctl switch delete vsw veth1-vsw             # its addresses are forgotten at once":                   "wants interfaces that nothing of a lab makes; standalone_test.go runs these",
	"docs/capture.md: labctl switch stop vsw":                                                                                 "wants interfaces that nothing of a lab makes; standalone_test.go runs these",
}

// separator is before and after the number of a command in what the shell prints: no command prints it.
const separator = "\x1e"

// tryDocument runs the commands of a document, one after the other in one shell and one fresh folder, and compares what
// each prints with what the document says.
func tryDocument(d document) {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	// Each command has the time of a command. What is killed for it has an exit code that no document wants.
	Expect(os.WriteFile(filepath.Join(dir, "labctl"), fmt.Appendf(nil,
		"#!/bin/sh\nexec timeout --foreground -s KILL %d '%s' \"$@\"\n", int(limit.Seconds()), binary), 0o755)).To(Succeed())
	work := filepath.Join(dir, "page")
	Expect(os.Mkdir(work, 0o755)).To(Succeed())
	DeferCleanup(func() { labctl("down", "--all", "--force") })

	var commands []shown
	script := "exec 2>&1 </dev/null\ncd " + work + "\nPATH=" + dir + ":$PATH:/usr/sbin\n"
	for _, b := range d.blocks {
		for _, c := range b.commands {
			if excused[d.name+": "+c.text] != "" {
				continue
			}
			text := strings.ReplaceAll(c.text, "go run ./cmd/labctl", "labctl")
			// A status goes into the next command, as "echo $?" in the same line has it.
			script += fmt.Sprintf("%s\nprintf '\\036%%d\\036' $?\n", text)
			commands = append(commands, c)
		}
	}
	r := runFor(10*limit, nil, "", "sh", "-c", script)
	parts := strings.Split(r.out, separator)
	Expect(len(parts)).To(Equal(2*len(commands)+1), "the shell has ended early: %s", r)
	var wrong []string
	for i, c := range commands {
		if why := c.compare(parts[2*i], parts[2*i+1]); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s:%d: $ %s\n%s", d.name, c.line, c.text, why))
		}
	}
	if len(wrong) > 0 {
		Fail(strings.Join(wrong, "\n"))
	}
	Expect(instances()).To(BeEmpty(), "the document leaves labs running")
}

// compare says in what a command differs from what the document has, or "". What is not shown with its output has to
// succeed.
func (c shown) compare(got, status string) string {
	if !c.prints {
		if status != "0" {
			return "exit status " + status + "\n" + got
		}
		return ""
	}
	want, have := masked(c.want), masked(strings.Split(strings.TrimRight(got, "\n"), "\n"))
	if matches(want, have) {
		return ""
	}
	return fmt.Sprintf("prints\n%s\nas masked\n%s\nand the document has\n%s", strings.TrimRight(got, "\n"),
		strings.Join(have, "\n"), strings.Join(want, "\n"))
}

// masks take away what differs from one run to the next, and from root to an ordinary user, whose labs have no names
// that ip netns knows. Blanks are one by then.
var masks = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`\b[0-9]+\.[0-9]+ s\b`), "T s"},
	{regexp.MustCompile(`\b[0-9]+(\.[0-9]+)? ms\b`), "T ms"},
	{regexp.MustCompile(`\btime [0-9]+ms`), "time T"},
	{regexp.MustCompile(`[0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms|= [0-9./]+ T ms`), "= T ms"},
	{regexp.MustCompile(`(^|[ =])[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([ \[]|$)`), "${1}TIME$3"},
	{regexp.MustCompile(`\b(REACHABLE|DELAY|STALE|PROBE)\b`), "STATE"},
	{regexp.MustCompile(`\b(bridge|host|router|vswitch) [a-z0-9-]+\.[A-Za-z0-9._-]+ `), "$1 NETNS "},
	{regexp.MustCompile(`\b(bridge|host|router|vswitch) - (\S+ (?:[a-z]+ \d+ )?(?:-|[0-9a-f]{2}:))`), "$1 NETNS $2"},
	{regexp.MustCompile(`\bid [0-9]+`), "id N"},
	{regexp.MustCompile(`\bpid [0-9]+`), "pid N"},
	{regexp.MustCompile(`^(virbr6/[^ ]+) [1-9][0-9]*$`), "$1 N"},
	{regexp.MustCompile(`( (?:yes|no) [a-z0-9-]+) [1-9][0-9]* [1-9][0-9]* `), "$1 N N "},
	{regexp.MustCompile(`(/tmp/|/var/tmp/)[^ ]*/page/`), ""},
}

var blanks = regexp.MustCompile(`[ \t]+`)

func masked(lines []string) []string {
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		line = strings.TrimSpace(blanks.ReplaceAllString(line, " "))
		for _, m := range masks {
			line = m.what.ReplaceAllString(line, m.by)
		}
		out = append(out, line)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// matches reports whether lines are as wanted: "…" in a line of its own is for any number of lines, and within a line
// for any text.
func matches(want, have []string) bool {
	if len(want) == 0 {
		return len(have) == 0
	}
	if want[0] == "…" {
		return slices.ContainsFunc(ends(have), func(rest []string) bool { return matches(want[1:], rest) })
	}
	return len(have) > 0 && lineMatches(want[0], have[0]) && matches(want[1:], have[1:])
}

// ends are a list and what remains of it without its first, its first two and so on.
func ends(list []string) [][]string {
	out := make([][]string, 0, len(list)+1)
	for i := range len(list) + 1 {
		out = append(out, list[i:])
	}
	return out
}

func lineMatches(want, have string) bool {
	pieces := strings.Split(want, "…")
	for i, p := range pieces {
		at := strings.Index(have, p)
		switch {
		case i == 0 && at != 0, at < 0:
			return false
		case i == len(pieces)-1:
			return strings.HasSuffix(have, p)
		}
		have = have[at+len(p):]
	}
	return false
}

var _ = Describe("what documents show", func() {
	DescribeTable("is compared with what is printed", func(want, got string, same bool) {
		c := shown{prints: true, want: strings.Split(want, "\n")}
		Expect(c.compare(got, strconv.Itoa(0)) == "").To(Equal(same))
	},
		Entry("as it is", "a  b", "a b\n", true),
		Entry("but for another word", "a b", "a c\n", false),
		Entry("but for times", "ready in 0.03 s (0.1 ms)", "ready in 12.0 s (33.148 ms)", true),
		Entry("and a time is not any word", "ready in 0.03 s", "ready soon", false),
		Entry("but for the time of day", "02:53:24.961846[1] Captured", "12:00:00.000001[1] Captured", true),
		Entry("with its MAC addresses", "x 00:50:56:0b:5e:32 y", "x 00:50:56:0b:5e:33 y", false),
		Entry("with lines left out", "a\n…\nd", "a\nb\nc\nd\n", true),
		Entry("with none left out", "a\n…\nd", "a\nd\n", true),
		Entry("with words left out", "a … d", "a b c d\n", true),
		Entry("and with more than was shown", "a", "a\nb\n", false),
		Entry("and with less", "a\nb", "a\n", false),
		Entry("but for namespaces, which root alone has", "h1 host first.h1 eth0 00:50:56:0b:5e:32 -", "h1  host  -  eth0  00:50:56:0b:5e:32 -", true),
		Entry("but for counts, as long as there are any", "virbr6/deny/to 46", "virbr6/deny/to 7", true),
		Entry("and not where there are none", "virbr6/deny/to 46", "virbr6/deny/to 0", false),
	)
})
