package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const accounts = `# a (VLAN 7), b (VLAN 7), c ── sw
format: 1
lab: accounts
nodes:
  sw: {kind: vswitch, profile: distributed, groups: {Seven: {vlan: 7}, Plain: {}}}
  a: {ip: 10.0.0.1/24, mac: 00:50:56:00:00:0a}
  b: {ip: 10.0.0.2/24, mac: 00:50:56:00:00:0b}
  c: {ip: 10.0.0.3/24, mac: 00:50:56:00:00:0c}
links:
  - a b -- sw/Seven
  - c -- sw/Plain
`

// flood tells that it is there, waits to be told, and sends more full frames than a port of a switch has room for.
// Arguments: a directory, an interface.
const flood = `
import os, socket, sys, time
where, name = sys.argv[1:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((name, 0))
frame = bytes.fromhex("00505600000b" "00505600000a" "88b5") + bytes(1400)
open(where + "/ready", "w").close()
while not os.path.exists(where + "/go"):
    time.sleep(0.01)
for i in range(20000):
    s.send(frame)
open(where + "/done", "w").close()
`

// aboutToFlood is the command of a node that floods when the returned function is called, the supervisor standing still
// meanwhile.
func aboutToFlood(lab string) (command []string, overrun func()) {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	Expect(os.Chmod(dir, 0o777)).To(Succeed())
	there := func(name string) func() bool {
		return func() bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	}
	program := write("flood.py", flood)
	return []string{"/usr/bin/python3", program, dir, "eth0"}, func() {
		GinkgoHelper()
		Eventually(there("ready"), "20s").Should(BeTrue())
		pid := supervisor(lab)
		Expect(pid).NotTo(BeZero())
		Expect(syscall.Kill(pid, syscall.SIGSTOP)).To(Succeed())
		defer func() { Expect(syscall.Kill(pid, syscall.SIGCONT)).To(Succeed()) }()
		Expect(os.WriteFile(filepath.Join(dir, "go"), nil, 0o644)).To(Succeed())
		Eventually(there("done"), "30s").Should(BeTrue())
	}
}

var _ = Describe("what a virtual switch says of its ports", func() {
	type account struct {
		Rx       uint64 `json:"rx_frames"`
		Tx       uint64 `json:"tx_frames"`
		RxBytes  uint64 `json:"rx_bytes"`
		TxBytes  uint64 `json:"tx_bytes"`
		Overruns uint64
	}
	accountOf := func(port string) account {
		GinkgoHelper()
		r := labctl("ports", "-l", "accounts", port, "-o", "json")
		Expect(r).To(Exit(0))
		list := decode[[]account](r)
		Expect(list).To(HaveLen(1))
		return list[0]
	}

	It("is the traffic that there was, each way", func() {
		up(write("accounts.yaml", accounts))
		before := map[string]account{}
		for _, p := range []string{"sw:a", "sw:b", "sw:c"} {
			before[p] = accountOf(p)
		}
		for range 3 {
			Expect(labctl("send", "a", "--dst", "broadcast", "--type", "0x88b5")).To(Exit(0))
		}
		Expect(labctl("send", "b", "--dst", "a", "--type", "0x88b5")).To(Exit(0))
		for p, want := range map[string]account{
			"sw:a": {Rx: 3, RxBytes: 180, Tx: 1, TxBytes: 60},
			"sw:b": {Rx: 1, RxBytes: 60, Tx: 3, TxBytes: 180},
			"sw:c": {},
		} {
			now, was := accountOf(p), before[p]
			Expect(account{now.Rx - was.Rx, now.Tx - was.Tx, now.RxBytes - was.RxBytes, now.TxBytes - was.TxBytes, now.Overruns}).To(Equal(want), p)
		}
	})

	It("names the holders of addresses, and the VLAN", func() {
		up(write("accounts.yaml", accounts))
		r := labctl("fdb", "sw", "-o", "json")
		Expect(r).To(Exit(0))
		type entry struct {
			Switch, MAC, Holder, Port, How string
			VLAN                           int
		}
		Expect(decode[[]entry](r)).To(ConsistOf(
			entry{"sw", "00:50:56:00:00:0a", "a", "a", "static", 7},
			entry{"sw", "00:50:56:00:00:0b", "b", "b", "static", 7},
			entry{"sw", "00:50:56:00:00:0c", "c", "c", "static", 0},
		))
		Expect(labctl("fdb", "sw").out).To(MatchRegexp(`(?m)^sw +00:50:56:00:00:0a +7 +a +a +static *$`))
	})

	It("names the cause of what happened", func() {
		up(write("accounts.yaml", accounts))
		Expect(labctl("exec", "a", "--", "ip", "link", "set", "eth0", "address", "00:50:56:00:00:99")).To(Exit(0))
		Expect(labctl("ping", "a", "b")).To(Exit(1))
		Expect(labctl("set", "sw.promiscuous=accept")).To(Exit(0))
		Expect(labctl("port", "block", "sw:c")).To(Exit(0))
		Expect(labctl("link", "down", "sw:b")).To(Exit(0))
		var told []string
		for _, e := range eventsOf("accounts") {
			told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s: %s", e.Kind, e.Object, e.Cause)))
		}
		Expect(told).To(ContainElements("link-up a: guest", "mac-changed a: guest", "mac-change-refused a: guest", "port-blocked a: mac changes rejected",
			"policy-changed : promiscuous", "policy-changed c: blocked", "port-blocked c: blocked by the administrator", "link-down b: carrier", "changed : set"))
	})

	It("has what came too fast for it, and takes no count of drops for complete then", func() {
		up(write("accounts.yaml", accounts+"expect:\n  drops: |\n    at  reason      frames\n    sw  MacForgery  0\n"))
		Expect(labctl("verify", "-l", "accounts")).To(Exit(0))
		args, overrun := aboutToFlood("accounts")
		cmd := command(context.Background(), append([]string{"exec", "a", "--"}, args...)...)
		Expect(cmd.Start()).To(Succeed())
		overrun()
		Expect(cmd.Wait()).To(Succeed())
		now := accountOf("sw:a")
		Expect(now.Overruns).To(BeNumerically(">", 1000))
		Expect(now.Rx + now.Overruns).To(BeNumerically("<=", 20000+100))
		Expect(accountOf("sw:b").Overruns).To(BeZero())
		Expect(labctl("ports", "sw:a").out).To(ContainSubstring(fmt.Sprintf("overruns=%d", now.Overruns)))
		r := labctl("verify", "-l", "accounts")
		Expect(r).To(Exit(1))
		Expect(r.out).To(MatchRegexp(`unknown.*\b%d more are not in the switch's list`, now.Overruns))
	})

	DescribeTable("takes back that nothing came where it may have been what was lost", func(code int, args ...string) {
		text := strings.Replace(accounts, "ip: 10.0.0.2/24,", "ip: 10.0.0.2/24, sysctls: {net.ipv4.icmp_echo_ignore_all: 1},", 1)
		up(write("accounts.yaml", text+"expect:\n  ping: |\n    from\\to  b\n    a        silent\n"))
		Expect(labctl(args...).out).NotTo(ContainSubstring("unknown"))
		flood, overrun := aboutToFlood("accounts")
		guest := command(context.Background(), append([]string{"exec", "a", "--"}, flood...)...)
		Expect(guest.Start()).To(Succeed())
		// As long as a program has a packet socket nothing is proven, and the question lasts until the flood.
		Eventually(func() string { return labctl("exec", "a", "--", "cat", "/proc/net/packet").out }).Should(MatchRegexp(`\n\S`))
		before := accountOf("sw:a").Rx
		done := make(chan result)
		go func() {
			defer GinkgoRecover()
			done <- labctl(args...)
		}()
		Eventually(func() uint64 { return accountOf("sw:a").Rx }, "5s", "20ms").Should(BeNumerically(">", before))
		overrun()
		Expect(guest.Wait()).To(Succeed())
		r := <-done
		Expect(r).To(Exit(code))
		Expect(r.out).To(MatchRegexp(`unknown.*sw:a got more frames meanwhile than its switch could take`))
	},
		Entry("of a ping", 3, "ping", "-l", "accounts", "a", "b"),
		Entry("of a table", 1, "verify", "-l", "accounts"),
	)
})
