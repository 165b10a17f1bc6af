package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// line is a change in words.
func (k TableChange) line() string {
	s := strings.Join([]string{k.Node, k.Kind, k.Dev}, " ")
	switch {
	case k.Kind == "link" && !k.Gone:
		s += fmt.Sprintf(" %s %s->%s", k.Key, k.Old, k.New)
	case k.Kind == "fdb":
		s += strings.TrimRight(fmt.Sprintf(" of %s %s %s", k.Bridge, k.MAC, k.State), " ")
	case k.Kind == "neigh":
		s += fmt.Sprintf(" %s %s %s", k.IP, k.MAC, k.State)
	}
	if k.Gone {
		s += " gone"
	}
	return s
}

// monitored runs the monitor beside the test.
func monitored(t *testing.T, s *held) <-chan string {
	t.Helper()
	lines, ready, ended := make(chan string, 4096), make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- s.Monitor(ctx, func() { close(ready) }, func(k TableChange) error { lines <- k.line(); return nil })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return lines
}

// tells waits for lines in this order, others between them or not.
func tells(t *testing.T, lines <-chan string, want ...string) {
	t.Helper()
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	var told []string
	for _, w := range want {
		for got := ""; got != w; {
			select {
			case got = <-lines:
				told = append(told, got)
			case <-timer.C:
				t.Fatalf("never told: %s\ntold:\n%s", w, strings.Join(told, "\n"))
			}
		}
	}
}

func TestMonitor(t *testing.T) {
	s := cable(t)
	apply(t, s, plan.AddBridge{Node: "sw", Name: "br", MTU: 1500, Settings: topology.DefaultBridgeSettings()},
		plan.AddAddr{Node: "g", Name: "eth0", Addr: netip.MustParsePrefix("10.0.0.1/24")})
	lines := monitored(t, s)
	ip(t, "-n t.sw link set dev br up")
	tells(t, lines, "sw link br state down->up")
	ip(t, "-n t.sw link set p0 master br")
	tells(t, lines, "sw link p0 master ->br", "sw link p0 port ->forwarding")
	ip(t, "-n t.g link set eth0 address 00:50:56:00:00:02")
	tells(t, lines, "g link eth0 mac 00:50:56:00:00:01->00:50:56:00:00:02")
	ip(t, "-n t.g neigh add 10.0.0.9 dev eth0 lladdr 00:50:56:00:00:09 nud stale")
	ip(t, "-n t.g neigh change 10.0.0.9 dev eth0 lladdr 00:50:56:00:00:08 nud reachable")
	ip(t, "-n t.g neigh del 10.0.0.9 dev eth0")
	tells(t, lines, "g neigh eth0 10.0.0.9 00:50:56:00:00:09 STALE", "g neigh eth0 10.0.0.9 00:50:56:00:00:08 REACHABLE", "g neigh eth0 10.0.0.9 00:00:00:00:00:00 FAILED gone")
	fd, index, err := s.PacketSocket(guestEnd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	hello := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x50, 0x56, 0, 0, 0xa, 0x88, 0xb5}, make([]byte, 46)...)
	if err := unix.Sendto(fd, hello, 0, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
		t.Fatal(err)
	}
	tells(t, lines, "sw fdb p0 of br 00:50:56:00:00:0a")
	ip(t, "-n t.sw link set p0 nomaster")
	tells(t, lines, "sw link p0 port forwarding->disabled", "sw fdb p0 of br 00:50:56:00:00:0a gone", "sw link p0 port disabled->", "sw link p0 master br->")

	// A node that comes later is told of too.
	apply(t, s, plan.AddNamespace{Node: "d"})
	ip(t, "-n t.d link add late type bridge")
	tells(t, lines, "d link late state ->down")
	ip(t, "-n t.d link del late")
	tells(t, lines, "d link late gone")
}

func TestMonitorEnds(t *testing.T) {
	s := cable(t)
	enough := errors.New("enough")
	err := s.Monitor(context.Background(), func() { ip(t, "-n t.g link set eth0 down") }, func(TableChange) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("%v, want what the caller returned", err)
	}
}
