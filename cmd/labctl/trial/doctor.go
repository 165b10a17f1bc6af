//go:build linux

package trial

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/problem"
)

// Finding is one thing that labs need, and whether this machine has it. Needed: without it there are no labs at all.
type Finding = kernel.Finding

// ExamineVerb makes this binary try out, inside namespaces of its own, what the kernel has.
const ExamineVerb = "examine-kernel"

// Examine finds out what this machine lacks. It makes nothing in the machine's namespaces.
func Examine(ctx context.Context) []Finding {
	named := os.Geteuid() == 0
	cmd := exec.CommandContext(ctx, "/proc/self/exe", ExamineVerb, "now")
	cmd.SysProcAttr = instance.Isolation(named)
	out, err := cmd.Output()
	if err != nil {
		return append([]Finding{homeFinding(), namespacesFinding(named, err)}, tools()...)
	}
	list := []Finding{homeFinding(), namespacesFinding(named, nil)}
	in := bufio.NewReader(strings.NewReader(string(out)))
	var found []Finding
	if err := wire.ReadLine(in, &found); err != nil {
		found = []Finding{{What: "kernel features", Detail: err.Error(), Needed: true}}
	}
	list = append(append(list, found...), limits()...)
	return append(list, tools()...)
}

// ExamineKernel is the inside of Examine; it prints its findings and returns an exit status.
func ExamineKernel() int {
	if os.Geteuid() != 0 {
		if err := kernel.PrivateMounts(); err != nil {
			fmt.Fprintln(terminal.Stderr(), err)
			return 1
		}
	}
	if err := wire.WriteLine(os.Stdout, append(kernel.Probe(), kernel.ProbeView()...)); err != nil {
		return 1
	}
	return 0
}

// homeFinding looks whether run directories could be made, and makes none.
func homeFinding() Finding {
	path, err := instance.Home(instance.LabsHome)
	if err != nil {
		return Finding{What: "run directory", Needed: true, Detail: err.Error(), Cure: instance.HomeCure()}
	}
	at := path
	for !exists(at) && at != filepath.Dir(at) {
		at = filepath.Dir(at)
	}
	f := Finding{What: "run directory " + path, Needed: true, OK: true}
	if err := unix.Faccessat(unix.AT_FDCWD, at, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		f.OK, f.Detail, f.Cure = false, fmt.Sprintf("%s: %v", at, err), instance.HomeCure()
	}
	return f
}

func namespacesFinding(named bool, err error) Finding {
	f := Finding{What: "namespaces as an ordinary user", Needed: true, OK: err == nil}
	if named {
		f.What = "namespaces as root"
	}
	if err == nil {
		return f
	}
	f.Detail = err.Error()
	read := func(path string) string { b, _ := os.ReadFile(path); return strings.TrimSpace(string(b)) }
	switch {
	case named:
		f.Cure = "give this container CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW, or use the machine itself"
	case read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		f.Cure = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	case read("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		f.Cure = "sudo sysctl -w kernel.unprivileged_userns_clone=1"
	case read("/proc/sys/user/max_user_namespaces") == "0":
		f.Cure = "sudo sysctl -w user.max_user_namespaces=10000"
	default:
		f.Cure = "run labctl as root; a container or a security module forbids user namespaces here"
	}
	return f
}

// limits are of the machine, and cannot be seen from inside a namespace.
func limits() []Finding {
	n := kernel.NeighbourLimit()
	if n < 0 {
		return nil
	}
	return []Finding{{What: "neighbour table", OK: true,
		Detail: fmt.Sprintf("%s for all labs together; big \"kept\" matrices may need more: sysctl -w "+
			"net.ipv4.neigh.default.gc_thresh3=16384", problem.Count(n, "entry"))}}
}

// tools are not needed by labctl itself, but people use them inside nodes.
func tools() []Finding {
	var out []Finding
	for _, t := range []struct{ bin, pkg string }{{"ip", "iproute2"}, {"ping", "iputils-ping"}, {"tcpdump", "tcpdump"},
		{"nft", "nftables"}, {"sysctl", "procps"}} {
		f := Finding{What: "program " + t.bin, OK: true}
		if _, err := exec.LookPath(t.bin); err != nil {
			f.OK, f.Cure = false, "sudo apt-get install "+t.pkg
			for _, dir := range []string{"/usr/sbin", "/sbin"} {
				if exists(dir + "/" + t.bin) {
					f.OK, f.Detail, f.Cure = true,
						"it is in "+dir+", which is not on your PATH, and which commands in nodes find", ""
				}
			}
		}
		out = append(out, f)
	}
	return out
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }
