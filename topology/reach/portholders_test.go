package reach

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What /proc/net/tcp of a kernel has: a listener at 80 of any address, a connection that has ended at 22.
const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0
   1: 0200000A:0016 0100000A:9C40 06 00000000:00000000 03:00001766 00000000     0        0 0 3 0000000000000000
`

func TestHeldIn(t *testing.T) {
	for _, c := range []struct {
		udp  bool
		port uint16
		want holding
	}{{false, 80, listens}, {false, 22, remains}, {false, 8000, nobodyHolds}, {true, 22, listens}} {
		if got := heldIn([]byte(tcpTable), c.udp, c.port); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func FuzzHeldIn(f *testing.F) {
	f.Add([]byte(tcpTable))
	f.Add([]byte("   0: x:00"))
	f.Fuzz(func(_ *testing.T, table []byte) { heldIn(table, false, 80) })
}

func TestCounter(t *testing.T) {
	const text = "Ip: A OutRsts\nIp: 1 2\nTcp: InErrs OutRsts X\nTcp: 3 4 5\nUdp: NoPorts\nUdp: 6\n"
	for _, c := range []struct {
		text, name string
		want       uint64
		ok         bool
	}{
		{text, "Tcp OutRsts", 4, true}, {text, "Udp NoPorts", 6, true}, {text, "Udp OutRsts", 0, false},
		{text, "Icmp X", 0, false}, {"Udp6NoPorts \t 7\nUdpLite6NoPorts 8\n", "Udp6NoPorts", 7, true},
		{"Tcp: OutRsts\nTcp: x\n", "Tcp OutRsts", 0, false}, {"Tcp: OutRsts\n", "Tcp OutRsts", 0, false},
	} {
		if n, ok := counter(c.text, c.name); n != c.want || ok != c.ok {
			t.Errorf("%s in %q: %d %v", c.name, c.text, n, ok)
		}
	}
}

// TestSourcePorts: each comes once before any comes again, and not before connection tracking has forgotten it.
func TestSourcePorts(t *testing.T) {
	var s sourcePorts
	now, seen := time.Unix(1000, 0), map[uint16]bool{}
	for range lastSource - firstSource + 1 {
		if d := s.wait(now); d > 0 {
			t.Fatalf("waits %v for a port that nobody has had", d)
		}
		p := s.take(now)
		if seen[p] || !SourcePort(p) {
			t.Fatalf("port %d comes again", p)
		}
		seen[p] = true
	}
	if d := s.wait(now.Add(time.Second)); d != trackedPort-time.Second {
		t.Errorf("waits %v", d)
	}
	if d := s.wait(now.Add(trackedPort)); d > 0 {
		t.Errorf("waits %v", d)
	}
}

func TestParseQueued(t *testing.T) {
	message := func(level, typ int32, data ...byte) unix.SocketControlMessage {
		return unix.SocketControlMessage{Header: unix.Cmsghdr{Level: level, Type: typ}, Data: data}
	}
	// ECONNREFUSED, of ICMP, type 3, code 3, and from whom
	v4 := append([]byte{111, 0, 0, 0, originICMP, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 2, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	q, ok := parseQueued(message(unix.IPPROTO_IP, unix.IP_RECVERR, v4...))
	if !ok || !q.icmp || q.from != netip.MustParseAddr("10.0.0.1") || q.typ != 3 || q.code != 3 || q.errno != unix.ECONNREFUSED {
		t.Errorf("%+v %v", q, ok)
	}
	local := []byte{90, 0, 0, 0, originLocal, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if q, ok = parseQueued(message(unix.IPPROTO_IP, unix.IP_RECVERR, local...)); !ok || q.icmp || q.errno != unix.EMSGSIZE {
		t.Errorf("%+v %v", q, ok)
	}
	for _, m := range []unix.SocketControlMessage{
		message(unix.IPPROTO_IP, unix.IP_TTL, v4...), message(unix.IPPROTO_IP, unix.IP_RECVERR, v4[:20]...),
		message(unix.IPPROTO_IPV6, unix.IPV6_RECVERR, v4...), message(unix.IPPROTO_IP, unix.IP_RECVERR),
	} {
		if q, ok := parseQueued(m); ok {
			t.Errorf("%+v is read as %+v", m, q)
		}
	}
}
