package e2e

import (
	"context"
	bits "encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// The suite's own program inside a guest.
const (
	roleVariable = "LABCTL_E2E_ROLE"
	changerRole  = "mac-changer"
)

const changing = `# guest, peer ── sw
format: 1
lab: changing
nodes:
  sw: {kind: vswitch, profile: standard, mac_changes: accept, forged_transmits: reject}
  guest: {ip: 10.0.0.1/24, mac: 00:50:56:00:00:01}
  peer: {ip: 10.0.0.2/24, mac: 00:50:56:00:00:02}
links:
  - guest peer -- sw
`

var _ = Describe("a switch whose guest changes its address", func() {
	const changes = 1000

	It("judges no frame by the old address, while another lab goes down beside it", func(ctx SpecContext) {
		up(write("changing.yaml", changing))
		beside := write("beside.yaml", star("beside", 500))
		Expect(labctl("up", beside)).To(Exit(0))

		self, err := os.Executable()
		Expect(err).NotTo(HaveOccurred())
		cctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		cmd := command(cctx, "exec", "-l", "changing", "guest", "--", self, "eth0", "00:50:56:00:00:02", strconv.Itoa(changes))
		cmd.Env = append(cmd.Env, roleVariable+"="+changerRole)
		cmd.Stdout, cmd.Stderr = GinkgoWriter, GinkgoWriter
		Expect(cmd.Start()).To(Succeed())
		down := make(chan result, 1)
		go func() { down <- labctl("down", "beside") }()
		Expect(cmd.Wait()).To(Succeed())
		Expect(<-down).To(Exit(0))

		// Each change sent one frame from the new address, and one from the address before.
		var seen []uint64
		Eventually(func() map[string]uint64 {
			p := portOf("changing", "sw:guest")
			seen = append(seen, p.Rx)
			return p.Drops
		}, "5s").Should(Equal(map[string]uint64{"MacForgery": changes}), "the old address must be dropped each time, and nothing else")
		r := labctl("drops", "-l", "changing", "sw:guest", "-o", "json")
		Expect(r).To(Exit(0))
		Expect(r.out).NotTo(ContainSubstring("88b50001"), "a frame from the new address was dropped")
	}, SpecTimeout(3*time.Minute))
})

// changeAddresses is the guest: it changes an interface's address, waits one millisecond, sends a frame from the new
// address and one from the old one, and so on. Frames from a new address have EtherType 0x88b5 (local experiments) and
// 1 behind it.
func changeAddresses(args []string) int {
	fail := func(err error) int { fmt.Fprintln(os.Stderr, err); return 1 }
	if len(args) != 3 {
		return fail(fmt.Errorf("want INTERFACE DESTINATION COUNT, not %q", args))
	}
	dst, err := net.ParseMAC(args[1])
	if err != nil {
		return fail(err)
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return fail(err)
	}
	nic, err := net.InterfaceByName(args[0])
	if err != nil {
		return fail(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	to := &unix.SockaddrLinklayer{Ifindex: nic.Index}
	send := func(src [6]byte, mark uint16) error {
		frame := make([]byte, 60)
		copy(frame, dst)
		copy(frame[6:], src[:])
		bits.BigEndian.PutUint16(frame[12:], 0x88b5)
		bits.BigEndian.PutUint16(frame[14:], mark)
		return unix.Sendto(fd, frame, 0, to)
	}
	old := [6]byte(nic.HardwareAddr)
	for n := range count {
		now := [6]byte{0x02, 0xee, 0, 0, byte(n >> 8), byte(n)}
		if err := ioctlHardwareAddress(fd, args[0], now); err != nil {
			return fail(fmt.Errorf("change %d: %w", n, err))
		}
		for since := time.Now(); time.Since(since) < time.Millisecond; {
		}
		if err := send(now, 1); err != nil {
			return fail(err)
		}
		if err := send(old, 2); err != nil {
			return fail(err)
		}
		old = now
	}
	return 0
}
