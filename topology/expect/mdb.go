package expect

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology/problem"
)

var mdb = Kind{
	Name: "mdb", Doc: "the ports where a bridge knows somebody who has joined a group", Reads: true,
	questionSyntax: questionSyntax{form: "GROUP@BRIDGE",
		text: func(q Question) string { return q.A + "@" + q.B },
		parse: func(text string) (q Question, ok bool) {
			q.A, q.B, ok = strings.Cut(text, "@")
			return q, ok && isWord(q.A) && isWord(q.B)
		},
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			at := strings.IndexByte(w.text, ':') + 1
			ok := f.group(line, w.part(at, len(q.A)))
			return f.snooping(line, w.part(at+len(q.A)+len("@"), len(q.B))) && ok
		},
		label: func(c *Cell) string { return c.Row + " on " + c.Column }},
	axisRules: axisRules{corner: `group\on`, rowIs: "the address of a group", row: (*finder).group,
		column: (*finder).snooping},
	cellWords: cellWords{noun: "port", want: `"-" or ports of the bridge, joined with "+"`,
		words: []string{"-", "unknown"},
		means: [][2]string{
			{"-", "the bridge knows nobody who has joined"},
			{"unknown", notReadMeans},
		},
		word: func(g *vocabulary, _ *Kind, q Question, word string) string {
			ports := g.joiners(q.B)
			for part := range strings.SplitSeq(word, "+") {
				if len(ports) > 0 && !slices.Contains(ports, part) {
					return q.B + " has no port " + problem.Quoted(part) + g.near(part, ports)
				}
			}
			return ""
		},
		begins: func(g *vocabulary, q Question, prefix string) bool {
			ports := g.joiners(q.B)
			return len(ports) == 0 ||
				slices.ContainsFunc(ports, func(w string) bool { return strings.HasPrefix(w, prefix) })
		},
		explain: func(*Kind, string) string { return "is a port where somebody has joined, or the bridge itself" }},
}

// group resolves a row of mdb: the address of a group, of IPv4, IPv6 or Ethernet.
func (f *finder) group(line int, w tableWord) bool {
	ip, err := netip.ParseAddr(w.text)
	mac, notMAC := switchcore.ParseMAC(w.text)
	switch {
	case err == nil && ip.IsMulticast() && ip.Zone() == "", notMAC == nil && mac[0]&1 == 1:
		return true
	case err == nil || notMAC == nil:
		f.wrong(line, w, "%s is not the address of a group; want one as 239.1.1.1, ff05::1:3 or 01:80:c2:00:00:0e",
			w.text)
	default:
		f.wrong(line, w, "%q is not an address; want that of a group, as 239.1.1.1, ff05::1:3 or 01:80:c2:00:00:0e",
			w.text)
	}
	return false
}

// snooping resolves a column of mdb: a Linux bridge.
func (f *finder) snooping(line int, w tableWord) bool {
	if n := f.rs.Lab.Node(w.text); n != nil && n.Switch != nil {
		f.wrong(line, w, "%s is a virtual switch, which does not snoop; name a bridge node or node:bridge", w.text)
		return false
	}
	return f.bridge(line, w)
}

// joiners are the ports of the bridge in a column, and the bridge, which may have joined itself.
func (g *vocabulary) joiners(column string) []string {
	ports := g.portsOf(column)
	if ports == nil {
		return nil
	}
	own := column
	if n := g.lab.Node(column); n != nil {
		own = n.Base()
	} else if _, name, ok := strings.Cut(column, ":"); ok {
		own = name
	}
	return append(slices.Clone(ports), own)
}
