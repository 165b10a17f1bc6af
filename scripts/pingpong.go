//go:build ignore

// Pingpong measures TCP round trips of 64 bytes, with blocking system calls and nothing else in the way:
//
//	pingpong serve ADDRESS          answers one connection until its end
//	pingpong ask ADDRESS COUNT
//		prints the median of COUNT round trips in microseconds, after COUNT/10 that do not count
//
// The port is 7007. The asker connects again for two seconds while nobody listens yet.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pingpong:", err)
		os.Exit(1)
	}
}

func main() {
	runtime.LockOSThread()
	if len(os.Args) < 3 {
		check(errors.New("pingpong serve ADDRESS | ask ADDRESS COUNT"))
	}
	addr, err := netip.ParseAddr(os.Args[2])
	check(err)
	at := &unix.SockaddrInet4{Port: 7007, Addr: addr.As4()}
	if os.Args[1] == "serve" {
		serve(at)
		return
	}
	count, err := strconv.Atoi(os.Args[3])
	check(err)
	fmt.Printf("%.2f\n", ask(at, count))
}

func socket() int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(err)
	return fd
}

func serve(at *unix.SockaddrInet4) {
	l := socket()
	check(unix.SetsockoptInt(l, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	check(unix.Bind(l, at))
	check(unix.Listen(l, 1))
	fd, _, err := unix.Accept(l)
	check(err)
	check(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	buf := make([]byte, 64)
	for {
		if err := exactly(fd, buf); errors.Is(err, io.EOF) {
			return
		} else {
			check(err)
		}
		_, err := unix.Write(fd, buf)
		check(err)
	}
}

func ask(at *unix.SockaddrInet4, count int) float64 {
	fd := connect(at)
	check(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	buf := make([]byte, 64)
	took := make([]time.Duration, 0, count)
	for i := range count + count/10 {
		began := time.Now()
		_, err := unix.Write(fd, buf)
		check(err)
		check(exactly(fd, buf))
		if i >= count/10 {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	return float64(took[count/2].Nanoseconds()) / 1000
}

func connect(at *unix.SockaddrInet4) int {
	for until := time.Now().Add(2 * time.Second); ; {
		fd := socket()
		err := unix.Connect(fd, at)
		if err == nil {
			return fd
		}
		if !errors.Is(err, unix.ECONNREFUSED) || time.Now().After(until) {
			check(err)
		}
		check(unix.Close(fd))
	}
}

// exactly fills buf; io.EOF when the other end has closed.
func exactly(fd int, buf []byte) error {
	for len(buf) > 0 {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		buf = buf[n:]
	}
	return nil
}
