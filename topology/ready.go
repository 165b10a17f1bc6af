package topology

import (
	"strconv"
	"time"
)

// Ready is what a command in the background is waited for; the zero value is nothing.
type Ready struct {
	Kind    string        // tcp, udp: a listening socket in the node; file: it is there; sh: a command in it exits 0
	Port    int           // of tcp and udp, 1 to 65535
	Arg     string        // the path of file, the command of sh
	Timeout time.Duration // counted from the command's start; above 0 where Kind is not ""
}

// String is the condition as the file has it.
func (r Ready) String() string {
	switch r.Kind {
	case "":
		return ""
	case "tcp", "udp":
		return r.Kind + ":" + strconv.Itoa(r.Port)
	}
	return r.Kind + ":" + r.Arg
}
