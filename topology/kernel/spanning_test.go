package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

// ringNodes are n bridges in a ring, each a node or inside a host, and a host on the last. The first is the root.
func ringNodes(name string, n int, inHosts bool) (nodes, links string) {
	const timers = "stp: true, forward_delay: 2s, max_age: 6s"
	for i := range n {
		priority := 32768
		if i == 0 {
			priority = 4096
		}
		next := (i + 1) % n
		if inHosts {
			ports := "r, l"
			if i == n-1 {
				ports += ", h"
			}
			nodes += fmt.Sprintf("  %s%d: {interfaces: {br: {bridge: [%s], priority: %d, %s}}}\n", name, i, ports, priority, timers)
		} else {
			nodes += fmt.Sprintf("  %s%d: {kind: bridge, priority: %d, %s}\n", name, i, priority, timers)
		}
		links += fmt.Sprintf("  - %s%d:r -- %s%d:l\n", name, i, name, next)
	}
	nodes += fmt.Sprintf("  %sh: {ip: 10.0.0.1/24}\n", name)
	links += fmt.Sprintf("  - %sh -- %s%d:h\n", name, name, n-1)
	return nodes, links
}

// treeOfRing is what iproute2 says of a ring's bridges: how many ports forward, how many block, how many do neither,
// and the roots.
func treeOfRing(t *testing.T, name string, n int) (forwarding, blocking, others int, roots map[string]bool) {
	t.Helper()
	roots = map[string]bool{}
	for i := range n {
		var links []struct {
			Linkinfo struct {
				Slave struct {
					State string
					Root  string `json:"root_id"` // iproute2 prints a bridge's own number as that of its root
				} `json:"info_slave_data"`
			}
		}
		if err := json.Unmarshal([]byte(ip(t, fmt.Sprintf("-n t.%s%d -d -j link", name, i))), &links); err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if state := l.Linkinfo.Slave.State; state == "forwarding" || state == "blocking" {
				roots[l.Linkinfo.Slave.Root] = true
			}
			switch l.Linkinfo.Slave.State {
			case "":
			case "forwarding":
				forwarding++
			case "blocking":
				blocking++
			default:
				others++
			}
		}
	}
	return forwarding, blocking, others, roots
}

func TestRingsSettle(t *testing.T) {
	rings := []struct {
		name    string
		n       int
		inHosts bool
	}{{"a", 3, false}, {"b", 4, true}, {"c", 5, false}, {"d", 9, false}}
	s, _ := newSpace(t)
	nodes, links := "", ""
	for _, r := range rings {
		n, l := ringNodes(r.name, r.n, r.inHosts)
		nodes += strings.ReplaceAll(n, "10.0.0.", fmt.Sprintf("10.0.%d.", r.n))
		links += l
	}
	lab := load(t, "format: 1\nlab: t\nnodes:\n"+nodes+"links:\n"+links)
	await := func(what string) (told []TreeWait) {
		t.Helper()
		began := time.Now()
		if err := s.AwaitSettled(context.Background(), lab.Nodes, func(w TreeWait) { told = append(told, w) }); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: settled after %.1f s", what, time.Since(began).Seconds())
		return told
	}
	if err := s.Apply(context.Background(), plan.New(lab, "t"), noCommands); err != nil {
		t.Fatal(err)
	}
	told := await("built")
	if len(told) == 0 || told[len(told)-1].Most != 10*time.Second || told[0].Passed >= told[len(told)-1].Passed {
		t.Errorf("told %v", told)
	}
	for _, r := range rings {
		forwarding, blocking, others, roots := treeOfRing(t, r.name, r.n)
		if forwarding != 2*r.n || blocking != 1 || others != 0 || len(roots) != 1 {
			t.Errorf("ring of %d: %d ports forward, %d block, %d do neither, roots %v", r.n, forwarding, blocking, others, roots)
		}
	}
	// The second bridge loses its way to the root. All other ports forward or block at once, and those beyond hold what
	// is not true any more, until it has aged. Not in the longest ring: each bridge may hold a message back for a
	// second (BR_HOLD_TIME), and what has come over eight of them can be older than max_age and is dropped, so that the
	// last ones need not agree with the first at all.
	rings = rings[:3]
	for _, r := range rings {
		apply(t, s, plan.SetUp{Node: r.name + "0", Name: "r", Up: false})
	}
	await("a cable unplugged")
	for _, r := range rings {
		forwarding, blocking, others, roots := treeOfRing(t, r.name, r.n)
		if forwarding != 2*r.n-1 || blocking != 0 || others != 2 || len(roots) != 1 {
			t.Errorf("ring of %d without a cable: %d ports forward, %d block, %d do neither, roots %v", r.n, forwarding, blocking, others, roots)
		}
	}
}

// The advice is given where it helps: not while ports are still on their way.
func TestWhyATreeDoesNotSettle(t *testing.T) {
	const head = "the spanning tree has not settled within 25s: "
	if err := unsettledTree(25*time.Second, "port a:p listening", false, 6*time.Second); err.Error() != head+"port a:p listening" {
		t.Error(err)
	}
	want := head + "a:p and b:q do not agree yet; what the bridges know of the root keeps changing: each may hold a message back for 1s, " +
		"and max_age 6s drops older ones, so raise max_age or have fewer bridges in a row"
	if err := unsettledTree(25*time.Second, "a:p and b:q do not agree yet", true, 6*time.Second); err.Error() != want {
		t.Error(err)
	}
}

// A port that its guard has switched off stays so, and is not waited for; nor is a bridge that is down, or one on which
// nobody hears.
func TestNothingToWaitForInATree(t *testing.T) {
	s, _ := newSpace(t)
	lab := load(t, `format: 1
lab: t
nodes:
  a: {kind: bridge, stp: true, forward_delay: 2s, max_age: 6s, ports: {p: {bpdu_guard: true}}}
  b: {kind: bridge, stp: true, forward_delay: 2s, max_age: 6s, ip: 10.0.0.2/24}
  idle: {interfaces: {br: {bridge: [eth0], stp: true, up: false}}}
  h: {ip: 10.0.0.1/24}
links: [a:p -- b:p, h -- b:h, idle:eth0 -- b:q]
`)
	if err := s.Apply(context.Background(), plan.New(lab, "t"), noCommands); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.AwaitSettled(context.Background(), lab.Nodes, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("waited for %s", took)
	}
	for _, e := range []struct{ node, name, want string }{{"a", "p", "disabled"}, {"b", "h", "forwarding"}, {"b", "b", "up"}, {"idle", "eth0", "disabled"}} {
		if got, err := s.Interface(e.node, e.name); err != nil || got.State != e.want {
			t.Errorf("%s:%s is %s, want %s: %v", e.node, e.name, got.State, e.want, err)
		}
	}
	// The bridge had no carrier while its ports listened; now that it has one, it must be able to send.
	if link := ip(t, "-n t.b link show b"); !strings.Contains(link, "state UP") {
		t.Errorf("the bridge of a node that is settled: %s", link)
	}
}

func TestUnfinishedTrees(t *testing.T) {
	a, b, c := bridgeID{7: 1}, bridgeID{7: 2}, bridgeID{7: 3}
	// a is the root, b hears it at x, c hears b at y.
	tree := func() []*treeBridge {
		return []*treeBridge{
			{node: "a", id: a, root: a, ports: []treePort{{name: "x", id: 1, state: portForwarding, root: a, from: a, fromPort: 1}}},
			{node: "b", id: b, root: a, cost: 2, ports: []treePort{
				{name: "x", id: 1, state: portForwarding, root: a, from: a, fromPort: 1},
				{name: "y", id: 2, state: portForwarding, root: a, from: b, fromPort: 2, cost: 2}}},
			{node: "c", id: c, root: a, cost: 4, ports: []treePort{{name: "y", id: 1, state: portForwarding, root: a, from: b, fromPort: 2, cost: 2}}},
		}
	}
	end := func(node, name string) topology.End { return topology.End{Node: node, Interface: name} }
	peers := map[topology.End][]topology.End{end("a", "x"): {end("b", "x")}, end("b", "x"): {end("a", "x")}, end("b", "y"): {end("c", "y")}, end("c", "y"): {end("b", "y")}}
	for _, x := range []struct {
		name          string
		change        func([]*treeBridge) []*treeBridge
		moving, apart string
	}{
		{"settled", func(t []*treeBridge) []*treeBridge { return t }, "", ""},
		{"one listens", func(t []*treeBridge) []*treeBridge { t[2].ports[0].state = portListening; return t }, "port c:y listening", ""},
		{"two learn", func(t []*treeBridge) []*treeBridge {
			t[1].ports[1].state, t[2].ports[0].state = portLearning, portLearning
			return t
		}, "2 ports, as b:y learning", ""},
		{"switched off by its guard", func(t []*treeBridge) []*treeBridge {
			t[0].ports[0] = treePort{name: "x", guard: true}
			t[1].root, t[1].cost, t[1].ports = b, 0, []treePort{{name: "x", id: 1, state: portForwarding, root: b, from: b, fromPort: 1}}
			return t[:2]
		}, "", ""},
		{"not enabled yet", func(t []*treeBridge) []*treeBridge { t[0].ports[0].state = portDisabled; return t }, "port a:x disabled", "what b:x holds of another bridge is old"},
		{"the root is gone", func(t []*treeBridge) []*treeBridge { return t[1:] }, "", "what b:x holds of another bridge is old"},
		{"b has lost the root and says so, c does not hear it", func(t []*treeBridge) []*treeBridge {
			t[1].root, t[1].cost, t[1].ports = b, 0, t[1].ports[1:]
			return t[1:]
		}, "", "b:y and c:y do not agree yet"},
		{"through a bridge without a tree", func(t []*treeBridge) []*treeBridge {
			t[1].root, t[1].cost, t[1].ports = b, 0, []treePort{{name: "other", id: 2, state: portForwarding, root: b, from: b, fromPort: 2}}
			return t[1:]
		}, "", "what c:y holds of another bridge is old"},
		{"the way to the root has become longer", func(t []*treeBridge) []*treeBridge { t[1].cost = 9; return t }, "", "what c:y holds of another bridge is old"},
		{"both ends speak", func(t []*treeBridge) []*treeBridge {
			t[2].ports[0].from, t[2].ports[0].fromPort = c, 1
			return t
		}, "", "b:y and c:y do not agree yet"},
		{"two bridges have one address", func(t []*treeBridge) []*treeBridge { t[2].id = a; return t }, "", ""},
	} {
		if moving, apart := unfinished(x.change(tree()), peers); moving != x.moving || apart != x.apart {
			t.Errorf("%s: %q and %q, want %q and %q", x.name, moving, apart, x.moving, x.apart)
		}
	}
}

func TestWhoHearsAPort(t *testing.T) {
	lab := load(t, `format: 1
lab: t
nodes:
  s1: {kind: bridge, stp: true}
  s2: {kind: bridge}
  s3: {kind: bridge, stp: true}
  h: {ip: 10.0.0.1/24}
links: [s1:a -- s2:a, s1:b -- s2:b, s2:c -- s3:c, h -- s2, s1:d -- s3:d]
`)
	peers := treePeers(lab.Nodes)
	for port, want := range map[string]string{"s1:a": "[s1:b s3:c]", "s1:b": "[s1:a s3:c]", "s3:c": "[s1:a s1:b]", "s1:d": "[s3:d]", "s2:a": "[]"} {
		node, name, _ := strings.Cut(port, ":")
		if got := fmt.Sprint(peers[topology.End{Node: node, Interface: name}]); got != want {
			t.Errorf("%s is heard by %s, want %s", port, got, want)
		}
	}
}

// What a bridge says goes through tunnels too, to each of its remotes.
func TestATreesMessagesGoThroughTunnels(t *testing.T) {
	lab, problems := labfile.Load("t.yaml", []byte(`format: 1
lab: t
nodes:
  b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.2, 10.0.0.3]}}, br: {stp: true, bridge: [vx]}}}
  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.3]}}, br: {stp: true, bridge: [vx]}}}
  b3: {interfaces: {u: 10.0.0.3/24, vx: {vxlan: {id: 5, dev: u, remote: [10.0.0.1, 10.0.0.2]}}, br: {bridge: [vx, c]}}}
  b4: {kind: bridge, stp: true}
  s1: {kind: bridge}
links: ["b1:u b2:u b3:u -- s1", "b3:c -- b4:c"]
`))
	if lab == nil {
		t.Fatal(problems)
	}
	peers := treePeers(lab.Nodes)
	for port, want := range map[string]string{"b1:vx": "[b2:vx b4:c]", "b2:vx": "[b1:vx b4:c]", "b4:c": "[b1:vx b2:vx]"} {
		node, name, _ := strings.Cut(port, ":")
		if got := fmt.Sprint(peers[topology.End{Node: node, Interface: name}]); got != want {
			t.Errorf("%s is heard by %s, want %s", port, got, want)
		}
	}
}

// The root's times are shorter than those by which another bridge began, and which the kernel does not show any more
// once it has heard the root.
func TestTheBoundOfATreeCountsEveryBridgesOwnTimes(t *testing.T) {
	lab, problems := labfile.Load("t.yaml", []byte("format: 1\nlab: t\nnodes:\n  a: {kind: bridge, stp: true, priority: 0, forward_delay: 4s, max_age: 6s}\n"+
		"  b: {kind: bridge, stp: true, forward_delay: 30s, max_age: 40s}\n  c: {kind: bridge}\nlinks: [a -- b, b -- c]\n"))
	if lab == nil {
		t.Fatal(problems)
	}
	if got := ownTimes(lab.Nodes); got != 100*time.Second {
		t.Errorf("got %s, want twice 30 s and 40 s", got)
	}
}
