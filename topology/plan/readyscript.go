package plan

import (
	"fmt"

	"labctl/topology"
	"labctl/topology/problem"
)

// readyScript asks again and again until the condition holds, as whoever has only iproute2 can: ss(8) lists the sockets
// of the namespace it is in. in goes in front of what runs in the node.
func readyScript(r topology.Ready, in string) string {
	test := ""
	switch r.Kind {
	case "tcp":
		test = fmt.Sprintf("%sss -Hltn 'sport = :%d' | grep -q .", in, r.Port)
	case "udp":
		test = fmt.Sprintf("%sss -Hlun 'sport = :%d' | grep -q .", in, r.Port)
	case "file":
		test = "[ -e " + problem.ShellWord(r.Arg) + " ]"
	default:
		test = in + "sh -c " + problem.ShellWord(r.Arg) + " >/dev/null 2>&1"
	}
	return "until " + test + "; do sleep 0.1; done"
}
