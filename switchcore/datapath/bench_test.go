//go:build linux

package datapath

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// Two guests through 24 ports of a Linux bridge and of our switch, policies on: to be compared with each other, on this
// machine. CPU time is of the whole machine's choosing; run with -benchtime 3s -count 3 on an idle one.

// bench24 runs f with guests g1 and g2 behind a bridge, behind a switch, and behind one that is told of its guests'
// adapters, of 24 ports.
func bench24(b *testing.B, f func(b *testing.B)) {
	b.Run("bridge", func(b *testing.B) {
		guests(b, 24)
		ip(b, "link add br0 up type bridge mcast_snooping 0")
		b.Cleanup(func() { ip(b, "link delete br0") })
		for i := 1; i <= 24; i++ {
			ip(b, "link set p%d master br0", i)
		}
		settle(b)
		f(b)
	})
	b.Run("switch", func(b *testing.B) {
		guests(b, 24)
		start(b, standard(24), Options{})
		settle(b)
		f(b)
	})
	b.Run("observed", func(b *testing.B) {
		guests(b, 24)
		o := newFakeObserver(b)
		l := start(b, standard(24), Options{Observer: o})
		for i := range 24 {
			o.tell(switchcore.PortID(i), adapter(guestMAC(i+1)))
			eventually(b, "the port is connected", func() bool { return state(l, i) == "forwarding" })
		}
		settle(b)
		f(b)
	})
}

func settle(b *testing.B) {
	eventually(b, "a ping is answered", func() bool { return ping(b, 1, "10.0.0.2") })
}

// BenchmarkFrames sends frames of 60 bytes as fast as it can, and counts what arrives.
func BenchmarkFrames(b *testing.B) {
	bench24(b, func(b *testing.B) {
		before := arrived(b)
		mine, theirs := used(b, unix.RUSAGE_SELF), used(b, unix.RUSAGE_CHILDREN)
		b.ResetTimer()
		child(b, "g1", "flood", fmt.Sprint(b.N))
		b.StopTimer()
		// What still waits in queues arrives within this.
		n := arrived(b) - before
		eventually(b, "no more frames arrive", func() bool { was := n; n = arrived(b) - before; return n == was })
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "arrived/s")
		b.ReportMetric(float64(used(b, unix.RUSAGE_CHILDREN)-theirs)/float64(b.N), "sender-ns/frame")
		b.ReportMetric(float64(used(b, unix.RUSAGE_SELF)-mine)/float64(n), "switch-ns/frame")
	})
}

func arrived(b *testing.B) int {
	out, err := exec.Command("ip", "netns", "exec", "g2", "cat", "/proc/net/dev").Output()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); f[0] == "e0:" {
			n, _ := strconv.Atoi(f[2])
			return n
		}
	}
	b.Fatal("no e0 in g2")
	return 0
}

// flood sends n frames from the interface e0 of the namespace that the thread is in.
func flood(from, to switchcore.MAC, n int) error {
	ifi, err := net.InterfaceByName("e0")
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var f [60]byte
	copy(f[:], to[:])
	copy(f[6:], from[:])
	binary.BigEndian.PutUint16(f[12:], 0x88b5) // for experiments (IEEE 802): no guest does anything with it
	addr := unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(ifi.Index)}
	var msgs [64]unix.Mmsghdr
	iov := unix.Iovec{Base: &f[0]}
	iov.SetLen(len(f))
	for i := range msgs {
		h := &msgs[i].Hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&addr)), unix.SizeofSockaddrLinklayer
		h.Iov = &iov
		h.SetIovlen(1)
	}
	for n > 0 {
		sent, e := sendmmsg(fd, msgs[:min(n, len(msgs))])
		if e != 0 && e != unix.ENOBUFS && e != unix.EAGAIN {
			return e
		}
		n -= max(sent, 1)
	}
	return nil
}

// BenchmarkTCP is the throughput of one TCP connection, as iperf3 measures it; b.N is of no use for that.
func BenchmarkTCP(b *testing.B) {
	bench24(b, func(b *testing.B) {
		server := exec.Command("ip", "netns", "exec", "g2", "iperf3", "-s", "-1", "--forceflush")
		if err := server.Start(); err != nil {
			b.Fatal(err)
		}
		defer server.Wait()
		var out []byte
		mine, from := used(b, unix.RUSAGE_SELF), time.Now()
		eventually(b, "iperf3 has run", func() (ok bool) {
			var err error
			out, err = exec.Command("ip", "netns", "exec", "g1", "iperf3", "-c", "10.0.0.2", "-t", "3", "-f", "m").Output()
			return err == nil
		})
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 7 && f[len(f)-1] == "receiver" {
				v, _ := strconv.ParseFloat(f[6], 64)
				b.ReportMetric(v/1000, "Gbit/s")
				gigabytes := v / 8000 * time.Since(from).Seconds()
				b.ReportMetric(float64((used(b, unix.RUSAGE_SELF)-mine).Milliseconds())/gigabytes, "switch-ms/GB")
			}
		}
	})
}

// BenchmarkRoundTrip is the time of a byte there and back over TCP.
func BenchmarkRoundTrip(b *testing.B) {
	bench24(b, func(b *testing.B) {
		server := exec.Command("ip", "netns", "exec", "g2", os.Args[0], "-test.run", "TestChild")
		server.Env = append(os.Environ(), "LABCTL_DATAPATH_CHILD=echo")
		if err := server.Start(); err != nil {
			b.Fatal(err)
		}
		defer server.Wait()
		for line := range strings.Lines(child(b, "g1", "ask", fmt.Sprint(b.N))) {
			if v, err := strconv.ParseFloat(strings.TrimSpace(line), 64); err == nil {
				b.ReportMetric(v, "median-us")
			}
		}
	})
}

// child runs a role of [TestChild] in a guest, as a process of its own: in the one that has the switch it would compete
// with it for the runtime's processors.
func child(b *testing.B, guest, role, arg string) string {
	cmd := exec.Command("ip", "netns", "exec", guest, os.Args[0], "-test.run", "TestChild", "-test.v")
	cmd.Env = append(os.Environ(), "LABCTL_DATAPATH_CHILD="+role, "LABCTL_DATAPATH_ARG="+arg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", role, err, out)
	}
	return string(out)
}

// TestChild is what benchmarks run in guests.
func TestChild(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("LABCTL_DATAPATH_ARG"))
	var err error
	switch os.Getenv("LABCTL_DATAPATH_CHILD") {
	case "flood":
		err = flood(guestMAC(1), guestMAC(2), n)
	case "echo":
		err = echo()
	case "ask":
		err = ask(t, n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func echo() error {
	ln, err := net.Listen("tcp", "10.0.0.2:7")
	if err != nil {
		return err
	}
	defer ln.Close()
	c, err := ln.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.Copy(c, c)
	return err
}

func ask(t *testing.T, n int) (err error) {
	var c net.Conn
	eventually(t, "somebody listens", func() bool { c, err = net.Dial("tcp", "10.0.0.2:7"); return err == nil })
	defer c.Close()
	var x [1]byte
	times := make([]time.Duration, n)
	for i := range times {
		at := time.Now()
		if _, err := c.Write(x[:]); err != nil {
			return err
		}
		if _, err := c.Read(x[:]); err != nil {
			return err
		}
		times[i] = time.Since(at)
	}
	slices.Sort(times)
	fmt.Printf("\n%.1f\n", float64(times[n/2].Nanoseconds())/1000)
	return nil
}

// BenchmarkIdle is what a switch with 24 idle ports takes.
func BenchmarkIdle(b *testing.B) {
	guests(b, 24)
	before := resident(b)
	start(b, standard(24), Options{})
	from := used(b, unix.RUSAGE_SELF)
	<-time.After(3 * time.Second)
	b.ReportMetric(100*(used(b, unix.RUSAGE_SELF)-from).Seconds()/3, "%core")
	b.ReportMetric(float64(resident(b)-before)/1024, "MB")
}

func used(b *testing.B, who int) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func resident(b *testing.B) int {
	out, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	var kb int
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "VmRSS:") {
			if _, err := fmt.Sscanf(line, "VmRSS: %d", &kb); err != nil {
				b.Fatal(err)
			}
		}
	}
	return kb
}
