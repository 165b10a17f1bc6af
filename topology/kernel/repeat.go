//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// FailNeighbours makes entries that are being asked for FAILED at once, as the kernel does when its last request was
// not answered: what waits there is answered by an error (neigh_invalidate, net/core/neighbour.c). One that is not
// there, or is in another state by now, is left as it is. It must not be called of an entry for which an answer may
// come.
func (t Tables) FailNeighbours(node string, entries []topology.NeighbourEntry) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	for _, e := range entries {
		now, err := t.Neighbours(node, familyOf(e.IP))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(now, func(k topology.NeighbourEntry) bool {
			return k.Index == e.Index && k.IP == e.IP && k.State == "INCOMPLETE"
		}) {
			continue
		}
		msg := ndmsg(familyOf(e.IP), e.Index)
		binary.NativeEndian.PutUint16(msg[8:], unix.NUD_FAILED)
		req, start := message(nil, unix.RTM_NEWNEIGH, unix.NLM_F_ACK|unix.NLM_F_REPLACE, msg)
		req = finish(attribute(req, unix.NDA_DST, e.IP.AsSlice()), start)
		err = n.conn.exchange(req, nil, func(e unix.Errno) error { return tolerate(e, unix.ENOENT) })
		if err != nil {
			return fmt.Errorf("%s: give up neighbour %s: %w", node, e.IP, err)
		}
	}
	return nil
}

// Forgetful says what in a node may treat a repeated ARP request or neighbour solicitation otherwise than the first: a
// rule or a queueing discipline with a memory, a proxy that takes its time, a port or an address that is not ready.
// With any, rules for other packets count too. Each is a few words that begin with a noun. Programs that eBPF has
// attached, and the rules of legacy ebtables, are not seen.
func (t Tables) Forgetful(node string, any bool) (out []string, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	rulesWithMemory := func(n *namespace) ([]string, error) { return rulesWithMemory(n, any) }
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
	links, err := n.conn.dump(unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	carrier := map[int32]bool{}
	for _, l := range links {
		carrier[l.index] = l.carrier()
		if why := l.waits(); why != "" {
			out = append(out, "an interface that is not ready: "+why)
		}
	}
	for _, p := range ports {
		if p.port && carrier[p.index] && (p.state == portListening || p.state == portLearning) {
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
	found, err := n.privateProxies()
	for _, family := range Families {
		if err != nil {
			return nil, err
		}
		var on map[int]bool
		if on, err = n.conn.netconf(family, netconfProxy); err != nil {
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
	}
	if err != nil {
		return nil, fmt.Errorf("read who answers for others: %w", err)
	}
	if found {
		out = append(out, "a proxy, which answers for others after a while")
	}
	return out, nil
}

// Proxies reports whether the node answers for others.
func (t Tables) Proxies(node string) (bool, error) {
	n, err := t.space.of(node)
	if err != nil {
		return false, err
	}
	found, err := proxies(n)
	return len(found) > 0, err
}

// Of linux/if_link.h and linux/ip.h: IFLA_INET_CONF is an array of what is under net.ipv4.conf.
const (
	iflaInetConf = 1
	proxyPVLAN   = 25 - 1 // IPV4_DEVCONF_PROXY_ARP_PVLAN, which no netconf message has
)

// privateProxies reports whether an interface answers for others on its own private VLAN: by its own setting, or by
// that of all, which is in no message either.
func (n *namespace) privateProxies() (found bool, err error) {
	err = n.enter(func() error {
		b, err := os.ReadFile("/proc/sys/net/ipv4/conf/all/proxy_arp_pvlan")
		found = err == nil && string(bytes.TrimSpace(b)) != "0"
		return err
	})
	if err != nil {
		return false, err
	}
	req, start := message(nil, unix.RTM_GETLINK, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfInfomsg))
	req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWLINK || len(b) < unix.SizeofIfInfomsg {
			return
		}
		attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
			if typ != unix.IFLA_AF_SPEC {
				return
			}
			attributes(v, func(typ uint16, v []byte) {
				if typ != unix.AF_INET {
					return
				}
				attributes(v, func(typ uint16, v []byte) {
					found = found || typ == iflaInetConf && len(v) >= 4*proxyPVLAN+4 &&
						binary.NativeEndian.Uint32(v[4*proxyPVLAN:]) != 0
				})
			})
		})
	}, nil)
	return found, err
}

// Anycast lists the node's IPv6 anycast addresses, for which it answers like a proxy, after a while
// (ndisc_recv_ns, net/ipv6/ndisc.c). A router has one for each of its prefixes.
func (t Tables) Anycast(node string) (out []netip.Addr, err error) {
	err = t.space.Enter(node, func() error {
		b, err := os.ReadFile("/proc/thread-self/net/anycast6")
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		for line := range bytes.Lines(b) {
			words := bytes.Fields(line) // index, interface, address, users
			if len(words) < 3 {
				continue
			}
			if raw, err := hex.DecodeString(string(words[2])); err == nil {
				if ip, ok := netip.AddrFromSlice(raw); ok {
					out = append(out, ip)
				}
			}
		}
		return err
	})
	return out, err
}

// plainQueues forget nothing, drop nothing as long as they are not full, and take no filters.
var plainQueues = []string{"noqueue", "pfifo_fast", "pfifo", "bfifo", "mq"}

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
	memoryless = []string{"payload", "cmp", "immediate", "bitwise", "byteorder", "counter", "lookup", "ct", "log",
		"reject", "nat", "masq", "redir", "fib", "rt", "range", "notrack", "hash", "socket", "exthdr", "dup",
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

// legacyTables name the rules of arptables and ip6tables that are not those of nftables, and that cannot be read here;
// behind them those that only IPv4 meets.
var legacyTables = []string{"arp_tables_names", "ip6_tables_names", "ip_tables_names"}

// rulesWithMemory are rules and sets, of a family that ARP or neighbour discovery comes by, or of any, which limit,
// count or forget.
func rulesWithMemory(n *namespace, any bool) (out []string, err error) {
	legacy, err := n.legacyRules(any)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	out = append(out, legacy...)
	add := func(what string) {
		if what != "" && !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	err = n.dumpNFT(unix.NFT_MSG_GETRULE, func(family string, attrs []byte) {
		if any || family != "ip" {
			add(memoryOf(attrs))
		}
	})
	if err == nil {
		err = n.dumpNFT(unix.NFT_MSG_GETSET, func(family string, attrs []byte) {
			if (any || family != "ip") && forgetfulSet(attrs) {
				add("a set whose elements limit, count or expire")
			}
		})
	}
	if errors.Is(err, netlink.ErrDumpInterrupted) { // a second look at the lab's counters does not show that
		add("rules that are being changed")
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return out, nil
}

// legacyRules says that there are rules of legacy iptables, which ARP or neighbour discovery comes by, or any packet.
func (n *namespace) legacyRules(any bool) (out []string, err error) {
	tables := legacyTables
	if !any {
		tables = tables[:2]
	}
	err = n.enter(func() error {
		for _, name := range tables {
			b, err := os.ReadFile("/proc/thread-self/net/" + name)
			switch {
			case errors.Is(err, os.ErrPermission):
				out = append(out, PerhapsLegacy)
			case err != nil && !errors.Is(err, os.ErrNotExist):
				return err
			case len(bytes.TrimSpace(b)) > 0:
				out = append(out, "rules of legacy iptables, which are not read")
			}
		}
		return nil
	})
	return slices.Compact(out), err
}

// Of linux/netfilter/nf_tables.h.
const (
	nftSetTimeout = 0x10 // NFT_SET_TIMEOUT
	nftSetEval    = 0x20
	nftaSetExpr   = 17 // NFTA_SET_EXPR, and behind it NFTA_SET_EXPRESSIONS

	metaCPU    = 20 // NFT_META_CPU
	metaRandom = 24 // NFT_META_PRANDOM
	metaTime   = 30 // NFT_META_TIME_NS, and behind it the day and the hour
)

// forgetfulSet reports whether the elements of a set go by themselves, are made by packets, or limit or count them.
func forgetfulSet(set []byte) (yes bool) {
	attributes(set, func(typ uint16, v []byte) {
		switch {
		case typ == unix.NFTA_SET_FLAGS && len(v) == 4:
			yes = yes || binary.BigEndian.Uint32(v)&(nftSetTimeout|nftSetEval) != 0
		case typ == nftaSetExpr, typ == nftaSetExpr+1:
			yes = true
		}
	})
	return yes
}

// sameForEqual reports whether what nft's "meta" reads is the same for two equal packets.
func sameForEqual(meta []byte) (same bool) {
	attributes(meta, func(typ uint16, v []byte) {
		if typ == unix.NFTA_META_KEY && len(v) == 4 {
			key := binary.BigEndian.Uint32(v)
			same = key != metaCPU && key != metaRandom && key < metaTime
		}
	})
	return same
}

// memoryOf names the first expression of a rule that may have a memory, "" being none.
func memoryOf(rule []byte) (what string) {
	attributes(rule, func(typ uint16, v []byte) {
		if typ != unix.NFTA_RULE_EXPRESSIONS {
			return
		}
		attributes(v, func(_ uint16, v []byte) {
			name, match, plain := "", "", false
			attributes(v, func(typ uint16, v []byte) {
				switch typ {
				case unix.NFTA_EXPR_NAME:
					name = word(v)
				case unix.NFTA_EXPR_DATA:
					plain = name == "meta" && sameForEqual(v)
					if name != "match" && name != "target" {
						return
					}
					attributes(v, func(typ uint16, v []byte) {
						if typ == 1 { // NFTA_MATCH_NAME, NFTA_TARGET_NAME
							match = word(v)
						}
					})
				}
			})
			if plain || match != "" && slices.Contains(memorylessMatches, match) || slices.Contains(memoryless, name) {
				return
			}
			if match != "" {
				name = match
			}
			if what != "" {
				return
			}
			what = fmt.Sprintf("a rule with %q", name)
		})
	})
	return what
}
