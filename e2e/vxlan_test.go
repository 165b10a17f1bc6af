package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// tunnelled are two bridges that a VXLAN joins, over a network with a router in it.
const tunnelled = `# a ── left:br0 ═ VNI 7 ═ right:br0 ── b; left ── r ── right
format: 1
lab: tunnelled
nodes:
  a: {ip: 192.168.7.1/24, mtu: 1450}
  left:
    interfaces:
      out: 10.0.1.1/24
      vx: {vxlan: {id: 7, remote: 10.0.2.1, dev: out}}
      br0: {bridge: [in, vx]}
    routes: {default: 10.0.1.254}
  r: {kind: router, interfaces: {l: 10.0.1.254/24, r: 10.0.2.254/24}}
  right:
    interfaces:
      out: 10.0.2.1/24
      vx: {vxlan: {id: 7, remote: 10.0.1.1, dev: out}}
      br0: {bridge: [in, vx]}
    routes: {default: 10.0.2.254}
  b: {ip: 192.168.7.2/24, mtu: 1450}
links: ["a -- left:in", "left:out -- r:l", "right:out -- r:r", "b -- right:in"]
`

// linkDetails is what "ip -d -j link" says of a VXLAN.
type linkDetails struct {
	Index   int    `json:"ifindex"`
	MTU     int    `json:"mtu"`
	Address string `json:"address"`
	Master  string `json:"master"`
	Info    struct {
		Kind string         `json:"info_kind"`
		Data map[string]any `json:"info_data"`
	} `json:"linkinfo"`
}

func detailsOf(node, name string) linkDetails {
	GinkgoHelper()
	r := labctl("exec", node, "--", "ip", "-d", "-j", "link", "show", "dev", name)
	Expect(r).To(Exit(0))
	list := decode[[]linkDetails](r)
	Expect(list).To(HaveLen(1))
	return list[0]
}

// remotesOf are the static entries of a VXLAN, as bridge(8) has them.
func remotesOf(node, name string) (out []string) {
	GinkgoHelper()
	r := labctl("exec", node, "--", "bridge", "-j", "fdb", "show", "dev", name)
	Expect(r).To(Exit(0))
	for _, e := range decode[[]struct {
		MAC, Dst, State string
	}](r) {
		if e.Dst != "" && e.State == "permanent" {
			out = append(out, e.MAC+" "+e.Dst)
		}
	}
	return out
}

var _ = Describe("a VXLAN", func() {
	It("is what the file says, to iproute2", func() {
		up(write("all.yaml", `format: 1
lab: all
nodes:
  a:
    interfaces:
      eth0: [10.0.0.1/24, "fd00::1/64"]
      v4:
        vxlan: {id: 10, remote: [10.0.0.2, 10.0.0.3], dev: eth0, local: 10.0.0.1, dstport: 8472, ttl: 9, df: set,
          learning: false, ageing: 60s, fdb: {b: 10.0.0.2}}
        mtu: 1400
      v6: {vxlan: {id: 11, remote: "fd00::2", dev: eth0}}
      group: {vxlan: {id: 12, group: 239.1.1.1, dev: eth0}}
      free: {vxlan: {id: 16777215, remote: 10.0.0.2}}
  b: {ip: [10.0.0.2/24, "fd00::2/64"]}
  c: {ip: 10.0.0.3/24}
  host:
    interfaces: {eth0: 10.0.0.4/24}
    nodes:
      guest: {interfaces: {eth0: {vxlan: {id: 10, remote: 10.0.0.1, dev: host:eth0}, ip: 10.9.0.1/24}}}
  s: {kind: bridge}
links: [a:eth0 b c host:eth0 -- s]
`))
		v4, v6, group, free, guest := detailsOf("a", "v4"), detailsOf("a", "v6"), detailsOf("a", "group"), detailsOf("a", "free"), detailsOf("host.guest", "eth0")
		Expect(v4.Info.Kind).To(Equal("vxlan"))
		Expect(v4.MTU).To(Equal(1400))
		Expect(v4.Info.Data).To(And(HaveKeyWithValue("id", 10.0), HaveKeyWithValue("remote", "10.0.0.2"), HaveKeyWithValue("local", "10.0.0.1"),
			HaveKeyWithValue("port", 8472.0), HaveKeyWithValue("ttl", 9.0), HaveKeyWithValue("df", "set"), HaveKeyWithValue("learning", false),
			HaveKeyWithValue("ageing", 60.0), HaveKeyWithValue("link", "eth0")))
		Expect(v6.MTU).To(Equal(1430))
		Expect(v6.Info.Data).To(And(HaveKeyWithValue("remote6", "fd00::2"), HaveKeyWithValue("port", 4789.0), HaveKeyWithValue("learning", true), HaveKeyWithValue("ageing", 300.0)))
		Expect(group.MTU).To(Equal(1450))
		Expect(group.Info.Data).To(HaveKeyWithValue("group", "239.1.1.1"))
		Expect(free.MTU).To(Equal(1500))
		Expect(free.Info.Data).NotTo(HaveKey("link"))
		Expect(guest.MTU).To(Equal(1450))
		b := decode[[]linkDetails](labctl("exec", "b", "--", "ip", "-j", "link", "show", "dev", "eth0"))[0].Address
		Expect(remotesOf("a", "v4")).To(ConsistOf("00:00:00:00:00:00 10.0.0.2", "00:00:00:00:00:00 10.0.0.3", b+" 10.0.0.2"))
	})

	It("joins bridges over a routed network, and tshark reads its packets", func() {
		up(write("tunnelled.yaml", tunnelled))
		file := GinkgoT().TempDir() + "/r.pcapng"
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		DeferCleanup(cancel)
		c := capture(ctx, "r:l", "-w", file)
		Eventually(func() string { return labctl("ping", "a", "b").out }).Should(ContainSubstring("ok"))
		Expect(c.cmd.Process.Signal(os.Interrupt)).To(Succeed())
		Eventually(c.out).Should(Receive())
		_ = c.cmd.Wait() // whatever it says of being interrupted, the file is whole
		if _, err := exec.LookPath("tshark"); err != nil {
			Skip("tshark is not installed")
		}
		out, err := exec.Command("tshark", "-r", file, "-Y", "vxlan.vni == 7 && ip.src == 10.0.1.1 && ip.dst == 10.0.2.1 && udp.dstport == 4789 && (arp || icmp.type == 8)").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.TrimSpace(string(out))).NotTo(BeEmpty())
	})

	It("is changed in place where the kernel can, and made again where not", func() {
		file := write("tunnelled.yaml", tunnelled)
		up(file)
		was := detailsOf("left", "vx")
		changed := func(old, new string) string {
			GinkgoHelper()
			edit(file, old, new)
			r := labctl("up", file)
			Expect(r).To(Exit(0))
			return r.err
		}
		Expect(changed("remote: 10.0.2.1,", "remote: [10.0.2.9, 10.0.2.1], ttl: 9, df: set, learning: false, ageing: 60s,")).To(And(
			ContainSubstring("left: vx: vxlan remote 10.0.2.1 ttl auto df unset learning ageing 300 -> remote 10.0.2.9 ttl 9 df set nolearning ageing 60"),
			ContainSubstring("left: vx: fdb 00:00:00:00:00:00 dst 10.0.2.1")))
		now := detailsOf("left", "vx")
		Expect(now.Index).To(Equal(was.Index))
		Expect(now.Info.Data).To(And(HaveKeyWithValue("remote", "10.0.2.9"), HaveKeyWithValue("ttl", 9.0), HaveKeyWithValue("df", "set"),
			HaveKeyWithValue("learning", false), HaveKeyWithValue("ageing", 60.0), HaveKeyWithValue("id", 7.0), HaveKeyWithValue("port", 4789.0)))
		Expect(remotesOf("left", "vx")).To(ConsistOf("00:00:00:00:00:00 10.0.2.9", "00:00:00:00:00:00 10.0.2.1"))

		changed("remote: [10.0.2.9, 10.0.2.1], ttl: 9, df: set, learning: false, ageing: 60s,", "remote: 10.0.2.1, fdb: {b: 10.0.2.1},")
		now = detailsOf("left", "vx")
		Expect(now.Index).To(Equal(was.Index))
		Expect(now.Info.Data).To(Equal(was.Info.Data))
		Expect(remotesOf("left", "vx")).To(HaveLen(2))
		Expect(changed(", fdb: {b: 10.0.2.1}", "")).To(ContainSubstring("left: vx: fdb "))
		Expect(remotesOf("left", "vx")).To(HaveLen(1))
		Expect(labctl("ping", "a", "b").out).To(ContainSubstring("ok"))

		Expect(changed("id: 7, remote: 10.0.2.1", "id: 8, remote: 10.0.2.1")).To(ContainSubstring("left: vx: rebuilt"))
		now = detailsOf("left", "vx")
		Expect(now.Info.Data).To(HaveKeyWithValue("id", 8.0))
		Expect(now.Address).To(Equal(was.Address))
		Expect(now.Master).To(Equal("br0"))
		Expect(labctl("ping", "a", "b").out).To(ContainSubstring("no-arp"))
		Expect(labctl("up", file).err).To(ContainSubstring("nothing to change"))

		Expect(changed("      vx: {vxlan: {id: 8, remote: 10.0.2.1, dev: out}}\n      br0: {bridge: [in, vx]}", "      br0: {bridge: [in]}")).To(ContainSubstring("left: vx: removed"))
		Expect(labctl("exec", "left", "--", "ip", "link", "show", "dev", "vx")).NotTo(Exit(0))
	})

	It("has the remotes of the file after any change of them, with a device and without", func() {
		for _, dev := range []string{", dev: out", ""} {
			file := write("tunnelled.yaml", strings.Replace(tunnelled, "remote: 10.0.2.1, dev: out}", "remote: 10.0.2.1"+dev+"}, mtu: 1450", 1))
			up(file)
			was := "10.0.2.1"
			for _, now := range []string{"[10.0.2.1, 10.0.2.2]", "[10.0.2.2, 10.0.2.1]", "10.0.2.1", "10.0.2.3", "[10.0.2.4, 10.0.2.3, 10.0.2.1]", "[10.0.2.1, 10.0.2.4]", "10.0.2.4"} {
				edit(file, "remote: "+was+dev+"}", "remote: "+now+dev+"}")
				was = now
				Expect(labctl("up", file)).To(Exit(0))
				var want []any
				for _, a := range strings.Split(strings.Trim(now, "[]"), ", ") {
					want = append(want, "00:00:00:00:00:00 "+a)
				}
				Expect(remotesOf("left", "vx")).To(ConsistOf(want...), now)
			}
			Expect(labctl("down", "tunnelled")).To(Exit(0))
		}
	})

	It("comes back with what it goes over, and with its node", func() {
		file := write("tunnelled.yaml", tunnelled)
		up(file)
		edit(file, "r: {kind: router, interfaces: {l: 10.0.1.254/24", "r: {kind: router, ipv6: true, interfaces: {l: 10.0.1.254/24")
		Expect(labctl("up", file).err).To(ContainSubstring("r: rebuilt"))
		Expect(labctl("ping", "a", "b").out).To(ContainSubstring("ok"))
		edit(file, "      out: 10.0.1.1/24\n", "      out: {ip: 10.0.1.1/24, mac: \"02:00:00:00:00:55\"}\n")
		Expect(labctl("up", file)).To(Exit(0))
		Expect(labctl("ping", "a", "b").out).To(ContainSubstring("ok"))
		edit(file, "mac: \"02:00:00:00:00:55\"", "mtu: 1400")
		edit(file, "interfaces: {l: 10.0.1.254/24", "interfaces: {l: {ip: 10.0.1.254/24, mtu: 1400}")
		Expect(labctl("up", file).err).To(ContainSubstring("left: vx: mtu 1450 -> 1350"))
		Expect(detailsOf("left", "vx").MTU).To(Equal(1350))
	})

	It("is without receive offload, so that silence across it can be proven", func() {
		up(write("tunnelled.yaml", strings.Replace(tunnelled, "b: {ip: 192.168.7.2/24,", "b: {sysctls: {net.ipv4.icmp_echo_ignore_all: 1}, ip: 192.168.7.2/24,", 1)))
		Eventually(func() string { return labctl("ping", "a", "b").out }).Should(ContainSubstring("silent: no answer was received, and none is on its way"))
	})

	It("has its packets waited for in a queue below it", func() {
		// 300 bytes a second: the first request takes what there is, and the next one, 148 bytes with what it is packed
		// in, waits for half a second. No ARP takes part: its answers would wait behind.
		lab := strings.NewReplacer("a: {ip: 192.168.7.1/24,", `a: {mac: "02:00:00:00:00:01", neigh: {192.168.7.2: "02:00:00:00:00:02"}, ip: 192.168.7.1/24,`,
			"b: {ip: 192.168.7.2/24,", `b: {mac: "02:00:00:00:00:02", neigh: {192.168.7.1: "02:00:00:00:00:01"}, ip: 192.168.7.2/24,`,
			"    routes: {default: 10.0.1.254}\n", "    routes: {default: 10.0.1.254}\n    neigh: {10.0.1.254: \"02:00:00:00:00:03\"}\n",
			"      out: 10.0.1.1/24\n", "      out: {ip: 10.0.1.1/24, mac: \"02:00:00:00:00:04\"}\n",
			"r: {kind: router, interfaces: {l: 10.0.1.254/24", `r: {kind: router, neigh: {10.0.1.1: "02:00:00:00:00:04"}, interfaces: {l: {ip: 10.0.1.254/24, mac: "02:00:00:00:00:03"}`).Replace(tunnelled)
		up(write("tunnelled.yaml", lab))
		Expect(labctl("exec", "left", "--", "tc", "qdisc", "add", "dev", "out", "root", "tbf", "rate", "2400bit", "burst", "160", "limit", "10000")).To(Exit(0))
		for range 2 {
			Expect(labctl("ping", "a", "b").out).To(MatchRegexp(`: ok \(`))
		}
	})

	It("has its packets waited for while a proxy below it thinks", func() {
		lab := strings.Replace(tunnelled, "    routes: {default: 10.0.1.254}\n", "", 1)
		lab = strings.Replace(lab, "out: 10.0.1.1/24", "out: 10.0.1.1/16", 1)
		lab = strings.Replace(lab, "r: {kind: router,", "r: {kind: router, sysctls: {proxy_arp: 1, net.ipv4.neigh.l.proxy_delay: 100},", 1)
		up(write("tunnelled.yaml", lab))
		for range rounds(10, 3) {
			Expect(labctl("ping", "a", "b").out).To(MatchRegexp(`: ok \(`))
		}
	})

	It("has its packets explained when a switch drops them", func() {
		up(write("dropped.yaml", `format: 1
lab: dropped
nodes:
  s: {kind: vswitch}
  a:
    interfaces:
      eth0: {ip: 10.0.0.1/24, effective_mac: "02:00:00:00:00:01"}
      vx: {vxlan: {id: 10, remote: 10.0.0.2, dev: eth0}, ip: 10.9.0.1/24}
    neigh: {10.0.0.2: "00:50:56:00:00:02"}
  b:
    interfaces:
      eth0: {ip: 10.0.0.2/24, mac: "00:50:56:00:00:02"}
      vx: {vxlan: {id: 10, remote: 10.0.0.1, dev: eth0}, ip: 10.9.0.2/24}
links: [a:eth0 b:eth0 -- s]
`))
		Expect(labctl("ping", "a", "b:vx").out).To(And(ContainSubstring("no-arp"), ContainSubstring("dropped: s:a PortBlocked")))
	})
})

// What a kernel lacks is lacking for others too, and stops nobody from checking a file.
var _ = Describe("a lab with ipvlans", func() {
	It("is checked and planned everywhere, and built where the kernel has them", func() {
		text, err := os.ReadFile("testdata/cases/ipvlan.yaml")
		Expect(err).NotTo(HaveOccurred())
		file := write("ipvlan.yaml", string(text))
		Expect(labctl("validate", file)).To(Exit(0))
		r := labctl("plan", file)
		Expect(r).To(Exit(0))
		Expect(r.out).To(ContainSubstring("ip -n ipvlan.docker link add link ens160 name eth0 netns ipvlan.docker.c1 mtu 1500 type ipvlan mode l2 bridge\n"))
		out, byHand := privately("ip link add v0 type veth peer name v1; ip link add link v0 name i0 type ipvlan mode l2")
		r = labctl("up", file)
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		if byHand == nil {
			Expect(r).To(Exit(0))
			return
		}
		Expect(r).To(Exit(4), out)
		Expect(r.err).To(ContainSubstring("it has no ipvlan"))
		Expect(instances()).To(BeEmpty())
	})
	It("is not the only one that is refused: other types are not yet there", func() {
		r := labctl("validate", write("types.yaml", "format: 1\nlab: t\nnodes: {a: {interfaces: {b0: {bond: [eth0]}}}}\n"))
		Expect(r).To(Exit(2))
		Expect(r.err).To(And(ContainSubstring(`bond is not yet a type of interface here; make it with "run"`), ContainSubstring("^^^^")))
		Expect(strings.Count(r.err, "types.yaml:")).To(Equal(1), r.err)
	})
})
