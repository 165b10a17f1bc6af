package labfile

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

func TestSysctls(t *testing.T) {
	lab := load(t, `
sysctls: {rp_filter: 2, net.ipv4.conf.eth0.log_martians: 1}
nodes:
  s: {kind: bridge}
  r: {kind: router, ipv6: true}
  f: {sysctls: {ip_forward: 1, accept_redirects: 1}}
  h: {sysctls: {rp_filter: 1, net.ipv4.conf.eth0.rp_filter: 0, net/ipv4/icmp_ratelimit: 5}}
links: [r f h -- s]
`)
	for _, c := range []struct{ node, key, want string }{
		{"r", "net/ipv4/ip_forward", "1"},
		{"r", "net/ipv4/conf/all/accept_redirects", "0"},
		{"r", "net/ipv4/conf/default/accept_redirects", "1"},
		{"r", "net/ipv4/conf/all/rp_filter", "2"},
		{"r", "net/ipv4/conf/eth0/rp_filter", "2"},
		{"r", "net/ipv4/conf/eth0/log_martians", "1"},
		{"r", "net/ipv4/conf/eth0/arp_ignore", ""},
		{"r", "net/ipv6/conf/all/disable_ipv6", "0"},
		{"r", "net/ipv6/conf/all/forwarding", "1"},
		{"r", "net/ipv6/conf/default/accept_dad", "0"},
		{"r", "net/ipv6/neigh/eth0/retrans_time_ms", "250"},
		{"r", "net/ipv6/neigh/eth0/proxy_delay", "20"},
		{"f", "net/ipv4/ip_forward", "1"},
		{"f", "net/ipv4/conf/all/accept_redirects", "1"},
		{"h", "net/ipv4/ip_forward", "0"},
		{"h", "net/ipv4/conf/all/accept_redirects", "1"},
		{"h", "net/ipv4/conf/default/rp_filter", "1"},
		{"h", "net/ipv4/conf/eth0/rp_filter", "0"},
		{"h", "net/ipv4/icmp_ratelimit", "5"},
		{"h", "net/ipv4/conf/all/shared_media", "1"},
		{"h", "net/ipv6/conf/all/disable_ipv6", "1"},
		{"h", "net/ipv6/conf/all/forwarding", ""},
		{"h", "net/ipv4/neigh/eth0/retrans_time_ms", "250"},
		{"h", "net/ipv4/neigh/eth0/proxy_delay", "20"},
		{"h", "net/ipv6/neigh/eth0/proxy_delay", ""},
		{"s", "net/ipv4/conf/s/rp_filter", "2"},
		{"s", "net/ipv4/conf/eth0/log_martians", ""},
		{"s", "net/bridge/bridge-nf-call-iptables", "0"},
	} {
		if got := values(lab.Node(c.node))[c.key]; got != c.want {
			t.Errorf("%s %s = %q, want %q", c.node, c.key, got, c.want)
		}
	}
	for _, n := range lab.Nodes {
		seen := map[string]bool{}
		for _, s := range n.Sysctls {
			if seen[s.Key] {
				t.Errorf("%s: %s is written twice", n.Name, s.Key)
			}
			seen[s.Key] = true
		}
		if n.Sysctls[0].Key != "net/ipv4/ip_forward" {
			t.Errorf("%s: %s is written before ip_forward, which would change it", n.Name, n.Sysctls[0].Key)
		}
	}
	kernel := load(t, "timers: kernel\nnodes: {a: {}, b: {}}\nlinks: [a -- b]\n")
	if v, ok := values(kernel.Node("a"))["net/ipv4/neigh/eth0/retrans_time_ms"]; ok || !kernel.KernelTimers {
		t.Errorf("timers: kernel pins %q", v)
	}
}

func TestMACsAreUniqueAndStable(t *testing.T) {
	lab, problems := Load("big.yaml", bigLab(3000))
	if lab == nil {
		t.Fatal(problems.Error())
	}
	owner := map[switchcore.MAC]string{}
	for _, n := range lab.Nodes {
		for _, i := range n.Interfaces {
			if i.Type == topology.BridgeLink {
				if !i.MAC.IsZero() {
					t.Errorf("%s:%s has %s, want the kernel's choice", n.Name, i.Name, i.MAC)
				}
				continue
			}
			if was := owner[i.MAC]; was != "" {
				t.Errorf("%s is on %s and %s:%s", i.MAC, was, n.Name, i.Name)
			}
			owner[i.MAC] = n.Name + ":" + i.Name
			if nic := n.Kind != topology.Bridge; nic && (i.MAC[0] != 0 || i.MAC[1] != 0x50 || i.MAC[2] != 0x56 || i.MAC[3] > 0x3f) || !nic && i.MAC[0] != 0xfe {
				t.Errorf("%s:%s has %s", n.Name, i.Name, i.MAC)
			}
		}
	}
	port := lab.Node("s0").Interface("h7")
	nic := lab.Node("h7").Interface("eth0")
	if port.Peer != (topology.End{Node: "h7", Interface: "eth0"}) || nic.Peer != (topology.End{Node: "s0", Interface: "h7"}) || port.Master != "s0" || port.Port == nil {
		t.Errorf("port %+v, NIC %+v", port, nic)
	}
	if port.MAC[1] != nic.MAC[1] || port.MAC[5] != nic.MAC[5] {
		t.Errorf("port has %s, the NIC behind it %s", port.MAC, nic.MAC)
	}
}

func TestNamesOfEnds(t *testing.T) {
	lab := load(t, `
nodes:
  s: {kind: bridge}
  s2: {kind: bridge}
  a: {interfaces: {eth0: {veth: x1}, eth2: {mtu: 1400}}}
  hv: {nodes: {s: {kind: bridge}, vm: {}}, links: [vm -- s, s:up -- hv:in]}
links:
  - a a:eth1 a -- s
  - s -- s2
  - s2 -- hv.s
  - hv -- s
`)
	for _, c := range []struct{ node, want string }{
		{"s", "s a a-eth1 a-eth3 s2 hv"},
		{"s2", "s2 s s-s2"},
		{"a", "eth0 eth2 x1 eth1 eth3"},
		{"hv.s", "s vm up s2"},
		{"hv", "in eth0"},
	} {
		var got []string
		for _, i := range lab.Node(c.node).Interfaces {
			got = append(got, i.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s has %v, want %s", c.node, got, c.want)
		}
	}
}

func TestOrderOfInterfaces(t *testing.T) {
	lab := load(t, `
nodes:
  s: {kind: bridge}
  h:
    sysctls: {arp_ignore: 1}
    interfaces:
      v1: {veth: v2, ip: 10.0.1.1/24}
      m2: {macvlan: m1}
      m1: {macvlan: br0}
      eth0: {}
      br0: {bridge: [eth0, v2], ip: 10.0.0.1/24}
links: [h:eth0 -- s]
`)
	n := lab.Node("h")
	at := func(name string) int {
		return slices.IndexFunc(n.Interfaces, func(i *topology.Interface) bool { return i.Name == name })
	}
	for _, c := range [][2]string{{"br0", "eth0"}, {"br0", "v2"}, {"br0", "m1"}, {"m1", "m2"}} {
		if at(c[0]) > at(c[1]) {
			t.Errorf("%s is made after %s", c[0], c[1])
		}
	}
	if target, _ := lab.Target("h"); target.IP.String() != "10.0.1.1" {
		t.Errorf("the first address in file order is 10.0.1.1, not %s", target.IP)
	}
}

func TestSteps(t *testing.T) {
	lab := load(t, `
names: {cluster: {ip: 10.0.0.99, mac: 02:bf:00:00:00:63}}
nodes:
  s: {kind: bridge}
  a: {ip: 10.0.0.1/24, routes: {default: 10.0.0.254, 10.1.0.0/16: 10.0.0.253}}
  b: {interfaces: {eth0: 10.0.0.2/24}}
links: [a b -- s]
steps:
  - {name: one, set: {a: {routes: {default: 10.0.0.252}, mac: cluster}, b: {mtu: 1400, ip: 10.0.0.1/24}, s: {ports: {a: {up: false}}}}}
  - {name: two, set: {a: {routes: {}, interfaces: {eth0: {ip: 10.0.0.5/24}}}}}
  - {name: three, reset: [a, s]}
  - name: four
    cases:
      x: {a: {mtu: 1300}}
      "y": {}
    expect:
      cases: |
        question   x   y
        ping:a->b  ok  ok
`)
	show := func(l *topology.Lab) string {
		a, b := l.Node("a"), l.Node("b")
		ea, eb := a.Interface("eth0"), b.Interface("eth0")
		routes := []string{}
		for _, r := range a.Routes {
			routes = append(routes, r.Via.String())
		}
		return fmt.Sprintf("a %v %v %s %d; b %v %d; port %v", ea.Addrs, routes, ea.MAC, ea.MTU, eb.Addrs, eb.MTU, l.Node("s").Interface("a").Up)
	}
	mac := lab.Node("a").Interface("eth0").MAC.String()
	for i, want := range []string{
		"a [10.0.0.1/24] [10.0.0.252 10.0.0.253] 02:bf:00:00:00:63 1500; b [10.0.0.1/24] 1400; port false",
		"a [10.0.0.5/24] [] 02:bf:00:00:00:63 1500; b [10.0.0.1/24] 1400; port false",
		"a [10.0.0.1/24] [10.0.0.254 10.0.0.253] " + mac + " 1500; b [10.0.0.1/24] 1400; port true",
		"a [10.0.0.1/24] [10.0.0.254 10.0.0.253] " + mac + " 1500; b [10.0.0.1/24] 1400; port true",
	} {
		if got := show(lab.Steps[i].Lab); got != want {
			t.Errorf("step %d: %s, want %s", i, got, want)
		}
	}
	cases := lab.Steps[3].Cases
	if got := cases[0].Lab.Node("a").Interface("eth0").MTU; got != 1300 || cases[1].Lab.Node("a").Interface("eth0").MTU != 1500 {
		t.Errorf("case x has MTU %d", got)
	}
	port, moved := lab.Node("s").Interface("a").MAC, lab.Steps[0].Lab.Node("s").Interface("a").MAC
	if port != moved {
		t.Errorf("a step that changes a's MAC moves its port's from %s to %s", port, moved)
	}
}

func TestWarnings(t *testing.T) {
	name := "testdata/warnings.yaml"
	lab, problems := Load("warnings.yaml", mustRead(t, name))
	if lab == nil {
		t.Fatal(problems.Error())
	}
	golden, got := "testdata/warnings.txt", problems.Error()+"\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(mustRead(t, golden)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	inside(t, mustRead(t, name), problems)
}

// TestEveryKeyIsUsed: a key that no good file has would be one that nobody tried.
func TestEveryKeyIsUsed(t *testing.T) {
	var all strings.Builder
	for _, name := range labFiles(t) {
		all.Write(mustRead(t, name))
	}
	text := all.String()
	var walk func(s *grammar.Shape, depth int)
	walk = func(s *grammar.Shape, depth int) {
		if s == nil || depth > 12 {
			return
		}
		for _, k := range s.Keys {
			if !strings.Contains(text, k.Name+":") {
				t.Errorf("no good file has the key %q", k.Name)
			}
			walk(k.Shape, depth+1)
		}
		for _, a := range s.Any {
			walk(a, depth+1)
		}
		walk(s.Of, depth+1)
	}
	walk(format1(), 0)
	for _, k := range nodeKinds() {
		walk(k.file, 0)
	}
}
