package labfile

import (
	"fmt"
	"maps"
	"strings"

	"labctl/topology/labfile/grammar"
)

// full is a file of nearly the greatest size: what comes of the counter, as often as there is room for between a head
// and a tail.
func full(head string, f func(i int) string, tail string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; ; i++ {
		s := f(i)
		if b.Len()+len(s)+len(tail) > grammar.MaxFile {
			return b.String() + tail
		}
		b.WriteString(s)
	}
}

// bigShapes are files that are full of one thing, right ones and wrong ones.
func bigShapes() map[string]string {
	out := map[string]string{}
	for _, some := range []func() map[string]string{bigPairs, bigYAML, bigNames, bigTables, bigSysctls, bigRules, bigAddresses, bigSteps, bigCables} {
		maps.Copy(out, some())
	}
	return out
}

// addressOf is the i-th address of a network of 24 bits.
func addressOf(net, i int) string { return fmt.Sprintf("%d.%d.%d.%d", net, i>>16, i>>8&255, i&255) }

// manyHosts are n hosts behind a bridge, too many for it if they are more than a thousand.
func manyHosts(n int) string {
	return "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n" + times(n, func(i int) string { return fmt.Sprintf("  h%d: {ip: 10.%d.%d.1/8}\n", i, i>>8, i&255) }) +
		"links:\n" + times(n, func(i int) string { return fmt.Sprintf("  - h%d -- s1\n", i) })
}

// setOf says the same of n hosts.
func setOf(n int, set string) string {
	return times(n, func(i int) string { return fmt.Sprintf("h%d: %s, ", i, set) })
}

// bigYAML are full of one thing that YAML can say.
func bigYAML() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"empty lists":                full("x: [", func(int) string { return "[]," }, "]"),
		"numbers in a list":          full("x: [", func(int) string { return "1," }, "]"),
		"nothing in a list":          full("x:\n", func(int) string { return "-\n" }, ""),
		"lists without brackets":     full("x:\n", func(int) string { return "- -\n" }, ""),
		"pairs in a list":            full("x: [", func(int) string { return "a: b," }, "]"),
		"question marks":             full("x: {", func(int) string { return "?," }, "}"),
		"question marks in a list":   full("x: [", func(int) string { return "?," }, "]"),
		"colons in a list":           full("x: [", func(int) string { return ":," }, "]"),
		"quotes in a list":           full("x: [", func(int) string { return "''," }, "]"),
		"anchors":                    full("x: [", func(int) string { return "&a ," }, "]"),
		"aliases":                    full("x: [&a a,", func(int) string { return "*a ," }, "]"),
		"tags":                       full("x: [", func(int) string { return "!a ," }, "]"),
		"tags of a list":             full("x: [", func(int) string { return "!!seq []," }, "]"),
		"bombs":                      full("x0: &x0 [a, a, a, a]\n", func(i int) string { return p("x%d: &x%d [*x%d, *x%d, *x%d, *x%d]\n", i+1, i+1, i, i, i, i) }, ""),
		"documents":                  full("x: 1\n", func(int) string { return "---\n" }, ""),
		"deep lists of one column":   full("x:\n", func(i int) string { return strings.Repeat("- ", 90) + "\n" }, ""),
		"deep lists":                 full("x: ", func(int) string { return strings.Repeat("[", 99) + strings.Repeat("]", 99) + "\ny: " }, "1\n"),
		"many deep lists":            full("x: [", func(int) string { return strings.Repeat("[", 98) + strings.Repeat("]", 98) + "," }, "]\n"),
		"too deep":                   full("x: ", func(int) string { return "[" }, ""),
		"too deep maps":              full("x: ", func(int) string { return "{a: " }, ""),
		"too deep in columns":        full("", func(i int) string { return strings.Repeat(" ", i) + "a:\n" }, ""),
		"comments":                   full(small, func(int) string { return "#\n" }, ""),
		"comments in lists":          full(small+"steps:\n", func(int) string { return "#\n\n" }, ""),
		"comments of values":         full(head+"  s1: {kind: bridge}\n", func(i int) string { return p("  h%d: {} # a\n  # b\n", i) }, ""),
		"empty lines":                full(small, func(int) string { return "\n" }, ""),
		"blanks":                     full(small, func(int) string { return " " }, "\n"),
		"text that is folded":        full(small+"about: >\n", func(i int) string { return "  a\n" }, ""),
		"text over many lines":       full(small+"about: \"", func(i int) string { return "a\n " }, "\"\n"),
		"quotes in quotes":           full(small+"about: '", func(i int) string { return "''" }, "'\n"),
		"plain text over many lines": full(small+"about: a\n", func(i int) string { return " a\n" }, ""),
		"tabs":                       full(small+"about:\n", func(i int) string { return "\t" }, "\n"),
		"lists of one":               full("x: [", func(int) string { return "[a]," }, "]"),
		"maps of one":                full("x: [", func(int) string { return "{a}," }, "]"),
		"values of nothing":          full("x:\n", func(i int) string { return p(" %d:\n", i) }, ""),
		"a flow map over lines":      full("{format: 1, lab: b, nodes: {\n", func(i int) string { return p("h%d: {},\n", i) }, "}}"),
		"a flow list without end":    full("x: [", func(i int) string { return "a," }, ""),
		"a flow map without end":     full("x: {", func(i int) string { return "a: 1," }, ""),
	}
}

// bigNames have many nodes, or long words.
func bigNames() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const tail = "links: [a -- s1, c -- s1]\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"unknown keys":                          full(small, func(i int) string { return p("unknownkey%d: 1\n", i) }, ""),
		"unknown keys of a node":                full(head+"  s1: {kind: bridge}\n  c: {}\n  a:\n", func(i int) string { return p("    unknownkey%d: 1\n", i) }, tail),
		"nodes in one line":                     full("{format: 1, lab: big, nodes: {", func(i int) string { return p("h%d: {},", i) }, "}}"),
		"nodes with an unknown key in one line": full("{format: 1, lab: big, nodes: {", func(i int) string { return p("h%d: {ipp: a},", i) }, "}}"),
		"empty nodes":                           full(head, func(i int) string { return p("  h%d: {}\n", i) }, ""),
		"switches":                              full(head, func(i int) string { return p("  h%d: {kind: vswitch}\n", i) }, ""),
		"nodes of an unknown kind":              full(head, func(i int) string { return p("  h%d: {kind: brigde}\n", i) }, ""),
		"mistakes with umlauts in one line":     full("{format: 1, lab: b, nodes: {", func(i int) string { return p("ü%d: ü,", i) }, "}}"),
		"mistakes in one line":                  full("{format: 1, lab: b, nodes: {", func(i int) string { return p("1%d: 1,", i) }, "}}"),
		"merge keys":                            full("x: [&a {},", func(int) string { return "{<<: *a}," }, "]"),
		"repeated keys":                         full(small, func(int) string { return "x: 1\n" }, ""),
		"a long comment":                        full(small+"#", func(int) string { return "ü" }, "\n"),
		"a long key":                            full(small, func(int) string { return "k" }, ": 1\n"),
		"a long lab name":                       full("format: 1\nlab: ", func(int) string { return "k" }, "\nnodes: {a: {}}\n"),
		"a long about":                          full(small+"about: \"", func(int) string { return "\\u00fc" }, "\"\n"),
		"a long name of a node":                 full(head+"  ", func(int) string { return "k" }, ": {}\n"),
		"a long name of a case":                 full(small+"steps:\n  - name: s\n    cases:\n      ? ", func(int) string { return "k" }, "\n      : {a: {mtu: 1400}}\n"),
		"labs in labs":                          full(head, func(i int) string { return p("  h%d: {nodes: {i: {nodes: {j: {nodes: {k: {}}}}}}}\n", i) }, ""),
		"long keys that are simple":             full("", func(i int) string { return "a b c d e f g h " }, ""),
	}
}

// bigTables have long tables, or many.
func bigTables() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"umlauts in tables":                   full(small+"expect:\n  ping: |\n    from\\to a c\n", func(i int) string { return p("    ü%d ö ö\n", i) }, ""),
		"a long name of a case in its table":  small + "steps:\n  - name: s\n    cases:\n      ? " + strings.Repeat("k", 500000) + "\n      : {a: {mtu: 1400}}\n    expect:\n      cases: |\n        question " + strings.Repeat("k", 500000) + "\n        ping:a->c ok\n",
		"a long word in a table":              full(small+"expect:\n  ping: |\n    from\\to a c\n    a - ", func(int) string { return "k" }, "\n    c ok -\n"),
		"a long cell of alternatives":         full(small+"expect:\n  ping: |\n    from\\to a c\n    a - ok", func(int) string { return "|ok" }, "\n    c ok -\n"),
		"a long cell of ways":                 full(small+"expect:\n  ping: |\n    from\\to a c\n    a - ok", func(int) string { return "+dup" }, "\n    c ok -\n"),
		"a long cell of names":                full(small+"expect:\n  arp: |\n    from\\to a c\n    a - a", func(int) string { return "|c" }, "\n    c a -\n"),
		"a long cell of names that are wrong": full(small+"expect:\n  arp: |\n    from\\to a c\n    a - a", func(i int) string { return p("|x%d", i) }, "\n    c a -\n"),
		"a long header":                       full(small+"expect:\n  ping: |\n    from\\to", func(i int) string { return p(" x%d", i) }, "\n    a ok\n"),
		"a long header of one name":           full(small+"expect:\n  ping: |\n    from\\to", func(int) string { return " a" }, "\n    a ok\n"),
		"rows of one name":                    full(small+"expect:\n  ping: |\n    from\\to a c\n", func(int) string { return "    a - ok\n" }, ""),
		"rows that are wrong":                 full(small+"expect:\n  ping: |\n    from\\to a c\n", func(i int) string { return p("    x%d - ok\n", i) }, ""),
		"rows of drops":                       full(head+"  sw: {kind: vswitch, profile: standard}\n  a: {}\nlinks: [a -- sw]\nexpect:\n  drops: |\n    at reason frames\n", func(i int) string { return "    sw:a MacForgery 0\n" }, ""),
		"tables":                              full(small+"expect:\n  ping: |\n", func(int) string { return "    from\\to c\n    a ok\n\n" }, ""),
		"tables of many nodes":                full(manyHosts(1000)+"expect:\n  ping: |\n", func(int) string { return "    from\\to h1\n    h2 ok\n\n" }, ""),
		"wrong tables of many nodes":          full(manyHosts(1000)+"expect:\n  ping: |\n", func(i int) string { return p("    from\\to g%d\n    h2 ok\n\n", i) }, ""),
		"headers":                             full(small+"expect:\n  ping: |\n", func(int) string { return "    from\\to c\n\n" }, ""),
	}
}

// bigSysctls give many sysctls.
func bigSysctls() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const tail = "links: [a -- s1, c -- s1]\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"unknown keys of sysctls":      full(small+"sysctls:\n", func(i int) string { return p("  rp_filte%d: 1\n", i) }, ""),
		"sysctls of the lab":           full(head+times(2000, func(i int) string { return p("  h%d: {}\n", i) })+"sysctls:\n", func(i int) string { return p("  net/ipv4/conf/eth%d/rp_filter: 1\n", i) }, ""),
		"few sysctls of the lab":       head + times(4000, func(i int) string { return p("  h%d: {}\n", i) }) + "sysctls:\n" + times(3000, func(i int) string { return p("  net/ipv4/xonf%d: 1\n", i) }),
		"sysctls of the lab for all":   full(head+times(1000, func(i int) string { return p("  h%d: {}\n", i) })+"sysctls:\n", func(i int) string { return p("  net/ipv4/conf/all/xx%d: 1\n", i) }, ""),
		"sysctls of a node":            full(head+"  s1: {kind: bridge}\n  c: {}\n  a:\n    sysctls:\n", func(i int) string { return p("      net/ipv4/conf/all/x%d: 1\n", i) }, tail),
		"sysctls of a wrong interface": full(head+"  s1: {kind: bridge}\n  c: {}\n  a:\n    sysctls:\n", func(i int) string { return p("      net/ipv4/conf/x%d/rp_filter: 1\n", i) }, tail),
	}
}

// bigRules have long rules, or many.
func bigRules() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const tail = "links: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"interfaces in rules":                head + "  s1:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n" + times(9000, func(i int) string { return p("          -A FORWARD -i x%d -j ACCEPT\n", i) }) + times(1000, func(i int) string { return p("  h%d: {}\n", i) }) + "links: [" + times(1000, func(i int) string { return p("h%d -- s1, ", i) }) + "]\n",
		"interfaces in rules that there are": head + "  s1:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n" + times(19000, func(i int) string { return "          -A FORWARD -i h999 -j ACCEPT\n" }) + times(1000, func(i int) string { return p("  h%d: {}\n", i) }) + "links: [" + times(1000, func(i int) string { return p("h%d -- s1, ", i) }) + "]\n",
		"interfaces in a wide rule":          head + "  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n          table bridge t {\n            chain c { iifname { " + times(60000, func(i int) string { return p("x%d, ", i) }) + "y } accept; }\n          }\n  a: {}\nlinks: [a -- s1]\n",
		"rule sets":                          full(head+"  s1:\n    kind: bridge\n    rules:\n", func(i int) string { return p("      r%d: {iptables: -A FORWARD -j ACCEPT}\n", i) }, "  a: {}\n  c: {}\n"+tail),
		"rules in one line":                  full(head+"  s1:\n    kind: bridge\n    rules:\n      r: {iptables: \"", func(i int) string { return `-A FORWARD -j ACCEPT\n` }, "\"}\n  a: {}\n  c: {}\n"+tail),
		"words of a rule":                    full(head+"  s1:\n    kind: bridge\n    rules:\n      r: {iptables: \"-A FORWARD", func(i int) string { return ` -i x` }, "\"}\n  a: {}\n  c: {}\n"+tail),
		"rules that are wrong":               full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n", func(i int) string { return "          -A FORWARD -j DORP\n" }, "  a: {}\n  c: {}\n"+tail),
		"rules with names":                   full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n", func(i int) string { return p("          -A FORWARD -j DROP # n%d\n", i) }, "  a: {}\n  c: {}\n"+tail),
		"rules with names and hits":          full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n"+times(8000, func(i int) string { return p("          -A FORWARD -j DROP # n%d\n", i) })+"  a: {}\n  c: {}\n"+tail+"expect:\n  hits: |\n    rule hits\n", func(i int) string { return p("    s1/r/n%d 0\n", i%8000) }, ""),
		"tables of nft":                      full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n", func(i int) string { return p("          table bridge t%d { }\n", i) }, "  a: {}\n  c: {}\n"+tail),
		"braces of nft":                      full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n          ", func(i int) string { return "{" }, "\n  a: {}\n  c: {}\n"+tail),
		"nested braces of nft":               full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n          table bridge t { chain c { ", func(i int) string { return "{ " }, "\n  a: {}\n  c: {}\n"+tail),
		"quotes of nft":                      full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n          ", func(i int) string { return "\"x\" " }, "\n  a: {}\n  c: {}\n"+tail),
		"elements of nft":                    full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n          table bridge t { set s { type ipv4_addr; elements = { ", func(i int) string { return addressOf(10, i) + ", " }, "10.0.0.1 } } }\n  a: {}\n  c: {}\n"+tail),
		"guards":                             full(head+"  s1:\n    kind: bridge\n    rules:\n      r:\n        port_guard:\n", func(i int) string { return p("          p%d: {mac: ['02:00:00:00:00:01'], ip: [10.0.0.1]}\n", i) }, "  a: {}\n  c: {}\n"+tail),
	}
}

// bigAddresses have much of one kind in one node.
func bigAddresses() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const tail = "links: [a -- s1, c -- s1]\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"routes to nowhere":               full(head+"  a:\n    ip: ["+times(10000, func(i int) string { return addressOf(10, i*4+1) + "/30," })+"]\n    routes:\n", func(i int) string { return "      " + addressOf(11, i) + "/32: 12.0.0.2\n" }, "  c: {}\n  s1: {kind: bridge}\n"+tail),
		"routes of one address":           full(head+"  a:\n    ip: ["+times(15000, func(i int) string { return addressOf(10, i*4+1) + "/30," })+"]\n    routes:\n", func(i int) string { return "      " + addressOf(11, i) + "/32: 10.0.0.2\n" }, "  c: {}\n  s1: {kind: bridge}\n"+tail),
		"routes through mistaken devices": full(head+"  a:\n    routes:\n", func(i int) string { return "      " + addressOf(11, i) + "/32: {dev: eth1}\n" }, "  c: {}\n  s1: {kind: bridge}\n"+tail),
		"addresses":                       full(head+"  c: {}\n  s1: {kind: bridge}\n  a:\n    ip: [", func(i int) string { return addressOf(10, i) + "/32," }, "]\n"+tail),
		"addresses of IPv6":               full(head+"  c: {}\n  s1: {kind: bridge}\n  a:\n    ip: [", func(i int) string { return p("'2001:db8::%x/64',", i+1) }, "]\n"+tail),
		"addresses twice":                 full(head+"  c: {}\n  s1: {kind: bridge}\n  a:\n    ip: [", func(i int) string { return "10.0.0.1/24," }, "]\n"+tail),
		"wrong addresses":                 full(head+"  c: {}\n  s1: {kind: bridge}\n  a:\n    ip: [", func(i int) string { return "x," }, "]\n"+tail),
		"commands":                        full(head+"  c: {}\n  s1: {kind: bridge}\n  a:\n    run: [", func(i int) string { return "x, " }, "]\n"+tail),
		"needs":                           full(small+"needs: [", func(i int) string { return p("p%d, ", i) }, "]\n"),
		"names":                           full(small+"names:\n", func(i int) string { return p("  n%d: {ip: %s}\n", i, addressOf(11, i)) }, ""),
		"names with macs":                 full(small+"names:\n", func(i int) string { return p("  n%d: {mac: \"02:00:00:%02x:%02x:%02x\"}\n", i, i>>16, i>>8&255, i&255) }, ""),
		"neighbours by unknown names":     full(head+"  c: {}\n  s1: {kind: bridge}\n  a:\n    ip: 10.0.0.1/8\n    neigh:\n", func(i int) string { return "      " + addressOf(10, i+2) + ": nobody\n" }, tail),
	}
}

// bigSteps have many steps, or large labs made again in them.
func bigSteps() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const tail = "links: [a -- s1, c -- s1]\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"sets of all nodes":                manyHosts(1000) + "steps:\n" + times(30, func(i int) string { return p("  - {name: s%d, set: {%s}}\n", i, setOf(1000, "{mtu: 1400}")) }),
		"sets of all nodes that are wrong": manyHosts(1000) + "steps:\n" + times(30, func(i int) string { return p("  - {name: s%d, set: {%s}}\n", i, setOf(1000, "{mtu: 1}")) }),
		"cases of all nodes": manyHosts(1000) + "steps:\n  - name: s\n    cases:\n" + times(30, func(i int) string { return p("      c%d: {%s}\n", i, setOf(1000, "{mtu: 1400}")) }) +
			"    expect:\n      cases: |\n        question c1\n        ping:h1->h2 ok\n",
		"sysctls and steps":   head + times(200, func(i int) string { return p("  h%d: {}\n", i) }) + "sysctls:\n" + times(1000, func(i int) string { return p("  net/ipv4/conf/all/x%d: 1\n", i) }) + "steps:\n" + times(150, func(i int) string { return p("  - {name: s%d, set: {h1: {run: []}}}\n", i) }),
		"rules and steps":     head + "  s1:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n" + times(10000, func(i int) string { return p("          -A FORWARD -s 10.%d.%d.1 -j ACCEPT\n", i>>8, i&255) }) + "  a: {ip: 10.0.0.1/24}\nlinks: [a -- s1]\nsteps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {a: {mtu: 1400}}}\n", i) }),
		"nft rules and steps": head + "  s1:\n    kind: bridge\n    rules:\n      r:\n        nft: |\n          table bridge t {\n            chain c {\n" + times(8000, func(i int) string { return "              ip saddr 10.0.0.1 accept\n" }) + "            }\n          }\n  a: {ip: 10.0.0.1/24}\nlinks: [a -- s1]\nsteps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {a: {mtu: 1400}}}\n", i) }),
		"guard and steps":     head + "  s1:\n    kind: bridge\n    rules:\n      r:\n        port_guard:\n          a: {mac: [" + times(200, func(i int) string { return p("02:00:00:00:%02x:%02x,", i>>8, i&255) }) + "], ip: [" + times(200, func(i int) string { return addressOf(10, i+1) + "," }) + "]}\n  a: {ip: 10.0.0.1/24}\nlinks: [a -- s1]\nsteps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {a: {mtu: 1400}}}\n", i) }),
		"waits":               full(small+"steps:\n", func(i int) string { return p("  - {name: s%d, wait: {neighbours: kept}}\n", i) }, ""),
		"waits with tables": full(small+"steps:\n", func(i int) string {
			return p("  - name: s%d\n    wait:\n      arp: |\n        from\\to c\n        a c\n", i)
		}, ""),
		"waits of many nodes": full(manyHosts(1000)+"steps:\n", func(i int) string {
			return p("  - name: s%d\n    wait:\n      arp: |\n        from\\to h1\n        h2 h1\n", i)
		}, ""),
		"streams": full(small+"steps:\n", func(i int) string {
			return p("  - {name: s%d, do: [{stream: {name: t%d, from: a, to: c, every: 1s}}]}\n", i, i)
		}, ""),
		"streams with questions": full(small+"steps:\n", func(i int) string {
			return p("  - {name: s%d, do: [{stream: {name: t%d, from: a, to: c, every: 1s}}], expect: {streams: \"x\"}}\n", i, i)
		}, ""),
		"streams with tables": full(small+"steps:\n", func(i int) string {
			return p("  - name: s%d\n    do: [{stream: {name: t%d, from: a, to: c, every: 1s}}]\n    expect:\n      streams: |\n        stream is\n        t%d ok\n", i, i, i)
		}, ""),
		"actions":              full(small+"steps:\n  - name: s\n    do:\n", func(i int) string { return "      - {flush: {a: [neigh]}}\n" }, ""),
		"runs":                 full(small+"steps:\n  - name: s\n    do:\n", func(i int) string { return p("      - {run: {node: a, sh: x, background: true, name: n%d}}\n", i) }, ""),
		"resets":               full(small+"steps:\n  - name: s\n    reset: [", func(i int) string { return "a, " }, "]\n"),
		"resets of many":       head + times(24000, func(i int) string { return p("  h%d: {}\n", i) }) + "steps:\n  - name: s\n    reset: [" + times(24000, func(i int) string { return p("h%d, ", i) }) + "]\n",
		"steps of one name":    full(small+"steps:\n", func(i int) string { return "  - {name: s}\n" }, ""),
		"steps that are empty": full(small+"steps:\n", func(i int) string { return "  - {}\n" }, ""),
		"rule sets of nft":     full(head+"  s1:\n    kind: bridge\n    rules:\n", func(i int) string { return p("      r%d: {nft: \"table bridge t%d { }\"}\n", i, i) }, "  a: {}\n  c: {}\n"+tail),
		"sends":                full(small+"steps:\n  - name: s\n    do:\n", func(i int) string { return p("      - {send: {name: x%d, from: a, dst: c, type: 0x88b5}}\n", i) }, ""),
		"a payload":            full(small+"steps:\n  - name: s\n    do:\n      - {send: {name: x, from: a, dst: c, type: 0x88b5, payload: \"", func(i int) string { return "00" }, "\"}}\n"),
		"spoofings":            full(small+"steps:\n  - name: s\n    do:\n", func(i int) string { return p("      - {arp_spoof: {name: x%d, from: a, victim: c, claims: a}}\n", i) }, ""),
		"routes and steps":     head + "  a:\n    ip: 10.0.0.1/8\n    routes:\n" + times(15000, func(i int) string { return "      " + addressOf(11, i) + "/32: 10.0.0.2\n" }) + "  c: {}\n  s1: {kind: bridge}\n" + tail + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {c: {mtu: 1400}}}\n", i) }),
		"neighbours and steps": head + "  a:\n    ip: 10.0.0.1/8\n    neigh:\n" + times(10000, func(i int) string { return "      " + addressOf(10, i+3) + ": 02:00:00:00:00:01\n" }) + "  c: {}\n  s1: {kind: bridge}\n" + tail + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {c: {mtu: 1400}}}\n", i) }),
		"interfaces and steps": head + "  a:\n    interfaces:\n" + times(10000, func(i int) string { return p("      v%d: {veth: w%d}\n", i, i) }) + "  c: {}\n  s1: {kind: bridge}\n" + tail + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {c: {mtu: 1400}}}\n", i) }),
		"addresses and steps":  head + "  c: {}\n  s1: {kind: bridge}\n  a:\n    ip: [" + times(30000, func(i int) string { return addressOf(10, i+1) + "/32," }) + "]\n" + tail + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {c: {mtu: 1400}}}\n", i) }),
		"commands and steps":   head + "  c: {}\n  s1: {kind: bridge}\n  a:\n    run: [" + times(40000, func(i int) string { return "x, " }) + "]\n" + tail + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {c: {mtu: 1400}}}\n", i) }),
		"groups and steps":     head + "  c: {}\n  s1: {kind: bridge}\n  a: {}\n  sw:\n    kind: vswitch\n    profile: distributed\n    groups:\n" + times(20000, func(i int) string { return p("      g%d: {}\n", i) }) + tail + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {c: {mtu: 1400}}}\n", i) }),
		"links and steps":      head + "  s1: {kind: bridge}\n  a: {}\n  c: {}\n  d: {}\nlinks:\n- a -- s1\n" + times(20000, func(i int) string { return p("- c:e%d -- d:f%d\n", i, i) }) + "steps:\n" + times(8000, func(i int) string { return p("  - {name: s%d, set: {a: {mtu: 1400}}}\n", i) }),
		"tables and steps": manyHosts(1000) + "steps:\n" + times(30, func(i int) string {
			return p("  - name: s%d\n    set: {h1: {mtu: 1400}}\n    expect:\n      ping: |\n        from\\to *\n", i) + times(30, func(j int) string { return p("        h%d ok\n", j) })
		}),
		"a lab of 4000 hosts": sensible(4000, 10, p),
		"a lab of 1000 hosts": sensible(1000, 10, p),
	}
}

// bigCables have many links, interfaces and ports.
func bigCables() map[string]string {
	const head = "format: 1\nlab: big\nnodes:\n"
	const tail = "links: [a -- s1, c -- s1]\n"
	const small = "format: 1\nlab: big\nnodes:\n  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	return map[string]string{
		"bridges":                       full(head, func(i int) string { return p("  h%d: {kind: bridge}\n", i) }, ""),
		"empty lists in links":          full(small+"steps: [", func(int) string { return "[]," }, "]"),
		"empty maps in links":           full(head+"  a: {}\nlinks: [", func(int) string { return "{}," }, "]"),
		"links":                         full(head+"  s1: {kind: bridge}\n  a: {}\nlinks:\n", func(i int) string { return "- a -- s1\n" }, ""),
		"links of many words":           full(head+"  s1: {kind: bridge}\n  a: {}\nlinks:\n- ", func(i int) string { return "a " }, " -- s1\n"),
		"links with names":              full(head+"  s1: {kind: bridge}\n  a: {}\nlinks:\n", func(i int) string { return p("- a:e%d -- s1:p%d\n", i, i) }, ""),
		"links with ranges":             full(head+"  s1: {kind: bridge}\n  a: {}\nlinks:\n", func(i int) string { return "- a[1-9999] -- s1\n" }, ""),
		"links to nowhere":              full(head+times(10000, func(i int) string { return p("  h%d: {}\n", i) })+"links:\n", func(i int) string { return p("- g%d -- j%d\n", i, i) }, ""),
		"links of a chain":              full(head+times(20000, func(i int) string { return p("  h%d: {}\n", i) })+"links:\n", func(i int) string { return p("- h%d -- h%d\n", i, i+1) }, ""),
		"bridges in rings":              head + times(12000, func(i int) string { return p("  b%d: {kind: bridge}\n", i) }) + "links:\n" + times(12000, func(i int) string { return p("- b%d -- b%d\n", i, (i+1)%12000) }) + times(12000, func(i int) string { return p("- b%d:u -- b%d:v\n", i, (i+7)%12000) }),
		"veths in a node":               full(head+"  a:\n    interfaces:\n", func(i int) string { return p("      v%d: {veth: w%d}\n", i, i) }, ""),
		"bridges in a node":             full(head+"  a:\n    interfaces:\n", func(i int) string { return p("      v%d: {bridge: []}\n", i) }, ""),
		"vlans in a stack":              full(head+"  s1: {kind: bridge}\n  c: {}\n  a:\n    interfaces:\n      v0: {vlan: eth0, id: 1}\n", func(i int) string { return p("      v%d: {vlan: v%d, id: 1}\n", i+1, i) }, tail),
		"macvlans":                      full(head+"  s1: {kind: bridge}\n  c: {}\n  a:\n    interfaces:\n", func(i int) string { return p("      v%d: {macvlan: eth0}\n", i) }, tail),
		"sources of macvlans":           full(head+"  s1: {kind: bridge}\n  c: {}\n  a:\n    interfaces:\n      v0: {macvlan: eth0, mode: source, sources: [", func(i int) string { return p("02:00:00:%02x:%02x:%02x,", i>>16, i>>8&255, i&255) }, "]}\n"+tail),
		"ports of a bridge":             full(head+"  c: {}\n  a: {}\n  s1:\n    kind: bridge\n    ports:\n", func(i int) string { return p("      p%d: {learning: false}\n", i) }, tail),
		"vlans of a port":               full(head+"  c: {}\n  a: {}\n  s1:\n    kind: bridge\n    ports:\n      a: {vlan: {tagged: \"", func(i int) string { return "1," }, "1\"}}\n"+tail),
		"entries of fdb":                full(head+"  c: {}\n  a: {}\n  s1:\n    kind: bridge\n    fdb:\n", func(i int) string { return p("      02:00:00:%02x:%02x:%02x: a\n", i>>16, i>>8&255, i&255) }, tail),
		"entries of fdb that are wrong": full(head+"  c: {}\n  a: {}\n  s1:\n    kind: bridge\n    fdb:\n", func(i int) string { return p("      02:00:00:%02x:%02x:%02x: x%d\n", i>>16, i>>8&255, i&255, i) }, tail),
		"groups of a switch":            full(head+"  sw:\n    kind: vswitch\n    profile: distributed\n    groups:\n", func(i int) string { return p("      g%d: {}\n", i) }, ""),
		"ports of a switch":             full(head+"  sw:\n    kind: vswitch\n    profile: distributed\n    ports:\n", func(i int) string { return p("      g%d: {}\n", i) }, ""),
		"leaves of a switch":            full(head+times(10000, func(i int) string { return p("  h%d: {}\n", i) })+"  sw:\n    kind: vswitch\n    profile: distributed\nlinks:\n", func(i int) string { return p("- h%d -- sw\n", i%10000) }, ""),
		"leaves of a learning switch":   head + times(10000, func(i int) string { return p("  h%d: {}\n", i) }) + "  sw:\n    kind: vswitch\n    profile: learning\nlinks:\n" + times(10000, func(i int) string { return p("- h%d -- sw\n", i) }),
		"vlans of a private switch":     full(head+"  sw:\n    kind: vswitch\n    profile: distributed\n    private_vlans:\n", func(i int) string { return p("      - {primary: %d, isolated: %d}\n", i%4000+1, i%4000+2) }, ""),
	}
}

// bigPairs have much of one kind that is compared with, or made again for, much of another.
func bigPairs() map[string]string {
	const head, two = "format: 1\nlab: big\nnodes:\n", "  s1: {kind: bridge}\n  a: {ip: 10.0.0.1/24}\n  c: {ip: 10.0.0.2/24}\nlinks: [a -- s1, c -- s1]\n"
	p := fmt.Sprintf
	nodes := func(n int) string { return head + times(n, func(i int) string { return p("  h%d: {}\n", i) }) + two }
	entries := func(n int) string {
		return "names:\n" + times(n, func(i int) string { return p("  n%d: {mac: '02:00:00:00:%02x:%02x'}\n", i, i>>8, i&255) })
	}
	rules := head + "  s2:\n    kind: bridge\n    rules:\n      r:\n        iptables: |\n" +
		times(6000, func(i int) string { return p("          -A FORWARD -s 10.0.%d.%d -j ACCEPT\n", i>>8, i&255) }) + two + "steps:\n"
	return map[string]string{
		"rows of nobody":        full(nodes(9000)+"expect:\n  ping: |\n    from\\to a c\n", func(i int) string { return p("    g%d ok ok\n", i) }, ""),
		"columns of nobody":     full(nodes(9000)+"expect:\n  ping: |\n    from\\to", func(i int) string { return p(" g%d", i) }, "\n    a ok\n"),
		"rows of entries":       full(nodes(9000)+entries(9000)+"expect:\n  fdb: |\n    mac\\on s1\n", func(i int) string { return p("    n%d a\n", i%9000) }, ""),
		"rules that steps load": full(rules, func(i int) string { return p("  - {name: s%d, set: {s2: {rules: {r: {load: %v}}}}}\n", i, i%2 > 0) }, ""),
		"rules that steps add": full(rules, func(i int) string {
			return p("  - {name: s%d, set: {s2: {rules: {t%d: {iptables: -A FORWARD -j ACCEPT}}}}}\n", i, i)
		}, ""),
		"guards of many ports": full(head+times(1000, func(i int) string { return p("  h%d: {ip: 10.0.%d.%d/16}\n", i, i/200+1, i%200+1) })+
			"  s1:\n    kind: bridge\n    rules:\n      r:\n        port_guard: {"+times(1000, func(i int) string { return p("h%d: h%d, ", i, i) })+"}\nlinks:\n"+
			times(1000, func(i int) string { return p("- h%d -- s1\n", i) })+"steps:\n", func(i int) string { return p("  - {name: s%d, set: {h1: {mtu: 1400}}}\n", i) }, ""),
		"sends that are seen": full(head+two+"steps:\n", func(i int) string {
			return p("  - name: s%d\n    do: [{send: {name: t%d, from: a, dst: c, type: 0x88b5}}]\n    expect:\n      sees: |\n        flow\\at c\n        t%d yes\n", i, i, i)
		}, ""),
	}
}

// sensible is a big lab that must load: hosts behind bridges of a thousand, and steps that each change one host and ask
// of some.
func sensible(hosts, steps int, p func(string, ...any) string) string {
	bridges := (hosts + 499) / 500
	return "format: 1\nlab: big\nnodes:\n  r: {kind: router}\n" + times(bridges, func(i int) string { return p("  s%d: {kind: bridge}\n", i) }) +
		times(hosts, func(i int) string {
			return p("  h%d: {ip: 10.%d.%d.%d/16, routes: {default: 10.%d.0.1}}\n", i, i/500, i%500/200+1, i%200+1, i/500)
		}) + "links:\n" + times(bridges, func(i int) string { return p("  - r:eth%d -- s%d\n", i, i) }) +
		times(hosts, func(i int) string { return p("  - h%d -- s%d\n", i, i/500) }) + "steps:\n" +
		times(steps, func(i int) string {
			return p("  - name: t%d\n    set: {h%d: {mtu: 1400}}\n    expect:\n      ping: |\n        from\\to h%d h2\n        * ok ok\n", i, i, i+3)
		})
}
