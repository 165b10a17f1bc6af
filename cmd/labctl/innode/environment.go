//go:build linux

package innode

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"labctl/cmd/labctl/terminal"
)

// Environment is the environment of a command in a node: env, with the names of lab and node, and with the directories
// of network programs at the end of PATH, which an ordinary user's often lacks. The names are none that labctl itself
// takes for a flag (LABCTL_LAB would be -l).
func Environment(env []string, instance, node string) []string {
	const fallback = "/usr/local/bin:/usr/bin:/bin"
	path := fallback
	out := make([]string, 0, len(env)+3)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		switch name {
		case "PATH":
			path = value
		case "LABCTL_IN_LAB", "LABCTL_IN_NODE":
		default:
			out = append(out, e)
		}
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if !strings.Contains(":"+path+":", ":"+dir+":") {
			path += ":" + dir
		}
	}
	return append(out, "PATH="+path, "LABCTL_IN_LAB="+instance, "LABCTL_IN_NODE="+node)
}

// TellLacks says on standard error, once in the life of a lab, what its nodes do not have of their own; hosts is a file
// of the lab's run directory.
func TellLacks(hosts string, lacks []string) {
	if len(lacks) == 0 {
		return
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(hosts), "told"), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil { // it was said; or it cannot be noted, and a word too few is better than one with every command
		return
	}
	f.Close()
	for _, l := range lacks {
		what := "an empty one"
		if l == "/etc/hosts" {
			what = "none"
		}
		fmt.Fprintf(terminal.Stderr(),
			"labctl: this machine does not allow nodes a %s of their own, so commands see %s (see \"labctl doctor\")\n",
			l, what)
	}
}
