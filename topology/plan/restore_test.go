package plan

import (
	"strings"
	"testing"
)

// TestRestoreInsertsByNumber: the number behind -I belongs to the chain; the comment with the rule's name follows
// it.
func TestRestoreInsertsByNumber(t *testing.T) {
	lab := rulesLab(t, `      deny:
        iptables: |
          -A FORWARD -j ACCEPT              # last
          -I FORWARD -s 10.0.0.1 -j DROP    # first
          -I FORWARD 2 -s 10.0.0.2 -j DROP  # second
`)
	text := SetRules{Node: "s1", To: lab.Node("s1").Loaded()}.Tables()[0].Text
	for _, want := range []string{
		"-A FORWARD -m comment --comment labctl:deny/last -j ACCEPT\n",
		"-I FORWARD -m comment --comment labctl:deny/first -s 10.0.0.1 -j DROP\n",
		"-I FORWARD 2 -m comment --comment labctl:deny/second -s 10.0.0.2 -j DROP\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %sin\n%s", want, text)
		}
	}
}
