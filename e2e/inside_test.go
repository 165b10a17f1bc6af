package e2e

import (
	"os"
	"os/exec"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
)

// covered runs a script, in which labctl is "$0", where another has changed what is mounted, in a mount namespace of
// its own; as an ordinary user the mounts are then somebody else's, as in a container.
func covered(mounts, script string) result {
	unshare := []string{"--mount", "--propagation", "private"}
	if !root {
		unshare = append(unshare, "--user", "--map-current-user", "--keep-caps")
	}
	return run(nil, "", "unshare", append(unshare, "sh", "-ec", mounts+"\n"+script, binary)...)
}

var _ = Describe("what a command in a node sees", func() {
	const look = `hostname; echo "$LABCTL_IN_LAB $LABCTL_IN_NODE"; case $PATH in *:/usr/sbin:/sbin | *:/usr/sbin*:/sbin*) echo found; esac; wc -c </etc/resolv.conf`

	It("is the node's name, the lab's, no resolver, and programs for networks", func() {
		up("two-hosts", "--as", "other")
		env := []string{"PATH=/usr/bin:/bin", "LABCTL_IN_NODE=x"}
		Expect(labctlWith(env, "", "exec", "h1", "--", "sh", "-c", look).out).To(Equal("h1\nother h1\nfound\n0\n"))
		Expect(labctlWith(env, "", "exec", "h1", "--", "bridge", "link")).To(Exit(0), "bridge is in /sbin")
		Expect(labctlWith(env, "", "exec", "h1", "--", "labctl-is-not-here")).To(Exit(127))
		Expect(run(nil, "", "hostname").out).NotTo(Equal("h1\n"))
	})

	It("is the same for the commands of the file", func() {
		dir := GinkgoT().TempDir()
		Expect(os.Chmod(dir, 0o777)).To(Succeed())
		in := func(name string) string { return "(" + strings.ReplaceAll(look, `"`, `\"`) + ") >" + dir + "/" + name }
		up(servedBy(`"` + in("first") + `", {sh: "` + in("second") + `; mv ` + dir + `/second ` + dir + `/ready", background: true, ready: "file:` + dir + `/ready"}`))
		for _, name := range []string{"first", "ready"} {
			Expect(run(nil, "", "cat", dir+"/"+name).out).To(Equal("a\nserved a\nfound\n0\n"), name)
		}
	})

	It("is in the prompt of a shell, as the host name and by itself", func() {
		up("two-hosts")
		t := open("env", "SHELL=/bin/sh", binary, "shell", "h2")
		Eventually(t.out, "10s").Should(gbytes.Say("h2[$#] "))
		t.send("hostname; exit 3\r")
		Eventually(t.out, "10s").Should(gbytes.Say(`h2\r?\n`))
		Expect(t.wait()).To(Equal(3))
	})

	if !root { // nobody forbids root a fresh one
		It("is never the machine's /proc, and a terminal works without", func() {
			DeferCleanup(func() { labctl("down", "--all", "--force") })
			r := covered("mount -t tmpfs none /proc/fs", `"$0" up two-hosts 2>/dev/null
"$0" exec h1 -- ls -A /proc 2>&1
"$0" exec h1 -- ping -c1 -W2 h2 >/dev/null
"$0" doctor | grep "a /proc of"
script -qec "$0 exec h1 -- sh -c 'test -t 0 && exit 7'" /dev/null </dev/null || echo "exit code $?"
"$0" down 2>/dev/null`)
			Expect(r).To(Exit(0))
			lines := strings.Split(r.out, "\n")
			Expect(lines[0]).To(HavePrefix("labctl: this machine does not allow nodes a /proc of their own, so commands see an empty one"))
			Expect(lines[1]).To(HavePrefix("absent   a /proc of each node's own: commands in nodes see an empty one"))
			Expect(r.out).To(ContainSubstring("exit code 7"))
		})
	}

	DescribeTable("is never the machine's /sys", func(mounts string, allowed bool) {
		// Only an unshare(1) that says itself that it cannot is let off: that it fails may be anything.
		if help, err := exec.Command("unshare", "--help").Output(); !root && err == nil && !strings.Contains(string(help), "--map-current-user") {
			Skip("unshare(1) has no --map-current-user: it came with util-linux 2.34")
		}
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		r := covered(mounts, `"$0" up two-hosts 2>/dev/null
look() { "$0" exec h1 -- ls /sys /sys/class/net 2>&1 | grep -v "^ls:" || :; echo; }
look; look; "$0" exec h1 -- ping -c1 -W2 h2 >/dev/null; "$0" doctor; "$0" down 2>/dev/null`)
		Expect(r).To(Exit(0))
		parts := strings.SplitN(r.out, "\n\n", 5)
		if allowed || root { // nobody forbids root a fresh one
			Expect(parts).To(HaveLen(5), r.out)
			Expect(parts[1]).To(Equal("/sys/class/net:\neth0\nlo"))
			Expect(parts[3]).To(Equal("/sys/class/net:\neth0\nlo"))
			Expect(r.out).NotTo(ContainSubstring("labctl:"))
			Expect(r.out).To(MatchRegexp(`(?m)^ok +a /sys of each node's own$`))
			return
		}
		Expect(parts[0]).To(Equal("labctl: this machine does not allow nodes a /sys of their own, so commands see an empty one (see \"labctl doctor\")\n/sys:"))
		Expect(parts[1]).To(Equal("/sys:"), "it is said once")
		Expect(r.out).To(MatchRegexp(`(?m)^absent +a /sys of each node's own: commands in nodes see an empty one`))
	},
		Entry("where a part of it is covered", "mount -t tmpfs none /sys/class", false),
		Entry("where it is read-only", "mount -t tmpfs none /mnt; mount --rbind -o ro /sys /mnt; mount --rbind /mnt /sys", true),
		Entry("where it is as it should be", "true", true),
	)
})
