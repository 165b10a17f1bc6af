package kernel

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// A frame goes where a static entry says, so the table must have it, however it came there.
func TestFDBHasStaticEntries(t *testing.T) {
	s := cable(t)
	// A station with IPv6 speaks as soon as it has a carrier (duplicate address detection, MLD, router solicitations),
	// and is learned.
	for _, station := range []string{"g", "c"} {
		for _, which := range []string{"all", "default"} {
			apply(t, s, plan.SetSysctl{Node: station, Sysctl: topology.Sysctl{Key: "net/ipv6/conf/" + which + "/disable_ipv6", Value: "1"}})
		}
	}
	apply(t, s, plan.AddBridge{Node: "sw", Name: "br", MTU: 1500, Settings: topology.DefaultBridgeSettings()},
		plan.SetMaster{Node: "sw", Name: "p0", Master: "br"}, plan.SetUp{Node: "sw", Name: "br", Up: true},
		plan.AddVeth{Near: plan.VethEnd{Node: "sw", Name: "p1", MAC: switchcore.MAC{0xfe, 0x50, 0x56, 0, 0, 2}, MTU: 1500, Master: "br", Up: true},
			Far: plan.VethEnd{Node: "c", Name: "eth0", MAC: switchcore.MAC{0, 0x50, 0x56, 0, 0, 2}, MTU: 1500}},
		plan.SetUp{Node: "c", Name: "eth0", Up: true})
	table := func(want ...string) {
		t.Helper()
		list, err := s.FDB("sw", "br")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%s %s %v", e.MAC, e.Port, e.Static))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the table is %v, want %v", got, want)
		}
	}
	lines := monitored(t, s)
	ip(t, "netns exec t.sw bridge fdb add 02:00:00:00:00:07 dev p0 master static")
	ip(t, "netns exec t.sw bridge fdb add 02:00:00:00:00:08 dev p0 master dynamic")
	tells(t, lines, "sw fdb p0 of br 02:00:00:00:00:07 static", "sw fdb p0 of br 02:00:00:00:00:08")
	table("02:00:00:00:00:07 p0 true", "02:00:00:00:00:08 p0 false")
	if err := s.FlushFDB("sw"); err != nil {
		t.Fatal(err)
	}
	table("02:00:00:00:00:07 p0 true")

	// A frame from that address on another port moves the entry, and it stays static. Removing it must find it there.
	moved := topology.StaticEntry{MAC: switchcore.MAC{2, 0, 0, 0, 0, 7}, Port: "p0"}
	fd, index, err := s.PacketSocket(topology.End{Node: "c", Interface: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	hello := append(append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, moved.MAC[:]...), append([]byte{0x88, 0xb5}, make([]byte, 46)...)...)
	if err := unix.Sendto(fd, hello, 0, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
		t.Fatal(err)
	}
	tells(t, lines, "sw fdb p1 of br 02:00:00:00:00:07 static")
	table("02:00:00:00:00:07 p1 true")
	apply(t, s, plan.DelStatic{Node: "sw", Bridge: "br", StaticEntry: moved})
	table()
	apply(t, s, plan.DelStatic{Node: "sw", Bridge: "br", StaticEntry: moved}, plan.AddStatic{Node: "sw", Bridge: "br", StaticEntry: moved})
	table("02:00:00:00:00:07 p0 true")
}
