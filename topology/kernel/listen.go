//go:build linux

package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// The states of sockets that wait for others, as /proc/net has them: TCP_LISTEN of tcp, and TCP_CLOSE of udp, which is
// what a socket is in that is bound and not connected (include/net/tcp_states.h, udp4_format_sock in net/ipv4/udp.c).
const (
	tcpListens = "0A"
	udpListens = "07"
)

// Listens reports whether a socket of proto, tcp or udp, waits for others on a port in a node, on any of its addresses.
func (t Tables) Listens(node, proto string, port int) (bool, error) {
	state := map[string]string{"tcp": tcpListens, "udp": udpListens}[proto]
	found := false
	err := t.space.Enter(node, func() error {
		for _, table := range []string{proto, proto + "6"} {
			// Not /proc/net: that is the namespace of the process's first thread (proc_tgid_net_lookup in
			// fs/proc/proc_net.c).
			f, err := os.Open("/proc/thread-self/net/" + table)
			if errors.Is(err, fs.ErrNotExist) && table != proto { // a kernel without IPv6
				continue
			}
			if err != nil {
				return err
			}
			found = found || listens(bufio.NewScanner(f), state, port)
			f.Close()
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("%s: list sockets: %w", node, err)
	}
	return found, nil
}

// listens looks for a socket in a table of /proc/net: after a header, lines of "sl local_address rem_address st …", the
// port in hexadecimal behind the address.
func listens(table *bufio.Scanner, state string, port int) bool {
	for table.Scan() {
		f := strings.Fields(table.Text())
		if len(f) < 4 || f[3] != state {
			continue
		}
		_, hex, _ := strings.Cut(f[1], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
			return true
		}
	}
	return false
}
