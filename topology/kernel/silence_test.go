//go:build linux

package kernel

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// foreign has another process open a socket in a node.
func foreign(t *testing.T, node string, domain, typ, proto int) {
	t.Helper()
	program := fmt.Sprintf("import socket, sys\ns = socket.socket(%d, %d, %d)\nif %d == 16: s.bind((0, 0))\nprint('open', flush=True)\nsys.stdin.read()",
		domain, typ, proto, domain)
	cmd := exec.Command("ip", "netns", "exec", "t."+node, "python3", "-c", program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("%q, %v", line, err)
	}
}

// run runs commands by iproute2 in a node, one a line.
func (s *held) run(t *testing.T, node, commands string) {
	t.Helper()
	for line := range strings.Lines(commands) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if out, err := inNode(t, node, line); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
}

// settle waits until the cable is ready.
func (s *held) settle(t *testing.T) {
	t.Helper()
	if err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "g"}, {Name: "sw"}}, nil); err != nil {
		t.Fatal(err)
	}
}

// receiveOffload does what "ethtool -K eth0 gro on" does.
func receiveOffload(t *testing.T, s *held) {
	n, err := s.of("g")
	if err == nil {
		err = n.ethtool("eth0", &ethtoolValue{0x2c, 1}) // ETHTOOL_SGRO
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestLateSenders: what may answer late is named, and what this process has opened, or counts, is not.
func TestLateSenders(t *testing.T) {
	// Where queues are seen, it does not matter who could have one.
	readable := false
	t.Run("who sees queues", func(t *testing.T) {
		err := cable(t).Enter("g", func() error {
			_, err := os.ReadFile("/proc/thread-self/net/netfilter/nfnetlink_queue")
			readable = err == nil
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	for _, c := range []struct {
		name, commands string
		open           func(t *testing.T, s *held)
		want           string // "" for nothing
	}{
		{name: "nothing"},
		{name: "its own sockets", open: func(t *testing.T, s *held) {
			for _, typ := range [][3]int{{unix.AF_PACKET, unix.SOCK_RAW, 0}, {unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP}} {
				fd, err := s.Socket("g", typ[0], typ[1], typ[2])
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { unix.Close(fd) })
			}
		}},
		{name: "a packet socket", open: func(t *testing.T, s *held) { foreign(t, "g", unix.AF_PACKET, unix.SOCK_RAW, 0) },
			want: "a packet socket of python3 (pid "},
		{name: "a raw socket", open: func(t *testing.T, s *held) {
			foreign(t, "g", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		}, want: "a raw socket of python3 (pid "},
		{name: "one of IPv6", open: func(t *testing.T, s *held) {
			foreign(t, "g", unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
		}, want: "a raw socket of python3 (pid "},
		{name: "a socket of netfilter", open: func(t *testing.T, s *held) {
			foreign(t, "g", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
		}, want: map[bool]string{false: "a netfilter socket of python3 (pid "}[readable]},
		{name: "a TCP socket", open: func(t *testing.T, s *held) { foreign(t, "g", unix.AF_INET, unix.SOCK_STREAM, 0) }},
		{name: "a bridge", commands: "ip link add br0 type bridge\nip link set br0 up\nip link set eth0 master br0"},
		{name: "a macvlan", commands: "ip link add link eth0 name m0 type macvlan mode bridge\nip link set m0 up",
			want: "the macvlan m0, whose broadcasts a kernel thread hands on"},
		{name: "one that is down", commands: "ip link add link eth0 name m0 type macvlan mode bridge"},
		{name: "its own macvlan", open: func(t *testing.T, s *held) {
			apply(t, s, plan.AddUpper{Node: "c", Name: "m1", Type: topology.Macvlan, Mode: "bridge", MTU: 1500,
				MAC: switchcore.MAC{0, 0x50, 0x56, 0, 0, 2}, Lower: guestEnd}, plan.SetUp{Node: "c", Name: "m1", Up: true})
			if late, err := s.Tables.LateSenders("c", &OwnSockets{}, func(name string) bool { return name == "eth0" || name == "m1" }); err != nil || len(late) > 0 {
				t.Errorf("above it: %q, %v", late, err)
			}
		}},
		{name: "a tunnel", commands: "ip link add x0 type vxlan id 5 dstport 4789 dev eth0\nip link set x0 up",
			want: "the interface x0, which receives by a queue of its own"},
		{name: "its own tunnel", open: func(t *testing.T, s *held) {
			apply(t, s, plan.AddVXLAN{Node: "g", Name: "m1", Lower: guestEnd, MAC: switchcore.MAC{2, 0, 0, 0, 0, 9}, MTU: 1400,
				VXLAN: topology.VXLAN{ID: 6, DstPort: 4789, DF: "unset", Learning: true}}, plan.SetUp{Node: "g", Name: "m1", Up: true})
		}},
		{name: "a cable out of the lab", commands: fmt.Sprintf("ip link add v0 type veth peer name far\nip link set far netns %d\nip link set v0 up", os.Getpid()),
			want: "the interface v0, which leads out of the lab"},
		{name: "a cable inside the node", commands: "ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up"},
		{name: "receive offload", open: receiveOffload, want: "the interface eth0, which receives by a queue of its own"},
		{name: "a kind that nobody knows", commands: "ip link add link eth0 name m0 type macvtap\nip link set m0 up",
			want: "the macvtap interface m0, which may hold packets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := cable(t)
			s.run(t, "g", c.commands)
			if c.open != nil {
				c.open(t, s)
			}
			late, err := s.Tables.LateSenders("g", &OwnSockets{}, func(name string) bool { return name == "eth0" || name == "m1" })
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && len(late) > 0 || c.want != "" && (len(late) != 1 || !strings.HasPrefix(late[0], c.want)) {
				t.Errorf("%q, want %q", late, c.want)
			}
		})
	}
}

// TestForgetful: what may treat a second request otherwise than the first is named.
func TestForgetful(t *testing.T) {
	for _, c := range []struct{ name, commands, want string }{
		{"nothing", "", ""},
		{"rules without a memory", "nft add table arp t\nnft add chain arp t c { type filter hook input priority 0 ; }\n" +
			"nft add rule arp t c arp operation request counter drop", ""},
		{"a limit for ARP", "nft add table arp t\nnft add chain arp t c { type filter hook input priority 0 ; }\n" +
			"nft add rule arp t c arp operation request limit rate 1/second accept", `a rule with "limit"`},
		{"every third", "nft add table netdev t\nnft add chain netdev t c { type filter hook ingress device eth0 priority 0 ; }\n" +
			"nft add rule netdev t c numgen inc mod 3 0 drop", `a rule with "numgen"`},
		{"by chance", "nft add table arp t\nnft add chain arp t c { type filter hook input priority 0 ; }\n" +
			"nft add rule arp t c meta random & 3 != 0 drop", `a rule with "meta"`},
		{"by where it came from", "nft add table arp t\nnft add chain arp t c { type filter hook input priority 0 ; }\n" +
			"nft add rule arp t c meta iifname eth7 drop", ""},
		{"a set that limits", "nft add table arp t\nnft add set arp t s { type ether_addr ; limit rate 1/second ; }", "a set whose elements limit, count or expire"},
		{"a set that forgets", "nft add table arp t\nnft add set arp t s { type ether_addr ; flags timeout ; }", "a set whose elements limit, count or expire"},
		{"a set", "nft add table arp t\nnft add set arp t s { type ether_addr ; }", ""},
		{"proxy ARP on all private VLANs", "sysctl -qw net.ipv4.conf.all.proxy_arp_pvlan=1", "a proxy, which answers for others after a while"},
		{"proxy ARP on a private VLAN", "sysctl -qw net.ipv4.conf.eth0.proxy_arp_pvlan=1", "a proxy, which answers for others after a while"},
		{"a quota on a bridge", "nft add table bridge t\nnft add chain bridge t c { type filter hook forward priority 0 ; }\n" +
			"nft add rule bridge t c quota 100 bytes accept", `a rule with "quota"`},
		{"a limit that ARP does not meet", "iptables -A INPUT -m limit --limit 1/s -j ACCEPT", ""},
		{"a limit for neighbour discovery", "ip6tables -A INPUT -m limit --limit 1/s -j ACCEPT", `a rule with "limit"`},
		{"states", "ip6tables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT", ""},
		{"a shaper", "tc qdisc add dev eth0 root tbf rate 1mbit burst 10k latency 10ms", "the queueing discipline tbf"},
		{"a hook", "tc qdisc add dev eth0 clsact", "the queueing discipline clsact"},
		{"proxy ARP", "sysctl -qw net.ipv4.conf.eth0.proxy_arp=1", "a proxy, which answers for others after a while"},
		{"a proxy for one", "ip neigh add proxy 10.0.0.9 dev eth0", "a proxy, which answers for others after a while"},
		{"a port that listens", "ip link add br0 type bridge stp_state 1 forward_delay 400\nip link set br0 up\n" +
			"ip link set eth0 master br0", "the bridge port eth0, which is listening"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := cable(t)
			s.settle(t)
			s.run(t, "g", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1\n"+c.commands)
			got, err := s.Forgetful("g", false)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && len(got) > 0 || c.want != "" && !slices.Equal(got, []string{c.want}) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestForgetfulOfAnyPacket: what only IPv4 meets matters to other packets than ARP and neighbour discovery.
func TestForgetfulOfAnyPacket(t *testing.T) {
	s := cable(t)
	s.settle(t)
	s.run(t, "g", `sysctl -qw net.ipv6.conf.all.disable_ipv6=1
iptables -A INPUT -m limit --limit 1/s -j ACCEPT`)
	if got, err := s.Forgetful("g", true); err != nil || !slices.Equal(got, []string{`a rule with "limit"`}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAnycast: a router has an anycast address for each prefix (RFC 4291, 2.6.1), as the kernel's own list says.
func TestAnycast(t *testing.T) {
	s := cable(t)
	s.run(t, "g", `sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.all.forwarding=1
ip -6 addr add fd00::1/64 dev eth0 nodad`)
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() { // the kernel adds it by a work item
		got, err := s.Anycast("g")
		if err == nil && slices.Contains(got, netip.MustParseAddr("fd00::")) {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if none, err := s.Anycast("c"); err != nil || len(none) > 0 {
		t.Errorf("of a node without: %v, %v", none, err)
	}
}

// TestTentativeIsForgetful: an address is not answered for before duplicate address detection has released it.
func TestTentativeIsForgetful(t *testing.T) {
	s := cable(t)
	s.settle(t)
	s.run(t, "g", `sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
ip -6 addr add fd00::1/64 dev eth0`)
	got, err := s.Forgetful("g", false)
	if err != nil || !slices.Equal(got, []string{"an IPv6 address is tentative"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestFailNeighbours: an entry that is given up is FAILED, as ip(8) shows it, and who waited there hears of it at once.
func TestFailNeighbours(t *testing.T) {
	s := cable(t)
	s.run(t, "g", `ip link set lo up
ip addr add 10.0.0.1/24 dev eth0
sysctl -qw net.ipv4.neigh.eth0.retrans_time_ms=60000`)
	fd, err := s.Socket("g", unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddr("10.0.0.9")
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 9, Addr: to.As4()}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Neighbours("g", unix.AF_INET)
	if err != nil || len(entries) != 1 || entries[0].State != "INCOMPLETE" {
		t.Fatalf("%+v, %v", entries, err)
	}
	if err := s.FailNeighbours("g", entries); err != nil {
		t.Fatal(err)
	}
	if out, _ := inNode(t, "g", "ip neigh show"); !strings.Contains(out, "10.0.0.9") || !strings.Contains(out, "FAILED") {
		t.Errorf("ip neigh says %q", out)
	}
	if _, err := unix.Write(fd, []byte("x")); err != unix.EHOSTUNREACH {
		t.Errorf("who waited there got %v", err)
	}
	s.run(t, "g", "ip neigh replace 10.0.0.8 lladdr 02:00:00:00:00:08 dev eth0 nud reachable")
	known := entries[0]
	known.IP = netip.MustParseAddr("10.0.0.8")
	if err := s.FailNeighbours("g", []topology.NeighbourEntry{known}); err != nil {
		t.Error(err)
	}
	if out, _ := inNode(t, "g", "ip neigh show 10.0.0.8"); !strings.Contains(out, "REACHABLE") {
		t.Errorf("one that was answered meanwhile is %q", out)
	}
	none := entries[0]
	none.IP = netip.MustParseAddr("10.0.0.77")
	if err := s.FailNeighbours("g", []topology.NeighbourEntry{none}); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
	if out, _ := inNode(t, "g", "ip neigh show"); strings.Contains(out, "10.0.0.77") {
		t.Errorf("one that was not there is: %q", out)
	}
}

// TestCounters: nothing that is counted goes by unseen, and nothing else changes the digest.
func TestCounters(t *testing.T) {
	s := cable(t)
	s.run(t, "g", "ip addr add 10.0.0.1/24 dev eth0")
	read := func() uint64 {
		t.Helper()
		n, err := s.Counters("g")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := read()
	if read() != before {
		t.Error("two readings of nothing differ")
	}
	forge(t, s, "g", strings.Repeat("ff", 6)+"020000000001"+"88b5"+strings.Repeat("00", 46))
	if read() == before {
		t.Error("a frame was sent, and the digest is the same")
	}
}

// TestQueues: what a queueing discipline holds back is seen, and is not any more when it has let it go.
func TestQueues(t *testing.T) {
	s := cable(t)
	s.run(t, "g", "tc qdisc add dev eth0 root tbf rate 2kbit burst 70 limit 10000")
	for range 3 {
		forge(t, s, "g", strings.Repeat("ff", 6)+"020000000001"+"88b5"+strings.Repeat("00", 46))
	}
	held, err := s.Queues("g")
	if err != nil || len(held) != 1 {
		t.Fatalf("%v, %v", held, err)
	}
	for end := time.Now().Add(10 * time.Second); len(held) > 0; {
		if held, err = s.Queues("g"); err != nil || time.Now().After(end) {
			t.Fatalf("%v, %v", held, err)
		}
	}
}

// TestBacklogged reads what this kernel says, and TestFence that there is a fence at all.
func TestBacklogged(t *testing.T) {
	line := func(waiting string) string {
		return "00c5a2d1 00000000 00000012 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 " + waiting + " 00000000 00000000 00000000\n"
	}
	if got, err := backlogIn([]byte(line("00000000") + line("0000001f"))); got != 31 || err != nil {
		t.Errorf("%d, %v; want 31", got, err)
	}
	if _, err := backlogIn([]byte("00c5a2d1 00000000 00000012 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n")); err == nil {
		t.Error("an old kernel does not tell, and that is taken for nothing")
	}
	if _, err := Backlogged(); err != nil {
		t.Error(err)
	}
}

func TestFence(t *testing.T) {
	if err := Fence(); err != nil {
		t.Error(err)
	}
}

func TestSocketInodes(t *testing.T) {
	packet := "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n" +
		"00000000a3a3a3a3 3      3    0003   2     1 0      0      4711\n"
	raw := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
		"   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 00000000b4b4b4b4 0\n"
	if got := socketInodes([]byte(packet)); !slices.Equal(got, []uint64{4711}) {
		t.Errorf("packet: %v", got)
	}
	if got := socketInodes([]byte(raw)); !slices.Equal(got, []uint64{4712}) {
		t.Errorf("raw: %v", got)
	}
}
