//go:build linux

package kernel

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/plan"
)

// TestKernelHasTheGivenValues: what the lab gives is what the kernel has, whatever labctl and the kernel set besides;
// when the node is made, and after changes in place.
func TestKernelHasTheGivenValues(t *testing.T) {
	const src = `
format: 1
lab: given
nodes:
  r: {kind: %s, ipv6: true, sysctls: {%s}}
  b: {}
links: [r -- b]
`
	states := []*topology.Lab{
		load(t, fmt.Sprintf(src, "router", "net.ipv4.conf.default.forwarding: 0, net.ipv6.conf.default.forwarding: 0, net.ipv4.conf.eth0.forwarding: 0, net.ipv6.conf.eth0.forwarding: 0")),
		load(t, fmt.Sprintf(src, "host", "net.ipv4.conf.default.forwarding: 1, net.ipv6.conf.default.forwarding: 0, net.ipv4.conf.eth0.forwarding: 1, net.ipv6.conf.eth0.forwarding: 1")),
		load(t, fmt.Sprintf(src, "host", "net.ipv4.conf.all.forwarding: 1, accept_redirects: 1, net.ipv6.conf.all.disable_ipv6: 1, net.ipv6.conf.default.disable_ipv6: 0, net.ipv6.conf.eth0.disable_ipv6: 0")),
		load(t, fmt.Sprintf(src, "router", "net.ipv4.conf.all.forwarding: 0, net.ipv4.icmp_echo_ignore_all: 1, net.ipv4.icmp_ratelimit: 80, net.ipv4.neigh.eth0.retrans_time_ms: 700, net.ipv4.neigh.eth0.proxy_delay: 33, net.ipv6.neigh.eth0.proxy_delay: 0, net.ipv4.conf.default.forwarding: 0")),
	}
	check := func(what string, s *held, lab *topology.Lab) {
		t.Helper()
		for _, v := range lab.Node("r").Sysctls {
			if !v.Given {
				continue
			}
			if err := s.Enter("r", func() error {
				b, err := os.ReadFile("/proc/sys/" + v.Key)
				if got := strings.TrimSpace(string(b)); got != v.Value {
					t.Errorf("%s: %s is %q, the lab gives %s (%v)", what, v.Key, got, v.Value, err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, first := range states {
		s, _ := newSpace(t)
		apply(t, s, plan.New(first, "t").Ops...)
		check(fmt.Sprint("made as ", i), s, first)
		for k, next := range states {
			to, _ := plan.Diff(first, next, "t")
			apply(t, s, to.Ops...)
			check(fmt.Sprint(i, " -> ", k), s, next)
			back, _ := plan.Diff(next, first, "t")
			apply(t, s, back.Ops...)
			check(fmt.Sprint(k, " -> ", i), s, first)
		}
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}
