package labfile

import (
	"slices"
	"strings"
	"testing"

	"labctl/topology"
)

// The core takes every configuration that a file can give it.
func TestSwitchesCanBeRun(t *testing.T) {
	for _, file := range labFiles(t) {
		lab, problems := Load(file, mustRead(t, file))
		if lab == nil {
			t.Fatal(problems)
		}
		labs := []*topology.Lab{lab.Lab}
		for _, s := range lab.Steps {
			labs = append(labs, s.Lab)
			for _, c := range s.Cases {
				labs = append(labs, c.Lab)
			}
		}
		for _, l := range labs {
			for _, n := range l.Nodes {
				if (n.Switch != nil) != (n.Kind == topology.VSwitch) {
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
					if len(i.Addrs) > 0 || i.Type != topology.Veth || i.Master != "" {
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
	at := slices.IndexFunc(outer.Ports, func(p topology.SwitchPort) bool { return p.Name == "esxi1-vmnic0" })
	if far := outer.Ports[at].Far; far != (topology.End{Node: "esxi1.vSwitch0", Interface: "vmnic0"}) {
		t.Errorf("behind the outer port is %v", far)
	}
	if got := outer.Config.Ports[at].Initial.String(); got != "00:50:56:01:00:00" {
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

func TestSendIsRead(t *testing.T) {
	lab := loadGood(t, "switches")
	var sends []*topology.Send
	for _, a := range lab.Steps[0].Do {
		if send, is := a.What.(*topology.Send); is {
			sends = append(sends, send)
		}
	}
	bpdu, echo, spoof := sends[0], sends[1], sends[2]
	if bpdu.Name != "bpdu" || bpdu.From.Interface != "eth0" || bpdu.Src != (topology.Station{Node: "g", Interface: "eth0"}) || bpdu.Dst.MAC.String() != "01:80:c2:00:00:00" ||
		bpdu.Type != 0x27 || string(bpdu.Payload) != "BB\x03" || bpdu.Count != 1 || bpdu.Endless {
		t.Errorf("bpdu %+v", bpdu)
	}
	if echo.Name != "send" || echo.Src.MAC.String() != "00:11:22:33:44:55" || echo.Dst != (topology.Station{Node: "g"}) || echo.VLAN != 10 || echo.Count != 3 ||
		echo.Endless || echo.Echo == nil || echo.Echo.To.String() != "10.1.0.1" {
		t.Errorf("echo %+v", echo)
	}
	a := spoof.ARP
	if a == nil || !spoof.Endless || spoof.From.Node != "esx.in" || spoof.Dst.String() != "broadcast" || a.Op != 2 || a.SenderMAC != (topology.Station{Node: "h"}) ||
		a.TargetMAC != (topology.Station{Node: "esx", Interface: "br0"}) || a.SenderIP.String() != "10.1.0.2" {
		t.Errorf("spoof %+v %+v", spoof, a)
	}
	if r := lab.Steps[0].Do[4].What.(*Restart).Nodes; !slices.Equal(r, []string{"a", "dvs"}) {
		t.Errorf("restart %v", r)
	}
}
