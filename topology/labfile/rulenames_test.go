package labfile

import (
	"fmt"
	"strings"
	"testing"
)

// An interface that the node does not have is told of, at its word.
func TestRuleNames(t *testing.T) {
	const above = "format: 1\nlab: x\nnodes:\n  s1:\n    kind: bridge\n    rules:\n      x:\n        %s: |\n"
	for _, tt := range []struct{ form, text, want string }{
		{"iptables", "-A FORWARD -m physdev --physdev-in vk63 --physdev-out vk99 -j DROP", "vk99"},
		{"iptables", "-A FORWARD -m physdev ! --physdev-in vk99 -j DROP", "vk99"},
		{"iptables", "-A FORWARD -m physdev --physdev-in vk+ -j DROP", ""},
		{"iptables", "-A INPUT -i lo -j ACCEPT\n-A INPUT -i s1 -j ACCEPT\n-A INPUT -i w+ -j ACCEPT", "w+"},
		{"nft", "table bridge t {\nchain c {\niifname \"vk99\" oifname vk63 drop\n}\n}", "vk99"},
		{"nft", "table bridge t {\nchain c {\niifname != { \"vk63\", \"vk6*\", \"vk99\" } drop\n}\n}", "vk99"},
		{"nft", "table bridge t {\nset ports { type ifname; }\nchain other { }\nchain c {\niifname vmap { \"vk63\" : drop, \"vk99\" : jump other }\niifname @ports drop\niifname . oifname { vk1 . vk2 } drop\n}\n}", "vk99"},
		{"nft", "table netdev t {\nchain c {\ntype filter hook ingress device \"vk99\" priority 0;\n}\n}", "vk99"},
		{"nft", "table netdev t {\nchain c {\ntype filter hook ingress device \"vk63\" priority 0;\n}\n}", ""},
	} {
		body := "          " + strings.ReplaceAll(tt.text, "\n", "\n          ")
		lab, problems := Load("x.yaml", []byte(fmt.Sprintf(above, tt.form)+body+"\n  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\nlinks: [\"a -- s1:vk63\", \"b -- s1:vk64\"]\n"))
		switch {
		case lab == nil:
			t.Errorf("%s: %v", tt.text, problems)
		case tt.want == "" && len(problems) == 0:
		case len(problems) != 1:
			t.Errorf("%s: want %q, got %v", tt.text, tt.want, problems)
		default:
			p := problems[0]
			if at := strings.Trim(p.Source[p.Col-1:][:p.Width], `"`); at != tt.want || !p.Warning || !strings.HasPrefix(p.Message, `s1 has no interface "`+tt.want+`", so`) {
				t.Errorf("%s: at %q: %v", tt.text, at, problems)
			}
		}
	}
}
