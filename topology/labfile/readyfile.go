package labfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// readyTimeout is how long a command may take to be ready if the file does not say it.
const readyTimeout = 10 * time.Second

var readyRE = regexp.MustCompile(`^((tcp|udp):[1-9][0-9]{0,4}|file:[^\n]+|sh:[\s\S]*\S[\s\S]*)$`)

// parseReady reads a condition, without its timeout.
func parseReady(s string) (r topology.Ready, ok bool) {
	r.Kind, r.Arg, _ = strings.Cut(s, ":")
	if !readyRE.MatchString(s) {
		return topology.Ready{}, false
	}
	if r.Kind == "tcp" || r.Kind == "udp" {
		r.Port, _ = strconv.Atoi(r.Arg)
		r.Arg = ""
		return r, r.Port < 1<<16
	}
	return r, true
}

// readyText says why s is not a condition.
func readyText(s string) string {
	if _, ok := parseReady(s); !ok {
		return fmt.Sprintf("%q is not something to wait for; want tcp:PORT or udp:PORT with a port from 1 to 65535, file:PATH or sh:COMMAND", problem.Clip(s))
	}
	return ""
}

// readyKeys stand beside "background".
func readyKeys() []shapeKey {
	return []shapeKey{
		{name: "ready", needs: []string{"background"}, shape: &shape{form: formText, want: "tcp:PORT, udp:PORT, file:PATH or sh:COMMAND", test: readyText, re: readyRE,
			doc: "the lab waits until a socket listens in the node, a file is there, or a command in the node exits 0"}},
		{name: "timeout", needs: []string{"ready"}, shape: duration("of ready, from the start of the command; 10s if not given")},
	}
}

// ready reads the two keys of a command.
func (l *loader) ready(v *yaml.Node, path string) topology.Ready {
	k, n := entry(v, "ready")
	if n == nil {
		return topology.Ready{}
	}
	r, _ := parseReady(stringOf(n, ""))
	t := field(v, "timeout")
	r.Timeout = durationOf(t, readyTimeout)
	if t != nil && r.Timeout == 0 {
		l.errorf(t, problem.PathKey(path, "timeout"), "nothing is ready within 0s; want a longer time")
	}
	if b := field(v, "background"); b != nil && b.Value == "false" {
		l.errorf(k, problem.PathKey(path, "ready"), "only a command in the background is waited for like this; one that is not has ended when the next one begins")
	}
	return r
}
