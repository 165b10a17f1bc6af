package e2e

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const oversize = `#  a ── b1 ── sw ── b2 ── b     the cables of sw take less than the bridges send
format: 1
lab: oversize
nodes:
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  b1: {kind: bridge}
  b2: {kind: bridge}
  sw: {kind: vswitch, profile: learning, mtu: 1400}
links:
  - a -- b1
  - b -- b2
  - b1 b2 -- sw
`

var _ = Describe("frames that are too long for a port of a virtual switch", func() {
	It("are counted where they die: on the cable, or at the port that they should leave by", func() {
		file := write("oversize.yaml", oversize+`expect:
  drops: |
    at     reason       frames
    sw:b1  MtuExceeded  0
steps:
  - name: long pings
    do:
      - run: {node: a, sh: "ping -q -c1 -W1 -s1372 10.0.0.2; ping -q -c1 -W1 -s1376 10.0.0.2; ping -q -c3 -i0.2 -W1 -s1377 10.0.0.2", exit: 1}
    expect:
      drops: |
        at     reason       frames
        sw:b1  MtuExceeded  3
        sw:b2  MtuExceeded  1
`)
		Expect(labctl("verify", file)).To(Exit(0))
		up(file)
		Expect(labctl("exec", "a", "--", "ping", "-q", "-c1", "-W1", "-s1377", "10.0.0.2")).To(Exit(1))
		Expect(labctl("drops", "--short").out).To(MatchRegexp(`sw:b1 MtuExceeded +longer than the port takes`))
		Expect(labctl("ports").out).To(ContainSubstring("MtuExceeded=1"))
		Expect(labctl("explain", "sw:b1", "--dst", "b", "--src", "a", "--size", "1400").out).To(MatchRegexp(`b2 +yes`))
		Expect(labctl("explain", "sw:b1", "--dst", "b", "--src", "a", "--size", "1404").out).To(MatchRegexp(`lost at b2: MtuExceeded`))
		Expect(labctl("explain", "sw:b1", "--dst", "b", "--src", "a", "--size", "1405").out).To(MatchRegexp(`die on the cable.*MtuExceeded`))
	})

	It("are the cause of a ping that is too long", func() {
		up(write("oversize.yaml", strings.Replace(oversize, "mtu: 1400", "mtu: 68", 1)))
		Expect(labctl("ping", "a", "b").out).To(MatchRegexp(`silent.*dropped: sw:b1 MtuExceeded`))
	})
})
