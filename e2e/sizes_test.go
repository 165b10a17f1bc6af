package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// narrow is two hosts behind a router that speaks of its narrower link, and one behind a bridge that says nothing.
const narrow = `#  a ── gw ══ 1400 ══ b        gw ── s1 ─ 1300 ─ c
format: 1
lab: narrow
ipv6: true
nodes:
  a: {ip: [10.0.1.1/24, "fd01::1/64"], routes: {default: [10.0.1.254, "fd01::fe"]}}
  b: {ip: [10.0.2.1/24, "fd02::1/64"], mtu: 1400, routes: {default: [10.0.2.254, "fd02::fe"]}}
  c: {ip: [10.0.3.1/24, "fd03::1/64"], routes: {default: [10.0.3.254, "fd03::fe"]}}
  s1: {kind: bridge, ports: {c: {mtu: 1300}}}
  gw:
    kind: router
    interfaces:
      a: [10.0.1.254/24, "fd01::fe/64"]
      b: {ip: [10.0.2.254/24, "fd02::fe/64"], mtu: 1400}
      c: [10.0.3.254/24, "fd03::fe/64"]
links:
  - a -- gw:a
  - b -- gw:b
  - gw:c -- s1
  - c -- s1
`

var _ = Describe("pings of a size", func() {
	It("are what iputils says of them", func() {
		up(write("narrow.yaml", narrow))
		for _, to := range []string{"10.0.2.1", "10.0.3.1", "fd02::1", "fd03::1"} {
			for _, size := range []int{1200, 1372, 1373, 1472, 1473} {
				for _, df := range []bool{true, false} {
					mode := map[bool]string{true: "do", false: "dont"}[df]
					Expect(labctl("exec", "a", "--", "sh", "-c", "ip neigh flush all; ip route flush cache; ip -6 route flush cache")).
						To(Exit(0))
					r := labctl("exec", "a", "--", "ping", "-n", "-c1", "-W0.5", "-M", mode, "-s", fmt.Sprint(size), to)
					said := r.out + r.err
					word := "silent"
					for text, of := range map[string]string{"bytes from": "ok", "message too long": "too-big", "Frag needed": "icmp:frag-needed@gw",
						"Packet too big": "icmp:packet-too-big@gw"} {
						if strings.Contains(said, text) {
							word = of
						}
					}
					got := labctl("ping", "a", to, "-s", fmt.Sprint(size), fmt.Sprintf("--df=%v", df))
					Expect(got.out).To(HavePrefix("a -> %s: %s", to, word), "ping -M %s: %s", mode, said)
				}
			}
		}
	})

	It("are judged by tables, questions and cases, and say what a short ping does", func() {
		file := write("narrow.yaml", narrow+`expect:
  ping:
    - ok
    - size: 1472
      df: true
      table: |
        from\to  b                    c
        a        icmp:frag-needed@gw  ok
  ping6:
    - size: 1352
      table: ok
  mtu: |
    from\to  a     b     c
    a        -     1400  blackhole:1304
    b        1400  -     blackhole:1304
  mtu6: |
    from\to  c
    a        1304|blackhole:1304
steps:
  - name: questions
    cases:
      narrow: {}
      wide: {s1: {ports: {c: {mtu: 1500}}}}
    expect:
      cases: |
        question                  narrow          wide
        ping,size=1472,df:a->c    silent          ok
        ping6,size=1452:a->c      silent          ok
        mtu:a->c                  blackhole:1304  1500
`)
		r := labctl("verify", file, "-o", "json")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring(`"question": "ping,df,size=1472:a->c"`))
		Expect(r.out).To(MatchRegexp(`no answer was received[^"]*; a ping of 56 bytes is answered; too long for s1:c \(mtu 1300\)`))
		Expect(labctl("verify", file, "--update")).To(Exit(0))
		again := labctl("verify", file)
		Expect(again).To(Exit(0))
		Expect(again.out).To(ContainSubstring("ping,df,size=1472\n"))
		Expect(again.out).To(ContainSubstring("ping6,size=1352\n"))
	})

	It("are asked for by flags", func() {
		up(write("narrow.yaml", narrow))
		Expect(labctl("ping", "a", "b", "--df", "--size", "1472").out).To(ContainSubstring("(mtu = 1400); the path MTU that a holds now is 1400"))
		Expect(labctl("ping", "a", "b", "--size", "1472")).To(Exit(0))
		Expect(labctl("ping", "a", "b", "-6", "--size", "1353").out).To(ContainSubstring("icmp:packet-too-big@gw"))
		Expect(labctl("matrix", "--size", "1472", "--df", "--from", "a", "--to", "b,c", "-o", "json").out).
			To(And(ContainSubstring(`"with": "df,size=1472"`), ContainSubstring(`"kind": "too-long"`)))
		Expect(labctl("matrix", "--probe", "mtu", "--from", "a", "--to", "b,c").out).To(MatchRegexp(`a +1400 +blackhole:1304`))
		Expect(labctl("matrix", "--probe", "mtu6", "--from", "a", "--to", "b,c").out).To(MatchRegexp(`a +1400 +blackhole:1304`))
		for _, bad := range [][]string{{"ping", "a", "b", "--size", "65508"}, {"ping", "a", "b", "--size", "-1"},
			{"ping", "a", "b", "--size", "big"}, {"matrix", "--probe", "arp", "--size", "100"}, {"matrix", "--probe", "mtu", "--df"}} {
			Expect(labctl(bad...)).To(Exit(2))
		}
	})

	It("whose silence is proven: a search for the longest packet waits for none", func() {
		file := write("narrow.yaml", narrow+"expect: {mtu: \"blackhole*|1400|1500\"}\n")
		r := labctl("verify", file, "--timing")
		Expect(r).To(Exit(0))
		Expect(r.out).NotTo(ContainSubstring("waited"))
	})

	It("are answered late, and the longest is found all the same", func() {
		ready := GinkgoT().TempDir() + "/ready"
		up(write("narrow.yaml", strings.Replace(narrow, "mtu: 1400, routes: {default: [10.0.2.254, \"fd02::fe\"]}}",
			`mtu: 1400, routes: {default: 10.0.2.254}, sysctls: {net.ipv4.icmp_echo_ignore_all: 1},
      run: [{sh: "exec python3 `+write("late.py", answering)+` packet 10.0.2.1 0.4 `+ready+`", background: true, ready: "file:`+ready+`"}]}`, 1)))
		Expect(labctl("matrix", "--probe", "mtu", "--from", "a", "--to", "b").out).To(MatchRegexp(`a +1400\n`))
	})

	It("that would take hours are refused with what they cost", func() {
		var nodes, links strings.Builder
		for i := range 120 {
			fmt.Fprintf(&nodes, "  h%d: {ip: 10.0.0.%d/24}\n", i, i+1)
			fmt.Fprintf(&links, "  - h%d -- s1\n", i)
		}
		r := labctl("validate", write("many.yaml", "format: 1\nlab: many\nnodes:\n  s1: {kind: bridge}\n"+nodes.String()+
			"links:\n"+links.String()+"expect: {mtu: 1500}\n"))
		Expect(r).To(Exit(2))
		Expect(r.out + r.err).To(MatchRegexp(`more than the 10000 that a table of mtu may ask: each is asked by .* pings, about .*`))
	})
})
