package labfile

import "fmt"

// bigNodes are files with much of one kind in one node or in its rules.
func bigNodes() map[string]string {
	const head, pair = "format: 1\nlab: big\nnodes:\n", "  s1: {kind: bridge}\nlinks: [a -- s1]\n"
	addr := func(net, i int) string { return fmt.Sprintf("%d.%d.%d.%d", net, i>>16, i>>8&255, i&255) }
	rules := func(lines string) string {
		return head + "  s1:\n    kind: bridge\n    rules:\n      r:\n" + lines + "  a: {ip: 10.0.0.1/24}\nlinks: [a -- s1]\n"
	}
	return map[string]string{
		"routes":           head + "  a:\n    ip: 10.0.0.1/8\n    routes:\n" + times(30000, func(i int) string { return "      " + addr(11, i) + "/32: 10.0.0.2\n" }) + pair,
		"neighbours":       head + "  a:\n    ip: [" + times(20000, func(i int) string { return addr(10, i) + "/32," }) + "]\n    neigh:\n" + times(15000, func(i int) string { return "      " + addr(10, i+2) + ": 02:00:00:00:00:01\n" }) + pair,
		"mistaken devices": head + "  a:\n    interfaces: {" + times(5000, func(i int) string { return fmt.Sprintf("br%d: {bridge: []},", i) }) + "}\n    routes:\n" + times(20000, func(i int) string { return fmt.Sprintf("      %s/32: {dev: bx%d}\n", addr(11, i), i) }) + pair,
		"umlauts in a row": "{format: 1, lab: b, nodes: {" + times(30000, func(i int) string { return fmt.Sprintf("h%d: {ü: ü},", i) }) + "}}",
		"pairs of a guard": rules("        port_guard:\n          a: {mac: [" + times(8000, func(i int) string { return fmt.Sprintf("02:00:00:00:%02x:%02x,", i>>8, i&255) }) +
			"], ip: [" + times(8000, func(i int) string { return addr(10, i) + "," }) + "]}\n"),
		"port rules to one chain": rules("        iptables: |\n          -N c\n" + times(12000, func(i int) string { return fmt.Sprintf("          -A FORWARD -m physdev --physdev-in p%d -j c\n", i) }) +
			times(5000, func(i int) string { return "          -A c -s " + addr(10, i) + " -j ACCEPT\n" })),
		"rules put in front": rules("        iptables: |\n" + times(30000, func(int) string { return "          -I FORWARD -j ACCEPT\n" })),
		"chains of nft": rules("        nft: |\n          table bridge t {\n" + times(8000, func(i int) string { return fmt.Sprintf("          chain c%d { jump c%d; }\n", i, i+1) }) +
			"          chain c8000 { accept; }\n          }\n"),
		"steps that set": head + "  s1: {kind: bridge}\n  a: {}\nlinks: [a -- s1]\nsteps:\n" + times(15000, func(i int) string { return fmt.Sprintf("  - {name: s%d, set: {a: {mtu: 1400}}}\n", i) }),
	}
}
