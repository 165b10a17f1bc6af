//go:build linux

package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"

	"labctl/topology"
	"labctl/topology/plan"
	"labctl/topology/rules"
)

// loadGuards replaces the tables of port guards by others, in one transaction.
func loadGuards(n *namespace, o plan.SetRules) error {
	return inNFTables(n, func(c *nftables.Conn) error {
		for _, set := range o.From {
			for _, t := range set.Tables { // added first, so that one that somebody has deleted is not an error
				c.DelTable(c.AddTable(guardTable(t)))
			}
		}
		for _, set := range o.To {
			for _, t := range set.Tables {
				g := &guardLoader{conn: c, table: c.AddTable(guardTable(t))}
				if err := g.load(set.Text); err != nil {
					return err
				}
			}
		}
		return c.Flush()
	})
}

// inNFTables talks to the kernel's nftables in a node. Its sockets are opened on the thread that calls: given a
// namespace, the library would look for the thread below /proc/<pid>, which is another process where /proc belongs to
// another PID namespace.
func inNFTables(n *namespace, f func(*nftables.Conn) error) error {
	return n.enter(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		return f(c)
	})
}

func guardTable(t rules.NFTable) *nftables.Table {
	return &nftables.Table{Family: nftables.TableFamilyBridge, Name: t.Name}
}

// guardCounts reads the counters of port guards.
func guardCounts(in *namespace, n *topology.Node) (out []RuleCount, err error) {
	err = inNFTables(in, func(c *nftables.Conn) error {
		for _, set := range n.Loaded() {
			for _, t := range set.Tables {
				for _, chain := range []string{"from", "to"} {
					listed, err := c.GetRules(guardTable(t), &nftables.Chain{Name: chain, Table: guardTable(t)})
					if err != nil {
						return fmt.Errorf("%s: read the counters of %s: %w", n.Name, t, err)
					}
					out = append(out, countsOf(set.Name, listed)...)
				}
			}
		}
		return nil
	})
	return out, err
}

func countsOf(set string, listed []*nftables.Rule) (out []RuleCount) {
	for _, r := range listed {
		name, _ := userdata.GetString(r.UserData, userdata.TypeComment)
		for _, e := range r.Exprs {
			if k, ok := e.(*expr.Counter); ok {
				out = append(out, RuleCount{set, name, k.Packets, k.Bytes})
			}
		}
	}
	return out
}

// guardLoader turns the text of a port guard (topology, guardText) into the kernel's expressions, as nft does.
type guardLoader struct {
	conn  *nftables.Conn
	table *nftables.Table
	chain *nftables.Chain
}

// load reads a text line by line.
func (g *guardLoader) load(text string) error {
	accept := nftables.ChainPolicyAccept
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0, words[0] == "table", words[0] == "}":
		case words[0] == "chain":
			g.chain = &nftables.Chain{Name: words[1], Table: g.table, Type: nftables.ChainTypeFilter, Policy: &accept}
		case words[0] == "type":
			hook := map[string]*nftables.ChainHook{"prerouting": nftables.ChainHookPrerouting,
				"postrouting": nftables.ChainHookPostrouting}[words[3]]
			priority, err := strconv.Atoi(strings.TrimSuffix(words[5], ";"))
			if err != nil || hook == nil {
				return fmt.Errorf("port guard: %q is not understood", line)
			}
			g.chain.Hooknum, g.chain.Priority = hook, nftables.ChainPriorityRef(nftables.ChainPriority(priority))
			g.conn.AddChain(g.chain)
		default:
			if err := g.rule(words); err != nil {
				return err
			}
		}
	}
	return nil
}

// guardField is what a match looks at: where it is, and its type.
type guardField struct {
	load expr.Any
	kind nftables.SetDatatype
}

// field finds a field at the head of words; first is the register that it is loaded into.
func (g *guardLoader) field(words []string, first uint32) (f guardField, rest []string, err error) {
	link := func(offset, n uint32) expr.Any {
		return &expr.Payload{DestRegister: first, Base: expr.PayloadBaseLLHeader, Offset: offset, Len: n}
	}
	network := func(offset, n uint32) expr.Any {
		return &expr.Payload{DestRegister: first, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: n}
	}
	vlan := nftables.TypeInteger // what nft takes the 12 bits for
	vlan.Bytes = 2
	for name, f := range map[string]guardField{
		"ether type":      {link(12, 2), nftables.TypeEtherType},
		"ether saddr":     {link(6, 6), nftables.TypeEtherAddr},
		"vlan id":         {link(14, 2), vlan},
		"meta protocol":   {&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: first}, nftables.TypeEtherType},
		"arp saddr ether": {network(8, 6), nftables.TypeEtherAddr}, // RFC 826, behind the fixed 8 bytes
		"arp saddr ip":    {network(14, 4), nftables.TypeIPAddr},
		"ip saddr":        {network(12, 4), nftables.TypeIPAddr},
		"ip daddr":        {network(16, 4), nftables.TypeIPAddr},
	} {
		if n := strings.Count(name, " ") + 1; len(words) > n && strings.Join(words[:n], " ") == name {
			return f, words[n:], nil
		}
	}
	return guardField{}, nil, fmt.Errorf("port guard: %q is not understood", strings.Join(words, " "))
}

// rule reads iifname "PORT" MATCH… counter drop comment "NAME".
func (g *guardLoader) rule(words []string) error {
	key := map[string]expr.MetaKey{"iifname": expr.MetaKeyIIFNAME, "oifname": expr.MetaKeyOIFNAME}[words[0]]
	name := make([]byte, 16) // IFNAMSIZ
	copy(name, strings.Trim(words[1], `"`))
	ex := []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: name}}
	words = words[2:]
	for words[0] != "counter" {
		match, rest, err := g.match(words)
		if err != nil {
			return err
		}
		ex, words = append(ex, match...), rest
	}
	ex = append(ex, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
	g.conn.AddRule(&nftables.Rule{Table: g.table, Chain: g.chain, Exprs: ex,
		UserData: userdata.AppendString(nil, userdata.TypeComment, strings.Trim(words[len(words)-1], `"`))})
	return nil
}

// match reads FIELD [. FIELD] [!=] VALUE, or a set of values.
func (g *guardLoader) match(words []string) (ex []expr.Any, rest []string, err error) {
	f, rest, err := g.field(words, 1)
	if err != nil {
		return nil, nil, err
	}
	if words[0] == "vlan" { // of frames with a tag only
		ex = append(ex, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 12, Len: 2},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{0x81, 0x00}}, f.load,
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: []byte{0x0f, 0xff}, Xor: []byte{0, 0}})
	} else {
		ex = append(ex, f.load)
	}
	kinds := []nftables.SetDatatype{f.kind}
	if rest[0] == "." {
		second, behind, err := g.field(rest[1:], 10) // of 4 bytes each: behind the 8 of the first
		if err != nil {
			return nil, nil, err
		}
		ex, kinds, rest = append(ex, second.load), append(kinds, second.kind), behind
	}
	not := rest[0] == "!="
	if not {
		rest = rest[1:]
	}
	values, rest := guardValues(rest)
	if len(values) == 1 && len(kinds) == 1 {
		low, high, err := guardValue(kinds[0], values[0])
		if err != nil {
			return nil, nil, err
		}
		if slices.Equal(low, high) {
			return append(ex, &expr.Cmp{Op: map[bool]expr.CmpOp{true: expr.CmpOpNeq, false: expr.CmpOpEq}[not],
				Register: 1, Data: low}), rest, nil
		}
	}
	set, err := g.set(kinds, values)
	if err != nil {
		return nil, nil, err
	}
	return append(ex, &expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID, Invert: not}), rest, nil
}

// guardValues are the words of a value or of a set.
func guardValues(words []string) (values, rest []string) {
	if words[0] != "{" {
		return words[:1], words[1:]
	}
	end := slices.Index(words, "}")
	for v := range strings.SplitSeq(strings.Join(words[1:end], " "), ", ") {
		values = append(values, v)
	}
	return values, words[end+1:]
}
