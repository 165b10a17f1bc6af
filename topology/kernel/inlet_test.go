package kernel

import (
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// bridgeAndGuest is node a with bridge br, whose port p0 leads to node b.
func bridgeAndGuest(t *testing.T) *held {
	t.Helper()
	s, _ := newSpace(t)
	apply(t, s,
		plan.AddNamespace{Node: "a"}, plan.AddNamespace{Node: "b"},
		plan.AddBridge{Node: "a", Name: "br", MTU: 1400, Settings: topology.DefaultBridgeSettings()},
		plan.AddVeth{Near: plan.VethEnd{Node: "a", Name: "p0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 1}, MTU: 1400, Master: "br", Up: true},
			Far: plan.VethEnd{Node: "b", Name: "eth0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 2}, MTU: 1400}},
		plan.AddAddr{Node: "a", Name: "br", Addr: netip.MustParsePrefix("10.0.0.1/24")},
		plan.AddAddr{Node: "b", Name: "eth0", Addr: netip.MustParsePrefix("10.0.0.2/24")},
		plan.SetUp{Node: "b", Name: "eth0", Up: true},
		plan.SetUp{Node: "a", Name: "br", Up: true})
	return s
}

func TestInletIntoABridge(t *testing.T) {
	s := bridgeAndGuest(t)
	br := topology.End{Node: "a", Interface: "br"}
	before := ip(t, "-n t.a -o link show br")
	for range 2 { // the second is rebuilt
		in, err := s.AddInlet(br, 1400)
		if err != nil {
			t.Fatal(err)
		}
		if in.Out != in.Key || in.Holder != 0 {
			t.Errorf("%+v: everything enters a bridge by the inlet", in)
		}
	}
	port := ip(t, "-n t.a -d -o link show lc-br")
	for _, want := range []string{"master br", "state forwarding", "learning off", " flood off", "mcast_flood off", "bcast_flood off", "mtu 1400", "addrgenmode none"} {
		if !strings.Contains(port, want) {
			t.Errorf("the bridge's port has no %q: %s", want, port)
		}
	}
	if after := ip(t, "-n t.a -o link show br"); after != before {
		t.Errorf("the bridge has changed from %s to %s", before, after)
	}
	if err := s.DelInlet(br); err != nil {
		t.Fatal(err)
	}
	if left := ip(t, "-n t.a link"); strings.Contains(left, "lc-") || strings.Contains(left, "lx-") {
		t.Errorf("left behind: %s", left)
	}
	if err := s.DelInlet(br); err != nil {
		t.Errorf("an inlet that is not there: %v", err)
	}
}

func TestInletIntoAnAdapter(t *testing.T) {
	s := bridgeAndGuest(t)
	eth0 := topology.End{Node: "b", Interface: "eth0"}
	in, err := s.AddInlet(eth0, 1400)
	if errors.Is(err, ErrUnsupported) {
		t.Skipf("%v; nor can tc: %s", err, tcCannotRedirect(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.of("b")
	if err != nil {
		t.Fatal(err)
	}
	own, err := n.ioctls.indexOf("eth0")
	if err != nil {
		t.Fatal(err)
	}
	index := int(own)
	if in.Out != index || in.Holder != in.Key || in.Key == index {
		t.Errorf("%+v: want frames to leave by %d, and the inlet for those to the node", in, index)
	}
	if l := ip(t, "-n t.b -o link show lc-eth0"); !strings.Contains(l, "02:00:00:00:00:02") {
		t.Errorf("the inlet must have the adapter's address: %s", l)
	}
	if err := s.DelInlet(eth0); err != nil {
		t.Error(err)
	}
}

// tcCannotRedirect is what the kernel answers iproute2 that wants the same of it in node b. If it does as it is told,
// the test fails.
func tcCannotRedirect(t *testing.T) string {
	t.Helper()
	ip(t, "-n t.b link add x0 type veth peer name x1")
	for _, args := range []string{
		"-n t.b qdisc add dev x0 clsact",
		"-n t.b filter add dev x0 ingress protocol all prio 1 u32 match u32 0 0 action mirred ingress redirect dev x1",
	} {
		out, err := exec.Command("tc", strings.Fields(args)...).CombinedOutput()
		const refused = 2 // by the kernel; tc itself exits with 1
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == refused {
			return strings.TrimSpace(string(out))
		}
		if err != nil {
			t.Fatalf("tc %s: %v: %s", args, err, out)
		}
	}
	t.Fatal("the kernel lacks nothing: tc can redirect")
	return ""
}

func TestBlockIngress(t *testing.T) {
	s := bridgeAndGuest(t)
	// ping asks every second until it is answered or that many seconds are over.
	answers := func(seconds string) bool {
		return exec.Command("ip", strings.Fields("netns exec t.b ping -c 1 -w "+seconds+" 10.0.0.1")...).Run() == nil
	}
	if !answers("10") {
		t.Fatal("no answer before")
	}
	br := topology.End{Node: "a", Interface: "br"}
	guard, err := s.BlockIngress(br)
	if err != nil {
		t.Fatal(err)
	}
	if answers("1") {
		t.Error("it answers although the bridge is the switch's")
	}
	if _, err := s.BlockIngress(br); !errors.Is(err, unix.EPERM) {
		t.Errorf("twice: %v", err)
	}
	unix.Close(guard)
	if !answers("10") {
		t.Error("no answer afterwards")
	}
}
