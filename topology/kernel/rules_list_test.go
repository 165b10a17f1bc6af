package kernel

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/plan"
)

const refusing = `format: 1
lab: t
nodes:
  s1:
    kind: bridge
    rules:
      policy: {load: false, iptables: "-P FORWARD DROP"}
      nameless:
        load: false
        nft: |
          table bridge f {
            chain c { type filter hook forward priority 0; counter comment "all"; ether type ip counter; ether type ip drop; }
          }
      level3: {load: false, level: l3, port_guard: {a: {ip: 10.0.0.9}}}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links: [a b -- s1]
`

// Whatever stops a ping has a line, and says that it counted where the kernel counts.
func TestWhatHasNoNameIsCounted(t *testing.T) {
	s := withTool(t)
	file := loadFile(t, refusing)
	open := file.Lab
	apply(t, s, plan.New(open, "t").Ops...)
	for set, want := range map[string]string{
		"policy":   "FORWARD policy:1",
		"nameless": "all:>0 :1 :-",
		"level3":   ":0 :1 :0 a-ip-from:1 :0 :0 :0 :0 a-ip-to:0",
	} {
		lab, problems := file.Overlaid(0, []labfile.Overlay{{Node: "s1", Path: []string{"rules", set, "load"}, Value: "true"}})
		if lab == nil {
			t.Fatal(problems)
		}
		there, _ := plan.Diff(open, lab, "t")
		apply(t, s, there.Ops...)
		if pings(t, "a", "10.0.0.2") {
			t.Errorf("%s refuses nothing", set)
		}
		n := lab.Node("s1")
		counts, err := s.Counts(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		if printed, err := s.printedCounts(context.Background(), n, n.Loaded()); err != nil || !reflect.DeepEqual(inOrder(counts), inOrder(addUp(printed))) {
			t.Errorf("%s: by netlink %+v, printed %+v, %v", set, counts, printed, err)
		}
		var got []string
		for _, r := range n.RuleSet(set).Listed() {
			word := "-"
			for _, c := range counts {
				if c.Set == set && c.Rule == r.Key {
					if word = fmt.Sprint(c.Packets); r.Name == "all" && c.Packets > 0 { // ARP too
						word = ">0"
					}
				}
			}
			got = append(got, r.Name+":"+word)
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %s, want %s", set, g, want)
		}
		for name := range hits(t, s, "s1", n.Rules...) {
			if strings.ContainsAny(name, "# ") {
				t.Errorf("%s is not a name of a rule", name)
			}
		}
		back, _ := plan.Diff(lab, open, "t")
		apply(t, s, back.Ops...)
	}
}
