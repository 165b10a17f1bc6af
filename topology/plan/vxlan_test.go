package plan

import (
	"strings"
	"testing"

	"labctl/topology/labfile"
)

// tunnelBase has a VXLAN at "x0" of a, whose text is put in, and an ipvlan.
func tunnelBase(vxlan, ipvlan string) string {
	return `format: 1
lab: t
nodes:
  a:
    interfaces:
      eth0: 10.0.0.1/24
      x0: {` + vxlan + `, ip: 10.9.0.1/24}
      i0: {ipvlan: eth0` + ipvlan + `}
    routes: {10.7.0.0/16: 10.9.0.2}
  b: {ip: [10.0.0.2/24, 10.0.0.3/24, "fd00::2/64"]}
links: [a:eth0 -- b]
`
}

// What is between two labs says everything about a VXLAN, in place where the kernel can.
func TestDiffOfTunnels(t *testing.T) {
	const base = "vxlan: {id: 10, dev: eth0, remote: 10.0.0.2}"
	for _, c := range []struct{ name, vxlan, ipvlan, ops, says string }{
		{"nothing", base, "", "", ""},
		{"what is usual is written out", "vxlan: {id: 10, dev: eth0, remote: [10.0.0.2], dstport: 4789, df: unset, learning: true, ageing: 300s}, mtu: 1450", ", mode: l2, flags: bridge", "", ""},
		{"another remote", "vxlan: {id: 10, dev: eth0, remote: 10.0.0.3}", "", "SetVXLAN a link set dev x0 type vxlan remote 10.0.0.3", "a: x0: vxlan remote 10.0.0.2 -> remote 10.0.0.3"},
		{"one more, and entries", "vxlan: {id: 10, dev: eth0, remote: [10.0.0.2, 10.0.0.3], fdb: {b: 10.0.0.3}}", "",
			"AddTunnelEntry bridge -n x.a fdb append 00:00:00:00:00:00 dev x0 dst 10.0.0.3\nAddTunnelEntry bridge -n x.a fdb replace MAC dev x0 dst 10.0.0.3",
			"a: x0: fdb 00:00:00:00:00:00 dst 10.0.0.3\na: x0: fdb MAC dst 10.0.0.3"},
		{"the other first", "vxlan: {id: 10, dev: eth0, remote: [10.0.0.3, 10.0.0.2]}", "",
			"SetVXLAN a link set dev x0 type vxlan remote 10.0.0.3\nAddTunnelEntry bridge -n x.a fdb append 00:00:00:00:00:00 dev x0 dst 10.0.0.2",
			"a: x0: vxlan remote 10.0.0.2 -> remote 10.0.0.3\na: x0: fdb 00:00:00:00:00:00 dst 10.0.0.2"},
		{"settings", "vxlan: {id: 10, dev: eth0, remote: 10.0.0.2, ttl: 4, df: inherit, learning: false, ageing: 9s}, mtu: 1400", "",
			"SetMTU a link set dev x0 mtu 1400\nSetVXLAN a link set dev x0 type vxlan ttl 4 df inherit nolearning ageing 9",
			"a: x0: mtu 1450 -> 1400\na: x0: vxlan ttl auto df unset learning ageing 300 -> ttl 4 df inherit nolearning ageing 9"},
		{"another VNI", "vxlan: {id: 11, dev: eth0, remote: 10.0.0.2}", "", "DelLink …\nAddVXLAN a link add name x0 address MAC mtu 1450 type vxlan id 11 dev eth0 dstport 4789 remote 10.0.0.2", "a: x0: rebuilt"},
		{"another port", "vxlan: {id: 10, dev: eth0, remote: 10.0.0.2, dstport: 8472}", "", "DelLink …\nAddVXLAN a link add name x0 address MAC mtu 1450 type vxlan id 10 dev eth0 dstport 8472 remote 10.0.0.2", "a: x0: rebuilt"},
		{"a group", "vxlan: {id: 10, dev: eth0, group: 239.0.0.1}", "", "DelLink …\nAddVXLAN a link add name x0 address MAC mtu 1450 type vxlan id 10 dev eth0 dstport 4789 group 239.0.0.1", "a: x0: rebuilt"},
		{"another family", `vxlan: {id: 10, dev: eth0, remote: "fd00::2"}`, "", "DelLink …\nAddVXLAN a link add name x0 address MAC mtu 1430 type vxlan id 10 dev eth0 dstport 4789 remote fd00::2", "a: x0: rebuilt"},
		{"no device", "vxlan: {id: 10, remote: 10.0.0.2, local: 10.0.0.1}", "", "DelLink …\nAddVXLAN a link add name x0 address MAC mtu 1500 type vxlan id 10 dstport 4789 remote 10.0.0.2 local 10.0.0.1", "a: x0: rebuilt"},
		{"a macvlan in its place", "macvlan: b:eth0", "", "DelLink …\nAddUpper b link add link eth0 name x0 netns x.a address MAC mtu 1500 type macvlan mode bridge", "a: x0: rebuilt"},
		{"another mode of an ipvlan", base, ", mode: l3, flags: vepa", "DelLink …\nAddUpper a link add link eth0 name i0 mtu 1500 type ipvlan mode l3 vepa", "a: i0: rebuilt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			was, is := mustLoad(t, tunnelBase(base, "")), mustLoad(t, tunnelBase(c.vxlan, c.ipvlan))
			mac := func(s string) string {
				for _, m := range []string{is.Node("a").Interface("x0").MAC.String(), is.Node("b").Interface("eth0").MAC.String()} {
					s = strings.ReplaceAll(s, m, "MAC")
				}
				return s
			}
			plan, changes := Diff(was.Lab, is.Lab, "x")
			var ops, says []string
			for _, op := range kinds(plan) {
				if strings.HasPrefix(op, "DelLink") {
					op = "DelLink …"
				}
				for _, kind := range []string{"VXLAN", "Tunnel", "DelLink", "AddUpper", "SetMTU"} {
					if strings.Contains(strings.Fields(op)[0], kind) {
						ops = append(ops, mac(op))
					}
				}
			}
			for _, k := range changes {
				says = append(says, mac(k.Node+": "+k.What))
			}
			if strings.Join(ops, "\n") != c.ops || strings.Join(says, "\n") != c.says {
				t.Errorf("got\n%s\nsays\n%s", strings.Join(ops, "\n"), strings.Join(says, "\n"))
			}
		})
	}
}

// What was one remote of several becomes the default: the entry goes first, or it would take the default with it.
func TestATunnelsDefaultChangesAfterItsEntries(t *testing.T) {
	was, is := mustLoad(t, tunnelBase("vxlan: {id: 10, remote: [10.0.0.2, 10.0.0.3]}, mtu: 1450", "")), mustLoad(t, tunnelBase("vxlan: {id: 10, remote: [10.0.0.3, 10.0.0.2]}, mtu: 1450", ""))
	plan, _ := Diff(was.Lab, is.Lab, "x")
	want := "DelTunnelEntry bridge -n x.a fdb del 00:00:00:00:00:00 dev x0 dst 10.0.0.3 2>/dev/null || true\n" +
		"SetVXLAN a link set dev x0 type vxlan remote 10.0.0.3\n" +
		"AddTunnelEntry bridge -n x.a fdb append 00:00:00:00:00:00 dev x0 dst 10.0.0.2"
	if got := strings.Join(kinds(plan), "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
}

// What goes with the interface below comes back with it, and so do the entries and the routes.
func TestTunnelsAreMadeAgainWithWhatTheyGoOver(t *testing.T) {
	with := "vxlan: {id: 10, dev: eth0, remote: [10.0.0.2, 10.0.0.3], fdb: {b: 10.0.0.3}}"
	was, is := mustLoad(t, tunnelBase(with, "")), mustLoad(t, strings.Replace(tunnelBase(with, ""), "  b: {", `  b: {run: ["true"], `, 1))
	plan, _ := Diff(was.Lab, is.Lab, "x")
	var got []string
	for _, op := range kinds(plan) {
		for _, kind := range []string{"AddVXLAN", "AddTunnelEntry", "AddRoute"} {
			if name := strings.Fields(op)[0]; name == kind {
				got = append(got, kind)
			}
		}
	}
	if want := "AddVXLAN AddTunnelEntry AddTunnelEntry AddRoute"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// A step and "labctl set" lay single keys of a VXLAN over the file's.
func TestSetOfTunnels(t *testing.T) {
	lab := mustLoad(t, tunnelBase("vxlan: {id: 10, dev: eth0, remote: 10.0.0.2}", ""))
	node, path, ok := labfile.SplitSetting(lab.Lab, "a.interfaces.x0.vxlan.remote")
	if !ok || node != "a" {
		t.Fatalf("%v %q %v", node, path, ok)
	}
	for value, want := range map[string]string{"10.0.0.3": "10.0.0.3", "[10.0.0.3, 10.0.0.2]": "10.0.0.3", "nobody": ""} {
		got, problems := set(lab, node, path, value)
		if (len(problems) > 0) != (want == "") {
			t.Fatalf("%s: %v", value, problems)
		}
		if want == "" {
			continue
		}
		if v := got.Node("a").Interface("x0").VXLAN; v.Default().String() != want || v.ID != 10 {
			t.Errorf("%s: %+v", value, v)
		}
	}
}
