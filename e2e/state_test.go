package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/randlab"
	labstate "labctl/topology/state"
)

// readState is the state of the lab that runs.
func readState(lab string) *labstate.State {
	GinkgoHelper()
	r := labctl("inspect", "--state", "-l", lab)
	Expect(r).To(Exit(0))
	s, err := labstate.Read([]byte(r.out))
	Expect(err).NotTo(HaveOccurred())
	text, err := s.Text()
	Expect(err).NotTo(HaveOccurred())
	Expect(string(text)).To(Equal(r.out), "written again it is another text")
	return s
}

// expectState reads the lab until it is as the file says, for as long as a spanning tree takes to settle after a step,
// and shows the lines that differ if it never is. In the nodes of ran, steps have run commands: what those did is not
// from the file, and is marked.
func expectState(when string, lab *topology.Lab, ran map[string]bool) {
	GinkgoHelper()
	Eventually(func() string { return unlike(when, lab, readState(lab.Name), ran) }).WithTimeout(time.Minute).
		Should(BeEmpty(), "%s %s: what was read (+) is not what the file says (-)", lab.Name, when)
}

// unlike is in which lines a reading differs from what the file says, or "".
func unlike(when string, lab *topology.Lab, got *labstate.State, ran map[string]bool) string {
	GinkgoHelper()
	want, have := labstate.Of(lab).WithoutTraffic(), got.WithoutTraffic()
	for k := range got.Nodes {
		name := got.Nodes[k].Name
		if !ran[name] {
			if marked := got.Nodes[k].NotFromFile; len(marked) > 0 {
				return fmt.Sprint(name, marked)
			}
			continue
		}
		Expect(got.Nodes[k].Commands).NotTo(BeEmpty(), "%s ran a command in %s, and the state does not say so", when, name)
		for _, n := range []*labstate.Node{want.Node(name), have.Node(name)} {
			n.Commands, n.Foreign, n.Listeners = nil, nil, nil
		}
	}
	return differingLines(lines(want), lines(have))
}

func lines(s *labstate.State) []string {
	GinkgoHelper()
	text, err := s.Text()
	Expect(err).NotTo(HaveOccurred())
	return strings.Split(string(text), "\n")
}

// differingLines are the lines of two texts from the first to the last that differs, "" if none does.
func differingLines(want, have []string) string {
	first := 0
	for first < len(want) && first < len(have) && want[first] == have[first] {
		first++
	}
	last := 0
	for last < len(want)-first && last < len(have)-first && want[len(want)-1-last] == have[len(have)-1-last] {
		last++
	}
	if first == len(want) && first == len(have) {
		return ""
	}
	var out []string
	for _, l := range want[max(0, first-12):first] {
		out = append(out, "  "+l)
	}
	for _, l := range want[first : len(want)-last] {
		out = append(out, "- "+l)
	}
	for _, l := range have[first : len(have)-last] {
		out = append(out, "+ "+l)
	}
	return strings.Join(out[:min(len(out), 200)], "\n")
}

// markedIn says what a reading has marked in a node.
func markedIn(s *labstate.State, node string) []string { return s.Node(node).NotFromFile }

// inLab runs a shell command in a node.
func inLab(lab, node, sh string) result {
	GinkgoHelper()
	r := labctl("exec", "-l", lab, node, "--", "sh", "-c", sh)
	Expect(r).To(Exit(0))
	return r
}

// twoDigits is a bridge's ID with all digits of its address, some of which ip(8) leaves out.
func twoDigits(id string) string {
	priority, mac, _ := strings.Cut(id, ".")
	parts := strings.Split(mac, ":")
	for k, p := range parts {
		parts[k] = strings.Repeat("0", 2-len(p)) + p
	}
	return priority + "." + strings.Join(parts, ":")
}

const stateLab = `
format: 1
lab: stated
ipv6: true
nodes:
  s: {kind: bridge, stp: true, forward_delay: 2s, hello_time: 1s, max_age: 6s}
  t: {kind: bridge, stp: true, forward_delay: 2s, hello_time: 1s, max_age: 6s, priority: 8192}
  v: {kind: vswitch}
  a: {ip: [10.0.0.1/24, 10.0.0.11/24, "2001:db8::1/64"], routes: {default: 10.0.0.254, 10.9.0.0/16: {type: prohibit}}}
  b: {interfaces: {eth0: {up: false, ip: 10.0.0.2/24}, eth1: {ip: 10.0.1.2/24}, m: {macvlan: eth1, ip: 10.0.1.3/24}}}
  r: {kind: router, interfaces: {eth0: {ip: [10.0.0.254/24, "2001:db8::fe/64"]}, eth1: {ip: 10.0.1.254/24}}}
links: [a b:eth0 r:eth0 -- s, "s:t0 -- t:s0", "s:t1 -- t:s1", "b:eth1 -- v", "r:eth1 -- v"]
`

var _ = Describe("the state of a lab", func() {
	for _, f := range labFiles() {
		lab, problems := labfile.Load(f.arg, f.source)
		It(f.arg+" is read as its file says, after up and after each step", Label("slow"), func() {
			Expect(lab).NotTo(BeNil(), "%v %v", f.err, problems)
			up(f.arg)
			ran := map[string]bool{}
			for _, n := range lab.Nodes {
				ran[n.Name] = len(n.Run) > 0
			}
			expectState("after up", lab.Lab, ran)
			for _, s := range lab.Steps {
				r := labctl("step", "-l", lab.Name)
				Expect(r.code).To(BeElementOf(0, 1), r.String())
				for _, a := range s.Do {
					if c, is := a.What.(*labfile.RunAction); is {
						ran[c.Node] = true
					}
				}
				expectState("after the step "+s.Name, s.Lab, ran)
			}
		})
	}

	files, _ := filepath.Glob("../topology/state/testdata/*.yaml")
	for _, file := range files {
		It(filepath.Base(file)+" is read as its file says", func() {
			src, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			lab, problems := labfile.Load(file, src)
			Expect(lab).NotTo(BeNil(), "%v", problems)
			up(write("lab.yaml", string(src)))
			expectState("after up", lab.Lab, nil)
		})
	}

	for _, seed := range drawnSeeds() {
		It(fmt.Sprintf("of seed %d is read as its file says", seed), Label("slow"), func() {
			drawn := randlab.Draw(seed)
			lab, problems := labfile.Load("drawn.yaml", []byte(drawn.Text))
			Expect(lab).NotTo(BeNil(), "%v", problems)
			up(write("drawn.yaml", drawn.Text))
			got := readState(lab.Name)
			want := labstate.Of(lab.Lab)
			for _, s := range []*labstate.State{got, want} { // a frame from elsewhere moves them
				for k := range s.Nodes {
					for j := range s.Nodes[k].Interfaces {
						if b := s.Nodes[k].Interfaces[j].Bridge; b != nil {
							b.FDB = nil
						}
					}
				}
			}
			Expect(differingLines(lines(want.WithoutTraffic()), lines(got.WithoutTraffic()))).To(BeEmpty(), drawn.Text)
		})
	}

	It("is what ip(8) says", func() {
		up(write("stated.yaml", stateLab))
		s := readState("stated")
		for _, n := range s.Nodes {
			var links []struct {
				Ifname, Address string
				Mtu             int
				Promiscuity     int
				Flags           []string
				Linkinfo        struct {
					InfoData struct {
						BridgeID string `json:"bridge_id"`
						RootPort int    `json:"root_port"`
						RootCost int    `json:"root_path_cost"`
					} `json:"info_data"`
					InfoSlaveData struct {
						State string
						Cost  int
					} `json:"info_slave_data"`
				}
			}
			Expect(json.Unmarshal([]byte(inLab("stated", n.Name, "ip -d -j link").out), &links)).To(Succeed())
			Expect(links).To(HaveLen(len(n.Interfaces)), n.Name)
			for k, l := range links {
				i, at := n.Interfaces[k], n.Name+" "+l.Ifname
				Expect(i.Name).To(Equal(l.Ifname), at)
				Expect(i.MTU).To(Equal(l.Mtu), at)
				Expect(i.Promiscuity).To(Equal(l.Promiscuity), at)
				Expect(i.Up).To(Equal(slices.Contains(l.Flags, "UP")), at)
				Expect(i.Carrier).To(Equal(slices.Contains(l.Flags, "LOWER_UP")), at)
				if i.Kind != labstate.Loopback {
					Expect(i.MAC.String()).To(Equal(l.Address), at)
				}
				if i.Bridge != nil {
					Expect(i.Bridge.ID).To(Equal(twoDigits(l.Linkinfo.InfoData.BridgeID)), at)
					// not its root_id, which iproute2 6.1 takes from the bridge's own
					Expect(i.Bridge.Root == i.Bridge.ID).To(Equal(l.Linkinfo.InfoData.RootPort == 0), at)
					Expect(i.Bridge.RootCost).To(Equal(l.Linkinfo.InfoData.RootCost), at)
				}
				if i.Port != nil {
					Expect(i.Port.State).To(Equal(l.Linkinfo.InfoSlaveData.State), at)
					Expect(i.Port.Cost).To(Equal(l.Linkinfo.InfoSlaveData.Cost), at)
				}
			}
			for family, flag := range map[bool]string{true: "-4", false: "-6"} {
				var routes []struct{ Type, Dst, Dev, Gateway, Prefsrc string }
				r := inLab("stated", n.Name, "ip "+flag+" -j -d route show table all")
				Expect(json.Unmarshal([]byte(r.out), &routes)).To(Succeed(), r.String())
				count := 0
				for _, k := range n.Routes {
					if k.Dst.Addr().Is4() == family {
						count++
					}
				}
				Expect(count).To(Equal(len(routes)), "%s: %v\n%s", n.Name, n.Routes, r.out)
			}
		}
	})

	// Its interface has no neighbours of IPv6 whose timers could be set: once "up" failed.
	It("is that of a node with IPv6 whose MTU is too small for it", func() {
		text := "format: 1\nlab: small\nipv6: true\nnodes:\n  a: {ip: [\"2001:db8::1/64\", 10.0.0.1/24]}\n" +
			"  b: {ip: 10.0.0.2/24, mtu: 1200}\nlinks: [a -- b]\n"
		lab, problems := labfile.Load("small.yaml", []byte(text))
		Expect(lab).NotTo(BeNil(), "%v", problems)
		up(write("small.yaml", text))
		expectState("after up", lab.Lab, nil)
	})

	It("marks what is not from the file", func() {
		up(write("stated.yaml", stateLab))
		before := readState("stated")
		for _, n := range before.Nodes {
			Expect(n.NotFromFile).To(BeEmpty(), n.Name)
		}
		inLab("stated", "a", "ip route add 10.7.0.0/16 via 10.0.0.254; ip link set eth0 mtu 1400; echo 5 > /proc/sys/net/ipv4/ip_default_ttl")
		inLab("stated", "r", "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent; ip rule add from 10.0.0.1 lookup 7")
		after := readState("stated")
		Expect(markedIn(after, "a")).To(ContainElements("routes", "interfaces eth0", "sysctls net/ipv4/ip_default_ttl"))
		Expect(markedIn(after, "r")).To(ConsistOf("neighbours", "policies"))
		Expect(markedIn(after, "t")).To(BeEmpty())
	})

	It("marks rules that somebody has taken away, and others that came", func() {
		up(write("ruled.yaml", `
format: 1
lab: ruled
needs: [nft, iptables]
nodes:
  a:
    ip: 10.0.0.1/24
    rules:
      first: {iptables: "-A INPUT -s 10.0.0.9 -m comment --comment nine -j DROP"}
      second: {nft: "table ip mine { chain c { type filter hook input priority 0; tcp dport 81 counter drop; }; }"}
  b: {ip: 10.0.0.2/24}
links: [a -- b]
`))
		whole := readState("ruled")
		Expect(whole.Node("a").Rules).To(HaveLen(2))
		Expect(markedIn(whole, "a")).To(BeEmpty())
		inLab("ruled", "a", "nft delete table ip mine; nft add table ip other; nft add table bridge another")
		after := readState("ruled")
		Expect(after.Node("a").Rules).To(HaveLen(1))
		Expect(after.Node("a").Foreign).To(Equal([]string{"bridge another", "ip other"}))
		Expect(markedIn(after, "a")).To(Equal([]string{"rules"}))
	})

	It("has what traffic has taught, and says which it is", func() {
		up(write("stated.yaml", stateLab))
		Expect(labctl("ping", "a", "r")).To(Exit(0))
		got := readState("stated")
		Expect(got.Node("a").Neighbours).To(ContainElement(HaveField("IP.String()", "10.0.0.254")))
		Expect(got.Node("s").Interface("s").Bridge.FDB).NotTo(BeEmpty())
		Expect(got.WithoutTraffic().Node("a").Neighbours).To(BeEmpty())
		for _, n := range got.Nodes {
			Expect(n.NotFromFile).To(BeEmpty(), n.Name)
		}
	})

	It("has nothing of the machine", func() {
		secret := "xyzzy-secret"
		dir := filepath.Join(GinkgoT().TempDir(), secret)
		Expect(os.Mkdir(dir, 0o755)).To(Succeed())
		file := filepath.Join(dir, "stated.yaml")
		Expect(os.WriteFile(file, []byte(stateLab), 0o644)).To(Succeed())
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		env := []string{"STATE_SECRET=" + secret, "LOGNAME=" + secret, "USER=" + secret}
		Expect(labctlWith(env, "", "up", file)).To(Exit(0))
		r := labctlWith(env, "", "inspect", "--state", "-l", "stated")
		Expect(r).To(Exit(0))
		host, err := os.Hostname()
		Expect(err).NotTo(HaveOccurred())
		secrets := []string{secret, runtimeDir, `"` + host + `"`, "pid"}
		links, err := net.Interfaces()
		Expect(err).NotTo(HaveOccurred())
		for _, l := range links {
			if l.Flags&net.FlagLoopback == 0 {
				secrets = append(secrets, l.HardwareAddr.String())
			}
			addrs, err := l.Addrs()
			Expect(err).NotTo(HaveOccurred())
			for _, a := range addrs {
				if ip := a.(*net.IPNet).IP; !ip.IsLoopback() {
					secrets = append(secrets, `"`+ip.String())
				}
			}
		}
		for _, s := range secrets {
			if s != "" {
				Expect(r.out).NotTo(ContainSubstring(s))
			}
		}
	})

	It("is the same text twice, and of one lab that is made twice", func() {
		file := write("stated.yaml", stateLab)
		once := func() string {
			up(file)
			text := strings.Join(lines(readState("stated").WithoutTraffic()), "\n")
			Expect(labctl("down", "stated")).To(Exit(0))
			return text
		}
		Expect(once()).To(Equal(once()))
	})

	It("is about the whole lab", func() {
		up(write("stated.yaml", stateLab))
		r := labctl("inspect", "--state", "a")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("whole lab"))
	})
})
