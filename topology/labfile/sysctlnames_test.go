package labfile

import (
	"strings"
	"testing"

	"labctl/topology"
)

func TestNearSysctl(t *testing.T) {
	for name, want := range map[string]string{
		"net.ipv4.ip_forwrd":                 "net.ipv4.ip_forward",
		"net.ipv4.ip_forward":                "",
		"net/ipv4/conf/eth0.5/rp_fitler":     "net/ipv4/conf/eth0.5/rp_filter",
		"net.ipv6.conf.all.forwardng":        "net.ipv6.conf.all.forwarding",
		"net.ipv4.cnof.all.rp_filter":        "net.ipv4.conf.all.rp_filter",
		"net.ipv4.neigh.eth0.gc_stale_tme":   "net.ipv4.neigh.eth0.gc_stale_time",
		"net.netfilter.nf_conntrack_udp":     "", // nothing is near
		"net.ipv4.a_value_of_a_newer_kernel": "",
	} {
		if got := nearSysctl(sysctlKey(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestKnownSysctlsAreThoseThatLabctlSets(t *testing.T) {
	lab := load(t, "nodes: {a: {ip: 10.0.0.1/24, kind: router, ipv6: true}, s: {kind: bridge}}\nlinks: [a -- s]\n")
	for _, n := range lab.Nodes {
		for _, s := range n.Sysctls {
			if near := nearSysctl(s.Key); near != "" {
				t.Errorf("%s would be called a misspelt %s", s.Key, near)
			}
		}
	}
}

func TestGivenAt(t *testing.T) {
	src := "nodes:\n  a: {ip: 10.0.0.1/24, sysctls: {\"net.ipv4.ip_forwrd\": 1}}\n  b: {ip: 10.0.0.2/24}\nlinks: [a -- b]\n"
	lab := load(t, src)
	at, ok := lab.GivenAt("a", topology.Sysctl{Key: "net/ipv4/ip_forwrd"})
	if line := strings.Split(string(lab.Source), "\n")[max(at.Line, 1)-1]; !ok || !strings.HasPrefix(line[at.Col-1:], `"net.ipv4.ip_forwrd"`) {
		t.Errorf("%v, %v", at, ok)
	}
	if _, ok := lab.GivenAt("b", topology.Sysctl{Key: "net/ipv4/ip_forwrd"}); ok {
		t.Error("b has it too")
	}
	if _, ok := lab.GivenAt("a", topology.Sysctl{Key: "net/ipv4/conf/all/rp_filter"}); ok {
		t.Error("what labctl sets has a place")
	}
}
