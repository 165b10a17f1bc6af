package reach

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// holding is what a node's sockets do with a port.
type holding int

const (
	nobodyHolds holding = iota
	remains             // of a connection that has ended, or of a program that does not listen
	listens
)

// tcpListening is the state of a listening socket in /proc/net/tcp (include/net/tcp_states.h).
const tcpListening = "0A"

// holds says whether a program of the node holds a port of one of the node's addresses, by the tables of both families:
// a socket of IPv6 may take IPv4 too (ipv6(7), IPV6_V6ONLY).
func (b *bench) portHeld(node string, t transport, port uint16) (holding, error) {
	held := nobodyHolds
	for _, file := range []string{t.protocol(), t.protocol() + "6"} {
		table, err := b.machine.ProcNet(node, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return held, fmt.Errorf("read who holds port %d: %w", port, err)
		}
		held = max(held, heldIn(table, t.udp, port))
	}
	return held, nil
}

// heldIn reads a table of proc_pid_net(5): the second column is the local address and port in hex, the fourth the
// state. A UDP socket that is bound receives.
func heldIn(table []byte, udp bool, port uint16) holding {
	held := nobodyHolds
	for line := range bytes.Lines(table) {
		words := bytes.Fields(line)
		if len(words) < 4 {
			continue
		}
		_, at, ok := strings.Cut(string(words[1]), ":")
		b, err := hex.DecodeString(at)
		if !ok || err != nil || len(b) != 2 || uint16(b[0])<<8|uint16(b[1]) != port {
			continue
		}
		held = max(held, remains)
		if udp || string(words[3]) == tcpListening {
			return listens
		}
	}
	return held
}

// turnedAway counts what the node's kernel has turned away because nobody listened: resets of TCP, of both families,
// and datagrams that it answered with port unreachable. What a rule refuses it does not count (nf_send_reset).
func (b *bench) turnedAway(node string, t transport) (uint64, error) {
	file, column := "snmp", "Udp NoPorts"
	switch {
	case !t.udp:
		column = "Tcp OutRsts"
	case t.v6:
		file, column = "snmp6", "Udp6NoPorts"
	}
	text, err := b.machine.ProcNet(node, file)
	if err != nil {
		return 0, fmt.Errorf("read what was turned away: %w", err)
	}
	n, ok := counter(string(text), column)
	if !ok {
		return 0, fmt.Errorf("%s: %s does not have %s", node, file, column)
	}
	return n, nil
}

// counter finds a counter in the text of /proc/net/snmp, two lines "Tcp: NAMES" and "Tcp: VALUES" for a protocol, as
// "Tcp OutRsts"; or in that of snmp6, a line for each.
func counter(text, name string) (uint64, bool) {
	section, column, sectioned := strings.Cut(name, " ")
	var names []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case !sectioned && words[0] == section:
			n, err := strconv.ParseUint(words[1], 10, 64)
			return n, err == nil
		case !sectioned || words[0] != section+":":
		case names == nil:
			names = words
		default:
			i := slices.Index(names, column)
			if i < 0 || i >= len(words) {
				return 0, false
			}
			n, err := strconv.ParseUint(words[i], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
