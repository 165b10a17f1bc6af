//go:build linux

package kernel

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/topology/state"
)

// proc reads what only /proc has: sysctls, the groups that the kernel is a member of, and sockets that listen.
func (r *readingNode) proc() error {
	return r.enter(func() error {
		return errors.Join(r.sysctls(), r.groups(), r.listeners())
	})
}

// sysctls reads those that decide. It must run on a thread in the namespace, as the two below.
func (r *readingNode) sysctls() error {
	var names []string
	known := map[string]string{}
	for _, l := range r.links {
		if l.Kind != state.Loopback {
			names = append(names, l.Name)
			maps.Copy(known, l.conf)
		}
	}
	list := state.Sysctls(r.of.IPv6, names)
	for _, s := range r.of.Sysctls {
		list[s.Key] = s.Value
	}
	r.out.Sysctls = map[string]string{}
	proc := &procSys{fd: -1}
	defer proc.close()
	dirs := sysctlDirs{proc: proc.turn(), fds: map[string]int{}}
	defer dirs.close()
	for key, value := range list {
		if v, ok := known[key]; ok {
			r.out.Sysctls[key] = v
			continue
		}
		read, err := dirs.read(key)
		switch {
		case err == nil:
			value = sameTime(key, r.given(key), read)
		case !errors.Is(err, unix.ENOENT):
			return err
		case strings.HasPrefix(key, "net/ipv6/"): // an interface with an MTU below 1280 has none of those
			continue
		}
		r.out.Sysctls[key] = value // one that the kernel does not have is as a kernel without it behaves
	}
	return nil
}

// given is the value that the lab gives a key, or "".
func (r *readingNode) given(key string) string {
	for _, s := range r.of.Sysctls {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// sameTime is a value as it was written, where what is read is the same time in the kernel's own measure, which is up
// to 10 ms long and another one on each machine (msecs_to_jiffies, kernel/time/time.c).
func sameTime(key, written, read string) string {
	a, err1 := strconv.Atoi(written)
	b, err2 := strconv.Atoi(read)
	if err1 == nil && err2 == nil && strings.HasSuffix(key, "_ms") && max(a-b, b-a) < 10 {
		return written
	}
	return read
}

// groups reads igmp and igmp6 of proc_pid_net(5).
func (r *readingNode) groups() error {
	for k := range r.out.Interfaces {
		r.out.Interfaces[k].Groups = nil
	}
	b, err := os.ReadFile("/proc/thread-self/net/igmp")
	if err != nil {
		return err
	}
	at := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && line[0] >= '0' && line[0] <= '9':
			at, _ = strconv.Atoi(f[0])
		case len(f) > 1 && line[0] == '\t':
			n, err := strconv.ParseUint(f[0], 16, 32)
			if i := r.link(at); err == nil && i != nil { // the address as it is in memory
				i.Groups = append(i.Groups, netip.AddrFrom4([4]byte(number(uint32(n)))))
			}
		}
	}
	if !r.of.IPv6 {
		return nil
	}
	b, err = os.ReadFile("/proc/thread-self/net/igmp6")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line)) // index, interface, group, users
		if len(f) < 3 {
			continue
		}
		at, _ := strconv.Atoi(f[0])
		raw, err := hex.DecodeString(f[2])
		if ip, ok := netip.AddrFromSlice(raw); err == nil && ok {
			if i := r.link(at); i != nil && i.Up {
				i.Groups = append(i.Groups, ip)
			}
		}
	}
	return nil
}

// listeners reads the tables of sockets of proc_pid_net(5).
func (r *readingNode) listeners() error {
	r.out.Listeners = nil
	for _, proto := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open("/proc/thread-self/net/" + proto)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		wanted := tcpListens
		if proto[0] == 'u' {
			wanted = udpListens
		}
		for table := bufio.NewScanner(f); table.Scan(); {
			words := strings.Fields(table.Text())
			if len(words) < 4 || words[3] != wanted {
				continue
			}
			if l, ok := listenerOf(proto, words[1]); ok {
				r.out.Listeners = append(r.out.Listeners, l)
			}
		}
		f.Close()
	}
	return nil
}

// listenerOf reads ADDRESS:PORT as /proc/net has it: words of four bytes as they are in memory, in hexadecimal.
func listenerOf(proto, s string) (l state.Listener, ok bool) {
	address, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(address)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw)%4 != 0 {
		return l, false
	}
	for k := 0; k < len(raw); k += 4 {
		word, _ := strconv.ParseUint(address[2*k:2*k+8], 16, 32)
		copy(raw[k:], number(uint32(word)))
	}
	ip, ok := netip.AddrFromSlice(raw)
	return state.Listener{Protocol: proto, Address: ip, Port: int(n)}, ok
}
