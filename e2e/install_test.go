package e2e

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// released is the version of the release that the specs make.
const released = "9.8.7"

// builtFrom is what "version -o json" prints.
type builtFrom struct {
	Version, Commit, Date, Go, Platform string
	Format                              int
	Dirty                               bool
	LabFormat                           int `json:"lab_format"`
}

// Only root can make a Debian to install in, and has the Go caches that a release is built with; an ordinary user's
// labctl is tried by root, in there.
var _ = func() bool {
	if root {
		Describe("a release", Ordered, ContinueOnFailure, Label("root"), func() {
			r := &release{}
			r.describeMaking()
			r.describeContent()
			r.describeInstalling()
			r.describeDebian()
		})
	}
	return true
}()

// release is what the specs share: made by the first.
type release struct {
	tree   string // a repository with the sources as they are
	commit string // its only one
	dist   string // what "make dist" made of it
}

func (r *release) describeMaking() {
	BeforeAll(func() {
		r.tree, r.commit = committed("v" + released)
		// What go has to fetch is fetched before, and then nothing is.
		Expect(outside(5*time.Minute, "go", "-C", "../scripts/dist", "list", "-deps", "tool")).To(Exit(0))
		Expect(outside(5*time.Minute, "go", "-C", "..", "list", "-deps", "-test", "./cmd/labctl")).To(Exit(0))
		Expect(runMake("dist", r.tree)).To(Exit(0))
		r.dist = filepath.Join(r.tree, "dist")
	})

	It("has the same bytes when it is made again, elsewhere", func() {
		other := filepath.Join(GinkgoT().TempDir(), "elsewhere")
		git(r.tree, "clone", "--quiet", r.tree, other)
		Expect(runMake("dist", other, "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=other", "GOFLAGS=-buildvcs=false")).To(Exit(0))
		Expect(run(nil, "", "diff", "-r", r.dist, filepath.Join(other, "dist"))).To(Exit(0))
	})

	It("has an archive and packages for each architecture, and their sums", func() {
		want := []string{"SHA256SUMS"}
		for _, arch := range []string{"amd64", "arm64"} {
			want = append(want, fmt.Sprintf("labctl_%s_linux_%s.tar.gz", released, arch), fmt.Sprintf("labctl_%s-1_%s.deb", released, arch))
		}
		for _, arch := range []string{"x86_64", "aarch64"} {
			want = append(want, fmt.Sprintf("labctl-%s-1.%s.rpm", released, arch))
		}
		Expect(names(r.dist)).To(ConsistOf(want))
		got := run(nil, "", "sh", "-ec", `cd "$1" && sha256sum --check --strict SHA256SUMS`, "sh", r.dist)
		Expect(got).To(Exit(0))
		Expect(strings.Count(got.out, ": OK\n")).To(Equal(len(want) - 1))
	})

	It("is fetched and compared with its sum by the GitHub action", func() { fetchRelease(r.dist) })
}

// describeContent looks into archives and packages; arm64's and .rpm's are only listed.
func (r *release) describeContent() {
	for _, arch := range []struct {
		name, rpm string
		machine   elf.Machine
	}{{"amd64", "x86_64", elf.EM_X86_64}, {"arm64", "aarch64", elf.EM_AARCH64}} {
		It("holds a static binary, its pages and completions for "+arch.name, func() {
			dir := GinkgoT().TempDir()
			Expect(run(nil, "", "tar", "-xzf", matching(r.dist, "*_"+arch.name+".tar.gz"), "-C", dir, "--strip-components=1")).To(Exit(0))
			for _, name := range []string{"LICENSE", "LICENSES.txt", "README.md", "completions/labctl.bash", "completions/_labctl",
				"completions/labctl.fish", "man/man1/labctl.1", "man/man1/labctl-up.1"} {
				Expect(filepath.Join(dir, name)).To(BeARegularFile())
			}
			f, err := elf.Open(filepath.Join(dir, "labctl"))
			Expect(err).NotTo(HaveOccurred())
			defer f.Close()
			Expect(f.Machine).To(Equal(arch.machine))
			Expect(f.Section(".interp")).To(BeNil(), "it wants a dynamic linker")

			Expect(run(nil, "", "rpm", "-qp", "--qf", "%{BUILDHOST} %{BUILDTIME}", matching(r.dist, "*."+arch.rpm+".rpm")).out).To(Equal("localhost 1777863721"))

			pages := names(filepath.Join(dir, "man/man1"))
			Expect(len(pages)).To(BeNumerically(">", 30))
			deb := run(nil, "", "sh", "-c", `dpkg-deb --fsys-tarfile "$1" | tar -t`, "sh", matching(r.dist, "*_"+arch.name+".deb")).out
			rpm := run(nil, "", "rpm", "-qlp", matching(r.dist, "*."+arch.rpm+".rpm")).out
			for _, page := range pages {
				Expect(deb).To(ContainSubstring("./usr/share/man/man1/" + page + ".gz\n"))
				Expect(rpm).To(ContainSubstring("/usr/share/man/man1/" + page + ".gz\n"))
			}
			for _, path := range []string{"/usr/bin/labctl", "/usr/share/bash-completion/completions/labctl", "/usr/share/fish/vendor_completions.d/labctl.fish"} {
				Expect(deb).To(ContainSubstring("." + path + "\n"))
				Expect(rpm).To(ContainSubstring(path + "\n"))
			}
			Expect(deb).To(And(ContainSubstring("./usr/share/zsh/vendor-completions/_labctl\n"), ContainSubstring("./usr/share/doc/labctl/copyright\n")))
			Expect(rpm).To(And(ContainSubstring("/usr/share/zsh/site-functions/_labctl\n"), ContainSubstring("/usr/share/licenses/labctl/LICENSE\n")))
		})
	}

	It("says what it was built from", func() {
		dir := GinkgoT().TempDir()
		Expect(run(nil, "", "tar", "-xzf", matching(r.dist, "*_amd64.tar.gz"), "-C", dir, "--strip-components=1")).To(Exit(0))
		got := run(nil, "", filepath.Join(dir, "labctl"), "version", "-o", "json")
		built := decode[builtFrom](got)
		Expect(built.Go).To(HavePrefix("go1."))
		Expect(built).To(Equal(builtFrom{Version: released, Commit: r.commit, Date: "2026-05-04T03:02:01Z", Go: built.Go,
			Platform: "linux/amd64", Format: 1, LabFormat: 1}))
		Expect(run(nil, "", filepath.Join(dir, "labctl"), "--version", "-o", "json").out).To(Equal(got.out))
	})

	It("has pages that man has nothing to say about", func() {
		dir := GinkgoT().TempDir()
		Expect(run(nil, "", "tar", "-xzf", matching(r.dist, "*_amd64.tar.gz"), "-C", dir, "--strip-components=1")).To(Exit(0))
		for _, page := range names(filepath.Join(dir, "man/man1")) {
			got := run(nil, "", "man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", filepath.Join(dir, "man/man1", page))
			Expect(got).To(Exit(0))
			Expect(got.err).To(BeEmpty(), page)
		}
	})
}

func (r *release) describeInstalling() {
	// As the release was compiled, so that little is compiled again.
	const likeIt, alike = "GOFLAGS=-trimpath", "CGO_ENABLED=0"
	It("is installed by make, and taken away again", func() {
		dest := filepath.Join(GinkgoT().TempDir(), "dest dir")
		Expect(runMake("install", r.tree, "DESTDIR="+dest, "PREFIX=/opt/labctl", likeIt, alike)).To(Exit(0))
		prefix := filepath.Join(dest, "opt/labctl")
		Expect(decode[builtFrom](run(nil, "", filepath.Join(prefix, "bin/labctl"), "version", "-o", "json")).Commit).To(Equal(r.commit))
		for _, path := range []string{"share/man/man1/labctl.1", "share/man/man1/labctl-up.1", "share/bash-completion/completions/labctl",
			"share/zsh/site-functions/_labctl", "share/fish/vendor_completions.d/labctl.fish"} {
			Expect(filepath.Join(prefix, path)).To(BeARegularFile())
		}
		// Of somebody else: only what was installed goes.
		Expect(os.WriteFile(filepath.Join(prefix, "share/man/man1/labctl-mine.1"), nil, 0o644)).To(Succeed())
		Expect(runMake("uninstall", r.tree, "DESTDIR="+dest, "PREFIX=/opt/labctl")).To(Exit(0))
		left := run(nil, "", "find", dest, "-type", "f").out
		Expect(left).To(Equal(filepath.Join(prefix, "share/man/man1/labctl-mine.1") + "\n"))
		got := runMake("uninstall", r.tree, "DESTDIR="+dest, "PREFIX=/opt/labctl")
		Expect(got).NotTo(Exit(0))
		Expect(got.err).To(ContainSubstring("nothing was installed there"))
	})

	It("is called unknown where there is no clone, and dirty where it was changed", func() {
		work := GinkgoT().TempDir()
		git(r.tree, "clone", "--quiet", r.tree, work)
		stamp := func(what string) string { return run(nil, "", filepath.Join(work, "scripts/stamp.sh"), what).out }
		Expect(stamp("version")).To(Equal(released + "\n"))
		Expect(os.WriteFile(filepath.Join(work, "new.go"), []byte("package labctl\n"), 0o644)).To(Succeed())
		Expect(stamp("dirty")).To(Equal("true\n"))
		Expect(stamp("version")).To(MatchRegexp(`^\d+\.\d+\.\d+(-dev)?\+20260504030201\.` + r.commit[:7] + `\.dirty\n$`))
		Expect(os.RemoveAll(filepath.Join(work, ".git"))).To(Succeed())
		Expect(stamp("commit")).To(Equal("unknown\n"))
		Expect(stamp("version")).To(MatchRegexp(`^\d+\.\d+\.\d+(-dev)?\n$`))
		Expect(runMake("build", work, likeIt, alike)).To(Exit(0))
		Expect(run(nil, "", filepath.Join(work, "bin/labctl"), "version").out).To(MatchRegexp(`(?m)^commit: +unknown$`))
	})
}

func (r *release) describeDebian() {
	var debian string // its root directory
	Context("in a fresh Debian 12", Ordered, func() {
		BeforeAll(func() {
			debian = filepath.Join(GinkgoT().TempDir(), "debian")
			Expect(outside(10*time.Minute, "../scripts/debian.sh", debian)).To(Exit(0))
			Expect(os.Chmod(filepath.Dir(debian), 0o755)).To(Succeed())
			copyFile(matching(r.dist, "*_amd64.deb"), filepath.Join(debian, "labctl.deb"))
			Expect(within(debian, "useradd", "--create-home", "somebody")).To(Exit(0))
		})

		It("is installed by apt, which fetches nothing for it", func() {
			Expect(within(debian, "apt-get", "install", "--yes", "--no-install-recommends", "/labctl.deb")).To(Exit(0))
			Expect(within(debian, "dpkg", "--audit").out).To(BeEmpty())
			Expect(within(debian, "dpkg", "--verify", "labctl").out).To(BeEmpty())
			Expect(within(debian, "labctl", "version").out).To(HavePrefix("labctl " + released + "\n"))
			Expect(within(debian, "bash", "-c", ". /usr/share/bash-completion/completions/labctl && complete -p labctl").out).To(ContainSubstring("__start_labctl"))
		})

		for _, user := range []struct {
			name string
			as   []string
		}{{"root", nil}, {"an ordinary user", []string{"setpriv", "--reuid=somebody", "--regid=somebody", "--init-groups"}}} {
			It("verifies a lab for "+user.name, func() {
				Expect(within(debian, slices.Concat(user.as, []string{"labctl", "doctor"})...)).To(Exit(0))
				got := within(debian, slices.Concat(user.as, []string{"labctl", "verify", "subnet-mask-typo"})...)
				Expect(got).To(Exit(0))
				Expect(got.out).To(ContainSubstring("all 45 cells are as expected"))
			})
		}

		It("takes a newcomer through the first hour", func() { firstHour(debian) })

		It("is installed and run by the GitHub action", func() {
			Expect(within(debian, "apt-get", "purge", "--yes", "labctl")).To(Exit(0))
			Expect(within(debian, "sh", "-c", "command -v labctl")).NotTo(Exit(0))
			runner := newRunner(debian)
			got := runner.use(map[string]string{"package": "/labctl.deb", "files": "subnet-mask-typo", "junit": "/home/junit.xml"})
			Expect(got).To(Exit(0))
			Expect(got.out).To(ContainSubstring("all 45 cells are as expected"))
			Expect(filepath.Join(debian, "home/junit.xml")).To(BeARegularFile())
		})

		It("goes away without a trace", func() {
			list := strings.Fields(within(debian, "dpkg", "-L", "labctl").out)
			Expect(list).To(ContainElement("/usr/bin/labctl"))
			Expect(within(debian, "apt-get", "purge", "--yes", "labctl")).To(Exit(0))
			for _, path := range list {
				if strings.Contains(path, "labctl") {
					Expect(filepath.Join(debian, path)).NotTo(BeAnExistingFile())
				}
			}
		})
	})
}

// firstHour plays a newcomer in a Debian that has the package: a first lab, the one of docs/first-lab.md, and the usual
// mistakes.
func firstHour(debian string) {
	GinkgoHelper()
	somebody := []string{"setpriv", "--reuid=somebody", "--regid=somebody", "--init-groups", "env", "HOME=/home/somebody"}
	shell := func(script string) result {
		return within(debian, append(somebody, "sh", "-ec", "cd\n"+script)...)
	}
	Expect(within(debian, "sh", "-c", "command -v go git")).NotTo(Exit(0), "neither compiler nor clone")
	begin := time.Now()
	Expect(shell("mkdir quick; cd quick; labctl init; labctl verify")).To(Exit(0))
	Expect(time.Since(begin)).To(BeNumerically("<", time.Minute), "the first verified lab")

	doc, err := os.ReadFile("../docs/first-lab.md")
	Expect(err).NotTo(HaveOccurred())
	// What it types, and what it has the reader do in an editor. ip(8) is not installed here.
	typed := regexp.MustCompile(`(?m)^\$ (mkdir .*|labctl (?:init|validate|up|ping|matrix|verify|down).*)$|^<!-- run: (.*) -->$`)
	var script strings.Builder
	for _, m := range typed.FindAllStringSubmatch(string(doc), -1) {
		script.WriteString(m[1] + m[2] + "\n")
	}
	got := shell(script.String())
	Expect(got).To(Exit(0))
	Expect(got.out).To(ContainSubstring("first: all 12 cells are as expected"))

	Expect(run(nil, "", "cp", "-r", filepath.Join(sources(), "e2e", mistakes), filepath.Join(debian, "mistakes"))).To(Exit(0))
	for _, file := range mistaken() {
		args, golden := mistake(file)
		got := within(debian, append([]string{"sh", "-c", `cd /mistakes && exec labctl "$@"`, "sh"}, args...)...)
		Expect(said(got)).To(Equal(golden), file)
	}
}

// committed is a repository that holds the sources as they are, with one commit that has a tag.
func committed(tag string) (tree, commit string) {
	GinkgoHelper()
	tree = filepath.Join(GinkgoT().TempDir(), "tree")
	Expect(os.Mkdir(tree, 0o755)).To(Succeed())
	Expect(run(nil, "", "sh", "-ec", `tar -C "$1" --exclude=./.git --exclude=./bin --exclude=./dist -cf - . | tar -C "$2" --no-same-owner -xf -`,
		"sh", sources(), tree)).To(Exit(0))
	git(tree, "init", "--quiet")
	git(tree, "add", "--all")
	git(tree, "commit", "--quiet", "--message", "sources")
	git(tree, "tag", tag)
	return tree, strings.TrimSpace(git(tree, "rev-parse", "HEAD").out)
}

// sources is the directory of the module.
func sources() string {
	GinkgoHelper()
	dir, err := filepath.Abs("..")
	Expect(err).NotTo(HaveOccurred())
	return dir
}

// git runs in a directory, and for nobody's settings.
func git(dir string, args ...string) result {
	GinkgoHelper()
	env := []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost", "GIT_AUTHOR_DATE=2026-05-04T03:02:01Z", "GIT_COMMITTER_DATE=2026-05-04T03:02:01Z"}
	r := run(env, "", "git", append([]string{"-C", dir}, args...)...)
	Expect(r).To(Exit(0))
	return r
}

// slowBuild is when a release is given up that is built behind everything else that a busy machine does.
const slowBuild = 30 * time.Minute

// runMake makes a target beside what else is tested, without a network.
func runMake(target, dir string, set ...string) result {
	GinkgoHelper()
	var env, vars []string
	for _, s := range set {
		if strings.HasPrefix(s, "DESTDIR=") || strings.HasPrefix(s, "PREFIX=") {
			vars = append(vars, s)
		} else {
			env = append(env, s)
		}
	}
	env = append(env, "GOPROXY=off", "GOTOOLCHAIN=local", "MAKEFLAGS=") // the flags are of who makes the tests
	return runFor(slowBuild, env, "", "nice", append([]string{"make", "--no-print-directory", "-C", dir, target}, vars...)...)
}

// names are those of what is in a directory.
func names(dir string) []string {
	GinkgoHelper()
	entries, err := os.ReadDir(dir)
	Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func copyFile(from, to string) {
	GinkgoHelper()
	Expect(exec.Command("cp", from, to).Run()).To(Succeed())
}
