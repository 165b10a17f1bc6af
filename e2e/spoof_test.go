package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/labs"
	"labctl/topology/expect"
	"labctl/topology/labfile"
)

// tool is where a program of the tests is, also for a user whose PATH lacks the directories of root.
func tool(name string) string {
	GinkgoHelper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	path := filepath.Join("/usr/sbin", name)
	if _, err := os.Stat(path); err != nil {
		Fail(name + " is not installed: scripts/setup.sh")
	}
	return path
}

// The lab's own attack, and its ends.
const (
	builtIn       = "      - arp_spoof: {from: kali4, victim: kali3, claims: kali5, both: true}\n"
	builtInStop   = "      - stop: arp_spoof\n"
	builtInSilent = "      - stop: {name: arp_spoof, silent: true}\n"
)

// withArpspoof is mitm-one-bridge with dsniff's arpspoof, started twice as the article does, for the action arp_spoof.
// Its end by SIGTERM corrects the victims; for one without a word it has to be killed.
func withArpspoof(text string) string {
	GinkgoHelper()
	lie := func(name, victim, claims string) string {
		return fmt.Sprintf("      - run: {node: kali4, background: true, name: %s, sh: exec %s -i eth0 -t %s %s}\n",
			name, tool("arpspoof"), victim, claims)
	}
	for _, r := range []struct {
		old, new string
		times    int
	}{
		{builtIn, lie("lie3", "192.168.50.13", "192.168.50.15") + lie("lie5", "192.168.50.15", "192.168.50.13"), 2},
		{builtInStop, "      - stop: lie3\n      - stop: lie5\n", 1},
		{builtInSilent, "      - stop: {name: lie3, silent: true}\n      - stop: {name: lie5, silent: true}\n", 1},
	} {
		Expect(strings.Count(text, r.old)).To(Equal(r.times), r.old)
		text = strings.ReplaceAll(text, r.old, r.new)
	}
	return text
}

// verdicts counts the cells that a lab's file wants judged.
func verdicts(lab *labfile.File) int {
	n := 0
	count := func(e *expect.Expectation) {
		if e == nil {
			return
		}
		for _, t := range e.Tables {
			for _, c := range t.Cells {
				if c.Judged {
					n++
				}
			}
		}
	}
	count(lab.Expect)
	for _, s := range lab.Steps {
		count(s.Expect)
	}
	return n
}

// forge has Scapy tell kali3 four times within two seconds that kali5 is at kali4: an entry less than a second old is
// not changed by a reply that nobody asked for (locktime in arp(7)).
func forge() {
	GinkgoHelper()
	Expect(labctl("exec", "kali4", "--", "/usr/bin/python3", "-c", `from scapy.all import *
sendp(Ether(dst="52:54:00:9f:5d:c1")/ARP(op=2, psrc="192.168.50.15", hwdst="52:54:00:9f:5d:c1", pdst="192.168.50.13"),
      iface="eth0", count=4, inter=0.5, verbose=0)`)).To(Exit(0))
}

// holder is the node whose MAC kali3 has for kali5's address.
func holder() string {
	GinkgoHelper()
	r := labctl("neigh", "kali3", "-o", "json")
	Expect(r).To(Exit(0))
	for _, e := range decode[[]struct{ Addr, Holder string }](r) {
		if e.Addr == "192.168.50.15" {
			return e.Holder
		}
	}
	return ""
}

// refused is how many of kali4's ARP packets the guard of its port has stopped.
func refused() uint64 {
	GinkgoHelper()
	k := ruleOf("port-guard", "guard", "vk64-arp")
	Expect(k.Packets).NotTo(BeNil())
	return *k.Packets
}

var _ = Describe("ARP spoofing with the real tools", func() {
	It("by arpspoof gets the verdicts that the built-in action gets", Label("slow"), func() {
		text, err := labs.Read("mitm-one-bridge")
		Expect(err).NotTo(HaveOccurred())
		lab, _ := labfile.Load("mitm-one-bridge", text)
		Expect(lab).NotTo(BeNil())
		file := write("mitm-one-bridge.yaml", withArpspoof(string(text)))
		r := labctl("verify", file, "--new", "-o", "json")
		Expect(r).To(Exit(0))
		got := decode[verification](r)
		Expect(got.Judged).To(Equal(verdicts(lab)))
		Expect(got.Differ).To(BeZero())
	})

	It("by Scapy and arpspoof deceives a victim, and no more behind a port guard", func() {
		if _, err := os.Stat("/usr/lib/python3/dist-packages/scapy"); err != nil {
			Fail("scapy is not installed: scripts/setup.sh")
		}
		up("port-guard")
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		watch := command(ctx, "watch", "kali3", "-o", "json")
		out, err := watch.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(watch.Start()).To(Succeed())
		changes := bufio.NewScanner(out)

		By("Scapy")
		Expect(labctl("ping", "kali3", "kali5")).To(Exit(0))
		Expect(holder()).To(Equal("kali5"))
		// Five seconds after its echo reply kali5 asks for kali3, who then knows better again (delay_first_probe_time
		// in arp(7)); Scapy may take that long to start.
		Eventually(func() string {
			forge()
			return holder()
		}, limit).Should(Equal("kali4"))

		By("watch tells of it as it happens")
		told := func() string {
			var c struct{ Kind, Object, Holder string }
			Expect(changes.Scan()).To(BeTrue(), "watch has ended")
			Expect(json.Unmarshal(changes.Bytes(), &c)).To(Succeed(), changes.Text())
			return c.Kind + " " + c.Object + " " + c.Holder
		}
		for told() != "arp 192.168.50.15 kali4" {
		}
		Expect(watch.Process.Signal(os.Interrupt)).To(Succeed())
		_ = watch.Wait()

		By("Scapy before the guard")
		Expect(labctl("set", "virbr6.rules.guard.load=true")).To(Exit(0))
		Expect(labctl("ping", "kali3", "kali5")).To(Exit(0))
		forge()
		Expect(holder()).To(Equal("kali5"))
		Expect(refused()).To(Equal(uint64(4)))

		By("arpspoof before the guard")
		attack := command(ctx, "exec", "kali4", "--", tool("arpspoof"), "-i", "eth0", "-t", "192.168.50.13", "192.168.50.15")
		Expect(attack.Start()).To(Succeed())
		Eventually(refused, "20s").Should(BeNumerically(">=", 6))
		Expect(holder()).To(Equal("kali5"))
		Expect(attack.Process.Signal(syscall.SIGTERM)).To(Succeed())
		_ = attack.Wait()
		Expect(labctl("ping", "kali3", "kali5", "--kept")).To(Exit(0))
	})
})

var _ = Describe("port-guard", func() {
	It("keeps its promises where nft is not installed", func() {
		nft, err := filepath.EvalSymlinks(tool("nft"))
		Expect(err).NotTo(HaveOccurred())
		hidden := []string{"-m", "sh", "-c", `mount --bind /dev/null "$0" && exec "$1" verify --new port-guard`, nft, binary}
		if !root {
			hidden = append([]string{"--map-current-user", "--keep-caps"}, hidden...)
		}
		Expect(run(nil, "", "unshare", hidden...)).To(Exit(0))
	})
})
