package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// countdown are values that change by themselves: lifetimes of addresses and routes.
var countdown = regexp.MustCompile(`"(valid_life_time|preferred_life_time|expires)": ?[0-9]+,?`)

// gone are the lines of a difference that are there no more.
var gone = regexp.MustCompile(`(?m)^-.*\n`)

// elsewhere is the topic of all mounts in the mount namespace of root's suite, which has those of the machine's from
// its beginning. They may go any time, when their owners remove what they are mounted on. None comes but by the suite.
const elsewhere = "mounts elsewhere"

// machine is what of this machine a lab could leave a trace on, as text by topic.
func machine() map[string]string {
	GinkgoHelper()
	m := map[string]string{}
	for _, args := range []string{"link", "addr", "route show table all", "-6 route show table all", "rule", "-6 rule"} {
		out, err := exec.Command("ip", append([]string{"-j"}, strings.Fields(args)...)...).CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		m["ip "+args] = countdown.ReplaceAllString(string(out), "")
	}
	if root {
		out, err := exec.Command("ip", "netns", "list").CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		m["ip netns"] = string(out)
		out, err = exec.Command("nft", "list", "ruleset").CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		m["nft"] = string(out)
	}
	for _, dir := range []string{"ipv4", "ipv6", "bridge"} {
		m["sysctl "+dir] = sysctls("/proc/sys/net/" + dir)
	}
	info, err := os.ReadFile("/proc/self/mountinfo")
	Expect(err).NotTo(HaveOccurred())
	m["mounts"] = mounts(string(info))
	if root {
		m[elsewhere] = regexp.MustCompile(`(?m)^.* /run/netns .*\n`).ReplaceAllString(string(info), "")
	}
	m["run directory"] = files(base())
	m["processes"] = fmt.Sprint(ours())
	return m
}

func sysctls(dir string) string {
	var b strings.Builder
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what is not there, or may not be read, cannot be compared
		}
		if v, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(&b, "%s=%s", path, v)
		}
		return nil
	})
	return b.String()
}

// mounts are those of /proc/self/mountinfo that a lab of the suite could have made. Root's suite has a mount namespace
// of its own. In it are copies of what the machine had mounted below its /run, other people's labs too; those go when
// their owner removes what they are mounted on, so of /run only what the suite's own one carries counts. In the
// machine's, where an ordinary user's labs are, he can mount nothing, and others do; so his are those at his own
// directories. The mount of /run/netns itself is one that ip-netns(8) makes too.
func mounts(info string) string {
	parent, top := map[string]string{}, ""
	for line := range strings.Lines(info) {
		f := strings.Fields(line)
		parent[f[0]] = f[1]
		if f[4] == "/run" {
			top = f[0] // the last one covers those before
		}
	}
	var out []string
	for line := range strings.Lines(info) {
		f := strings.Fields(line)
		own := strings.HasPrefix(f[4], runtimeDir)
		if root && strings.HasPrefix(f[4], "/run/") {
			for id := f[0]; id != "" && !own; id = parent[id] {
				own = id == top
			}
		}
		if own && f[4] != "/run/netns" {
			out = append(out, strings.Join(f[2:], " "))
		}
	}
	slices.Sort(out)
	return strings.Join(append(out, ""), "\n")
}

func base() string {
	if root {
		return "/run/labctl"
	}
	return filepath.Join(runtimeDir, "labctl")
}

// files lists a directory, or says that it is not there.
func files(dir string) string {
	var out []string
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			out = append(out, path)
		}
		return nil
	})
	return strings.Join(append(out, ""), "\n")
}

// expectUntouched compares, giving processes that were told to end the time to be gone.
func expectUntouched(before map[string]string) {
	GinkgoHelper()
	Eventually(func() string { return fmt.Sprint(ours()) }, "5s").Should(Equal(before["processes"]))
	expectSame(before, machine(), slices.Sorted(maps.Keys(before))...)
}

func expectSame(before, after map[string]string, topics ...string) {
	GinkgoHelper()
	for _, topic := range topics {
		d := difference(before[topic], after[topic])
		if topic == elsewhere {
			d = gone.ReplaceAllString(d, "")
		}
		Expect(d).To(BeEmpty(), "%s: before -, after +", topic)
	}
}

// difference are the lines that only one of two texts has.
func difference(before, after string) string {
	var b strings.Builder
	count := map[string]int{}
	for line := range strings.Lines(before) {
		count[line]--
	}
	for line := range strings.Lines(after) {
		count[line]++
	}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		if n := count[line]; n < 0 {
			fmt.Fprintf(&b, "-%s\n", strings.TrimSuffix(line, "\n"))
		} else if n > 0 {
			fmt.Fprintf(&b, "+%s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	return b.String()
}

var _ = Describe("the machine", func() {
	It("is as it was, while a lab is up and after it", func() {
		before := machine()
		Expect(labctl("up", "subnet-mask-typo")).To(Exit(0))
		during := machine()
		expectSame(before, during, "ip link", "ip addr", "ip route show table all", "ip rule", "ip -6 rule", "nft", "sysctl ipv4", "sysctl ipv6", "sysctl bridge")
		Expect(state("subnet-mask-typo")).To(Equal("running"))
		Expect(labctl("verify", "subnet-mask-typo")).To(Exit(0))
		Expect(labctl("down")).To(Exit(0))
		expectUntouched(before)
	})

	It("is as it was after verify", func() {
		before := machine()
		Expect(labctl("verify", "subnet-mask-redirect")).To(Exit(0))
		expectUntouched(before)
	})

	It("is as it was after an up that failed half-way", func() {
		before := machine()
		file := write("lab.yaml", star("half", 20)+"expect: {ping: ok}\n")
		edit(file, "h20: {ip: 10.9.0.21/16}", "h20: {ip: 10.9.0.21/16, run: [\"echo no luck; exit 3\"]}")
		r := labctl("up", file)
		Expect(r).To(Exit(3))
		Expect(r.err).To(ContainSubstring("no luck"))
		expectUntouched(before)
	})

	It("is as it was after an up that was interrupted", func(ctx SpecContext) {
		before := machine()
		file := write("lab.yaml", star("ctrlc", 4))
		edit(file, "h4: {ip: 10.9.0.5/16}", "h4: {ip: 10.9.0.5/16, run: [\"sleep 100\"]}")
		cmd := command(ctx, "up", file)
		Expect(cmd.Start()).To(Succeed())
		Eventually(func() string { return state("ctrlc") }, "10s").Should(Equal("starting"))
		Expect(cmd.Process.Signal(os.Interrupt)).To(Succeed())
		Expect(cmd.Wait()).NotTo(Succeed())
		Eventually(func() []listed { return instances() }, "10s").Should(BeEmpty())
		expectUntouched(before)
	}, SpecTimeout(limit))
})
