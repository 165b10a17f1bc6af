//go:build linux

package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"labctl/topology/rules"
)

// Tool runs a program inside a node's namespace to its end. The error is that of a program that did not exit with 0 or
// could not be run; what it wrote is returned in any case. It may be called concurrently. Only the owner of the process
// can know how to run one, because somebody must wait for all its children.
type Tool func(ctx context.Context, node string, argv []string, stdin []byte) (stdout, stderr []byte, err error)

// toolPath finds a program; an ordinary user's PATH often leaves out where these are.
func toolPath(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	pkg, program := "iptables", strings.TrimSuffix(strings.TrimSuffix(name, "-restore"), "-save")
	if name == "nft" {
		pkg = "nftables"
	}
	return "",
		missingTool(fmt.Sprintf("%s is not installed: apt-get install %s (or what this system calls that package)",
			program, pkg))
}

// Installed finds what a lab needs: programs, in PATH and where system programs are, and extensions of iptables
// ([rules.XtablesNeed]) where it loads them from. One that is not there is ErrUnsupported.
func Installed(needs []string) error {
	for _, name := range needs {
		if ext, ok := strings.CutPrefix(name, rules.XtablesNeed); ok {
			if !extension(ext) {
				return missingTool("the extension " + ext +
					" of iptables is not installed, and the lab's file says that the lab needs it; where iptables " +
					"has its extensions elsewhere, say so in XTABLES_LIBDIR")
			}
			continue
		}
		if _, err := toolPath(name); err != nil {
			return missingTool(name + " is not installed, and the lab's file says that the lab needs it")
		}
	}
	return nil
}

// extension reports whether there is a library of a target or match for iptables, which is for both families (xt), or
// IPv4 or IPv6 alone. It is in XTABLES_LIBDIR (iptables(8)), or where iptables was told when it was built.
func extension(name string) bool {
	dirs := filepath.SplitList(os.Getenv("XTABLES_LIBDIR"))
	if len(dirs) == 0 {
		for _, pattern := range []string{"/usr/lib/*/xtables", "/lib/*/xtables", "/usr/lib*/xtables", "/lib*/xtables",
			"/usr/local/lib*/xtables", "/usr/libexec/xtables"} {
			found, _ := filepath.Glob(pattern)
			dirs = append(dirs, found...)
		}
	}
	for _, dir := range dirs {
		for _, family := range []string{"xt", "ipt", "ip6t"} {
			if st, err := os.Stat(filepath.Join(dir, "lib"+family+"_"+name+".so")); err == nil &&
				st.Mode().IsRegular() {
				return true
			}
		}
	}
	return false
}

// missingTool is an ErrUnsupported for which the kernel is not to blame.
type missingTool string

func (m missingTool) Error() string { return string(m) }

func (m missingTool) Is(target error) bool { return target == ErrUnsupported }

// tools runs the programs that load rules.
type tools struct {
	run        Tool // nil: nobody said how
	withoutNFT bool // tests: as where the program nft is not installed
}

// path finds a program.
func (t *tools) path(name string) (string, error) {
	if t.withoutNFT && name == "nft" {
		return toolPath("no-such-nft")
	}
	return toolPath(name)
}

// call runs a tool by its bare name.
func (t *tools) call(ctx context.Context, node, stdin, name string, args ...string) (stdout, stderr string, err error) {
	path, err := t.path(name)
	if err != nil {
		return "", "", err
	}
	if t.run == nil {
		return "", "", errors.New("nobody said how to run " + name)
	}
	out, text, err := t.run(ctx, node, append([]string{path}, args...), []byte(stdin))
	return string(out), string(text), err
}

// guardsWithoutNFT reports whether all that nft would have to load, or to take away, are port guards, and the program
// nft is not there: then the kernel is told of them without it.
func (t *tools) guardsWithoutNFT(sets ...[]*rules.Set) bool {
	for _, set := range slices.Concat(sets...) {
		if set.Text != "" && set.Form != "port_guard" {
			return false
		}
	}
	_, err := t.path("nft")
	return err != nil
}
