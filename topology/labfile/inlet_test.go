package labfile

import (
	"strings"
	"testing"

	"labctl/topology"
)

func TestInletNames(t *testing.T) {
	for _, c := range []struct{ uplink, outer, inner string }{
		{"br0", "lc-br0", "lx-br0"},
		{"twelve_bytes", "lc-twelve_bytes", "lx-twelve_bytes"},
		{"fifteen_bytes_a", "lc-fifteen_bdd4", "lx-fifteen_bdd4"},
		{"fifteen_bytes_b", "lc-fifteen_c28d", "lx-fifteen_c28d"},
	} {
		in := topology.InletOf(topology.End{Node: "host", Interface: c.uplink})
		if in.Outer != c.outer || in.Inner != c.inner {
			t.Errorf("%s: %s and %s, want %s and %s", c.uplink, in.Outer, in.Inner, c.outer, c.inner)
		}
		if len(in.Outer) > topology.MaxInterface || in.MAC == in.Peer || in.MAC[0] != 0xfe {
			t.Errorf("%s: %+v", c.uplink, in)
		}
	}
	if topology.InletOf(topology.End{Node: "a", Interface: "br0"}).MAC == topology.InletOf(topology.End{Node: "b", Interface: "br0"}).MAC {
		t.Error("two nodes have the same address")
	}
}

func TestInletNamesAreNotTakenTwice(t *testing.T) {
	const src = `format: 1
lab: taken
nodes:
  host:
    interfaces:
      br0: {bridge: [lc-br0], ip: 10.0.0.1/24}
    nodes:
      vs: {kind: vswitch, profile: learning, uplinks: [br0], ports: {br0: {shared: true}}}
  lan: {ip: 10.0.0.2/24}
  win: {ip: 10.0.0.3/24}
links:
  - lan -- host:lc-br0
  - win -- host.vs
`
	lab, problems := Load("taken.yaml", []byte(src))
	if lab != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "lc-br0 and lx-br0") {
		t.Errorf("loaded: %v, problems: %v", lab != nil, problems)
	}
}
