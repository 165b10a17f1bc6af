package plan

import (
	"strings"
	"testing"
)

func TestTablesSayWhatChanges(t *testing.T) {
	for _, c := range []struct{ old, new, says string }{
		{", routes: {default: 10.0.0.254}", "", "b: route default: via 10.0.0.254 -> -"},
		{"default: 10.0.0.254", "default: {via: 10.0.0.254, metric: 5}",
			"b: route default: via 10.0.0.254 -> -; b: route default metric 5: - -> via 10.0.0.254 metric 5"},
		{"a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, routes: {10.9.0.0/16: {type: blackhole}, default: {via: 10.0.0.2, src: 10.0.0.1}}}",
			"a: route 10.9.0.0/16: - -> blackhole; a: route default: - -> via 10.0.0.2 src 10.0.0.1"},
		{"default: 10.0.0.254}", "default: [10.0.0.254, {via: 10.0.0.253, table: 100, metric: 3}]}, ip_rules: {7: {from: 10.0.0.2, table: 100}}",
			"b: route default table 100 metric 3: - -> via 10.0.0.253 metric 3 table 100; b: ip rule 7: - -> from 10.0.0.2 table 100"},
		{"default: 10.0.0.254", "default: {nexthops: [{via: 10.0.0.254}, {dev: eth0, weight: 5}]}",
			"b: sysctl net/ipv4/fib_multipath_hash_seed: 0 -> 1; b: route default: via 10.0.0.254 -> nexthop via 10.0.0.254 weight 1 nexthop dev eth0 weight 5"},
		{"a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, interfaces: {lo: 10.255.0.1/32}}", "a: lo: ip [] -> [10.255.0.1/32]"},
		{"default: 10.0.0.254}", `default: 10.0.0.254}, neigh: {10.0.0.9: "02:00:00:00:00:09"}`, "b: eth0: neigh 10.0.0.9: - -> 02:00:00:00:00:09"},
	} {
		if strings.Count(diffBase, c.old) != 1 {
			t.Fatalf("%q is not there once", c.old)
		}
		_, changes := Diff(mustLoad(t, diffBase).Lab, mustLoad(t, strings.Replace(diffBase, c.old, c.new, 1)).Lab, "x")
		var said []string
		for _, ch := range changes {
			said = append(said, ch.Node+": "+ch.What)
		}
		if got := strings.Join(said, "; "); got != c.says {
			t.Errorf("%s: says %q, want %q", c.new, got, c.says)
		}
	}
}
