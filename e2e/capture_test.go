package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// snooped is a switch that rejects forged transmits and grants promiscuous reception to nobody but the sniffer.
const snooped = `# a, b ── s ── sniffer
format: 1
lab: snooped
nodes:
  s:
    kind: vswitch
    profile: standard
    groups:
      guests: {}
      watch: {promiscuous: accept}
  a: {ip: 10.8.0.1/24}
  b: {ip: 10.8.0.2/24}
  sniffer: {ip: 10.8.0.3/24}
links:
  - a b -- s/guests
  - sniffer -- s/watch
`

// capturing is a capture that goes.
type capturing struct {
	cmd *exec.Cmd
	err *bufio.Reader
	out chan string
}

// capture begins one, and returns when it copies.
func capture(ctx context.Context, args ...string) *capturing {
	GinkgoHelper()
	c := &capturing{cmd: command(ctx, append([]string{"capture"}, args...)...), out: make(chan string, 1)}
	stderr, err := c.cmd.StderrPipe()
	Expect(err).NotTo(HaveOccurred())
	stdout, err := c.cmd.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(c.cmd.Start()).To(Succeed())
	c.err = bufio.NewReader(stderr)
	line, err := c.err.ReadString('\n')
	Expect(err).NotTo(HaveOccurred(), line)
	Expect(line).To(HavePrefix("labctl: capturing at "))
	go func() {
		b, _ := io.ReadAll(stdout)
		c.out <- string(b)
	}()
	return c
}

// stop interrupts it, and returns what it has left.
func (c *capturing) stop() result {
	GinkgoHelper()
	Expect(c.cmd.Process.Signal(os.Interrupt)).To(Succeed())
	return c.wait()
}

func (c *capturing) wait() result {
	stderr, _ := io.ReadAll(c.err)
	out := <-c.out
	_ = c.cmd.Wait()
	return result{c.cmd.Args, out, string(stderr), exitCode(c.cmd.ProcessState)}
}

// tshark reads a file: the place and the comment of each frame that the filter lets pass.
func tshark(file, filter string) []string {
	GinkgoHelper()
	cmd := exec.Command("tshark", "-n", "-r", file, "-Y", filter, "-T", "fields", "-E", "separator= ", "-e", "frame.interface_name", "-e", "frame.comment")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	Expect(err).NotTo(HaveOccurred(), stderr.String())
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// portStates is all that "ports" says, but for the counters of frames.
func portStates() (states []map[string]any, counters []float64) {
	GinkgoHelper()
	r := labctl("ports", "-o", "json")
	Expect(r).To(Exit(0))
	Expect(json.Unmarshal([]byte(r.out), &states)).To(Succeed())
	for _, p := range states {
		for _, key := range []string{"rx_frames", "rx_bytes", "tx_frames", "tx_bytes"} {
			counters = append(counters, p[key].(float64))
			delete(p, key)
		}
		drops, _ := p["drops"].(map[string]any)
		forged, _ := drops["MacForgery"].(float64)
		counters = append(counters, forged, float64(len(drops)))
		delete(p, "drops")
	}
	return states, counters
}

var _ = Describe("capture", func() {
	const forged = "00:11:22:33:44:55"

	It("writes each frame with its points and verdicts, for tshark", func(ctx SpecContext) {
		up(write("lab.yaml", snooped))
		file := filepath.Join(GinkgoT().TempDir(), "all.pcapng")
		c := capture(ctx, "s", "a", "-w", file)
		Expect(labctl("send", "a", "--src", forged, "--dst", "b", "--type", "0x88b5")).To(Exit(0))
		Expect(labctl("send", "a", "--dst", "b", "--type", "0x88b6")).To(Exit(0))
		r := c.stop()
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring(" captured, 0 lost\n"))
		Expect(tshark(file, "eth.type == 0x88b5")).To(ConsistOf(
			"a:eth0 VnicTx",
			"s:a PortInput: dropped: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)",
			"s:a Drop: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)"))
		Expect(tshark(file, "eth.type == 0x88b6")).To(ConsistOf("a:eth0 VnicTx", "s:a PortInput: static: to b", "s:b PortOutput: static: to b"))
	}, SpecTimeout(limit))

	It("puts back the tags that the kernel takes out, and writes to standard output", func(ctx SpecContext) {
		up(write("lab.yaml", "# a ── b\nformat: 1\nlab: wire\nnodes:\n  a: {ip: 10.8.0.1/24}\n  b: {ip: 10.8.0.2/24}\nlinks:\n  - a -- b\n"))
		c := capture(ctx, "a", "b", "-w", "-")
		Expect(labctl("send", "a", "--dst", "b", "--vlan", "5", "--type", "0x88b5", "--payload", "c0ffee")).To(Exit(0))
		r := c.stop()
		Expect(r).To(Exit(0))
		file := write("out.pcapng", r.out)
		Expect(tshark(file, "vlan.id == 5 && vlan.etype == 0x88b5 && frame contains c0:ff:ee")).To(ConsistOf("a:eth0 VnicTx", "b:eth0 VnicRx"))
	}, SpecTimeout(limit))

	It("prints drops alone, and ends after as many frames as wanted", func(ctx SpecContext) {
		up(write("lab.yaml", snooped))
		c := capture(ctx, "s:a", "--drops", "-c", "2")
		Expect(labctl("send", "a", "--dst", "b")).To(Exit(0))
		Expect(labctl("send", "a", "--src", forged, "--dst", "b", "--count", "3")).To(Exit(0))
		r := c.wait()
		Expect(r).To(Exit(0))
		Expect(strings.Count(r.out, "\n")).To(Equal(2), r.String())
		for line := range strings.Lines(r.out) {
			Expect(line).To(ContainSubstring(" Drop       s:a  " + forged + " > "))
			Expect(line).To(HaveSuffix(", length 60  [MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)]\n"))
		}
	}, SpecTimeout(limit))

	It("changes no filter, no verdict and no counter", func(ctx SpecContext) {
		up(write("lab.yaml", snooped))
		burst := func() {
			GinkgoHelper()
			Expect(labctl("send", "a", "--src", forged, "--dst", "b", "--count", "5")).To(Exit(0))
			Expect(labctl("send", "a", "--dst", "b", "--count", "5")).To(Exit(0))
			Expect(labctl("send", "b", "--dst", "broadcast", "--count", "5")).To(Exit(0))
		}
		added := func() (map0 []map[string]any, delta []float64) {
			_, before := portStates()
			burst()
			states, after := portStates()
			for i := range after {
				delta = append(delta, after[i]-before[i])
			}
			return states, delta
		}
		burst() // whatever is counted for the first time only
		states, alone := added()
		var watches []*capturing
		for _, what := range [][]string{{"s"}, {"s:a", "s:b"}, {"s", "--drops"}, {"a"}, {"b:eth0"}, {"sniffer"}} {
			watches = append(watches, capture(ctx, what...))
		}
		watchedStates, watched := added()
		Expect(watched).To(Equal(alone))
		Expect(watchedStates).To(Equal(states))
		for _, c := range watches {
			Expect(c.stop()).To(Exit(0))
		}
		states, again := added()
		Expect(again).To(Equal(alone))
		Expect(watchedStates).To(Equal(states))
	}, SpecTimeout(limit))

	It("is the guest's request when it is promiscuous, and only as long as it goes", func(ctx SpecContext) {
		up(write("lab.yaml", snooped))
		wish := func(port string) any {
			for _, p := range decode[[]map[string]any](labctl("ports", "s:"+port, "-o", "json")) {
				return p["promiscuous"]
			}
			return nil
		}
		c := capture(ctx, "sniffer", "b", "--promiscuous")
		Eventually(func() any { return wish("sniffer") }, "5s").Should(Equal("granted"))
		Eventually(func() any { return wish("b") }, "5s").Should(Equal("refused"))
		Expect(labctl("send", "a", "--dst", "b", "--type", "0x88b5")).To(Exit(0))
		r := c.stop()
		Expect(r).To(Exit(0))
		Expect(r.out).To(ContainSubstring("VnicRx     sniffer:eth0  "))
		Eventually(func() any { return wish("sniffer") }, "5s").Should(Equal("-"))
		Eventually(func() any { return wish("b") }, "5s").Should(Equal("-"))
	}, SpecTimeout(limit))

	It("ends with the lab, and does not keep it", func(ctx SpecContext) {
		up(write("lab.yaml", snooped))
		c := capture(ctx, "a", "s")
		Expect(labctl("down")).To(Exit(0))
		Expect(c.wait()).To(Exit(3))
	}, SpecTimeout(limit))

	It("shows the frames in Wireshark, and ends with it", func(ctx SpecContext) {
		up(write("lab.yaml", snooped))
		dir := GinkgoT().TempDir()
		seen := filepath.Join(dir, "seen.pcapng")
		script := "#!/bin/sh\necho \"$*\" >" + dir + "/args\nexec head -c 1500 >" + seen + "\n" // its window is closed early
		Expect(os.WriteFile(filepath.Join(dir, "wireshark"), []byte(script), 0o755)).To(Succeed())
		c := command(ctx, "capture", "s", "--wireshark")
		c.Env = append(environment(), "PATH="+dir+":"+os.Getenv("PATH"))
		Expect(c.Start()).To(Succeed())
		Eventually(seen, "10s").Should(BeAnExistingFile())
		Eventually(func() int64 { // the head of the file is there: the capture goes
			st, err := os.Stat(filepath.Join(dir, "args"))
			if err != nil {
				return 0
			}
			return st.Size()
		}, "10s").Should(BeNumerically(">", 0))
		done := make(chan error, 1)
		go func() { done <- c.Wait() }()
		Eventually(func() bool {
			labctl("send", "a", "--dst", "b", "--count", "5", "--type", "0x88b5")
			select {
			case err := <-done:
				Expect(err).NotTo(HaveOccurred())
				return true
			default:
				return false
			}
		}, "30s").Should(BeTrue())
		args, err := os.ReadFile(filepath.Join(dir, "args"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(args)).To(Equal("-k -i -\n"))
	}, SpecTimeout(limit))

	It("says what is wrong", func() {
		up(write("lab.yaml", snooped))
		file := filepath.Join(GinkgoT().TempDir(), "none.pcapng")
		for _, args := range []string{"nobody", "a:eth7", "s:nobody", "a --drops", "s -c -1", "s -w x --wireshark", ""} {
			r := labctl(append(append([]string{"capture"}, strings.Fields(args)...), "--write="+file)...)
			Expect(r).To(Exit(2), args)
		}
		Expect(file).NotTo(BeAnExistingFile())
		r := labctlWith([]string{"PATH=" + GinkgoT().TempDir()}, "", "capture", "s", "--wireshark")
		Expect(r).To(Exit(4))
		Expect(r.err).To(ContainSubstring("apt-get install wireshark"))
		Expect(labctl("capture", "s", "-w", "/dev/full")).To(Exit(3))
	})
})
