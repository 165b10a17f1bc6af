//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables/userdata"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology/rules"
)

// dumpedRules is what nf_tables has in a node, as far as counters are concerned.
type dumpedRules struct {
	rules  []nftRule
	chains []dumpedChain
	named  map[[3]string]nftCounter // by family, table and name
}

// dumpedChain is a chain whose policy counts.
type dumpedChain struct {
	family, table, name string
	drops               bool
	nftCounter
}

// nftFamilies are nft's words for families (linux/netfilter.h).
var nftFamilies = map[byte]string{unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_ARP: "arp",
	unix.NFPROTO_NETDEV: "netdev", unix.NFPROTO_BRIDGE: "bridge", unix.NFPROTO_IPV6: "ip6"}

// Of linux/netfilter/nf_tables.h and nf_tables_compat.h.
const (
	nftMatchName = 1
	nftMatchInfo = 3
)

// dumpNFT reads a list of one kind of objects and hands each one's family and attributes to f.
func (n *namespace) dumpNFT(what int, f func(family string, attrs []byte)) error {
	var list [][]byte
	err := n.enter(func() (err error) {
		req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|what, unix.NLM_F_DUMP)
		req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_UNSPEC, Version: nl.NFNETLINK_V0})
		list, err = req.Execute(unix.NETLINK_NETFILTER, 0)
		return err
	})
	for _, b := range list {
		if len(b) >= 4 {
			f(nftFamilies[b[0]], b[4:])
		}
	}
	return err
}

// dumpRules reads nf_tables by netlink: a program that prints it takes longer to start than this takes.
func (n *namespace) dumpRules() (*dumpedRules, error) {
	out := &dumpedRules{named: map[[3]string]nftCounter{}}
	err := n.dumpNFT(unix.NFT_MSG_GETRULE, func(family string, attrs []byte) {
		r := nftRule{Family: family}
		attributes(attrs, func(typ uint16, v []byte) {
			switch typ {
			case unix.NFTA_RULE_TABLE:
				r.Table = word(v)
			case unix.NFTA_RULE_CHAIN:
				r.Chain = word(v)
			case unix.NFTA_RULE_EXPRESSIONS:
				attributes(v, func(_ uint16, v []byte) { r.expression(v) })
			case unix.NFTA_RULE_USERDATA:
				if said, ok := userdata.GetString(v, userdata.TypeComment); ok {
					r.Comment = said
				}
			}
		})
		out.rules = append(out.rules, r)
	})
	if err == nil {
		err = n.dumpNFT(unix.NFT_MSG_GETCHAIN, out.chain)
	}
	if err == nil {
		err = n.dumpNFT(unix.NFT_MSG_GETOBJ, out.object)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: read rules: %w", n.node, err)
	}
	return out, nil
}

// word is a string that ends with a zero byte.
func word(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }

// expression notes the counter of a rule, and the comment that iptables has given it.
func (r *nftRule) expression(b []byte) {
	name := ""
	attributes(b, func(typ uint16, v []byte) {
		switch typ {
		case unix.NFTA_EXPR_NAME:
			name = word(v)
		case unix.NFTA_EXPR_DATA:
			switch name {
			case "counter":
				r.counted(readCounter(v))
			case "objref":
				attributes(v, func(typ uint16, v []byte) {
					if typ == unix.NFTA_OBJREF_IMM_NAME {
						r.counted(word(v))
					}
				})
			case "match":
				match := ""
				attributes(v, func(typ uint16, v []byte) {
					switch typ {
					case nftMatchName:
						match = word(v)
					case nftMatchInfo:
						if said, _, _ := bytes.Cut(v, []byte{0}); match == "comment" && r.Comment == "" {
							r.Comment = string(said)
						}
					}
				})
			}
		}
	})
}

// counted adds a counter, or the name of one, as nft's JSON has it.
func (r *nftRule) counted(c any) {
	raw, err := json.Marshal(c)
	if err == nil {
		r.Expr = append(r.Expr, map[string]json.RawMessage{"counter": raw})
	}
}

// readCounter reads NFTA_COUNTER_BYTES and NFTA_COUNTER_PACKETS.
func readCounter(b []byte) (c nftCounter) {
	attributes(b, func(typ uint16, v []byte) {
		if len(v) != 8 {
			return
		}
		switch typ {
		case unix.NFTA_COUNTER_BYTES:
			c.Bytes = binary.BigEndian.Uint64(v)
		case unix.NFTA_COUNTER_PACKETS:
			c.Packets = binary.BigEndian.Uint64(v)
		}
	})
	return c
}

func (s *dumpedRules) chain(family string, attrs []byte) {
	c, counts := dumpedChain{family: family}, false
	attributes(attrs, func(typ uint16, v []byte) {
		switch typ {
		case unix.NFTA_CHAIN_TABLE:
			c.table = word(v)
		case unix.NFTA_CHAIN_NAME:
			c.name = word(v)
		case unix.NFTA_CHAIN_POLICY:
			c.drops = len(v) == 4 && binary.BigEndian.Uint32(v) == 0 // NF_DROP
		case unix.NFTA_CHAIN_COUNTERS:
			c.nftCounter, counts = readCounter(v), true
		}
	})
	if counts {
		s.chains = append(s.chains, c)
	}
}

func (s *dumpedRules) object(family string, attrs []byte) {
	table, name, typ := "", "", uint32(0)
	var data []byte
	attributes(attrs, func(t uint16, v []byte) {
		switch t {
		case unix.NFTA_OBJ_TABLE:
			table = word(v)
		case unix.NFTA_OBJ_NAME:
			name = word(v)
		case unix.NFTA_OBJ_TYPE:
			if len(v) == 4 {
				typ = binary.BigEndian.Uint32(v)
			}
		case unix.NFTA_OBJ_DATA:
			data = v
		}
	})
	if typ == unix.NFT_OBJECT_COUNTER {
		s.named[[3]string{family, table, name}] = readCounter(data)
	}
}

// counts finds the counters of sets. It is complete unless lines of iptables are missing, which are elsewhere then:
// legacy iptables does not use nf_tables.
func (s *dumpedRules) counts(sets []*rules.Set) (out []RuleCount, complete bool) {
	for _, tool := range []string{"iptables", "ip6tables"} {
		family := map[string]string{"iptables": "ip", "ip6tables": "ip6"}[tool]
		mine := slices.DeleteFunc(slices.Clone(sets), func(set *rules.Set) bool { return xtTool(set) != tool })
		if len(mine) == 0 {
			continue
		}
		found := s.lines(family)
		for _, set := range mine {
			if !hasLines(set, found) {
				return nil, false
			}
		}
		out = append(out, found...)
		out = append(out, s.policies(family, mine)...)
	}
	return append(out, s.ofText(sets)...), true
}

// lines are the rules that iptables has loaded for labctl, by their comments.
func (s *dumpedRules) lines(family string) (out []RuleCount) {
	for i := range s.rules {
		r := &s.rules[i]
		if r.Family != family {
			continue
		}
		set, rule, ok := strings.Cut(strings.TrimPrefix(r.Comment, strings.TrimSuffix(rules.Comment("", ""), "/")), "/")
		if !ok || r.Comment != rules.Comment(set, rule) {
			continue
		}
		if c, ok := r.counter(s.named); ok {
			out = append(out, RuleCount{set, rule, c.Packets, c.Bytes})
		}
	}
	return out
}

// hasLines reports whether every rule of a set is among those found. One of policies alone does not show where it is.
func hasLines(set *rules.Set, found []RuleCount) bool {
	some := false
	for _, r := range set.Listed() {
		if strings.HasSuffix(r.Key, " policy") {
			continue
		}
		some = true
		if !slices.ContainsFunc(found, func(c RuleCount) bool { return c.Set == set.Name && c.Rule == r.Key }) {
			return false
		}
	}
	return some
}

// policies are the counters of policies that refuse, for each set that wants them so.
func (s *dumpedRules) policies(family string, sets []*rules.Set) (out []RuleCount) {
	for _, c := range s.chains {
		if c.family != family || !c.drops {
			continue
		}
		name := rules.PolicyName(c.table, c.name)
		for _, set := range sets {
			if slices.ContainsFunc(set.Listed(), func(r rules.Rule) bool { return r.Key == name }) {
				out = append(out, RuleCount{set.Name, name, c.Packets, c.Bytes})
			}
		}
	}
	return out
}
