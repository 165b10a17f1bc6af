package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const twoNets = `format: 1
lab: diff
nodes:
  s1: {kind: bridge}
  s2: {kind: bridge}
  h:
    interfaces:
      a: {ip: [10.0.0.1/24, "fd00::1/64"]}
      b: {ip: 10.1.0.1/24}
    routes:
      default: [10.0.0.2, "fd00::2"]
      10.5.0.0/16: 10.1.0.9
      10.6.0.0/16: {via: 10.7.7.7, dev: b, onlink: true}
      10.8.8.8/32: {dev: a}
      10.7.0.0/16: 10.8.8.8
      10.9.0.0/16: {type: blackhole}
      10.10.0.0/16: {via: 10.1.0.9, src: 10.0.0.1}
      10.11.0.0/16: {nexthops: [{via: 10.0.0.9}, {via: 10.1.0.9}]}
      10.12.0.0/16: {via: 10.0.0.9, table: 100}
      "fd05::/64": {via: "fe80::1", dev: a}
      "fd06::/64": {dev: b, src: "fd00::1"}
links:
  - h:a -- s1
  - h:b -- s2
`

// What the kernel keeps of these routes, and what it refuses, was read from Linux 6.18 with "ip route" while the
// interfaces were down.
func TestRoutesOfInterfacesThatAreDown(t *testing.T) {
	down := func(src string, interfaces ...string) string {
		for _, i := range interfaces {
			src = strings.Replace(src, "      "+i+": {ip", "      "+i+": {up: false, ip", 1)
		}
		return src
	}
	all := []string{"10.8.8.8/32", "10.9.0.0/16", "10.10.0.0/16", "10.11.0.0/16 2", "10.12.0.0/16", "10.5.0.0/16", "10.6.0.0/16", "10.7.0.0/16", "default", "default", "fd05::/64", "fd06::/64"}
	for _, c := range []struct {
		name     string
		old, new string
		adds     []string
	}{
		{"a goes down", twoNets, down(twoNets, "a"), []string{"10.11.0.0/16 1", "10.9.0.0/16", "10.10.0.0/16", "10.5.0.0/16", "10.6.0.0/16"}},
		{"b goes down", twoNets, down(twoNets, "b"), []string{"10.11.0.0/16 1", "10.12.0.0/16", "10.8.8.8/32", "10.9.0.0/16", "10.7.0.0/16", "default", "default", "fd05::/64"}},
		{"both go down", twoNets, down(twoNets, "a", "b"), []string{"10.9.0.0/16"}},
		{"a comes up", down(twoNets, "a"), twoNets, all},
		{"b comes up, a does not", down(twoNets, "a", "b"), down(twoNets, "a"), []string{"10.11.0.0/16 1", "10.9.0.0/16", "10.10.0.0/16", "10.5.0.0/16", "10.6.0.0/16"}},
		{"a is down from the beginning", "", down(twoNets, "a"), []string{"10.11.0.0/16 1", "10.9.0.0/16", "10.10.0.0/16", "10.5.0.0/16", "10.6.0.0/16"}},
		{"all are up from the beginning", "", twoNets, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := New(mustLoad(t, c.new).Lab, "x")
			if c.old != "" {
				plan, _ = Diff(mustLoad(t, c.old).Lab, mustLoad(t, c.new).Lab, "x")
			}
			var adds []string
			for _, op := range plan.Ops {
				if add, is := op.(AddRoute); is {
					words := strings.Fields(routeArgs(add.Route))
					dst := words[slices.IndexFunc(words, func(w string) bool { return w != "blackhole" })]
					if n := len(add.NextHops); n > 0 {
						dst += fmt.Sprintf(" %d", n)
					}
					adds = append(adds, dst)
				}
			}
			slices.Sort(adds)
			want := slices.Sorted(slices.Values(c.adds))
			if !slices.Equal(adds, want) {
				t.Errorf("adds %q, want %q", adds, want)
			}
		})
	}
}
