package topology

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"labctl/switchcore"
)

// The virtual switches of a few labs, as they are handed to whoever runs them, and the plan that makes their ports.
func TestSwitchesAreGolden(t *testing.T) {
	for _, name := range []string{"switches", "nested-esxi", "bridge-of-bridge", "simple-vswitch"} {
		lab := loadGood(t, name)
		var b strings.Builder
		for _, n := range lab.Nodes {
			if n.Switch == nil {
				continue
			}
			b.WriteString(n.Name + "\n")
			describeSwitch(&b, n)
		}
		for line := range strings.Lines(NewPlan(lab, "x").String()) {
			if !strings.Contains(line, " sysctl ") {
				b.WriteString(line)
			}
		}
		file := filepath.Join("testdata", "switches", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(mustRead(t, file)); b.String() != want {
			t.Errorf("%s: the switches are others; see what differs with \"go test ./topology -run TestSwitchesAreGolden -update; git diff\"", file)
		}
	}
}

// The core takes every configuration that a file can give it.
func TestSwitchesCanBeRun(t *testing.T) {
	for _, file := range labFiles(t) {
		lab, problems := Load(file, mustRead(t, file))
		if lab == nil {
			t.Fatal(problems)
		}
		labs := []*Lab{lab}
		for _, s := range lab.Steps {
			labs = append(labs, s.Lab)
			for _, c := range s.Cases {
				labs = append(labs, c.Lab)
			}
		}
		for _, l := range labs {
			for _, n := range l.Nodes {
				if (n.Switch != nil) != (n.Kind == VSwitch) {
					t.Fatalf("%s: %s: a switch, or none", file, n.Name)
				}
				if n.Switch == nil {
					continue
				}
				if m := n.Switch.Config.Check(); len(m) > 0 {
					t.Errorf("%s: %s: %v", file, n.Name, m)
				}
				if len(n.Switch.Ports) != len(n.Switch.Config.Ports) || n.IPv6 {
					t.Errorf("%s: %s: %d ports for %d", file, n.Name, len(n.Switch.Ports), len(n.Switch.Config.Ports))
				}
				for i, p := range n.Switch.Ports {
					at := l.Node(p.At.Node)
					if p.Name != n.Switch.Config.Ports[i].Name || at == nil || at.Interface(p.At.Interface) == nil {
						t.Errorf("%s: %s: port %s is nowhere: %v", file, n.Name, p.Name, p.At)
					}
					if far := p.Far; far.Node != "" && l.Node(far.Node).Interface(far.Interface).Peer != p.At {
						t.Errorf("%s: %s: behind port %s is %v, which is linked elsewhere", file, n.Name, p.Name, far)
					}
				}
				for _, i := range n.Interfaces {
					if len(i.Addrs) > 0 || i.Type != Veth || i.Master != "" {
						t.Errorf("%s: %s: port %s has an address or a master", file, n.Name, i.Name)
					}
				}
			}
		}
	}
}

func TestUplinkOfTheHolder(t *testing.T) {
	lab := loadGood(t, "nested-esxi")
	if i := lab.Node("esxi1").Interface("vmnic0"); i != nil {
		t.Error("esxi1 still has vmnic0")
	}
	target, ok := lab.Target("esxi1:vmnic0")
	if !ok || target.Node != "esxi1.vSwitch0" || target.Interface != "vmnic0" || target.Text != "esxi1:vmnic0" {
		t.Errorf("esxi1:vmnic0 is %+v", target)
	}
	if got := lab.Node("esxi1.vSwitch0").Interface("vmnic0").MAC.String(); got != "00:50:56:01:00:00" {
		t.Errorf("vmnic0 has %s", got)
	}
	outer := lab.Node("dvs").Switch
	at := slices.IndexFunc(outer.Ports, func(p SwitchPort) bool { return p.Name == "esxi1-vmnic0" })
	if far := outer.Ports[at].Far; far != (End{"esxi1.vSwitch0", "vmnic0"}) {
		t.Errorf("behind the outer port is %v", far)
	}
	if got := MAC(outer.Config.Ports[at].Initial).String(); got != "00:50:56:01:00:00" {
		t.Errorf("the outer port's initial address is %s", got)
	}
	inner := lab.Node("esxi1.vSwitch0").Switch.Config.Ports
	if !inner[0].Uplink || !inner[1].Uplink || inner[2].Uplink || inner[2].Group != "Management" || inner[2].Name != "esxi1" {
		t.Errorf("inner ports %+v", inner[:3])
	}
}

// Through a switch and what it shares with its holder everybody is joined: no warning says otherwise.
func TestUplinksJoin(t *testing.T) {
	const lab = `format: 1
lab: t
nodes:
  host:
    interfaces: {br0: {bridge: [eth0, v0]}, v0: {veth: v1}}
    nodes:
      one: {kind: vswitch, uplinks: [br0], ports: {br0: {shared: true}}}
      two: {kind: vswitch, uplinks: [v1]}
      three: {kind: vswitch, profile: learning, uplinks: [v3]}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
links: [a -- host:eth0, b -- host.one, c -- host.two]
expect:
  ping: |
    from\to  a   b   c
    a        -   ok  ok
    b        ok  -   ok
`
	src := strings.Replace(lab, "      three: {kind: vswitch, profile: learning, uplinks: [v3]}\n", "", 1)
	if _, problems := Load("t", []byte(src)); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	if _, problems := Load("t", []byte(lab)); len(problems.Errors()) != 1 {
		t.Errorf("%v", problems)
	}
}

func TestSwitchChanges(t *testing.T) {
	lab := loadGood(t, "promiscuous")
	for _, c := range []struct{ set, says string }{
		{"vSwitch0.promiscuous=accept", "vSwitch0: promiscuous: - -> accept"},
		{"vSwitch0.groups.Lab={promiscuous: accept, vlan: 10}", "vSwitch0: Lab: promiscuous: - -> accept; vSwitch0: Lab: vlan: - -> 10"},
		{"vSwitch0.groups.Lab.vlan=trunk", "vSwitch0: Lab: vlan: - -> trunk"},
		{"dvs.groups.Tap={vlan: \"1-2,5\", mac_learning: {limit: 3, limit_policy: drop, ageing: 5s, unicast_flooding: false}}",
			"dvs: Tap: mac_learning: - -> true; dvs: Tap: mac_learning.unicast_flooding: - -> false; dvs: Tap: mac_learning.limit: - -> 3; " +
				"dvs: Tap: mac_learning.limit_policy: - -> drop; dvs: Tap: mac_learning.ageing: - -> 5s; dvs: Tap: vlan: - -> 1-2,5"},
		{"dvs.groups.Tap.port_overrides=[]", "dvs: Tap: port_overrides: [security] -> []"},
		{"dvs.teaming={policy: explicit, active: [vmnic1], standby: [], failback: false, notify_switches: false}",
			"dvs: teaming.policy: - -> explicit; dvs: teaming.active: - -> [vmnic1]; dvs: teaming.standby: - -> []; dvs: teaming.failback: - -> false; dvs: teaming.notify_switches: - -> false"},
		{"dvs.ports.probe={promiscuous: accept, isolated: true}", "dvs: probe: promiscuous: - -> accept; dvs: probe: isolated: false -> true"},
		{"dvs.ports.win3.blocked=true", "dvs: win3: blocked: - -> true"},
		{"dvs.ports.probe.up=false", "dvs: probe: down"},
		{"dvs.mtu=9000", "dvs: vmnic1: mtu 1500 -> 9000; dvs: win3: mtu 1500 -> 9000; dvs: win4: mtu 1500 -> 9000; dvs: probe: mtu 1500 -> 9000"},
		{"dvs.block_guest_bpdu=true", "dvs: block_guest_bpdu: false -> true"},
		{"win3.mac=\"02:00:00:00:00:07\"", "dvs: win3: initial MAC"},
		{"win3.effective_mac=\"02:00:00:00:00:07\"", "win3: eth0: mac"},
		{"dvs.promiscuous=reject", "dvs: promiscuous: - -> reject"},
	} {
		key, value, _ := strings.Cut(c.set, "=")
		node, path, _ := lab.SplitSetting(key)
		changed, problems := lab.Set(node, path, value)
		if changed == nil {
			t.Errorf("%s: %v", c.set, problems)
			continue
		}
		plan, changes := Diff(lab, changed, "x")
		var said []string
		for _, ch := range changes {
			said = append(said, ch.Node+": "+ch.What)
		}
		if got := strings.Join(said, "; "); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s: says %q, want %q", c.set, got, c.says)
		}
		for _, op := range plan.Ops {
			switch op.(type) {
			case SetUp, SetMAC, SetMTU:
			default:
				t.Errorf("%s: %T", c.set, op)
			}
		}
		if _, back := Diff(changed, lab, "x"); len(back) != len(changes) {
			t.Errorf("%s: %d changes there, %d back", c.set, len(changes), len(back))
		}
	}
}

func TestDiffOfPlatforms(t *testing.T) {
	load := func(profile string) *Lab {
		return mustLoad(t, "format: 1\nlab: t\nnodes:\n  vs: {kind: "+profile+"}\n  a: {}\nlinks: [a -- vs]\n")
	}
	for _, c := range []struct{ from, to, why string }{
		{"vswitch", "vswitch, profile: nsx", "profile standard -> nsx"},
		{"vswitch, profile: proxmox", "vswitch, profile: libvirt_nwfilter", "profile proxmox -> libvirt_nwfilter"},
		{"vswitch", "bridge", "kind vswitch -> bridge"},
		{"host", "vswitch", "kind host -> vswitch"},
	} {
		plan, changes := Diff(load(c.from), load(c.to), "x")
		if !slices.Contains(changes, Change{"vs", "rebuilt: " + c.why}) {
			t.Errorf("%s to %s: %v", c.from, c.to, changes)
		}
		if want := strings.HasPrefix(c.to, "vswitch"); strings.Contains(plan.String(), "# vs: a virtual switch") != want {
			t.Errorf("%s to %s: %s", c.from, c.to, plan)
		}
	}
	lab := load("vswitch")
	if ops := kinds(Rebuild(lab, "x", []string{"vs"})); !slices.Contains(ops, "AddNamespace ip netns add x.vs") || slices.Contains(ops, "AddNamespace ip netns add x.a") {
		t.Errorf("rebuilding the switch: %v", ops)
	}
}

func TestSendIsRead(t *testing.T) {
	lab := loadGood(t, "switches")
	var sends []*Send
	for _, a := range lab.Steps[0].Do {
		if a.Send != nil {
			sends = append(sends, a.Send)
		}
	}
	bpdu, echo, spoof := sends[0], sends[1], sends[2]
	if bpdu.Name != "bpdu" || bpdu.From.Interface != "eth0" || bpdu.Src != (Station{Node: "g", Interface: "eth0"}) || bpdu.Dst.MAC.String() != "01:80:c2:00:00:00" ||
		bpdu.Type != 0x27 || string(bpdu.Payload) != "BB\x03" || bpdu.Count != 1 || bpdu.Endless {
		t.Errorf("bpdu %+v", bpdu)
	}
	if echo.Name != "send" || echo.Src.MAC.String() != "00:11:22:33:44:55" || echo.Dst != (Station{Node: "g"}) || echo.VLAN != 10 || echo.Count != 3 ||
		echo.Endless || echo.Echo == nil || echo.Echo.To.String() != "10.1.0.1" {
		t.Errorf("echo %+v", echo)
	}
	a := spoof.ARP
	if a == nil || !spoof.Endless || spoof.From.Node != "esx.in" || spoof.Dst.String() != "broadcast" || a.Op != 2 || a.SenderMAC != (Station{Node: "h"}) ||
		a.TargetMAC != (Station{Node: "esx", Interface: "br0"}) || a.SenderIP.String() != "10.1.0.2" {
		t.Errorf("spoof %+v %+v", spoof, a)
	}
	if r := lab.Steps[0].Do[4].Restart; !slices.Equal(r, []string{"a", "dvs"}) {
		t.Errorf("restart %v", r)
	}
}

// What a configuration says and what is told of it must not come apart: every preset can be told.
func TestEveryPresetIsAProfile(t *testing.T) {
	for _, name := range switchcore.PresetNames() {
		lab := mustLoad(t, "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, profile: "+name+"}\n  a: {}\nlinks: [a -- vs]\n")
		n := lab.Node("vs")
		if platform(n) != name || len(SwitchChanges(n, n)) != 0 {
			t.Errorf("%s is told as %s", name, platform(n))
		}
	}
}
