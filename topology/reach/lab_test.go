package reach

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
)

// segment describes hosts on one bridge "s1" and returns the lab with the steps that build it. A host is
// "name addr/len[,addr/len] [route via]...".
func segment(timer int, hosts ...string) (*topology.Lab, string) {
	lab := &topology.Lab{Name: "t", Nodes: []*topology.Node{{Name: "s1", Kind: topology.Bridge}}}
	var b bytes.Buffer
	b.WriteString("s1: ip link add s1 type bridge mcast_snooping 0 && ip link set s1 up\n")
	for _, h := range hosts {
		f := strings.Fields(h)
		n := &topology.Node{Name: f[0], Kind: topology.Host}
		i := &topology.Interface{Name: "eth0", Type: topology.Veth, Up: true}
		fmt.Fprintf(&b, "ip link add eth0 netns %s type veth peer name %s netns s1\n", f[0], f[0])
		fmt.Fprintf(&b, "s1: ip link set dev %s master s1 up\n", f[0])
		fmt.Fprintf(&b, "%s: ip link set eth0 up && sysctl -qw net.ipv4.neigh.eth0.retrans_time_ms=%d net.ipv6.neigh.eth0.retrans_time_ms=%d\n", f[0], timer, timer)
		for a := range strings.SplitSeq(f[1], ",") {
			p := netip.MustParsePrefix(a)
			i.Addrs = append(i.Addrs, p)
			if p.Addr().Is6() {
				fmt.Fprintf(&b, "%s: ip addr add %s dev eth0 nodad\n", f[0], a)
			} else {
				fmt.Fprintf(&b, "%s: ip addr add %s dev eth0\n", f[0], a)
			}
		}
		for k := 2; k+1 < len(f); k += 2 {
			fmt.Fprintf(&b, "%s: ip route add %s via %s\n", f[0], f[k], f[k+1])
		}
		n.Interfaces = append(n.Interfaces, i)
		lab.Nodes = append(lab.Nodes, n)
	}
	return lab, b.String()
}

func everyPair(kind string, names ...string) []expect.Question {
	var qs []expect.Question
	for _, a := range names {
		for _, b := range names {
			if a != b {
				qs = append(qs, expect.Question{Kind: kind, A: a, B: b})
			}
		}
	}
	return qs
}

func ask(t testing.TB, p *Prober, kept bool, qs ...expect.Question) []Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	rs, err := p.Ask(ctx, qs, kept)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// text is one line for each result, as a golden text.
func text(rs []Result) string {
	var b strings.Builder
	for _, r := range rs {
		at := ""
		if r.Question.At != "" {
			at = "@" + r.Question.At
		}
		fmt.Fprintf(&b, "%s:%s->%s%s %s\n", r.Question.Kind, r.Question.A, r.Question.B, at, r.Got)
	}
	return b.String()
}

func wantText(t testing.TB, rs []Result, want string) {
	t.Helper()
	if got := text(rs); got != strings.TrimLeft(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
		for _, r := range rs {
			t.Logf("%+v", r)
		}
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
