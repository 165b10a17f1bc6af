package reach

import (
	stdpath "path"
	"slices"
	"strings"

	"labctl/topology"
)

// mayForgetConnections reports whether the file changes how long connection tracking remembers.
func mayForgetConnections(lab *topology.Lab) bool {
	return slices.ContainsFunc(lab.Nodes, func(n *topology.Node) bool {
		return slices.ContainsFunc(n.Sysctls, func(s topology.Sysctl) bool {
			return strings.Contains(s.Key, "nf_conntrack") && strings.Contains(s.Key, "timeout")
		})
	})
}

// mayProxy reports whether the file speaks of answering for others, in a sysctl or in a command.
func mayProxy(lab *topology.Lab) bool {
	for _, n := range lab.Nodes {
		for _, s := range n.Sysctls {
			switch stdpath.Base(s.Key) {
			case "proxy_arp", "proxy_arp_pvlan", "proxy_ndp": // not proxy_delay, which is pinned in every node
				if s.Value != "0" {
					return true
				}
			}
		}
		for _, c := range n.Run {
			if strings.Contains(c.Sh, "proxy") {
				return true
			}
		}
	}
	return slices.ContainsFunc(lab.StepCommands, func(sh string) bool { return strings.Contains(sh, "proxy") })
}
