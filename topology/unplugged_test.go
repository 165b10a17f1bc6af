package topology

import "testing"

// TestWithUp: the lab that it is made of is shared, and stays as it was.
func TestWithUp(t *testing.T) {
	lab := &Lab{Nodes: []*Node{
		{Name: "a", Interfaces: []*Interface{{Name: "eth0", Up: true}, {Name: "eth1"}}},
		{Name: "b", Interfaces: []*Interface{{Name: "eth0", Up: true}}}}}
	lab.Index(nil, nil)
	out := lab.WithUp(map[End]bool{{"a", "eth0"}: false, {"a", "eth1"}: true, {"b", "eth0"}: true})
	for _, c := range []struct {
		lab        *Lab
		eth0, eth1 bool
	}{{lab, true, false}, {out, false, true}} {
		if n := c.lab.Node("a"); n.Interface("eth0").Up != c.eth0 || n.Interface("eth1").Up != c.eth1 {
			t.Errorf("%v %v, want %v %v", n.Interface("eth0").Up, n.Interface("eth1").Up, c.eth0, c.eth1)
		}
	}
	if out.Node("b") != lab.Node("b") {
		t.Error("a node that is the same was made again")
	}
}
