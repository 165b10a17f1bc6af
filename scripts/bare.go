//go:build ignore

// Bare does by the shortest way what labctl does with care, to be measured beside it:
//
//	bare sysctl PLAN         write every sysctl of a printed plan, one after the other
//	bare ping NAMESPACE… -- ADDRESS…
//		from each namespace one echo to each address but its own, serially, nothing forgotten
//	bare forget NAMESPACE… -- ADDRESS…
//		the same, and after each echo both ends forget each other, by one netlink request each
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread()
	switch os.Args[1] {
	case "sysctl":
		sysctl(os.Args[2])
	case "ping":
		ping(os.Args[2:], false)
	case "forget":
		ping(os.Args[2:], true)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func enter(name string) {
	fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	check(err)
	check(netns.Set(netns.NsHandle(fd)))
	check(unix.Close(fd))
}

func sysctl(plan string) {
	f, err := os.Open(plan)
	check(err)
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		w := strings.Fields(in.Text())
		if len(w) < 7 || w[1] != "netns" || w[2] != "exec" || w[4] != "sysctl" {
			continue
		}
		enter(w[3])
		for _, kv := range w[6:] {
			k, v, _ := strings.Cut(kv, "=")
			check(os.WriteFile("/proc/sys/"+k, []byte(v), 0))
		}
	}
	check(in.Err())
}

func ping(args []string, forgets bool) {
	var spaces, addrs []string
	for i, a := range args {
		if a == "--" {
			spaces, addrs = args[:i], args[i+1:]
		}
	}
	fds, links, indexes := make([]int, len(spaces)), make([]int, len(spaces)), make([]int, len(spaces))
	for i, s := range spaces {
		enter(s)
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		check(err)
		check(unix.SetsockoptInt(fd, unix.SOL_RAW, 1, 1<<8)) // ICMP_FILTER: no echo requests
		fds[i] = fd
		links[i], err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		check(err)
		if e, err := net.InterfaceByName("eth0"); err == nil {
			indexes[i] = e.Index
		}
	}
	forget := func(of int, addr string) {
		b := make([]byte, 16+12+8)
		binary.NativeEndian.PutUint32(b, uint32(len(b)))
		binary.NativeEndian.PutUint16(b[4:], unix.RTM_DELNEIGH)
		binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
		b[16] = unix.AF_INET
		binary.NativeEndian.PutUint32(b[20:], uint32(indexes[of]))
		binary.NativeEndian.PutUint16(b[28:], 8)
		binary.NativeEndian.PutUint16(b[30:], unix.NDA_DST)
		copy(b[32:], net.ParseIP(addr).To4())
		_, err := unix.Write(links[of], b)
		check(err)
		var answer [256]byte
		_, err = unix.Read(links[of], answer[:])
		check(err)
	}
	began := time.Now()
	buf := make([]byte, 256)
	lost := 0
	for i, fd := range fds {
		for k, a := range addrs {
			if i == k {
				continue
			}
			msg := []byte{8, 0, 0, 0, byte(i), byte(k), 0, 1}
			sum := ^(0x0800 + uint32(i)<<8 + uint32(k) + 1)
			msg[2], msg[3] = byte(sum>>8), byte(sum)
			to := &unix.SockaddrInet4{Addr: [4]byte(net.ParseIP(a).To4())}
			check(unix.Sendto(fd, msg, 0, to))
			for {
				n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
				if n == 0 {
					lost++
					break
				}
				check(err)
				m, _, err := unix.Recvfrom(fd, buf, 0)
				check(err)
				if m >= 28 && buf[20] == 0 && buf[24] == byte(i) && buf[25] == byte(k) {
					break
				}
			}
			if forgets {
				forget(i, a)
				forget(k, addrs[i])
			}
		}
	}
	fmt.Printf("%.4f s, %d lost\n", time.Since(began).Seconds(), lost)
}
