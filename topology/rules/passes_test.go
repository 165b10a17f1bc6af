package rules

import (
	"slices"
	"testing"
)

// What a rule asks of interfaces is known where it is written out, in the rule or where its chain is jumped to from.
func TestApproaches(t *testing.T) {
	const nft = "nft"
	for _, c := range []struct {
		form, text string
		passes     []string // an interface that meets the last rule; none: any does
	}{
		{"iptables", "-A FORWARD -m physdev --physdev-out p1 -j DROP", []string{"p1"}},
		{"iptables", "-A FORWARD -op1 -j DROP", []string{"p1"}},
		{"iptables", "-A FORWARD ! -o p1 -j DROP", nil},
		{"iptables", `-A FORWARD -m comment --comment "-o p1" -j DROP`, nil},
		{"iptables", "-N x\n-A FORWARD -m physdev --physdev-in p1 -j x\n-A x -j DROP", []string{"p1"}},
		{"iptables", "-N x\n-A FORWARD -m physdev --physdev-in p1 -j x\n-A INPUT --jump=x\n-A x -j DROP", nil},
		{nft, "oifname p1 counter drop", []string{"p1"}},
		{nft, "oifname == { \"p1\", p2 } counter drop", []string{"p1", "p2"}},
		{nft, "oifname != p1 counter drop", nil},
		{nft, "iifname . oifname { p1 . p2 } counter drop", nil},
		{nft, "ip protocol icmp counter drop", nil},
	} {
		body := c.text
		if c.form == nft {
			body = "table bridge f {\n\tchain c {\n\t\ttype filter hook forward priority 0; policy accept;\n" + c.text + "\n\t}\n}"
		}
		set := readWell(t, c.form, body)
		listed := set.Listed()
		all := Approaches([]*Set{set})[[2]string{"x", listed[len(listed)-1].Key}]
		meets := func(name string) bool {
			return len(all) == 0 || slices.ContainsFunc(all, func(a Approach) bool {
				return !slices.ContainsFunc(a, func(p Passes) bool { return !p.Holds(name) })
			})
		}
		for _, name := range []string{"p1", "p2", "p3"} {
			if want := len(c.passes) == 0 || slices.Contains(c.passes, name); meets(name) != want {
				t.Errorf("%s: %s meets it: %v", c.text, name, !want)
			}
		}
	}
}
