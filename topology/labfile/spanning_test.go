package labfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestRings(t *testing.T) {
	for _, c := range []struct {
		name, nodes, links string
		rings, flooded     string
	}{
		{"two cables", "s1: {kind: bridge}\n  s2: {kind: bridge}\n  h: {ip: 10.0.0.1/24}\n  far: {}", "[h -- s1, s1:a -- s2:a, s1:b -- s2:b]", "s1:b -- s2:b, s2:a -- s1:a", "h s1 s2"},
		{"three bridges", "s1: {kind: bridge}\n  s2: {kind: bridge}\n  s3: {kind: bridge}", "[s1 -- s2, s2 -- s3, s3 -- s1]", "s2:s3 -- s3:s2, s3:s1 -- s1:s3, s1:s2 -- s2:s1", "s1 s2 s3"},
		{"two rings, one word for the part", "s1: {kind: bridge}\n  s2: {kind: bridge}", "[s1:a -- s2:a, s1:b -- s2:b, s1:c -- s2:c]", "s1:b -- s2:b, s2:a -- s1:a", "s1 s2"},
		{"a pair between two ports of a bridge", "hv: {interfaces: {br: {bridge: [a, b]}, a: {veth: b}}}\n  h: {}", "[h -- hv]", "hv:a -- hv:b", "hv"},
		{"one tree cuts it", "s1: {kind: bridge}\n  s2: {kind: bridge, stp: true}", "[s1:a -- s2:a, s1:b -- s2:b]", "", ""},
		{"an unplugged port cuts it", "s1: {kind: bridge, ports: {a: {up: false}}}\n  s2: {kind: bridge}", "[s1:a -- s2:a, s1:b -- s2:b]", "", ""},
		{"VLANs may cut it", "s1: {kind: bridge, vlan_filtering: true, ports: {a: {vlan: 5}}}\n  s2: {kind: bridge}", "[s1:a -- s2:a, s1:b -- s2:b]", "", ""},
		{"no ring", "s1: {kind: bridge}\n  s2: {kind: bridge}\n  h: {}", "[s1 -- s2, h -- s1, h:eth1 -- s2]", "", ""},
		{"in a host, and beyond a tree", "s1: {kind: bridge}\n  s2: {kind: bridge, stp: true}\n  g: {}\n  hv: {interfaces: {br: {bridge: [u0, u1]}, mv: {macvlan: br}}}", "[s1:a -- hv:u0, s1:b -- hv:u1, s1 -- s2, g -- s2]",
			"s1:b -- hv:u1, hv:u0 -- s1:a", "g hv s1 s2"},
		{"a switch that learns", "sw: {kind: vswitch, profile: learning}\n  s1: {kind: bridge}", "[s1:a -- sw:a, s1:b -- sw:b]", "sw:b -- s1:b, s1:a -- sw:a", "s1 sw"},
		{"a tunnel beside a cable", "b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, remote: 10.0.0.2}, mtu: 1450}, br: {bridge: [c, vx]}}}\n  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 5, remote: 10.0.0.1}, mtu: 1450}, br: {bridge: [c, vx]}}}",
			"[b1:u -- b2:u, b1:c -- b2:c]", "b1:vx -- b2:vx, b2:c -- b1:c", "b1 b2"},
		{"three tunnels without more", "b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.2, 10.0.0.3]}}, br: {bridge: [vx]}}}\n  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.3]}}, br: {bridge: [vx]}}}\n  b3: {interfaces: {u: 10.0.0.3/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.2]}}, br: {bridge: [vx]}}}\n  s1: {kind: bridge}",
			"[b1:u b2:u b3:u -- s1]", "", ""},
		{"three tunnels, and a cable between two that are not the first", "b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.2, 10.0.0.3]}}, br: {bridge: [vx]}}}\n  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.3]}}, br: {bridge: [vx, c]}}}\n  b3: {interfaces: {u: 10.0.0.3/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.2]}}, br: {bridge: [vx, c]}}}\n  s1: {kind: bridge}",
			"[b1:u b2:u b3:u -- s1, b2:c -- b3:c]", "b2:vx -- b3:vx, b3:c -- b2:c", "b1 b2 b3"},
		{"tunnels in a chain", "b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, dev: u, remote: 10.0.0.2}}, br: {bridge: [vx, c]}}}\n  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.3]}}, br: {bridge: [vx]}}}\n  b3: {interfaces: {u: 10.0.0.3/24, vx: {vxlan: {id: 5, dev: u, remote: 10.0.0.2}}, br: {bridge: [vx, c]}}}\n  s1: {kind: bridge}",
			"[b1:u b2:u b3:u -- s1, b1:c -- b3:c]", "", ""},
		{"other numbers are other tunnels", "b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, dev: u, remote: 10.0.0.2}}, br: {bridge: [c, vx]}}}\n  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 6, dev: u, remote: 10.0.0.1}}, br: {bridge: [c, vx]}}}",
			"[b1:u -- b2:u, b1:c -- b2:c]", "", ""},
		{"two groups", "b1: {interfaces: {u: 10.0.0.1/24, v1: {vxlan: {id: 5, dev: u, group: 239.0.0.1}}, v2: {vxlan: {id: 6, dev: u, group: 239.0.0.1}}, br: {bridge: [v1, v2]}}}\n  b2: {interfaces: {u: 10.0.0.2/24, v1: {vxlan: {id: 5, dev: u, group: 239.0.0.1}}, v2: {vxlan: {id: 6, dev: u, group: 239.0.0.1}}, br: {bridge: [v1, v2]}}}",
			"[b1:u -- b2:u]", "b1:v2 -- b2:v2, b2:v1 -- b1:v1", "b1 b2"},
		{"a standard switch sends nothing from uplink to uplink", "sw: {kind: vswitch, uplinks: [a, b]}\n  s1: {kind: bridge}", "[s1:a -- sw:a, s1:b -- sw:b]", "", ""},
	} {
		lab, problems := Load("x", fmt.Appendf(nil, "format: 1\nlab: x\nnodes:\n  %s\nlinks: %s\n", c.nodes, c.links))
		if lab == nil {
			t.Errorf("%s: %v", c.name, problems)
			continue
		}
		var rings, flooded []string
		for _, r := range lab.Rings() {
			rings = append(rings, r.String())
			flooded = append(flooded, slices.Sorted(maps.Keys(lab.Flooded(r)))...)
		}
		if got := strings.Join(rings, "; "); got != c.rings {
			t.Errorf("%s: rings %q, want %q", c.name, got, c.rings)
		}
		if got := strings.Join(flooded, " "); got != c.flooded {
			t.Errorf("%s: flooded %q, want %q", c.name, got, c.flooded)
		}
		if warned := strings.Contains(problems.Error(), "a ring without a spanning tree"); warned != (c.rings != "") {
			t.Errorf("%s: %v", c.name, problems)
		}
	}
}
