package labfile

import "testing"

// Frames between two nodes pass what lies on a way from one to the other, and no side arm, however many bridges it has.
func TestPassage(t *testing.T) {
	lab, problems := Load("x.yaml", []byte(`format: 1
lab: x
nodes:
  s1: {kind: bridge, stp: true}
  s2: {kind: bridge, stp: true}
  s3: {kind: bridge, stp: true}
  s4: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
  d: {interfaces: {eth0: 10.0.0.4/24, eth1: 10.0.0.5/24}}
links: [s1 -- s2, s2 -- s3, s3 -- s1, s4 -- s1, "a -- s1:pa", "b -- s2:pb", "c -- s4:pc", "d:eth0 -- s1:d1", "d:eth1 -- s2:d2"]
`))
	if lab == nil {
		t.Fatal(problems)
	}
	p := lab.Passage([]string{"a", "b"})
	for node, want := range map[string]bool{"a": true, "b": true, "c": false, "d": false, "s1": true, "s2": true, "s3": true, "s4": false, "none": false} {
		if got := p.Node(node); got != want {
			t.Errorf("node %s: %v", node, got)
		}
	}
	for _, port := range []struct {
		node, name string
		want       bool
	}{{"s1", "pa", true}, {"s2", "pb", true}, {"s1", "s3", true}, {"s3", "s1", true}, {"s1", "s4", false}, {"s1", "d1", false}, {"s4", "pc", false},
		{"s1", "s1", true}, {"s1", "none", true}} {
		if got := p.Interface(port.node, port.name); got != port.want {
			t.Errorf("%s:%s: %v", port.node, port.name, got)
		}
	}
	if alone := lab.Passage([]string{"a"}); alone.Node("s1") || !alone.Node("a") {
		t.Error("from a to nobody: s1 is on the way, or a is not")
	}
}
