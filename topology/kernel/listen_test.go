package kernel

import (
	"context"
	"net"
	"testing"

	"labctl/topology/plan"
)

// A listening socket counts in its own node, with its own protocol and port, over IPv4 and IPv6; one that is connected
// does not.
func TestListens(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "a"}, plan.AddNamespace{Node: "b"},
		plan.SetUp{Node: "a", Name: "lo", Up: true}, plan.SetUp{Node: "b", Name: "lo", Up: true})
	expect := func(want bool, node, proto string, port int) {
		t.Helper()
		if got, err := s.Listens(node, proto, port); err != nil || got != want {
			t.Errorf("%s %s %d: %v, want %v (%v)", node, proto, port, got, want, err)
		}
	}
	inside := func(f func() error) {
		t.Helper()
		if err := s.Enter("a", f); err != nil {
			t.Fatal(err)
		}
	}
	expect(false, "a", "tcp", 8080)
	var l, l6 net.Listener
	var u net.PacketConn
	var c net.Conn
	inside(func() (err error) { l, err = net.Listen("tcp4", "127.0.0.1:8080"); return err })
	expect(true, "a", "tcp", 8080)
	expect(false, "b", "tcp", 8080)
	expect(false, "a", "udp", 8080)
	expect(false, "a", "tcp", 80)
	inside(func() (err error) { l6, err = net.Listen("tcp6", "[::1]:8081"); return err })
	expect(true, "a", "tcp", 8081)
	var any net.ListenConfig
	inside(func() (err error) { u, err = any.ListenPacket(context.Background(), "udp", ":5353"); return err })
	expect(true, "a", "udp", 5353)
	expect(false, "a", "tcp", 5353)
	inside(func() (err error) { c, err = net.Dial("udp4", "127.0.0.1:9"); return err })
	expect(false, "a", "udp", c.LocalAddr().(*net.UDPAddr).Port)
	for _, x := range []interface{ Close() error }{l, l6, u, c} {
		x.Close()
	}
	expect(false, "a", "tcp", 8080)
	expect(false, "a", "tcp", 8081)
	expect(false, "a", "udp", 5353)
	if _, err := s.Listens("nobody", "tcp", 80); err == nil {
		t.Error("a node that is not there lists its sockets")
	}
}
