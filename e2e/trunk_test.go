package e2e

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Two switches of vSphere's with a trunk between their uplinks: tags are put in front of frames on one side, and taken
// off on the other. Behind them are guests with every offload that a veth has.
const trunk = `# a, c ── left ── trunk ── right ── b, d
format: 1
lab: trunk
nodes:
  left:
    kind: vswitch
    profile: standard
    uplinks: [vmnic0]
    groups: {Ten: {vlan: 10}, Twenty: {vlan: 20}}
  right:
    kind: vswitch
    profile: standard
    uplinks: [vmnic0]
    groups: {Ten: {vlan: 10}, Twenty: {vlan: 20}}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
  d: {ip: 10.0.0.4/24}
links:
  - a -- left/Ten
  - b -- right/Ten
  - c -- left/Twenty
  - d -- right/Twenty
  - left:vmnic0 -- right:vmnic0
expect:
  ping: |
    from\to  a       b       c       d
    a        -       ok      no-arp  no-arp
    b        ok      -       no-arp  no-arp
    c        no-arp  no-arp  -       ok
    d        no-arp  no-arp  ok      -
`

var _ = Describe("a trunk between two virtual switches", func() {
	BeforeEach(func() { up(write("trunk.yaml", trunk)) })

	It("keeps VLANs apart", func() {
		Expect(labctl("verify", "trunk")).To(Exit(0))
	})

	DescribeTable("carries TCP with all offloads on", func(ctx SpecContext, args ...string) {
		cctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		server := command(cctx, "exec", "b", "--", "iperf3", "-s", "-1", "--forceflush")
		out, err := server.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(server.Start()).To(Succeed())
		var said strings.Builder
		b := make([]byte, 200)
		for !strings.Contains(said.String(), "listening") {
			n, err := out.Read(b)
			Expect(err).NotTo(HaveOccurred(), said.String())
			said.Write(b[:n])
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		r := labctl(append([]string{"exec", "a", "--", "iperf3", "-c", "10.0.0.2", "-t", "2", "-J"}, args...)...)
		Expect(r).To(Exit(0))
		var doc struct {
			End struct {
				Received struct {
					Bytes      float64
					BitsPerSec float64 `json:"bits_per_second"`
				} `json:"sum_received"`
			}
		}
		Expect(json.Unmarshal([]byte(r.out), &doc)).To(Succeed())
		// Where a checksum or a segment goes wrong, TCP creeps at a few packets a second; that ping lives says nothing.
		Expect(doc.End.Received.BitsPerSec).To(BeNumerically(">", 100e6), r.out)
		Expect(server.Wait()).To(Succeed())
		// Longer than the MTU: segments went through the switch whole, so the guests' adapters had left them to be cut.
		from := "left:a"
		if len(args) > 0 {
			from = "right:b"
		}
		p := decode[[]struct {
			Frames float64 `json:"rx_frames"`
			Bytes  float64 `json:"rx_bytes"`
		}](labctl("ports", from, "-o", "json"))
		Expect(p[0].Bytes/p[0].Frames).To(BeNumerically(">", 2000), "bytes a frame")
	},
		Entry("one way"),
		Entry("the other way", "-R"),
	)
})
