package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

func TestInterfaceState(t *testing.T) {
	s := cable(t)
	apply(t, s, plan.AddBridge{Node: "g", Name: "br", MTU: 1500, Settings: topology.DefaultBridgeSettings()}, plan.SetUp{Node: "g", Name: "br", Up: true},
		plan.AddVeth{Near: plan.VethEnd{Node: "g", Name: "v0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500, Up: true, Master: "br"},
			Far: plan.VethEnd{Node: "c", Name: "v1", MAC: switchcore.MAC{2, 0, 0, 0, 0, 2}, MTU: 1500}})
	type state struct {
		state       string
		promiscuity int
	}
	look := func(what, node, name string, want state) {
		t.Helper()
		got, err := s.Interface(node, name)
		if err != nil {
			t.Fatal(err)
		}
		if is := (state{got.State, got.Promiscuity}); is != want {
			t.Errorf("%s: %+v, want %+v", what, is, want)
		}
		link := ip(t, "-n t."+node+" link show "+name)
		if !strings.Contains(link, got.MAC.String()) {
			t.Errorf("%s: %v is not in\n%s", what, got.MAC, link)
		}
		raw := strings.TrimSpace(ip(t, "netns exec t."+node+" cat /sys/class/net/"+name+"/flags"))
		if flags := fmt.Sprintf("%#x", got.Flags); flags != raw {
			t.Errorf("%s: flags are %s, and %s in sysfs", what, flags, raw)
		}
	}
	if err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "g"}}, nil); err != nil {
		t.Fatal(err)
	}
	look("plain", "g", "eth0", state{"up", 0})
	ip(t, "-n t.g link add mv0 link eth0 up type macvlan mode bridge")
	stop := packetSocket(t, s, guestEnd)
	look("promiscuous twice", "g", "eth0", state{"up", 2})
	if got, _ := s.Interface("g", "eth0"); got.Flags != 0x1103 {
		t.Errorf("flags are %#x, want 0x1103", got.Flags)
	}
	stop()
	look("promiscuous once", "g", "eth0", state{"up", 1})
	look("port without carrier", "g", "v0", state{"disabled", 1})
	look("unplugged", "c", "v1", state{"down", 0})
	ip(t, "-n t.c link set v1 up")
	if err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "g"}, {Name: "c"}}, nil); err != nil {
		t.Fatal(err)
	}
	look("port", "g", "v0", state{"forwarding", 1})
	if _, err := s.Interface("g", "nothing"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("an interface that is not there: %v", err)
	}
}

// A virtual switch's ports are under no bridge; when they are settled, both ends run.
func TestSettledWithoutABridge(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "sw"}, plan.AddNamespace{Node: "g"}, plug(), plan.SetUp{Node: "g", Name: "eth0", Up: true})
	err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "sw", Kind: topology.VSwitch}, {Name: "g", Kind: topology.Host}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []topology.End{portEnd, guestEnd} {
		if got, err := s.Interface(e.Node, e.Interface); err != nil || got.State != "up" {
			t.Errorf("%s is %s: %v", e, got.State, err)
		}
	}
}

func TestWhatAnInterfaceWaitsFor(t *testing.T) {
	const up, carrier, runs = unix.IFF_UP, unix.IFF_LOWER_UP, unix.IFF_RUNNING
	for _, c := range []struct {
		name string
		l    linkState
		want string
	}{
		{"settled", linkState{flags: up | carrier | runs, lower: true, veth: true, oper: operUp}, ""},
		{"down", linkState{lower: true, veth: true, oper: 2}, ""},
		{"without carrier", linkState{flags: up, lower: true, veth: true, oper: 2}, ""},
		{"not running yet", linkState{flags: up | carrier, lower: true, veth: true, oper: operUp}, "p has a carrier and is not running"},
		{"not acted on yet", linkState{flags: up | carrier | runs, lower: true, veth: true}, "p has a carrier, and its operational state is 0 and not 6"},
		{"a macvlan's state may stay unknown", linkState{flags: up | carrier | runs, lower: true}, ""},
		{"a bridge's too", linkState{flags: up | carrier}, ""},
		{"running still", linkState{flags: up | runs, lower: true, veth: true}, "p has no carrier and is running"},
		{"a bridge that had no carrier while its ports listened", linkState{flags: up | carrier, tree: &treeBridge{}}, "p has a carrier and is not running"},
		{"running still, a bridge", linkState{flags: up | runs}, "p has no carrier and is running"},
	} {
		c.l.name = "p"
		if got := c.l.waits(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A bridge's own state does not follow a second after its lab is ready, on kernels that can be had to act on it.
func TestBridgesAreActedUpon(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "g"})
	add := func(name string) {
		ip(t, "-n t.g link add "+name+" up type bridge")
		ip(t, "-n t.g link add p"+name+" type veth peer name q"+name)
		ip(t, "-n t.g link set p"+name+" master "+name+" up")
		ip(t, "-n t.g link set q"+name+" up")
	}
	carrier := func(name string) topology.Carrier {
		list, err := s.Carriers("g")
		if err != nil {
			t.Fatal(err)
		}
		index, err := strconv.Atoi(strings.TrimSpace(ip(t, "netns exec t.g cat /sys/class/net/"+name+"/ifindex")))
		if err != nil {
			t.Fatal(err)
		}
		return list[index]
	}
	seen := 0
	for i := range 20 {
		x, y := fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i)
		add(y)
		late := carrier(y).State != operUp
		asked := strings.Contains(ip(t, "-n t.g link show "+y), " state UP ") // acted upon as it was asked for
		add(x)
		late = late && carrier(x).State != operUp
		if err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "g"}}, nil); err != nil {
			t.Fatal(err)
		}
		if c := carrier(x); !c.Bridge || asked && c.State != operUp {
			t.Errorf("%+v, want an up bridge", c)
		}
		if late && asked {
			seen++
		}
	}
	if seen == 0 {
		t.Log("this kernel left no bridge for later, or acts on none when it is asked") // before Linux 6.9
	}
}

// What a dump says of the operational state and the kind is what iproute2 says.
func TestDumpSaysWhatAnInterfaceIs(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "sw"}, plan.AddNamespace{Node: "g"}, plug(), plan.SetUp{Node: "g", Name: "eth0", Up: true})
	ip(t, "-n t.g link add mv0 link eth0 up type macvlan mode bridge")
	if err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "g"}, {Name: "sw"}}, nil); err != nil {
		t.Fatal(err)
	}
	n, err := s.of("g")
	if err != nil {
		t.Fatal(err)
	}
	links, err := n.conn.dump(unix.AF_UNSPEC)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, l := range links {
		switch link := ip(t, "-d -n t.g link show "+l.name); l.name {
		case "eth0":
			found++
			if !l.veth || l.oper != operUp || !strings.Contains(link, " state UP ") {
				t.Errorf("%+v, and\n%s", l, link)
			}
		case "mv0":
			found++
			if l.veth || !strings.Contains(link, "macvlan") {
				t.Errorf("%+v, and\n%s", l, link)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 interfaces found", found)
	}
}

func TestPacketSocketReceivesNothingUntilItIsBound(t *testing.T) {
	s := cable(t)
	fd, index, err := s.PacketSocket(portEnd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	out, from, err := s.PacketSocket(guestEnd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(out)
	link := ip(t, "-o -n t.sw link show p0")
	if want, _, _ := strings.Cut(link, ":"); want != strconv.Itoa(index) {
		t.Errorf("index %d is not in %s", index, link)
	}
	if err := s.AwaitSettled(context.Background(), []*topology.Node{{Name: "sw"}, {Name: "g"}}, nil); err != nil {
		t.Fatal(err)
	}
	frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x50, 0x56, 0, 0, 1, 0x88, 0xb5}, make([]byte, 46)...)
	send := func() {
		if err := unix.Sendto(out, frame, 0, &unix.SockaddrLinklayer{Ifindex: from}); err != nil {
			t.Fatal(err)
		}
	}
	send()
	b := make([]byte, 100)
	if n, err := unix.Read(fd, b); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("%d bytes before it was bound: %v", n, err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: index}); err != nil {
		t.Fatal(err)
	}
	send()
	if n, err := unix.Read(fd, b); err != nil || n != len(frame) {
		t.Errorf("%d bytes after it was bound: %v", n, err)
	}
	if _, _, err := s.PacketSocket(topology.End{Node: "g", Interface: "nothing"}); !errors.Is(err, unix.ENODEV) {
		t.Errorf("an interface that is not there: %v", err)
	}
}

// Devices need root in the machine's user namespace; without it the error must say so.
func TestTaps(t *testing.T) {
	s := cable(t)
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0 && strings.Contains(string(users), "4294967295") // all numbers are mapped: the machine's own user namespace
	apply(t, s, plan.AddUpper{Node: "g", Name: "mt0", Type: topology.Macvtap, Lower: guestEnd, Mode: "bridge", MAC: switchcore.MAC{2, 0, 0, 0, 0, 5}, MTU: 1500})
	ip(t, "-n t.g link set mt0 up")
	fd, err := s.OpenMacvtap(topology.End{Node: "g", Interface: "mt0"})
	check := func(what string, fd int, err error) bool {
		switch {
		case err == nil:
			t.Cleanup(func() { unix.Close(fd) })
			return true
		case root && !errors.Is(err, unix.ENOENT) || !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.ENOENT):
			t.Errorf("%s: %v", what, err)
		}
		return false
	}
	frame := append(make([]byte, tapHeaderSize), append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 5, 0x88, 0xb5}, make([]byte, 46)...)...)
	if check("macvtap", fd, err) {
		if n, err := unix.Write(fd, frame); err != nil || n != len(frame) {
			t.Errorf("sent %d bytes by the macvtap: %v", n, err)
		}
	}
	if _, err := s.OpenMacvtap(guestEnd); err == nil || !strings.Contains(err.Error(), "not a macvtap") {
		t.Errorf("a veth opened as macvtap: %v", err)
	}
	fd, err = s.AddTap(topology.End{Node: "c", Interface: "tap0"})
	if check("TAP", fd, err) {
		if link := ip(t, "-d -n t.c link show tap0"); !strings.Contains(link, "tun type tap pi off vnet_hdr on") {
			t.Errorf("made\n%s", link)
		}
		ip(t, "-n t.c link set tap0 up")
		if n, err := unix.Write(fd, frame); err != nil || n != len(frame) {
			t.Errorf("sent %d bytes by the TAP: %v", n, err)
		}
	}
}

// While the kernel has not acted on a carrier that went, whoever asks for a neighbour loses the question when it does.
func TestSettledWhenTheKernelHasActedOnACarrierThatWent(t *testing.T) {
	s := cable(t)
	nodes := []*topology.Node{{Name: "sw"}, {Name: "g"}}
	for range 5 {
		for _, up := range []bool{true, false} {
			apply(t, s, plan.SetUp{Node: "sw", Name: "p0", Up: up})
			if err := s.AwaitSettled(context.Background(), nodes, nil); err != nil {
				t.Fatal(err)
			}
			// All of them: asked for one, the kernel would act on it before it answers.
			if links := ip(t, "-n t.g -o link"); strings.Contains(links, " state UP ") != up {
				t.Errorf("the far end up %v, and\n%s", up, links)
			}
		}
	}
}
