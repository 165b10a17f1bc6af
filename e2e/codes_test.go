package e2e

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("exit codes", func() {
	It("are 3 when the answer cannot be written, whichever verb it is", func() {
		up("two-hosts")
		for _, verb := range []string{"ls", "inspect", "neigh", "fdb", "routes", "ping h1 h2", "ping h1 h9", "matrix", "verify two-hosts", "validate two-hosts", "plan two-hosts",
			"labs", "doctor", "version", "schema", "help", "ls -o json", "ls -o yaml"} {
			if verb == "ping h1 h9" { // a mistake is one before anything is written
				Expect(run(nil, "", "sh", "-c", binary+" "+verb+" >/dev/full")).To(Exit(2))
				continue
			}
			r := run(nil, "", "sh", "-c", binary+" "+verb+" >/dev/full")
			Expect(r).To(Exit(3))
			Expect(r.err).To(ContainSubstring("no space left"))
		}
	})

	It("are 2 when the kernel refuses a value, 4 when it does not have it, and the lab goes on", func() {
		const plain, refused, unknown = "h1: {ip: 10.9.0.2/16}", "h1: {ip: 10.9.0.2/16, sysctls: {net.ipv4.ip_default_ttl: '9999'}}",
			"h1: {ip: 10.9.0.2/16, sysctls: {net.ipv4.ip_defaultttl: '65'}}"
		file := write("lab.yaml", star("refused", 2))
		up(file)
		before := inodes("refused")
		for asked, code := range map[string]int{"ip_defaultttl=65": 4, "ip_default_ttl=9999": 2} {
			r := labctl("set", "h1.sysctls.net.ipv4."+asked)
			Expect(r).To(Exit(code))
			Expect(r.err).To(And(ContainSubstring("nothing was changed"), Not(ContainSubstring("neither"))))
		}
		Expect(labctl("set", "h1.sysctls.net.ipv4.ip_defaultttl=65").err).To(ContainSubstring(`did you mean "net.ipv4.ip_default_ttl"?`))
		for asked, code := range map[string]int{unknown: 4, refused: 2} {
			edit(file, plain, asked)
			r := labctl("up", file)
			Expect(r).To(Exit(code))
			Expect(r.err).To(And(ContainSubstring("lab.yaml:"), ContainSubstring("^"), Not(ContainSubstring("neither"))))
			Expect(state("refused")).To(Equal("running"))
			edit(file, asked, plain)
			Expect(labctl("up", file).err).To(ContainSubstring("nothing to change"))
		}
		Expect(inodes("refused")).To(Equal(before))
		Expect(labctl("down", "refused")).To(Exit(0))
		edit(file, plain, refused)
		Expect(labctl("up", file)).To(Exit(2))
		Expect(instances()).To(BeEmpty())
	})

	It("are 3 when a change has begun and the kernel refuses the rest, and ls tells that the lab is not whole", func() {
		const plain = "h1: {ip: 10.9.0.2/16}"
		const sysctls = "h1: {ip: 10.9.0.2/16, sysctls: {net.ipv4.ip_default_ttl: 9, net.ipv4.ip_no_pmtu_disc: '99999999'}}"
		file := write("lab.yaml", star("refused", 2))
		up(file)
		edit(file, plain, sysctls)
		r := labctl("up", file)
		Expect(r).To(Exit(3))
		Expect(r.err).To(And(ContainSubstring("ip_no_pmtu_disc"), ContainSubstring("invalid argument"), ContainSubstring("mend the file")))
		Expect(state("refused")).To(Equal("degraded"))
		r = labctl("verify", "refused")
		Expect(r).To(Exit(3))
		Expect(r.err).To(And(ContainSubstring("refused is degraded: a change ended midway: "), ContainSubstring("labctl up")))
		Expect(labctl("plan", "-l", "refused").out).To(ContainSubstring("refused is degraded: a change ended midway: "))
		edit(file, sysctls, plain)
		r = labctl("up", file)
		Expect(r).To(Exit(0))
		Expect(r.err).To(And(ContainSubstring("h1: rebuilt: a change had ended midway"), ContainSubstring("was degraded and is healed")))
		Expect(state("refused")).To(Equal("running"))
	})

	// cannot runs up, verify and doctor behind a command that takes something from them.
	cannot := func(says string, behind ...string) {
		GinkgoHelper()
		file := write("lab.yaml", star("unable", 2)+"expect:\n  ping: ok\n")
		for _, verb := range []string{"up " + file, "verify " + file, "doctor"} {
			r := run(nil, "", behind[0], append(append([]string{}, behind[1:]...), append([]string{binary}, strings.Fields(verb)...)...)...)
			Expect(r).To(Exit(4))
			Expect(r.out + r.err).To(ContainSubstring(says))
		}
		Expect(labctl("down", "unable")).To(Exit(0))
		Expect(instances()).To(BeEmpty())
	}

	if root {
		DescribeTable("are 4 for a root without a capability", Label("root"), func(name string) {
			c := strings.ToLower(strings.TrimPrefix(name, "CAP_"))
			cannot(name, "setpriv", "--bounding-set=-"+c, "--inh-caps=-"+c)
		}, Entry(nil, "CAP_NET_RAW"), Entry(nil, "CAP_NET_ADMIN"), Entry(nil, "CAP_SYS_ADMIN"))

		It("are those of any lab for root where /proc/sys is read-only, and 4 for others, who may not mount another", Label("root"), func() {
			dir, err := os.MkdirTemp("", "labctl-e2e-")
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(os.RemoveAll, dir)
			Expect(os.Chmod(dir, 0o755)).To(Succeed())
			b, err := os.ReadFile(binary)
			Expect(err).NotTo(HaveOccurred())
			bin, runtime, lab := filepath.Join(dir, "labctl"), filepath.Join(dir, "run"), filepath.Join(dir, "lab.yaml")
			Expect(os.WriteFile(bin, b, 0o755)).To(Succeed())
			Expect(os.Mkdir(runtime, 0o700)).To(Succeed())
			Expect(os.Chown(runtime, 65534, 65534)).To(Succeed())
			Expect(os.WriteFile(lab, []byte(star("masked", 2)+"expect:\n  ping: ok\n"), 0o644)).To(Succeed())
			behind := func(script string) result {
				return run(nil, "", "unshare", "-m", "--propagation", "private", "sh", "-c", "set -e; cd "+dir+"; mount -o bind,ro /proc/sys /proc/sys; "+script)
			}
			Expect(behind("./labctl verify lab.yaml")).To(Exit(0))
			for _, verb := range []string{"up lab.yaml", "doctor"} {
				r := behind("exec setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_RUNTIME_DIR=" + runtime + " ./labctl " + verb)
				Expect(r).To(Exit(4))
				Expect(r.out + r.err).To(And(ContainSubstring("/proc/sys"), ContainSubstring("read-only"), ContainSubstring("systempaths=unconfined")))
			}
		})
	}

	It("are 4 for a root in a user namespace that has nothing of its own, and say what it takes", func() {
		cannot("root is one in a user namespace: run labctl outside of it", "unshare", "--user", "--map-root-user")
		inside := "mount -t tmpfs tmpfs /run; exec " + binary + " verify two-hosts"
		Expect(run(nil, "", "unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "sh", "-ec", inside)).To(Exit(0), "the cure")
	})
})
