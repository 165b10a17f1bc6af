package reach

import (
	"fmt"
	"testing"
	"time"

	"labctl/topology/expect"
)

// TestManyErrorsAtOnce: when a router gives up a neighbour, it has an error for each packet that waited. What its
// kernel cannot send at once it drops, and no request is silent for that.
func TestManyErrorsAtOnce(t *testing.T) {
	lab, steps := segment(200, "a 10.0.0.1/24 10.9.0.0/16 10.0.0.9", "b 10.0.0.2/24 10.9.0.0/16 10.0.0.9", "c 10.0.0.3/24 10.9.0.0/16 10.0.0.9",
		"d 10.0.0.4/24 10.9.0.0/16 10.0.0.9", "r 10.0.0.9/24,10.1.0.9/16 10.9.0.0/16 10.1.0.1")
	steps += "r: sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0\n"
	p := &Prober{Lab: lab, Machine: build(t, lab, steps), Patience: 3 * time.Second}
	defer p.Close()
	var qs []expect.Question
	for i := range 100 {
		for _, from := range []string{"a", "b", "c", "d"} {
			qs = append(qs, expect.Question{Kind: "ping", A: from, B: fmt.Sprintf("10.9.0.%d", i+1)})
		}
	}
	words := map[string]int{}
	for _, r := range ask(t, p, false, qs...) {
		words[r.Got]++
	}
	if words["icmp:host-unreachable@r"] != len(qs) {
		t.Errorf("%v, want %d times icmp:host-unreachable@r", words, len(qs))
	}
}
