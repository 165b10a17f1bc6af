package plan

import (
	"strings"
	"testing"
)

const ruled = `format: 1
lab: ruled
nodes:
  s1: {kind: bridge}
  a:
    ip: 10.0.0.1/24
    routes: {default: 10.0.0.2}
    ip_rules: {7: {action: prohibit}, 9: {from: 10.0.0.1, table: 100}}
links: [a -- s1]
`

// The kernel looks up the gateway of a route by the rules that there are, and 7 would have it refuse every route: where
// routes are written, all rules come behind them; where they are not, only the rules that differ change.
func TestIPRulesAreBehindRoutes(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"from nothing", "", ruled, "add default; rule add 7; rule add 9"},
		{"another gateway", ruled, strings.Replace(ruled, "10.0.0.2}", "10.0.0.3}", 1), "rule del 7; rule del 9; del default; add default; rule add 7; rule add 9"},
		{"another rule", ruled, strings.Replace(ruled, "table: 100", "table: 5", 1), "rule del 9; rule add 9"},
		{"one less", ruled, strings.Replace(ruled, "7: {action: prohibit}, ", "", 1), "rule del 7"},
		{"another address on lo", ruled, strings.Replace(ruled, "ip: 10", "interfaces: {lo: 10.9.9.9/32}\n    ip: 10", 1),
			"rule del 7; rule del 9; del default; add default; rule add 7; rule add 9"},
		{"the same", ruled, ruled, ""},
		{"IPv6 too", ruled, strings.Replace(ruled, "{action: prohibit}", "{action: prohibit, family: ipv4}", 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := New(mustLoad(t, c.new).Lab, "x")
			if c.old != "" {
				plan, _ = Diff(mustLoad(t, c.old).Lab, mustLoad(t, c.new).Lab, "x")
			}
			var got []string
			for _, line := range plan.Commands() {
				words := strings.Fields(line)
				for i, w := range words {
					switch w {
					case "route":
						got = append(got, words[i+1]+" "+words[i+2])
					case "rule":
						got = append(got, "rule "+words[i+1]+" "+words[i+3])
					}
				}
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}
