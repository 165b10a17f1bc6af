package reach

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/silence"
)

// dmz is a client, a firewall and a server behind it, with rules for ports of both
// families.
func dmz(t testing.TB) (*topology.Lab, *liveMachine) {
	lab := &topology.Lab{Name: "t"}
	host := func(name string, kind topology.Kind, addrs ...[]string) {
		n := &topology.Node{Name: name, Kind: kind}
		for i, list := range addrs {
			k := &topology.Interface{Name: fmt.Sprint("eth", i), Type: topology.Veth, Up: true}
			for _, a := range list {
				k.Addrs = append(k.Addrs, netip.MustParsePrefix(a))
			}
			n.Interfaces = append(n.Interfaces, k)
		}
		lab.Nodes = append(lab.Nodes, n)
	}
	host("client", topology.Host, []string{"198.51.100.2/24", "2001:db8:1::2/64"})
	host("fw", topology.Router, []string{"198.51.100.1/24", "2001:db8:1::1/64"}, []string{"10.0.0.1/24", "2001:db8:2::1/64"})
	host("web", topology.Host, []string{"10.0.0.2/24", "2001:db8:2::2/64"})
	steps := `ip link add eth0 netns client type veth peer name eth0 netns fw
ip link add eth1 netns fw type veth peer name eth0 netns web
fw: sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
`
	for _, n := range lab.Nodes {
		for _, k := range n.Interfaces {
			steps += fmt.Sprintf("%s: ip link set %s up && sysctl -qw net.ipv4.neigh.%s.retrans_time_ms=250 net.ipv6.neigh.%s.retrans_time_ms=250\n",
				n.Name, k.Name, k.Name, k.Name)
			for _, a := range k.Addrs {
				steps += fmt.Sprintf("%s: ip addr add %s dev %s%s\n", n.Name, a, k.Name, map[bool]string{true: " nodad"}[a.Addr().Is6()])
			}
		}
	}
	steps += `client: ip route add default via 198.51.100.1
client: ip route add default via 2001:db8:1::1
web: ip route add default via 10.0.0.1
web: ip route add default via 2001:db8:2::1
`
	lab.Names = []topology.NamedEnd{{Name: "nobody", IP: addr("10.0.0.77")}, {Name: "nobody6", IP: addr("2001:db8:2::77")},
		{Name: "far", IP: addr("192.0.2.1")}, {Name: "vip", IP: addr("198.51.100.9")}}
	m := build(t, lab, steps)
	load(t, "fw", `table inet f {
  chain forward { type filter hook forward priority 0; policy accept;
    tcp dport 443 counter reject with tcp reset
    tcp dport 8443 counter reject with icmpx port-unreachable
    tcp dport 25 counter reject with icmpx admin-prohibited
    tcp dport 22 counter drop
    udp dport 123 counter drop
    udp dport 161 counter reject with icmpx port-unreachable
  }
}
table ip n {
  chain pre { type nat hook prerouting priority -100;
    ip daddr 198.51.100.1 tcp dport 8080 dnat to 10.0.0.2:80
    ip daddr 198.51.100.1 udp dport 5353 dnat to 10.0.0.2:53
    ip daddr 198.51.100.9 tcp dport 80 dnat to 10.0.0.2:81
  }
}`)
	load(t, "web", `table inet f {
  chain in { type filter hook input priority 0; policy accept;
    tcp dport 111 counter reject with tcp reset
    tcp dport 112 counter reject with icmpx port-unreachable
    udp dport 112 counter reject with icmpx port-unreachable
  }
}`)
	sh(t, "fw", "ip addr add 198.51.100.9/32 dev lo")
	sh(t, "client", "until ping -q -c1 -W1 2001:db8:2::2 >/dev/null; do :; done; ip neigh flush all")
	return lab, m
}

// brief is patience enough for a kernel to give up a neighbour.
const brief = 1500 * time.Millisecond

func load(t testing.TB, node, rules string) {
	t.Helper()
	cmd := exec.Command("ip", "netns", "exec", node, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func port(kind, from, to string) expect.Question { return expect.Question{Kind: kind, A: from, B: to} }

func portWith(with string, q expect.Question) expect.Question {
	q.With = with
	return q
}

// listenByNC has nc(1) listen at ports of a node until the test ends.
func listenByNC(t *testing.T, m *liveMachine, node, kind, ip string, ports ...uint16) {
	t.Helper()
	for _, p := range ports {
		args := []string{"netns", "exec", node, "nc", "-n", "-k", "-l", ip, fmt.Sprint(p)}
		if strings.HasPrefix(kind, "udp") {
			args[4] = "-nu"
		}
		cmd := exec.Command("ip", args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		b := &bench{machine: m}
		for end := time.Now().Add(20 * time.Second); ; {
			held, err := b.portHeld(node, transport{udp: strings.HasPrefix(kind, "udp")}, p)
			if err != nil || time.Now().After(end) {
				t.Fatalf("nc does not listen at %s:%d: %v", node, p, err)
			}
			if held == listens {
				break
			}
			poll(nil, 5*time.Millisecond)
		}
	}
}

// byNC is what nc(1) says of a connection.
func byNC(t *testing.T, from string, r Result, lab *topology.Lab) string {
	t.Helper()
	name, p, _ := expect.SocketTarget(r.Question.B)
	target, _ := lab.Target(name)
	ip := target.IP
	if strings.HasSuffix(r.Question.Kind, "6") {
		ip = target.IP6
	}
	out := sh(t, from, fmt.Sprintf("nc -n -z -v -w 2 %s %d 2>&1 || true", ip, p))
	for _, says := range []string{"succeeded", "refused", "timed out", "No route to host", "Network is unreachable",
		"Permission denied"} {
		if strings.Contains(out, says) {
			return says
		}
	}
	t.Fatalf("nc said %q", out)
	return ""
}

// wordForNC is what nc(1) says where we say a word: it does not tell who sends an error.
func wordForNC(word string, v6 bool) string {
	base, _, _ := strings.Cut(word, "@")
	switch base {
	case "open":
		return "succeeded"
	case "refused", "icmp:port-unreachable":
		return "refused"
	case "silent":
		return "timed out"
	case "no-arp", "icmp:host-unreachable":
		return "No route to host"
	case "icmp:admin-prohibited":
		if v6 {
			return "Permission denied"
		}
		return "No route to host"
	case "no-route", "icmp:net-unreachable", "icmp:no-route":
		return "Network is unreachable"
	}
	return word
}

// TestConnectionsAreWhatNCSays: pair by pair, fresh and kept, again and again.
func TestConnectionsAreWhatNCSays(t *testing.T) {
	lab, m := dmz(t)
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	ports := []uint16{80, 443, 8443, 25, 22, 111, 112}
	var qs []expect.Question
	for _, from := range []string{"client", "fw"} {
		for _, n := range ports {
			qs = append(qs, port("tcp", from, fmt.Sprint("web:", n)), port("tcp6", from, fmt.Sprint("web:", n)))
		}
	}
	qs = append(qs, port("tcp", "client", "nobody:80"), port("tcp", "fw", "nobody:80"), port("tcp", "fw", "far:80"),
		port("tcp6", "client", "nobody6:80"), port("tcp6", "fw", "nobody6:80"), port("tcp", "client", "far:80"),
		port("tcp", "web", "client:80"))
	begin := time.Now()
	first := ask(t, p, false, qs...)
	t.Logf("%d questions in %v", len(qs), time.Since(begin))
	wantText(t, first[:14], `
tcp:client->web:80 open
tcp6:client->web:80 open
tcp:client->web:443 refused
tcp6:client->web:443 refused
tcp:client->web:8443 icmp:port-unreachable@fw
tcp6:client->web:8443 icmp:port-unreachable@fw
tcp:client->web:25 icmp:admin-prohibited@fw
tcp6:client->web:25 icmp:admin-prohibited@fw
tcp:client->web:22 silent
tcp6:client->web:22 silent
tcp:client->web:111 refused
tcp6:client->web:111 refused
tcp:client->web:112 refused
tcp6:client->web:112 refused
`)
	for _, kept := range []bool{false, true} {
		if again := text(ask(t, p, kept, qs...)); again != text(first) {
			t.Errorf("kept %v differs:\n%s\nfrom\n%s", kept, again, text(first))
		}
	}
	listenByNC(t, m, "web", "tcp", "10.0.0.2", ports...)
	listenByNC(t, m, "web", "tcp6", "2001:db8:2::2", ports...)
	listenByNC(t, m, "client", "tcp", "198.51.100.2", 80)
	for _, r := range first {
		says := byNC(t, r.Question.A, r, lab)
		if want := wordForNC(r.Got, strings.HasSuffix(r.Question.Kind, "6")); says != want {
			t.Errorf("%s: %s (%s), nc says %s", r.Question, r.Got, r.Detail, says)
		}
	}
	// And with nc's listeners, which are the lab's own programs now, it is the same.
	for i, r := range ask(t, p, false, qs...) {
		if r.Got != first[i].Got {
			t.Errorf("%s: %s with a program, %s without (%s)", r.Question, r.Got, first[i].Got, r.Detail)
		}
	}
}

// TestDatagramsAreWhatNCReceives, pair by pair.
func TestDatagramsAreWhatNCReceives(t *testing.T) {
	lab, m := dmz(t)
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	var qs []expect.Question
	for _, n := range []int{53, 123, 161, 112} {
		for _, kind := range []string{"udp", "udp6"} {
			qs = append(qs, port(kind, "client", fmt.Sprint("web:", n)), port(kind, "fw", fmt.Sprint("web:", n)))
		}
	}
	first := ask(t, p, false, qs...)
	wantText(t, first, `
udp:client->web:53 open
udp:fw->web:53 open
udp6:client->web:53 open
udp6:fw->web:53 open
udp:client->web:123 silent
udp:fw->web:123 open
udp6:client->web:123 silent
udp6:fw->web:123 open
udp:client->web:161 icmp:port-unreachable@fw
udp:fw->web:161 open
udp6:client->web:161 icmp:port-unreachable@fw
udp6:fw->web:161 open
udp:client->web:112 refused
udp:fw->web:112 refused
udp6:client->web:112 refused
udp6:fw->web:112 refused
`)
	if again := text(ask(t, p, true, qs...)); again != text(first) {
		t.Errorf("kept:\n%s\nfresh:\n%s", again, text(first))
	}
	for _, r := range first {
		name, n, _ := expect.SocketTarget(r.Question.B)
		target, _ := lab.Target(name)
		ip := target.IP
		if r.Question.Kind == "udp6" {
			ip = target.IP6
		}
		out := sh(t, name, fmt.Sprintf(`timeout 1 nc -n -u -l %s %d > /tmp/labctl-nc.$$ & server=$!
until grep -qi ':%04X ' /proc/net/udp /proc/net/udp6; do :; done
echo frame | ip netns exec %s nc -n -u -w 1 %s %d || true
wait $server || true; cat /tmp/labctl-nc.$$; rm /tmp/labctl-nc.$$`, ip, n, n, r.Question.A, ip, n))
		if received := strings.Contains(out, "frame"); received != (r.Got == "open") {
			t.Errorf("%s: %s (%s), nc received %v", r.Question, r.Got, r.Detail, received)
		}
	}
}

// TestTranslatedPorts: where the listener is not named, nobody listens where the question comes to, which must not pass
// for a refusal.
func TestTranslatedPorts(t *testing.T) {
	lab, m := dmz(t)
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	got := ask(t, p, false, port("tcp", "client", "fw:8080"), port("udp", "client", "fw:5353"),
		port("tcp", "client", "vip:80"),
		portWith("listen=web%3A80", port("tcp", "client", "fw:8080")),
		portWith("listen=web%3Aeth0%3A53", port("udp", "client", "fw:5353")),
		portWith("listen=web%3A81", port("tcp", "client", "vip:80")),
		portWith("listen=web%3A82", port("tcp", "client", "vip:80")),
		portWith("listen=fw%3A8080", port("tcp", "client", "fw:8080")))
	wantText(t, got, `
tcp:client->fw:8080 unknown
udp:client->fw:5353 unknown
tcp:client->vip:80 unknown
tcp:client->fw:8080 open
udp:client->fw:5353 open
tcp:client->vip:80 open
tcp:client->vip:80 unknown
tcp:client->fw:8080 unknown
`)
	if !strings.Contains(got[0].Detail, "nobody listens, in web") {
		t.Error(got[0].Detail)
	}
}

// TestNobodyHoldsTheAddress: what is lost then proves nothing.
func TestNobodyHoldsTheAddress(t *testing.T) {
	lab, m := dmz(t)
	lab.Names = append(lab.Names, topology.NamedEnd{Name: "hole", IP: addr("203.0.113.1")})
	sh(t, "fw", "ip route add 203.0.113.1 via 10.0.0.2; ip netns exec web ip route add blackhole 203.0.113.1; ip netns exec web sysctl -qw net.ipv4.ip_forward=1")
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	wantText(t, ask(t, p, false, port("tcp", "client", "hole:80"), portWith("listen=real", port("tcp", "client", "hole:80"))),
		"tcp:client->hole:80 unknown\ntcp:client->hole:80 silent\n")
}

// TestProgramsOfTheLab: a port that a program holds is left to it.
func TestProgramsOfTheLab(t *testing.T) {
	lab, m := dmz(t)
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	real := func(q expect.Question) expect.Question { return portWith("listen=real", q) }
	hello := func(q expect.Question) expect.Question { return portWith("listen=real,payload=hello", q) }
	wantText(t, ask(t, p, false, real(port("tcp", "client", "web:80")), real(port("tcp6", "client", "web:80")),
		hello(port("udp", "client", "web:53"))),
		"tcp:client->web:80 refused\ntcp6:client->web:80 refused\nudp:client->web:53 refused\n")
	listenByNC(t, m, "web", "tcp6", "::", 80) // of both families
	stop := answering(t, m, "web", 53)
	defer stop()
	got := ask(t, p, false, port("tcp", "client", "web:80"), real(port("tcp", "client", "web:80")),
		real(port("tcp6", "client", "web:80")), port("udp", "client", "web:53"), hello(port("udp", "client", "web:53")),
		portWith("listen=real,payload=quiet", port("udp", "client", "web:53")))
	wantText(t, got, `
tcp:client->web:80 open
tcp:client->web:80 open
tcp6:client->web:80 open
udp:client->web:53 unknown
udp:client->web:53 open
udp:client->web:53 silent
`)
	if !strings.Contains(got[3].Detail, "a program in web holds the port") || strings.Contains(got[0].Detail, "accepted") {
		t.Error(got[3].Detail, got[0].Detail)
	}
	if says := byNC(t, "client", got[0], lab); says != "succeeded" {
		t.Errorf("the program's port was taken: nc says %s", says)
	}
}

// answering is a program that answers datagrams, but for those that say quiet.
func answering(t *testing.T, m *liveMachine, node string, p uint16) (stop func()) {
	fd, err := m.Socket(node, unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(p)})
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2000)
		for {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err != nil || n == 0 {
				return
			}
			if !bytes.Equal(buf[:n], []byte("quiet")) {
				_ = unix.Sendto(fd, buf[:n], 0, from)
			}
		}
	}()
	return func() {
		_ = unix.Shutdown(fd, unix.SHUT_RD)
		<-done
		_ = unix.Close(fd)
	}
}

// TestAPortWithoutAListener: a naive prober, which connects and listens nowhere, finds every port refused that is open.
func TestAPortWithoutAListener(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	if out := sh(t, "a", "nc -n -z -v -w 3 10.0.0.2 80 2>&1 || true"); !strings.Contains(out, "refused") {
		t.Errorf("nc says %q", out)
	}
	before := sh(t, "b", "cat /proc/net/tcp | wc -l")
	wantText(t, ask(t, p, false, port("tcp", "a", "b:80"), port("udp", "a", "b:80")),
		"tcp:a->b:80 open\nudp:a->b:80 open\n")
	if after := sh(t, "b", "cat /proc/net/tcp | wc -l"); after != before {
		t.Errorf("b has %s lines of sockets, had %s", after, before)
	}
	// What is left of a program that has ended holds no port: nobody listens any more.
	sh(t, "b", "timeout 5 nc -n -l 10.0.0.2 80 >/dev/null & until grep -q ':0050 ' /proc/net/tcp; do :; done; "+
		"ip netns exec a nc -n -N -w 1 10.0.0.2 80 </dev/null || true; wait || true")
	wantText(t, ask(t, p, true, port("tcp", "a", "b:80")), "tcp:a->b:80 open\n")
}

// proving is a lab in which nothing moves any more as soon as something has been sent, as between cables alone.
type proving struct {
	*liveMachine
	forgetful []string
}

func (m *proving) LateSenders() ([]string, error)               { return nil, nil }
func (m *proving) Look(context.Context) (silence.Look, error)   { return silence.Look{}, nil }
func (m *proving) Glance(context.Context) (silence.Look, error) { return silence.Look{}, nil }
func (m *proving) Fence() error                                 { return nil }
func (m *proving) Forgetful(bool) ([]string, error)             { return m.forgetful, nil }

// TestSilenceOfPorts: it is not waited for where it is proven; where a rule may let a repeated request pass, the kernel
// repeats it.
func TestSilenceOfPorts(t *testing.T) {
	lab, m := dmz(t)
	quick := &Prober{Lab: lab, Machine: &proving{liveMachine: m}, Patience: time.Minute}
	defer quick.Close()
	for _, r := range ask(t, quick, false, port("tcp", "client", "web:22"), port("udp6", "client", "web:123")) {
		if r.Got != "silent" || !strings.Contains(r.Detail, "none is on its way") {
			t.Errorf("%s: %s (%s)", r.Question, r.Got, r.Detail)
		}
	}
	sh(t, "web", "nft 'add set inet f met { type inet_service; flags dynamic; }; "+
		"add rule inet f in tcp dport 99 tcp sport @met accept; add rule inet f in tcp dport 99 add @met { tcp sport } drop'")
	wantText(t, ask(t, quick, false, port("tcp", "client", "web:99")), "tcp:client->web:99 silent\n")
	slow := &Prober{Lab: lab, Machine: &proving{m, []string{"web has a set"}}}
	defer slow.Close()
	wantText(t, ask(t, slow, false, port("tcp", "client", "web:99")), "tcp:client->web:99 open\n")
}

// TestLinkLocalTargets: a node that has no other address answers a link-local one alone. ping(8) and nc(1) get through.
func TestLinkLocalTargets(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24,2001:db8::1/64", "b fe80::9/64")
	m := build(t, lab, steps)
	sh(t, "a", "until ping -q -c1 -W1 fe80::9%eth0 >/dev/null; do :; done")
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	wantText(t, ask(t, p, false, port("ping6", "a:eth0", "b"), port("tcp6", "a:eth0", "b:80"), port("udp6", "a:eth0", "b:53"),
		port("tcp6", "a", "b:80")),
		"ping6:a:eth0->b ok\ntcp6:a:eth0->b:80 open\nudp6:a:eth0->b:53 open\ntcp6:a->b:80 unknown\n")
}

// TestTheSendersOwnRefusals: its routes and its rules. What its rule drops of a connection its kernel does not tell.
func TestTheSendersOwnRefusals(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	steps += "a: ip route add blackhole 203.0.113.1; ip route add prohibit 203.0.113.2; ip route add unreachable 203.0.113.3\n"
	lab.Names = []topology.NamedEnd{{Name: "hole", IP: addr("203.0.113.1")}, {Name: "prohibited", IP: addr("203.0.113.2")},
		{Name: "unreachable", IP: addr("203.0.113.3")}, {Name: "nowhere", IP: addr("192.0.2.1")}, {Name: "all", IP: addr("10.0.0.255")}}
	m := build(t, lab, steps)
	load(t, "a", `table ip f { chain o { type filter hook output priority 0; policy accept;
  tcp dport 96 drop; tcp dport 97 reject with tcp reset; tcp dport 98 reject; udp dport 96 drop; udp dport 98 reject; }; }`)
	p := &Prober{Lab: lab, Machine: m, Patience: brief}
	defer p.Close()
	var qs []expect.Question
	for _, kind := range []string{"tcp", "udp"} {
		for _, to := range []string{"b:96", "b:97", "b:98", "hole:1", "prohibited:1", "unreachable:1", "nowhere:1", "all:1"} {
			qs = append(qs, port(kind, "a", to))
		}
	}
	wantText(t, ask(t, p, false, qs...), `
tcp:a->b:96 silent
tcp:a->b:97 refused
tcp:a->b:98 icmp:port-unreachable@a
tcp:a->hole:1 no-route
tcp:a->prohibited:1 icmp:admin-prohibited@a
tcp:a->unreachable:1 icmp:host-unreachable@a
tcp:a->nowhere:1 no-route
tcp:a->all:1 broadcast
udp:a->b:96 icmp:admin-prohibited@a
udp:a->b:97 open
udp:a->b:98 icmp:port-unreachable@a
udp:a->hole:1 no-route
udp:a->prohibited:1 icmp:admin-prohibited@a
udp:a->unreachable:1 icmp:host-unreachable@a
udp:a->nowhere:1 no-route
udp:a->all:1 broadcast
`)
}
