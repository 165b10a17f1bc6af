package e2e

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const guarded = `# guest .4, other .5, gw .1 ── sw
format: 1
lab: guarded
names:
  forged: {mac: 00:11:22:33:44:55}
nodes:
  sw: {kind: vswitch, profile: distributed}
  guest: {ip: 192.168.0.4/24, mac: 00:50:56:00:00:04}
  other: {ip: 192.168.0.5/24}
  gw: {ip: 192.168.0.1/24, mac: 00:1b:8b:ae:d2:8a}
links:
  - guest:ens192 -- sw
  - other gw -- sw
steps:
  - name: forged frames are let through
    note: the article's second picture
    set:
      sw: {forged_transmits: accept}
    expect:
      ping: ok
  - name: and no more
    reset: [sw]
    expect:
      ping: ok
`

// port is a line of "labctl ports".
type port struct {
	Switch, Port, State, Why, Initial, Effective, Promiscuous string
	Number                                                    uint32
	Policy                                                    map[string]struct{ Value, From string }
	Drops                                                     map[string]uint64
	Rx                                                        uint64 `json:"rx_frames"`
}

func portOf(lab, name string) port {
	GinkgoHelper()
	r := labctl("ports", "-l", lab, name, "-o", "json")
	Expect(r).To(Exit(0))
	list := decode[[]port](r)
	Expect(list).To(HaveLen(1), r.String())
	return list[0]
}

// event is a line of "labctl events".
type event struct {
	Seq                                 uint64
	Kind, Node, Object, Old, New, Cause string
}

func eventsOf(lab string) []event {
	GinkgoHelper()
	r := labctl("events", "-l", lab, "-o", "json")
	Expect(r).To(Exit(0))
	var out []event
	for line := range strings.Lines(r.out) {
		var e event
		Expect(json.Unmarshal([]byte(line), &e)).To(Succeed(), line)
		out = append(out, e)
	}
	return out
}

// articleDrop is the drop of the article's Scapy frame as pktcap-uw shows it; only time, number and name of the port
// are ours.
var articleDrop = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{6}\[\d+\] Captured at Drop point, Drop Reason 'MAC Forgery Drop'\. ` +
	`Drop Function 'L2Sec_FilterSrcMACForgeries'\. TSO not enabled, Checksum not offloaded and not verified, SourcePort \d+ \(sw:guest, MacForgery\), length 60\.\n` +
	` +Segment\[0\] ---- 60 bytes:\n` +
	` +0x0000:  001b 8bae d28a 0011 2233 4455 0800 4500\n` +
	` +0x0010:  001c [0-9a-f]{4} 0000 4001 [0-9a-f]{4} c0a8 0004 c0a8\n` +
	` +0x0020:  0001 0800 f7ff 0000 0000 0000 0000 0000\n` +
	` +0x0030:  0000 0000 0000 0000 0000 0000\n`)

var _ = Describe("a virtual switch", func() {
	var file string
	BeforeEach(func() {
		file = write("guarded.yaml", guarded)
		up(file)
	})

	It("drops the forged frame of the article and shows it as the article does", func() {
		r := labctl("send", "guest", "--src", "00:11:22:33:44:55", "--dst", "gw", "--icmp", "192.168.0.4,192.168.0.1")
		Expect(r).To(Exit(0))
		Expect(r.out).To(MatchRegexp(`^sent 1 frame of 60 bytes from guest`))
		Expect(r.out).To(MatchRegexp(articleDrop.String()))
		r = labctl("drops", "sw:guest")
		Expect(r).To(Exit(0))
		Expect(r.out).To(MatchRegexp(articleDrop.String()))
		p := portOf("guarded", "sw:guest")
		Expect(p.Drops).To(Equal(map[string]uint64{"MacForgery": 1}))
		Expect(p.Initial).To(Equal("00:50:56:00:00:04"))
		Expect(p.Policy["forged_transmits"]).To(Equal(struct{ Value, From string }{"reject", "default"}))

		Expect(labctl("policy", "set", "sw", "forged_transmits=accept")).To(Exit(0))
		r = labctl("send", "guest", "--src", "00:11:22:33:44:55", "--dst", "gw", "--icmp", "192.168.0.4,192.168.0.1")
		Expect(r).To(Exit(0))
		Expect(r.out).NotTo(ContainSubstring("Drop"))
		Expect(portOf("guarded", "sw:guest").Policy["forged_transmits"]).To(Equal(struct{ Value, From string }{"accept", "switch"}))
	})

	It("drops what the real Scapy forges, by the article's own line", func() {
		if _, err := exec.LookPath("scapy"); err != nil {
			Fail("scapy is not installed: scripts/setup.sh")
		}
		// An address that Scapy resolves itself would need an answer to a forged source, so the destination is given.
		r := labctl("exec", "guest", "--", "/usr/bin/python3", "-c",
			`from scapy.all import *; sendp(Ether(src="00:11:22:33:44:55", dst="00:1b:8b:ae:d2:8a")/IP(src="192.168.0.4", dst="192.168.0.1")/ICMP()/Padding(b"\0"*18), iface="ens192", verbose=0)`)
		Expect(r).To(Exit(0))
		Eventually(func() string { return labctl("drops", "sw:guest").out }, "5s").Should(MatchRegexp(articleDrop.String()))
	})

	It("explains what it would do, without doing it", func() {
		r := labctl("explain", "sw:guest", "--src", "00:11:22:33:44:55", "--dst", "gw", "-o", "json")
		Expect(r).To(Exit(0))
		doc := decode[struct {
			Drop  string
			Steps []string
			Fates []struct {
				Port      string
				Delivered bool
			}
		}](r)
		Expect(doc.Drop).To(Equal("MacForgery"))
		Expect(doc.Fates).To(HaveLen(2))
		r = labctl("explain", "sw:guest", "--src", "guest", "--dst", "gw")
		Expect(r).To(Exit(0))
		Expect(r.out).To(MatchRegexp(`(?m)^gw +yes`))
		Expect(r.out).To(MatchRegexp(`(?m)^other +no +FilterNoMatch`))
		Expect(portOf("guarded", "sw:guest").Drops).To(BeEmpty())
	})

	It("shuts the port of a guest that changes its address, tells nobody but the log, and lets it back", func() {
		Expect(labctl("ping", "guest", "gw")).To(Exit(0))
		Expect(labctl("exec", "guest", "--", "ip", "link", "set", "ens192", "address", "00:50:56:00:00:99")).To(Exit(0))
		Expect(labctl("ping", "guest", "gw")).To(Exit(1))
		p := portOf("guarded", "sw:guest")
		Expect(p.State).To(Equal("blocked"))
		Expect(p.Effective).To(Equal("00:50:56:00:00:99"))
		Expect(labctl("exec", "guest", "--", "ip", "link", "show", "ens192").out).To(ContainSubstring("LOWER_UP"))
		Expect(labctl("exec", "guest", "--", "ip", "link", "set", "ens192", "address", "00:50:56:00:00:04")).To(Exit(0))
		Expect(labctl("ping", "guest", "gw")).To(Exit(0))
		var kinds []string
		for _, e := range eventsOf("guarded") {
			if e.Node == "sw" && e.Object == "guest" {
				kinds = append(kinds, e.Kind)
			}
		}
		Expect(kinds).To(ContainElements("mac-change-refused", "port-blocked", "port-unblocked"))
	})

	It("is changed by hand, says how it differs from its file, and is put back", func() {
		Expect(labctl("plan", "-l", "guarded").out).To(ContainSubstring("yaml was at the last"))
		r := labctl("set", "sw.promiscuous=accept", "guest.effective_mac=00:50:56:00:00:77")
		Expect(r).To(Exit(0))
		Expect(r.out).To(ContainSubstring("promiscuous"))
		Expect(labctl("port", "block", "sw:other")).To(Exit(0))
		Expect(portOf("guarded", "sw:other").State).To(Equal("blocked"))
		Expect(labctl("link", "down", "sw:gw")).To(Exit(0))
		Expect(portOf("guarded", "sw:gw").State).To(Equal("down"))
		Expect(labctl("exec", "gw", "--", "ip", "link", "show", "eth0").out).NotTo(ContainSubstring("LOWER_UP"))
		r = labctl("plan", "-l", "guarded")
		Expect(r).To(Exit(0))
		Expect(r.out).To(And(ContainSubstring("sw.promiscuous=accept"), ContainSubstring("effective_mac"), ContainSubstring("ports.other.blocked")))

		By("up keeps it")
		r = labctl("up", file)
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring("kept, set by hand: sw.promiscuous=accept"))
		Expect(portOf("guarded", "sw:other").State).To(Equal("blocked"))

		By("reset takes it back, node by node and at once")
		Expect(labctl("reset", "guest")).To(Exit(0))
		Expect(portOf("guarded", "sw:guest").State).To(Equal("forwarding"))
		Expect(portOf("guarded", "sw:other").State).To(Equal("blocked"))
		Expect(labctl("reset")).To(Exit(0))
		Expect(portOf("guarded", "sw:other").State).To(Equal("forwarding"))
		Expect(labctl("exec", "gw", "--", "ip", "link", "show", "eth0").out).To(ContainSubstring("LOWER_UP"))
		Expect(labctl("plan", "-l", "guarded").out).To(ContainSubstring("yaml was at the last"))
	})

	It("outlives its supervisor: ls says degraded, up heals with what was set by hand, down cleans", func() {
		before := inodes("guarded")
		Expect(labctl("set", "sw.forged_transmits=accept", "sw.ports.other.blocked=true")).To(Exit(0))
		pid := supervisor("guarded")
		Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state("guarded") }, "5s").Should(Equal("degraded"))
		r := labctl("up", file)
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring("kept, set by hand: sw.forged_transmits=accept"))
		Expect(state("guarded")).To(Equal("running"))
		if root {
			Expect(inodes("guarded")).To(Equal(before))
		}
		Expect(portOf("guarded", "sw:other").State).To(Equal("blocked"))
		Expect(portOf("guarded", "sw:guest").Policy["forged_transmits"].Value).To(Equal("accept"))
		Expect(labctl("ping", "guest", "gw")).To(Exit(0))
		Expect(labctl("down", "guarded")).To(Exit(0))
		Expect(instances()).To(BeEmpty())
	})

	It("walks through its steps by hand", func() {
		r := labctl("step", "--list")
		Expect(r).To(Exit(0))
		Expect(r.out).To(MatchRegexp(`(?m)^1 +next +forged frames are let through$`))
		r = labctl("step")
		Expect(r).To(Exit(0))
		Expect(r.out).To(And(ContainSubstring("step 1 of 2"), ContainSubstring("the article's second picture")))
		Expect(portOf("guarded", "sw:guest").Policy["forged_transmits"].Value).To(Equal("accept"))
		Expect(labctl("step", "--all")).To(Exit(0))
		Expect(portOf("guarded", "sw:guest").Policy["forged_transmits"].Value).To(Equal("reject"))
		Expect(labctl("step").out).To(ContainSubstring("all is done: 2 steps"))
	})

	It("takes a guest's interface that vanishes for an unplugged one", func() {
		Expect(labctl("exec", "guest", "--", "ip", "link", "delete", "ens192")).To(Exit(0))
		Eventually(func() string { return portOf("guarded", "sw:guest").State }, "5s").Should(Equal("down"))
		Expect(labctl("ping", "other", "gw")).To(Exit(0))
	})

	DescribeTable("refuses", func(want string, args ...string) {
		r := labctl(args...)
		Expect(r).To(Exit(2))
		Expect(r.err).To(MatchRegexp(want))
		Expect(portOf("guarded", "sw:guest").State).To(Equal("forwarding"))
	},
		Entry("a word that is no policy", `want accept or reject`, "set", "sw.promiscuous=yes"),
		Entry("a key that is none", `unknown key.*promiscuous`, "set", "sw.promiscous=accept"),
		Entry("a node that is not there", `no node "sv"`, "set", "sv.promiscuous=accept"),
		Entry("no assignment", `has no value: write sw.promiscuous=VALUE; want accept or reject`, "set", "sw.promiscuous"),
		Entry("a setting that the platform has not", `ageing`, "set", "sw.ageing=10s"),
		Entry("a VLAN that is none", `vlan`, "set", "sw.vlan=5000"),
		Entry("a port that is not there", `no port "nobody"`, "ports", "sw:nobody"),
		Entry("drops of a host", `not a vswitch`, "drops", "guest"),
		Entry("a frame to nobody", `"nobody"`, "send", "guest", "--dst", "nobody"),
	)
})

var _ = Describe("nested-esxi", func() {
	It("passes vmk0 and drops every other nested address at the outer port, until the policies are set", func() {
		up("nested-esxi")
		Expect(labctl("ping", "vm0", "esxi1")).To(Exit(0))
		Expect(labctl("ping", "esxi1", "vm0")).To(Exit(0))
		r := labctl("ping", "esxi1.vm1", "vm0")
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("no-arp"), ContainSubstring("dropped: dvs:esxi1-vmnic0 MacForgery")))
		r = labctl("drops", "dvs:esxi1-vmnic0")
		Expect(r).To(Exit(0))
		Expect(r.out).To(MatchRegexp(`Drop Reason 'MAC Forgery Drop'.*\(dvs:esxi1-vmnic0, MacForgery\)`))
		Expect(labctl("drops", "esxi1.vSwitch0").out).NotTo(ContainSubstring("Forgery"))

		Expect(labctl("policy", "set", "dvs/Nested", "promiscuous=accept", "forged_transmits=accept")).To(Exit(0))
		Expect(labctl("ping", "esxi1.vm1", "vm0")).To(Exit(0))
		Expect(labctl("ping", "esxi1.vm1", "esxi2.vm1")).To(Exit(0))
	})
})

var _ = Describe("a lab file with a switch that its platform does not allow", func() {
	DescribeTable("is refused with its place", func(line, want string) {
		text := strings.Replace(guarded, "  sw: {kind: vswitch, profile: distributed}\n", line+"\n", 1)
		path := write("bad.yaml", text)
		r := labctl("validate", path)
		Expect(r).To(Exit(2))
		Expect(r.err).To(MatchRegexp(`bad\.yaml:\d+:\d+: .*` + want))
		Expect(labctl("up", path)).To(Exit(2))
	},
		Entry("a port's own policy on a standard switch", `  sw: {kind: vswitch, profile: standard, ports: {guest: {promiscuous: accept}}}`, `ports of a standard switch have no policies of their own`),
		Entry("learning on a standard switch", `  sw: {kind: vswitch, profile: standard, mac_learning: true}`, `standard`),
		Entry("VLAN 5000", `  sw: {kind: vswitch, profile: standard, vlan: 5000}`, `4094`),
	)
})
