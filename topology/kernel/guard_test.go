package kernel

import (
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

const behindPorts = `format: 1
lab: t
nodes:
  s1: {kind: bridge, rules: {guard: {load: %s, level: %s, port_guard: {a: a, b: b, c: c}}}}
  a: {ip: 10.0.0.1/24, mac: "02:00:00:00:00:01"}
  b: {ip: 10.0.0.2/24, mac: "02:00:00:00:00:02"}
  c: {ip: 10.0.0.3/24, mac: "02:00:00:00:00:03"}
links: [a b c -- s1]
`

// Frames to a from b's own MAC that say they are c's, without their EtherType, which a tag goes before.
const (
	toA      = "020000000001" + "020000000002"
	lyingARP = "0806" + "0001080006040002" + "020000000002" + "0a000003" + "020000000001" + "0a000001" // c's address is at b
	lyingIP  = "0800" + "4500001c000100004001" + "66dd" + "0a000003" + "0a000001" + "0800f7fd00010001" // an echo request from c
)

// forge sends a frame as it is, from a node's eth0.
func forge(t *testing.T, s *held, node, hexFrame string) {
	t.Helper()
	frame, err := hex.DecodeString(hexFrame)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Enter(node, func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, append(frame, make([]byte, 64-len(frame))...), 0, &unix.SockaddrLinklayer{Ifindex: ifi.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// echoes is how many echo requests a node has received.
func echoes(t *testing.T, node string) int {
	t.Helper()
	out, err := inNode(t, node, "cat /proc/net/snmp")
	if err != nil {
		t.Fatal(out)
	}
	var rows [][]string
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); words[0] == "Icmp:" {
			rows = append(rows, words)
		}
	}
	for i, name := range rows[0] {
		if name == "InEchos" {
			n, err := strconv.Atoi(rows[1][i])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal(out)
	return 0
}

// guardSpace is a running lab whose guard is not loaded, and the same lab with the guard.
func guardSpace(t *testing.T, level string) (s *held, open, guarded *topology.Lab) {
	t.Helper()
	s = withTool(t)
	open, guarded = load(t, fmt.Sprintf(behindPorts, "false", level)), load(t, fmt.Sprintf(behindPorts, "true", level))
	apply(t, s, plan.New(open, "t").Ops...)
	// An entry younger than that would not change (locktime in arp(7)).
	if out, err := inNode(t, "a", "sysctl -qw net.ipv4.neigh.eth0.locktime=0 net.ipv4.conf.eth0.rp_filter=0"); err != nil {
		t.Fatal(out)
	}
	return s, open, guarded
}

// taken has b send the lies behind a tag, and says which of them a took for true.
func taken(t *testing.T, s *held, tag string) (arp, ip4 bool) {
	t.Helper()
	ip(t, "-n t.a neigh replace 10.0.0.3 lladdr 02:00:00:00:00:03 nud reachable dev eth0")
	before := echoes(t, "a")
	forge(t, s, "b", toA+tag+lyingIP)
	forge(t, s, "b", toA+tag+lyingARP)
	if !pings(t, "b", "10.0.0.1") { // when it has arrived, so have the others
		t.Fatal("b does not reach a")
	}
	return strings.Contains(ip(t, "-n t.a neigh show 10.0.0.3"), "02:00:00:00:00:02"), echoes(t, "a") > before+1
}

// Some bytes in front of what is forged must not put an end to the guard. Each frame is shown to do harm without it.
func TestGuardIsNotGotRoundByATag(t *testing.T) {
	for _, level := range []string{"l2", "l3"} {
		t.Run(level, func(t *testing.T) {
			s, open, guarded := guardSpace(t, level)
			load, _ := plan.Diff(open, guarded, "t")
			unload, _ := plan.Diff(guarded, open, "t")
			for _, c := range []struct {
				tag   string
				harms bool // a node without a VLAN interface takes it as if it were no tag
			}{
				{"", true}, {"81000000", true}, {"8100e000", true}, {"88a80000", true}, {"81000005", false}, {"8100000081000000", true},
			} {
				if arp, ip4 := taken(t, s, c.tag); arp != c.harms || ip4 != c.harms {
					t.Errorf("tag %q, no guard: ARP taken %v, IPv4 taken %v; want %v", c.tag, arp, ip4, c.harms)
				}
				apply(t, s, load.Ops...)
				arp, ip4 := taken(t, s, c.tag)
				h := hits(t, s, "s1", guarded.Node("s1").Rules...)
				switch {
				case level == "l2" && (arp || ip4):
					t.Errorf("tag %q: the guard lets ARP %v, IPv4 %v pass", c.tag, arp, ip4)
				case level == "l2" && c.tag != "" && h["guard/b-tag"] != 2:
					t.Errorf("tag %q: b-tag counted %d packets, want 2", c.tag, h["guard/b-tag"])
				case level == "l3" && len(c.tag) <= 8 && (ip4 || h["guard/b-ip-from"] != 1): // behind a second tag iptables finds nothing
					t.Errorf("tag %q: the guard at the IP level: IPv4 taken %v, %v", c.tag, ip4, h)
				}
				apply(t, s, unload.Ops...)
			}
			if v, err := inNode(t, "s1", "cat /proc/sys/net/bridge/bridge-nf-filter-vlan-tagged"); err != nil || strings.TrimSpace(v) != "0" {
				t.Errorf("bridge-nf-filter-vlan-tagged is %q, %v, with no guard left", v, err)
			}
		})
	}
}

// A VLAN that somebody behind the port has may come with its tag, and is judged like what has none.
func TestGuardLooksIntoTagsThatMayPass(t *testing.T) {
	s, _, _ := guardSpace(t, "l2")
	trunk := strings.Replace(fmt.Sprintf(behindPorts, "true", "l2"), `b: {ip: 10.0.0.2/24, mac: "02:00:00:00:00:02"}`,
		`b: {interfaces: {eth0: {ip: 10.0.0.2/24, mac: "02:00:00:00:00:02"}, v5: {vlan: eth0, id: 5}}}`, 1)
	rules := load(t, trunk).Node("s1").Rules
	apply(t, s, plan.SetRules{Node: "s1", From: nil, To: rules})
	for _, tag := range []string{"81000005", "81000006", "81000000", "88a80005", "8100000581000000"} {
		taken(t, s, tag)
	}
	got := hits(t, s, "s1", rules...)
	want := map[string]uint64{"b-arp": 1, "b-ip-from": 1, "b-tag": 4, "b-tag-ad": 2, "b-tag-in": 2, "b-mac": 0}
	for rule, n := range want {
		if got["guard/"+rule] != n {
			t.Errorf("%s counted %d packets, want %d", rule, got["guard/"+rule], n)
		}
	}
}
