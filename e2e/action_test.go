package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v4"
)

// action is what a composite action's metadata has for a runner.
type action struct {
	Inputs map[string]struct {
		Required bool
		Default  string
	}
	Runs struct {
		Using string
		Steps []struct {
			Name, Shell, Run string
			Env              map[string]string
		}
	}
}

// runner does with the steps of the action what GitHub's does: expressions are replaced, a step's script is a file that
// bash runs, and what it adds to GITHUB_PATH comes first in the PATH of the next.
type runner struct {
	root   string            // the root directory of what it runs, "" for this one
	work   string            // as those within see it
	github map[string]string // the context, by expression
	env    []string
	as     []string // begins the command of a step
}

func newRunner(root string) *runner {
	GinkgoHelper()
	work := filepath.Join(GinkgoT().TempDir(), "runner")
	if root != "" {
		work = "/home/runner"
	}
	Expect(os.MkdirAll(filepath.Join(root, work), 0o755)).To(Succeed())
	return &runner{root: root, work: work, github: map[string]string{"github.action_ref": "", "github.action_repository": ""}}
}

// use runs all steps, until one fails, and returns the last one's result.
func (n *runner) use(with map[string]string) (last result) {
	GinkgoHelper()
	text, err := os.ReadFile("../.github/actions/verify/action.yml")
	Expect(err).NotTo(HaveOccurred())
	var a action
	Expect(yaml.Unmarshal(text, &a)).To(Succeed())
	Expect(a.Runs.Using).To(Equal("composite"))
	Expect(a.Runs.Steps).NotTo(BeEmpty())
	context := maps.Clone(n.github)
	for name, input := range a.Inputs {
		_, given := with[name]
		Expect(given || !input.Required).To(BeTrue(), "%s is missing", name)
		context["inputs."+name] = input.Default
	}
	for name, value := range with {
		Expect(a.Inputs).To(HaveKey(name))
		context["inputs."+name] = value
	}
	pathFile := filepath.Join(n.work, "path")
	Expect(os.WriteFile(filepath.Join(n.root, pathFile), nil, 0o666)).To(Succeed())
	Expect(os.Chmod(filepath.Join(n.root, pathFile), 0o666)).To(Succeed()) // whoever runs the steps
	for i, step := range a.Runs.Steps {
		Expect(step.Shell).To(Equal("bash"), step.Name)
		Expect(step.Run).NotTo(ContainSubstring("${{"), "what comes from outside is no part of a script")
		script := filepath.Join(n.work, fmt.Sprintf("step%d.sh", i))
		Expect(os.WriteFile(filepath.Join(n.root, script), []byte(step.Run), 0o644)).To(Succeed())
		env := append([]string{"CI=true", "GITHUB_ACTIONS=true", "GITHUB_PATH=" + pathFile, "RUNNER_TEMP=" + n.work}, n.env...)
		for name, value := range step.Env {
			env = append(env, name+"="+evaluated(value, context))
		}
		added, err := os.ReadFile(filepath.Join(n.root, pathFile))
		Expect(err).NotTo(HaveOccurred())
		argv := append([]string{}, n.as...)
		if n.root != "" {
			argv = append(argv, enter(n.root)...)
		}
		argv = append(argv, "env")
		argv = append(argv, env...)
		// The PATH is known only in there.
		argv = append(argv, "ADDED="+strings.Join(strings.Fields(string(added)), ":"), "sh", "-c",
			`PATH=${ADDED:+$ADDED:}$PATH exec bash --noprofile --norc -eo pipefail "$1"`, "sh", script)
		if last = run(nil, "", argv[0], argv[1:]...); last.code != 0 {
			return last
		}
	}
	return last
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// evaluated replaces expressions: names, and the first of several that is not empty.
func evaluated(text string, context map[string]string) string {
	GinkgoHelper()
	return expression.ReplaceAllStringFunc(text, func(e string) string {
		for _, name := range strings.Split(expression.FindStringSubmatch(e)[1], "||") {
			value, ok := context[strings.TrimSpace(name)]
			Expect(ok).To(BeTrue(), "no runner knows %s", name)
			if value != "" {
				return value
			}
		}
		return ""
	})
}

// archive packs the binary under test as a release has it.
func archive() string {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	Expect(os.Mkdir(filepath.Join(dir, "labctl_x"), 0o755)).To(Succeed())
	copyFile(binary, filepath.Join(dir, "labctl_x/labctl"))
	path := filepath.Join(dir, "labctl_x.tar.gz")
	Expect(run(nil, "", "tar", "-C", dir, "-czf", path, "labctl_x")).To(Exit(0))
	return path
}

var _ = Describe("the GitHub action", func() {
	It("verifies labs, with annotations and a report", func() {
		n := newRunner("")
		good := write("good one.yaml", star("good", 2)+"expect: {ping: ok}\n")
		report := filepath.Join(n.work, "junit report.xml")
		r := n.use(map[string]string{"package": archive(), "files": filepath.Dir(good) + "/good?one.yaml two-hosts", "args": "-j 2 --no-timing", "junit": report})
		Expect(r).To(Exit(0))
		Expect(r.out).To(And(HavePrefix("labctl "), ContainSubstring("good: all"), ContainSubstring("two-hosts: all")))
		Expect(report).To(BeARegularFile())

		r = n.use(map[string]string{"package": archive(), "files": write("wrong.yaml", wrong)})
		Expect(r).To(Exit(1))
		Expect(r.err).To(MatchRegexp(`(?m)^::error file=.*wrong\.yaml,line=\d+,col=\d+::`))
	})

	It("takes no input for a script", func() {
		n := newRunner("")
		mark := filepath.Join(n.work, "mark")
		evil := "two-hosts; touch " + mark + " $(touch " + mark + ")"
		Expect(n.use(map[string]string{"package": archive(), "files": evil})).To(Exit(2))
		Expect(n.use(map[string]string{"package": archive(), "files": "two-hosts", "args": evil})).To(Exit(2))
		Expect(n.use(map[string]string{"package": evil, "files": "two-hosts"})).To(Exit(2))
		Expect(mark).NotTo(BeAnExistingFile())
	})

	It("is root only where an ordinary user may not have labs", func() {
		n := newRunner("")
		// labctl's own and a sudo that only say how they were called.
		bin := filepath.Join(n.work, "bin")
		Expect(os.Mkdir(bin, 0o755)).To(Succeed())
		stub := func(name, text string) {
			Expect(os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text), 0o755)).To(Succeed())
		}
		stub("sudo", `echo "sudo $*"`)
		stub("labctl", `[ "$1" != doctor ] || exit "$(cat "$RUNNER_TEMP/doctor")"; [ "$1" = version ] || echo "plain $*"`)
		if root {
			for dir := n.work; dir != os.TempDir(); dir = filepath.Dir(dir) {
				Expect(os.Chown(dir, 65534, 65534)).To(Succeed())
			}
			n.as = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
		}
		n.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		Expect(run(nil, "", "tar", "-C", n.work, "-czf", filepath.Join(n.work, "x.tar.gz"), "bin")).To(Exit(0))
		with := map[string]string{"package": filepath.Join(n.work, "x.tar.gz"), "files": "a.yaml b", "args": "-j 2"}
		for code, want := range map[string]string{
			"0": "plain verify -j 2 -- a.yaml b\n",
			"4": "sudo --preserve-env=GITHUB_ACTIONS " + filepath.Join(n.work, "labctl/labctl") + " verify -j 2 -- a.yaml b\n",
		} {
			Expect(os.WriteFile(filepath.Join(n.work, "doctor"), []byte(code), 0o644)).To(Succeed())
			r := n.use(with)
			Expect(r).To(Exit(0))
			Expect(r.out).To(Equal(want))
		}
	})

	DescribeTable("says what is wrong with its inputs", func(with map[string]string, want string) {
		with["files"] = "two-hosts"
		r := newRunner("").use(with)
		Expect(r).To(Exit(2))
		Expect(r.out).To(And(HavePrefix("::error::labctl: "), ContainSubstring(want)))
	},
		Entry("no release", map[string]string{}, "which release?"),
		Entry("a branch", map[string]string{"version": "main"}, "which release?"),
		Entry("nobody's release", map[string]string{"version": "1.2.3"}, "whose release?"),
		Entry("no file", map[string]string{"package": "/nowhere/labctl.deb"}, "there is no such file"),
		Entry("another file", map[string]string{"package": "/etc/passwd"}, "want a .deb or a .tar.gz"),
	)
})

// fetchRelease uses the action at a tag, of a server that has the release, and of one that has another archive.
func fetchRelease(dist string) {
	GinkgoHelper()
	damaged := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/owner/name/releases/download/v"+released+"/")
		if !ok || strings.Contains(name, "/") {
			http.NotFound(w, r)
			return
		}
		b, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if damaged && strings.HasSuffix(name, ".gz") {
			b[len(b)/2] ^= 1
		}
		_, _ = w.Write(b)
	}))
	defer server.Close()
	n := newRunner("")
	n.env = []string{"GITHUB_SERVER_URL=" + server.URL, "no_proxy=127.0.0.1"}
	n.github["github.action_ref"], n.github["github.action_repository"] = "v"+released, "owner/name"
	r := n.use(map[string]string{"files": "two-hosts"})
	Expect(r).To(Exit(0))
	Expect(r.out).To(HavePrefix("labctl " + released + "\n"))

	r = n.use(map[string]string{"files": "two-hosts", "version": "1.2.3"})
	Expect(r).To(Exit(2))
	Expect(r.out).To(ContainSubstring("could not be fetched"))

	damaged = true
	r = n.use(map[string]string{"files": "two-hosts"})
	Expect(r).To(Exit(2))
	Expect(r.out).To(ContainSubstring("is not what SHA256SUMS says"))
}
