package e2e

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// forged is what another user prepares at /tmp/labctl-UID before this one has a lab: a lab whose journal calls the
// network namespace of one of this user's programs its node. $1 is labctl; it prints what labctl says and its exit
// codes.
const forged = `set -eu
mount -t tmpfs -o mode=1777 tmpfs /tmp
me="setpriv --reuid=65534 --regid=65534 --clear-groups"
$me unshare --user --map-root-user --net sh -c 'readlink /proc/self/ns/net >/tmp/ready.new; mv /tmp/ready.new /tmp/ready; exec sleep 6543' &
victim=$!
trap 'kill $victim 2>/dev/null' EXIT
while [ ! -e /tmp/ready ]; do :; done
inode=$(tr -dc 0-9 </tmp/ready)
mkdir -p /tmp/labctl-65534/lab
cd /tmp/labctl-65534/lab
cat >meta.json <<END
{"format": 1, "instance": "lab", "lab": "lab", "file": "/tmp/lab.yaml", "nodes": 1, "named": NAMED}
END
cat >journal <<END
{"v":1,"op":"instance","instance":"lab","named":NAMED}
{"op":"making","node":"h1","name":"lab.h1"}
{"op":"made","node":"h1","inode":$inode}
{"op":"complete"}
END
printf 'format: 1\nlab: lab\nnodes: {h1: {}}\n' >lab.yaml
cp lab.yaml /tmp/lab.yaml
chown -R 65533:65533 /tmp/labctl-65534
chmod -R MODE /tmp/labctl-65534
cd /
for verb in 'ls' 'inspect' 'exec h1 -- true' 'events' 'down --force lab' 'down --all --force' 'up /tmp/lab.yaml' 'verify /tmp/lab.yaml' 'switch show'; do
	code=0
	out=$(env -u XDG_RUNTIME_DIR $me "$1" $verb 2>&1) || code=$?
	out=$(echo "$out" | tail -n 1)
	echo "$verb: $code: $out"
done
kill -0 $victim && echo the victim lives
`

var _ = Describe("the directory of run directories", func() {
	// reachable is a copy of the binary that every user may run.
	reachable := func() string {
		GinkgoHelper()
		b, err := os.ReadFile(binary)
		Expect(err).NotTo(HaveOccurred())
		dir, err := os.MkdirTemp(map[bool]string{true: "/run"}[root], "bin") // root's /run is private to the suite
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(os.RemoveAll, dir)
		Expect(os.Chmod(dir, 0o755)).To(Succeed())
		path := filepath.Join(dir, "labctl")
		Expect(os.WriteFile(path, b, 0o755)).To(Succeed())
		return path
	}

	if root {
		for _, mode := range []string{"0755", "0777"} {
			for _, named := range []string{"true", "false"} {
				It("is not believed when another user was there first, mode "+mode+", named "+named, Label("root"), func() {
					script := strings.NewReplacer("MODE", mode, "NAMED", named).Replace(forged)
					r := run(nil, "", "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", reachable())
					Expect(r).To(Exit(0))
					Expect(r.out).To(ContainSubstring("the victim lives"))
					lines := strings.Split(strings.TrimSpace(r.out), "\n")
					Expect(lines).To(HaveLen(10), r.String())
					for _, line := range lines[:8] {
						Expect(line).To(And(ContainSubstring(": 3: labctl: "), ContainSubstring("/tmp/labctl-65534 is not a directory that only you can write to"),
							ContainSubstring("user 65533"), ContainSubstring("XDG_RUNTIME_DIR")))
					}
					Expect(lines[8]).To(HavePrefix("switch show: 0: "), "switches have a directory of their own")
				})
			}
		}
	}

	// asUser is labctl of an ordinary user with that $XDG_RUNTIME_DIR.
	asUser := func(runtime string, args ...string) result {
		GinkgoHelper()
		argv := append([]string{reachable()}, args...)
		if root {
			argv = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, argv...)
		}
		return run([]string{"XDG_RUNTIME_DIR=" + runtime}, "", argv[0], argv[1:]...)
	}
	// owned makes an empty directory of that user.
	owned := func() string {
		GinkgoHelper()
		dir, err := os.MkdirTemp(map[bool]string{true: "/run", false: ""}[root], "user")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(os.RemoveAll, dir)
		if root {
			Expect(os.Chown(dir, 65534, 65534)).To(Succeed())
		}
		return dir
	}

	It("may have a path that is too long for a socket", func() {
		dir := filepath.Join(owned(), strings.Repeat("very-long", 20))
		Expect(os.Mkdir(dir, 0o700)).To(Succeed())
		if root {
			Expect(os.Chown(dir, 65534, 65534)).To(Succeed())
		}
		Expect(asUser(dir, "up", "two-hosts")).To(Exit(0))
		Expect(asUser(dir, "ping", "h1", "h2")).To(Exit(0))
		Expect(asUser(dir, "down", "two-hosts")).To(Exit(0))
		Expect(files(dir)).To(Equal(dir+"\n"), "nothing is left")
	})

	It("is refused with a reason when it cannot be one", func() {
		for runtime, want := range map[string]string{
			"run":                            "is not an absolute path",
			filepath.Join(owned(), "absent"): "there is no such directory",
			"/proc/version":                  "is not a directory",
		} {
			r := asUser(runtime, "up", "two-hosts")
			Expect(r).To(Exit(2))
			Expect(r.err).To(And(ContainSubstring("XDG_RUNTIME_DIR="+runtime), ContainSubstring(want), ContainSubstring("unset")))
		}
		Expect(asUser("run", "ls")).To(Exit(2))
		Expect(asUser("run", "down", "x")).To(Exit(2))
	})
})
