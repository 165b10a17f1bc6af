package e2e

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// remade is a bridge and a virtual switch that are restarted in the middle of steps.
const remade = `# a b ── s1; c d e ── sw
format: 1
lab: remade
nodes:
  s1:
    kind: bridge
    rules:
      count:
        nft: |
          table bridge count {
            chain c {
              type filter hook forward priority 0; policy accept;
              ether type 0x88b5 counter comment "met"
            }
          }
  a: {ip: 10.77.1.1/24}
  b: {ip: 10.77.1.2/24}
  sw: {kind: vswitch, profile: distributed, ports: {e: {blocked: true}}}
  c: {ip: 10.77.2.1/24}
  d: {ip: 10.77.2.2/24}
  e: {ip: 10.77.2.3/24}
links:
  - a b -- s1
  - c d e -- sw
steps:
  - name: before
    do:
      - send: {name: three, from: a, dst: b, type: 0x88b5, count: 3}
      - stream: {name: bound, from: "c:eth0", to: d, every: 20ms}
      - send: {name: beat, from: c, dst: d, type: 0x88b7, every: 10ms}
    wait:
      streams: |
        stream  is
        bound   ok
    expect:
      sees: |
        flow\at  d
        beat     yes
      hits: |
        rule          hits
        s1/count/met  3
  - name: hits count from 0, drops go on, listeners hear
    do:
      - send: {name: early, from: c, src: 00:00:5e:00:00:11, dst: d, type: 0x88b5, count: 3}
      - restart: [s1, sw]
      - send: {name: five, from: a, dst: b, type: 0x88b5, count: 5}
      - send: {name: late, from: c, src: 00:00:5e:00:00:12, dst: d, type: 0x88b5, count: 2}
      - send: {name: through, from: c, dst: d, type: 0x88b6}
    expect:
      sees: |
        flow\at  a    b    s1:b  d    sw:c  sw:d
        five     yes  yes  yes   no   no    no
        early    no   no   no    no   yes   no
        late     no   no   no    no   yes   no
        through  no   no   no    yes  yes   yes
        beat     no   no   no    yes  yes   yes
      hits: |
        rule          hits
        s1/count/met  5
      drops: |
        at    reason      frames
        sw:c  MacForgery  5
      streams: |
        stream  is
        bound   ok
  - name: drops begin anew with a step
    expect:
      drops: |
        at    reason      frames
        sw:c  MacForgery  0
`

var _ = Describe("restart in a step", func() {
	It("leaves no listener deaf, no stream lost, no drop forgotten and no hit counted before it", func() {
		r := labctl("verify", write("remade.yaml", remade))
		Expect(r).To(Exit(0))
	})

	It("gives a guest its macvlan back at once, which wants the same address on the host's interface", func() {
		r := labctl("verify", write("stacked.yaml", `format: 1
lab: stacked
nodes:
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24, nodes: {guest: {interfaces: {eth0: {macvlan: h2:eth0, ip: 10.0.0.3/24}}}}}
links: [h1 -- h2]
steps:
  - name: again
    do: [{restart: [h2.guest]}, {restart: [h2.guest]}, {restart: [h2.guest]}]
    expect:
      ping: |
        from\to  h2.guest
        h1       ok
`))
		Expect(r).To(Exit(0))
	})

	It("of a node that listens is noticed too", func() {
		text := strings.Replace(remade, "restart: [s1, sw]", "restart: [b, d]", 1)
		Expect(text).NotTo(Equal(remade))
		r := labctl("verify", write("remade.yaml", text))
		Expect(r).To(Exit(0))
	})
})

var _ = Describe("capture of drops", func() {
	It("has a lost copy where drops has it", func(ctx SpecContext) {
		up(write("remade.yaml", remade))
		at := capture(ctx, "sw:e", "--drops", "-c", "1")
		from := capture(ctx, "sw:c", "--drops")
		Expect(labctl("send", "c", "--dst", "broadcast", "--type", "0x88b5")).To(Exit(0))
		r := at.wait()
		Expect(r.out).To(ContainSubstring(" Drop       sw:e  "))
		Expect(r.out).To(HaveSuffix("[PortBlocked, a copy from c]\n"))
		Expect(labctl("drops", "sw:e").out).To(ContainSubstring("PortBlocked"))
		Expect(from.stop().out).NotTo(ContainSubstring("PortBlocked"))
		Expect(labctl("drops", "sw:c").out).NotTo(ContainSubstring("PortBlocked"))
	}, SpecTimeout(limit))
})
