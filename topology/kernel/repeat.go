//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// FailNeighbours makes entries that are being asked for FAILED at once, as the kernel does when its last request was
// not answered: what waits there is answered by an error (neigh_invalidate, net/core/neighbour.c). One that is not
// there is not an error. It must not be called of an entry for which an answer may come.
func (t Tables) FailNeighbours(node string, entries []topology.NeighbourEntry) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	for _, e := range entries {
		msg := ndmsg(familyOf(e.IP), e.Index)
		binary.NativeEndian.PutUint16(msg[8:], unix.NUD_FAILED)
		req, start := message(nil, unix.RTM_NEWNEIGH, unix.NLM_F_ACK|unix.NLM_F_REPLACE, msg)
		req = finish(attribute(req, unix.NDA_DST, e.IP.AsSlice()), start)
		err := n.conn.exchange(req, nil, func(e unix.Errno) error { return tolerate(e, unix.ENOENT) })
		if err != nil {
			return fmt.Errorf("%s: give up neighbour %s: %w", node, e.IP, err)
		}
	}
	return nil
}

// Forgetful says what in a node may treat a repeated ARP request or neighbour solicitation otherwise than the first: a
// rule or a queueing discipline with a memory, a proxy that takes its time, a port or an address that is not ready.
// Each is a few words that begin with a noun.
func (t Tables) Forgetful(node string) (out []string, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	for _, look := range []func(*namespace) ([]string, error){unreadyPorts, proxies, shapers, rulesWithMemory} {
		found, err := look(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", node, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// unreadyPorts are bridge ports that will forward, and addresses that will be answered for.
func unreadyPorts(n *namespace) (out []string, err error) {
	ports, err := n.conn.dump(unix.AF_BRIDGE)
	if err != nil {
		return nil, err
	}
	for _, p := range ports {
		if p.port && p.state > 0 && p.state < portForwarding {
			out = append(out, fmt.Sprintf("the bridge port %s, which is %s", p.name, portStates[p.state]))
		}
	}
	why, err := n.conn.tentative()
	if why != "" {
		out = append(out, why)
	}
	return out, err
}

// proxies answer for others, and think for a while before they do (proxy_delay, arp(7)).
func proxies(n *namespace) (out []string, err error) {
	found := false
	for _, family := range Families {
		on, err := n.conn.netconf(family, netconfProxy)
		if err != nil {
			return nil, err
		}
		for _, yes := range on {
			found = found || yes
		}
		msg := ndmsg(family, 0)
		msg[10] = unix.NTF_PROXY
		req, start := message(nil, unix.RTM_GETNEIGH, unix.NLM_F_DUMP, msg)
		err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
			found = found || typ == unix.RTM_NEWNEIGH && len(b) > 10 && b[10]&unix.NTF_PROXY != 0
		}, nil)
		if err != nil {
			return nil, fmt.Errorf("read for whom it answers: %w", err)
		}
	}
	if found {
		out = append(out, "a proxy, which answers for others after a while")
	}
	return out, nil
}

// plainQueues forget nothing and drop nothing as long as they are not full.
var plainQueues = []string{"noqueue", "pfifo_fast", "pfifo", "bfifo", "fq_codel", "mq", "fq"}

// shapers are queueing disciplines that may drop one of two equal frames, and hooks of programs and policers.
func shapers(n *namespace) (out []string, err error) {
	req, start := message(nil, unix.RTM_GETQDISC, unix.NLM_F_DUMP, make([]byte, sizeofTcMsg))
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWQDISC || len(b) < sizeofTcMsg {
			return
		}
		attributes(b[sizeofTcMsg:], func(typ uint16, v []byte) {
			if typ == unix.TCA_KIND && !slices.Contains(plainQueues, string(bytes.TrimRight(v, "\x00"))) {
				out = append(out, fmt.Sprintf("the queueing discipline %s", bytes.TrimRight(v, "\x00")))
			}
		})
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("read queueing disciplines: %w", err)
	}
	return out, nil
}

// memoryless are the expressions of nftables and the matches and targets of iptables that do to the second of two equal
// frames what they did to the first.
var (
	memoryless = []string{"payload", "cmp", "immediate", "bitwise", "byteorder", "counter", "meta", "lookup", "ct",
		"log", "reject", "nat", "masq", "redir", "fib", "rt", "range", "notrack", "hash", "socket", "exthdr", "dup",
		"fwd"}
	memorylessMatches = []string{"mac", "physdev", "iprange", "multiport", "conntrack", "state", "comment", "pkttype",
		"mark", "connmark", "addrtype", "tcp", "udp", "icmp", "icmp6", "arp", "ip", "ip6", "vlan", "among", "802_3",
		"stp", "mark_m", "length", "ttl", "hl", "rpfilter", "socket", "tcpmss", "LOG", "NFLOG", "REJECT", "MARK",
		"CONNMARK", "SNAT", "DNAT", "MASQUERADE", "snat", "dnat", "arpreply", "redirect", "CT", "NOTRACK", "TRACE",
		"TCPMSS", "standard"}
)

// PerhapsLegacy is what [Tables.Forgetful] finds where it may not read which tables of legacy iptables there are: in a
// node of an ordinary user.
const PerhapsLegacy = "perhaps rules of legacy iptables, which only root sees"

// legacyTables name the rules of arptables and ip6tables that are not those of nftables, and that cannot be read here.
var legacyTables = []string{"arp_tables_names", "ip6_tables_names"}

// rulesWithMemory are rules, of a family that ARP or neighbour discovery comes by, which limit or count.
func rulesWithMemory(n *namespace) (out []string, err error) {
	var list [][]byte
	var legacy []byte
	err = n.enter(func() error {
		for _, name := range legacyTables {
			b, err := os.ReadFile("/proc/thread-self/net/" + name)
			if errors.Is(err, os.ErrPermission) && len(out) == 0 {
				out = append(out, PerhapsLegacy)
				continue
			}
			if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
				return err
			}
			legacy = append(legacy, b...)
		}
		req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETRULE, unix.NLM_F_DUMP)
		req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_UNSPEC, Version: nl.NFNETLINK_V0})
		var err error
		list, err = req.Execute(unix.NETLINK_NETFILTER, 0)
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			err = nil // somebody is changing them, which a second look at the lab's counters does not show
			out = append(out, "rules that are being changed")
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if len(bytes.TrimSpace(legacy)) > 0 {
		out = append(out, "rules of legacy iptables, which are not read")
	}
	for _, b := range list {
		if len(b) < 4 || b[0] == unix.NFPROTO_IPV4 {
			continue
		}
		if what := memoryOf(b[4:]); what != "" && !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	return out, nil
}

// memoryOf names the first expression of a rule that may have a memory, "" being none.
func memoryOf(rule []byte) (what string) {
	attributes(rule, func(typ uint16, v []byte) {
		if typ != unix.NFTA_RULE_EXPRESSIONS {
			return
		}
		attributes(v, func(_ uint16, v []byte) {
			name, match := "", ""
			attributes(v, func(typ uint16, v []byte) {
				switch typ {
				case unix.NFTA_EXPR_NAME:
					name = string(bytes.TrimRight(v, "\x00"))
				case unix.NFTA_EXPR_DATA:
					if name != "match" && name != "target" {
						return
					}
					attributes(v, func(typ uint16, v []byte) {
						if typ == 1 { // NFTA_MATCH_NAME, NFTA_TARGET_NAME
							match = string(bytes.TrimRight(v, "\x00"))
						}
					})
				}
			})
			if match != "" && slices.Contains(memorylessMatches, match) || slices.Contains(memoryless, name) {
				return
			}
			if match != "" {
				name = match
			}
			what = fmt.Sprintf("a rule with %q", name)
		})
	})
	return what
}
