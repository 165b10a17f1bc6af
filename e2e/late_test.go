package e2e

import (
	"fmt"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// answering is a program that answers echo requests for an address by a packet socket, or behind a TAP device, some
// seconds after it has had them; ARP requests it answers at once.
const answering = `
import fcntl, os, select, socket, struct, sys, time
how, ip, delay = sys.argv[1], socket.inet_aton(sys.argv[2]), float(sys.argv[3])
mac = bytes.fromhex('020000000099')
if how == 'tap':
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, 0x400454ca, struct.pack('16sH', b'tap0', 0x1002))  # TUNSETIFF, IFF_TAP | IFF_NO_PI
    read, put = (lambda: os.read(fd, 2000)), (lambda b: os.write(fd, b))
else:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind(('eth0', 3))
    mac = s.getsockname()[4]
    fd, read, put = s.fileno(), (lambda: s.recv(2000)), s.send
def checksum(b):
    b += b'\0' * (len(b) % 2)
    n = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    n = (n >> 16) + (n & 0xffff)
    return ~(n + (n >> 16)) & 0xffff
open(sys.argv[4], 'w').close()
due = []
while True:
    ready = select.select([fd], [], [], max(0, due[0][0] - time.time()) if due else None)[0]
    while due and due[0][0] <= time.time():
        put(due.pop(0)[1])
    if not ready:
        continue
    b = read()
    if b[6:12] == mac:
        continue
    if b[12:14] == b'\x08\x06' and b[20:22] == b'\0\1' and b[38:42] == ip and how == 'tap':
        put(b[6:12] + mac + b[12:20] + b'\0\2' + mac + ip + b[22:32])
    elif b[12:14] == b'\x08\x00' and b[23] == 1 and b[30:34] == ip and b[34] == 8:
        icmp = b'\0\0\0\0' + b[38:34 + struct.unpack('!H', b[16:18])[0] - 20]
        icmp = icmp[:2] + struct.pack('!H', checksum(icmp)) + icmp[4:]
        head = b[14:24] + b'\0\0' + ip + b[26:30]
        head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
        due.append((time.time() + delay, b[6:12] + mac + b[12:14] + head + icmp))
`

// queueing is a program that takes packets from NFQUEUE 0 and lets each go some seconds later (nfnetlink_queue).
const queueing = `
import select, socket, struct, sys, time
delay = float(sys.argv[1])
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.bind((0, 0))
def attribute(kind, b):
    return struct.pack('HH', 4 + len(b), kind) + b + b'\0' * (-len(b) % 4)
def tell(kind, b):
    s.send(struct.pack('IHHII', 20 + len(b), 0x300 | kind, 1, 0, 0) + struct.pack('!BBH', 0, 0, 0) + b)
tell(2, attribute(1, struct.pack('!BBH', 1, 0, 2)))   # bind, AF_INET
tell(2, attribute(2, struct.pack('!IB', 0xffff, 2)))  # copy packets
open(sys.argv[2], 'w').close()
due = []
while True:
    ready = select.select([s], [], [], max(0, due[0][0] - time.time()) if due else None)[0]
    while due and due[0][0] <= time.time():
        tell(1, attribute(2, struct.pack('!I', 1) + due.pop(0)[1]))  # NF_ACCEPT
    if not ready:
        continue
    b = s.recv(65536)
    if struct.unpack('H', b[4:6])[0] != 0x300:
        continue
    at = 20
    while at + 4 <= len(b):
        size, kind = struct.unpack('HH', b[at:at + 4])
        if kind & 0x3fff == 1:
            due.append((time.time() + delay, b[at + 4:at + 8]))
        at += (size + 3) & ~3
`

// relaying is a program that hands on, between two interfaces, what it has had for some seconds.
const relaying = `
import select, socket, struct, sys, time
delay = float(sys.argv[1])
ports = []
for name in ('eth0', 'eth1'):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 3))
    s.setsockopt(263, 1, struct.pack('IHH8s', socket.if_nametoindex(name), 1, 0, b''))  # promiscuous
    ports.append(s)
open(sys.argv[2], 'w').close()
due = []
while True:
    ready = select.select(ports, [], [], max(0, due[0][0] - time.time()) if due else None)[0]
    while due and due[0][0] <= time.time():
        _, to, frame = due.pop(0)
        to.send(frame)
    for s in ready:
        frame, at = s.recvfrom(2000)
        if at[2] != 4:  # not what it has sent itself
            due.append((time.time() + delay, ports[1 - ports.index(s)], frame))
`

// lateLab has a host that asks, and one that answers in its own time.
const lateLab = `format: 1
lab: late
names: {ghost: {ip: 10.0.0.9}}
nodes:
  s1: {kind: bridge}
  h1: {ip: 10.0.0.1/24}
  h2:
    ip: 10.0.0.2/24
%s
links: [h1 h2 -- s1]
`

// An answer that comes late is an answer, whatever held it up.
var _ = Describe("an answer that comes late is not called silence", func() {
	late := func(node string) string {
		return write("late.yaml", fmt.Sprintf(lateLab, strings.TrimRight(node, "\n")))
	}
	script := func(text string) string { return write("late.py", text) }
	asks := func(lab, from, to, want string) result {
		GinkgoHelper()
		up(lab)
		r := labctl("ping", from, to)
		Expect(r.out).To(HavePrefix(fmt.Sprintf("%s -> %s", from, to)))
		Expect(r.out).To(MatchRegexp(`^\S+ -> \S+ \(\S+\): `+want), r.out)
		return r
	}
	for _, delay := range []string{"0.2", "1.3", "3"} {
		It("held by a program with a packet socket for "+delay+" s", func() {
			ready := GinkgoT().TempDir() + "/ready"
			asks(late(`    sysctls: {net.ipv4.icmp_echo_ignore_all: 1}
    run:
      - {sh: "exec python3 `+script(answering)+` packet 10.0.0.2 `+delay+" "+ready+`", background: true, ready: "file:`+ready+`"}
`), "h1", "h2", "ok")
		})
		It("held in a queue to a program for "+delay+" s", func() {
			ready := GinkgoT().TempDir() + "/ready"
			asks(late(`    run:
      - iptables -A INPUT -p icmp -j NFQUEUE --queue-num 0
      - {sh: "exec python3 `+script(queueing)+` `+delay+" "+ready+`", background: true, ready: "file:`+ready+`"}
`), "h1", "h2", "ok")
		})
		if os.Getuid() != 0 { // only root may open /dev/net/tun, which TestMain of the TAP tests proves
			continue
		}
		It("held behind a TAP device for "+delay+" s", func() {
			ready := GinkgoT().TempDir() + "/ready"
			asks(late(`    run:
      - {sh: "exec python3 `+script(answering)+` tap 10.0.0.9 `+delay+" "+ready+`", background: true, ready: "file:`+ready+`"}
      - ip link add br0 type bridge mcast_snooping 0
      - ip link set tap0 master br0 up
      - ip link set br0 up
      - ip addr flush dev eth0
      - ip link set eth0 master br0
`), "h1", "ghost", "ok")
		})
	}
	It("that waits in a queueing discipline", func() {
		// 100 bytes a second: the first reply takes what there is, and the next ones wait a second each.
		up(write("shaped.yaml", `format: 1
lab: shaped
nodes:
  h1: {ip: 10.0.0.1/24, mac: "02:00:00:00:00:01", neigh: {10.0.0.2: "02:00:00:00:00:02"}}
  h2: {ip: 10.0.0.2/24, mac: "02:00:00:00:00:02", neigh: {10.0.0.1: "02:00:00:00:00:01"}, run: [tc qdisc add dev eth0 root tbf rate 800bit burst 100 limit 10000]}
links: [h1 -- h2]
`))
		for range 2 {
			r := labctl("ping", "h1", "h2")
			Expect(r).To(Exit(0), r.out)
		}
	})
	It("by a proxy that thinks for a while", func() {
		up(write("proxy.yaml", `format: 1
lab: proxy
nodes:
  h1: {ip: 10.0.0.1/24}
  h9: {ip: 10.0.0.9/24}
  r:
    interfaces: {eth0: 10.0.0.2/24, eth1: 10.0.1.1/24}
    run: [ip route add 10.0.0.9/32 dev eth1]
    sysctls:
      ip_forward: 1
      net.ipv4.neigh.eth0.proxy_delay: 60
links: [h1 -- r:eth0, h9 -- r:eth1]
`))
		// By hand: nothing in the file speaks of it.
		Expect(labctl("exec", "r", "--", "sh", "-c", "echo 1 | tee /proc/sys/net/ipv4/conf/eth*/proxy_arp")).To(Exit(0))
		for range rounds(20, 5) {
			r := labctl("ping", "h1", "h9")
			Expect(r).To(Exit(0), r.out)
		}
	})
	It("by a proxy on a private VLAN", func() {
		up(write("pvlan.yaml", `format: 1
lab: pvlan
names: {other: {ip: 10.0.0.9}}
nodes:
  h1: {ip: 10.0.0.1/24}
  r: {ip: 10.0.0.2/24, sysctls: {ip_forward: 1, net.ipv4.neigh.eth0.proxy_delay: 60}}
links: [h1 -- r]
`))
		Expect(labctl("exec", "r", "--", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp_pvlan")).To(Exit(0))
		for range rounds(20, 5) {
			// Nobody has the address, but the router says that it is its own: the request goes to it, and comes back.
			Expect(labctl("ping", "h1", "other").out).NotTo(ContainSubstring("no-arp"))
		}
	})
	It("of a sniffer, a forged frame or ARP behind a program that hands frames on", func() {
		for _, delay := range []string{"0.6", "1.4"} { // there, and back
			ready := GinkgoT().TempDir() + "/ready"
			r := labctl("verify", write("relay.yaml", fmt.Sprintf(`format: 1
lab: relay
nodes:
  s1: {kind: bridge, ageing: 0s}
  a: {ip: 10.0.0.1/24, mac: "02:00:00:00:00:0a", neigh: {10.0.0.2: "02:00:00:00:00:0b"}}
  b: {ip: 10.0.0.2/24, mac: "02:00:00:00:00:0b", neigh: {10.0.0.1: "02:00:00:00:00:0a"}}
  c: {ip: 10.0.0.3/24}
  m:
    run:
      - {sh: "exec python3 %s %s %s", background: true, ready: "file:%s"}
links: ["a -- m:eth0", b c m:eth1 -- s1]
expect:
  answers: |
    from\to  b
    a        yes
  sees: |
    flow\at  b    c
    a->b     yes  yes
steps:
  - name: a forged frame
    do: [{send: {from: a, dst: broadcast, type: 0x88cc, payload: "0102", src: "02:00:00:00:00:77", name: forged}}]
    expect:
      sees: |
        flow\at  b    c
        forged   yes  yes
`, script(relaying), delay, ready, ready)))
			Expect(r).To(Exit(0), r.out)
		}
	})
	It("for an anycast address", func() {
		up(write("anycast.yaml", `format: 1
lab: anycast
names: {any: {ip: "fd00::"}}
nodes:
  h1: {ip: "fd00::2/64"}
  r: {kind: router, ip: "fd00::1/64"}
links: [h1 -- r]
`))
		for range rounds(20, 5) {
			r := labctl("ping", "-6", "h1", "any")
			Expect(r.out).NotTo(ContainSubstring("no-arp"))
		}
	})
	It("to the third request for a neighbour", func() {
		// The first is that of the ping for a moment.
		asks(late(`    rules:
      third: {nft: "table arp third { chain in { type filter hook input priority 0; arp operation request numgen inc mod 4 != 3 drop; }; }"}
`), "h1", "h2", "ok")
	})
	It("to the third request for a neighbour, before a sniffer has anything to see", func() {
		up(late(`    rules:
      third: {nft: "table arp third { chain in { type filter hook input priority 0; arp operation request numgen inc mod 3 != 2 drop; }; }"}
`))
		Expect(labctl("matrix", "--probe", "sees", "--from", "h1", "--to", "h2", "--at", "h2").out).To(MatchRegexp(`h1->h2 +yes`))
	})
	It("from a port that a spanning tree opens meanwhile", func() {
		lab := write("opening.yaml", `format: 1
lab: opening
nodes:
  s1: {kind: bridge, stp: true, forward_delay: 2s, hello_time: 1s, max_age: 6s}
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24}
links: [h1 h2 -- s1]
`)
		up(lab)
		Expect(labctl("exec", "s1", "--", "sh", "-ec", `ip link set h2 down
ip link set h2 up
until bridge link show dev h2 | grep -q learning; do :; done
sleep 1.6`)).To(Exit(0))
		Expect(labctl("ping", "h1", "h2", "--kept").out).To(ContainSubstring("ok"))
	})
})

// A stream that is judged early is judged as at its own pace.
var _ = Describe("a stream that is judged", func() {
	judged := func(every, rule, want string, times int) {
		GinkgoHelper()
		lab := write("judged.yaml", fmt.Sprintf(`format: 1
lab: judged
nodes:
  sw: {kind: vswitch}
  a: {ip: 10.0.0.1/24}
  b:
    ip: 10.0.0.2/24
    rules:
      limit:
        iptables: |
          %s
links: [a b -- sw]
steps:
  - name: it runs
    do:
      - stream: {name: s, from: a, to: b, every: %s}
    expect:
      streams: |
        stream  is
        s       %s
`, rule, every, want))
		for range times {
			r := labctl("verify", lab)
			Expect(r).To(Exit(0), r.out)
		}
	}
	It("has no request of its own closed too early", func() { judged("10ms", "-A INPUT -p icmp -j ACCEPT", "ok", rounds(20, 5)) })
	It("is not sent faster where rules limit it", func() {
		// A ticker that is late once comes early the next time; that early it does not come.
		judged("900ms", "-A INPUT -p icmp -m limit --limit 5/s --limit-burst 1 -j ACCEPT\n          -A INPUT -p icmp -j DROP", "ok", rounds(5, 1))
	})
})

// What is in the way of a proof is named.
var _ = Describe("where silence cannot be proven", func() {
	It("says why", func() {
		up(write("late.yaml", fmt.Sprintf(lateLab, `    sysctls: {net.ipv4.icmp_echo_ignore_all: 1}
    run:
      - {sh: "exec python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).recv(1)'", background: true}`)))
		Eventually(func() string { return labctl("exec", "h2", "--", "cat", "/proc/net/packet").out }).Should(MatchRegexp(`\n\S`))
		r := labctl("ping", "h1", "h2")
		Expect(r.out).To(ContainSubstring("silent: no answer was received within 4s"))
		Expect(r.out).To(ContainSubstring("h2 has a packet socket"))
	})
	It("and waits for no neighbour that nobody answers for, though a sniffer listens", func() {
		// While others keep the machine's processors from their packets, neighbours are asked for as often as ever.
		Eventually(func() string {
			r := labctl("verify", "subnet-mask-rp-filter", "--timing")
			Expect(r).To(Exit(0), r.out)
			return r.out
		}).WithTimeout(2 * time.Minute).ShouldNot(ContainSubstring("waited for silence"))
	})
	It("and says that it is proven", func() {
		up(write("late.yaml", fmt.Sprintf(lateLab, `    sysctls: {net.ipv4.icmp_echo_ignore_all: 1}`)))
		Expect(labctl("ping", "h1", "h2").out).To(ContainSubstring("silent: no answer was received, and none is on its way"))
	})
})
