package switchcore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

func mac(last byte) MAC { return MAC{0, 0x50, 0x56, 0, 0, last} }

// newSwitch connects every leaf port with its initial address, asking for all groups.
func newSwitch(t *testing.T, c Config) *Switch {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Ports {
		if !p.Uplink {
			s.Connect(0, s.Lookup(p.Name), Filter{MAC: p.Initial, AllMulti: true})
		}
	}
	s.Events()
	return s
}

func frame(dst, src MAC, more ...byte) Frame {
	d := append(append(append([]byte{}, dst[:]...), src[:]...), more...)
	if len(more) == 0 {
		d = append(d, 8, 0)
	}
	return Frame{Data: append(d, make([]byte, max(0, 60-len(d)))...)}
}

// outs names the ports of a verdict, with their tags.
func outs(s *Switch, v Verdict) string {
	var names []string
	for _, o := range v.Out {
		n := s.Status(o.Port).Name
		if o.Tagged {
			n += fmt.Sprintf(":%x", o.TCI)
		}
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestTableIsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var tab table[int32]
	want := map[key]int32{}
	for i := range 100000 {
		// Few addresses that differ in few bits: long runs, and removals from the middle of them.
		k := keyOf(uint16(r.IntN(3)), uint64(r.IntN(200))<<r.IntN(2)*8+1)
		switch e := tab.find(k); {
		case e == nil && r.IntN(2) == 0:
			tab.put(k, int32(i), time.Duration(i))
			want[k] = int32(i)
		case r.IntN(3) == 0:
			tab.remove(k)
			delete(want, k)
		}
		if tab.n != len(want) {
			t.Fatalf("step %d: %d entries, want %d", i, tab.n, len(want))
		}
		if i%97 == 0 {
			for k, v := range want {
				if e := tab.find(k); e == nil || e.val != v {
					t.Fatalf("step %d: %x is lost", i, k)
				}
			}
		}
	}
	if e := tab.find(0); e != nil {
		t.Errorf("%v is found under the key that means none", *e)
	}
	if m := MAC([]byte{1, 2, 3, 4, 5, 6}); keyOf(7, m.addr()).mac() != m || keyOf(7, m.addr()).vlan() != 7 {
		t.Error("a key does not give back what went into it")
	}
}

func TestInheritanceNamesItsLevel(t *testing.T) {
	c := Config{Profile: Distributed, Spec: Spec{Promiscuous: ptr(true), MACChanges: ptr(true), Teaming: TeamingSpec{Notify: ptr(false)}},
		Groups: []Group{
			{Name: "g", Spec: Spec{Promiscuous: ptr(false), VLAN: &VLAN{ID: 10}, Learning: LearningSpec{Limit: ptr(7)}, Teaming: TeamingSpec{Active: []string{"u2"}}}, Overrides: OverrideSecurity | OverrideBlocked},
		},
		Ports: []Port{{Name: "u1", Uplink: true}, {Name: "u2", Uplink: true},
			{Name: "p", Group: "g", Spec: Spec{MACChanges: ptr(false), Blocked: ptr(true), Learning: LearningSpec{Enabled: ptr(true)}}}, {Name: "q", Group: "g"}}}
	s := newSwitch(t, c)
	p, q, u := s.Status(s.Lookup("p")).Policy, s.Status(s.Lookup("q")).Policy, s.Status(s.Lookup("u1")).Policy
	for _, x := range []struct {
		what      string
		got, want any
	}{
		{"promiscuous of p", p.Promiscuous, Setting{false, LevelGroup}},
		{"mac changes of p", p.MACChanges, Setting{false, LevelPort}},
		{"mac changes of q", q.MACChanges, Setting{true, LevelSwitch}},
		{"forged transmits", p.ForgedTransmits, Setting{false, LevelDefault}},
		{"blocked of p", p.Blocked, Setting{true, LevelPort}},
		{"blocked of q", q.Blocked, Setting{false, LevelDefault}},
		{"learning of p", p.Learning, ComputedLearning{Enabled: Setting{true, LevelPort}, Flooding: Setting{true, LevelDefault}, Limit: 7, LimitFrom: LevelGroup, Ageing: 600 * time.Second}},
		{"vlan", fmt.Sprint(p.VLAN, p.VLANFrom), "10 group"},
		{"teaming", p.Teaming, ComputedTeaming{Active: []string{"u2"}, OrderFrom: LevelGroup, Failback: Setting{true, LevelDefault}, Notify: Setting{false, LevelSwitch}}},
		{"uplink", u.Promiscuous, Setting{true, LevelDefault}},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%s: %+v, want %+v", x.what, x.got, x.want)
		}
	}
}

func TestCheckNamesTheKey(t *testing.T) {
	yes := ptr(true)
	up := []Port{{Name: "u", Uplink: true}}
	for _, x := range []struct {
		c    Config
		want string // group, port and key of each mistake
	}{
		{Config{}, ""},
		{Config{Profile: 9}, "//profile"},
		{Config{Spec: Spec{Learning: LearningSpec{Enabled: yes}}}, "//mac_learning"},
		{Config{Spec: Spec{VLAN: &VLAN{ID: 5000}}}, "//vlan"},
		{Config{Spec: Spec{VLAN: &VLAN{Mode: Trunk, Ranges: []VLANRange{{1, 2}}}}}, "//vlan"},
		{Config{Profile: NSX, Spec: Spec{VLAN: &VLAN{Mode: Trunk, Ranges: []VLANRange{{3, 2}}}}}, "//vlan"},
		{Config{Profile: NSX, Spec: Spec{VLAN: &VLAN{Mode: PrivateVLAN, ID: 5}}}, "//vlan"},
		{Config{PVLANs: []PVLAN{{Primary: 1}}}, "//vlan"},
		{Config{Profile: Distributed, PVLANs: []PVLAN{{Primary: 1, Isolated: 1}}}, "//vlan"},
		{Config{Ageing: 1, FDBSize: 1, MaxPorts: 1, LinkLocal: true}, "//ageing //fdb_size //max_ports //link_local"},
		{Config{Profile: Learning, MaxPorts: 1, Ports: []Port{{Name: "a"}, {Name: "b"}}}, "//ports"},
		{Config{Profile: Learning, Spec: Spec{Promiscuous: yes, MACChanges: yes, ForgedTransmits: yes}}, "//promiscuous //mac_changes //forged_transmits"},
		{Config{Profile: Learning, Spec: Spec{ForgedTransmits: yes, SourceCheck: &SourceCheck{}}}, ""},
		{Config{Spec: Spec{Blocked: yes}, Groups: []Group{{Name: "g", Spec: Spec{Blocked: yes}}}, Ports: []Port{{Name: "p", Group: "g", Spec: Spec{Blocked: yes}}}}, "//blocked g//blocked /p/blocked"},
		{Config{Profile: Learning, Spec: Spec{Blocked: yes}, Ports: []Port{{Name: "p", Spec: Spec{Blocked: yes}}}}, ""},
		{Config{Profile: NSX, Spec: Spec{Blocked: yes}, Groups: []Group{{Name: "g", Spec: Spec{Blocked: yes}}}}, ""},
		{Config{Groups: []Group{{Name: "g", Overrides: OverrideSecurity}}}, "g//port_overrides"},
		{Config{Groups: []Group{{Name: "g"}, {Name: "g"}, {}}}, "g//groups //groups"},
		{Config{Ports: []Port{{Name: "p", Spec: Spec{Promiscuous: yes}}}}, "/p/promiscuous"},
		{Config{Profile: Distributed, Ports: []Port{{Name: "p", Spec: Spec{Promiscuous: yes}}}}, ""},
		{Config{Profile: Distributed, Groups: []Group{{Name: "g"}}, Ports: []Port{{Name: "p", Group: "g", Spec: Spec{MACChanges: yes}}, {Name: "q"}}}, "/p/mac_changes /q/group"},
		{Config{Ports: []Port{{Name: "p", Group: "x"}, {Name: "p"}, {Name: "m", Initial: MAC{1}}}}, "/p/group /p/ports /m/mac"},
		{Config{Ports: []Port{{Name: "u", Uplink: true, Group: "x", Spec: Spec{Promiscuous: yes}}}}, "/u/group /u/promiscuous"},
		{Config{Ports: up, Spec: Spec{Teaming: TeamingSpec{Active: []string{"u", "u", "v"}}}}, "//teaming //teaming"},
		{Config{Ports: up, Spec: Spec{Teaming: TeamingSpec{Standby: []string{"u"}}}}, "//teaming"},
		{Config{Profile: Distributed, Spec: Spec{Learning: LearningSpec{Limit: ptr(4097), Ageing: ptr(time.Duration(0))}}}, "//mac_learning //mac_learning"},
	} {
		var got []string
		for _, m := range x.c.Check() {
			got = append(got, m.Group+"/"+m.Port+"/"+m.Key)
			if m.Message == "" || strings.ToLower(m.Message[:1]) != m.Message[:1] {
				t.Errorf("%+v: %q", m, m.Message)
			}
		}
		if g := strings.Join(got, " "); g != x.want {
			t.Errorf("%+v: %s, want %s", x.c, g, x.want)
		}
		if _, err := New(x.c); (err != nil) != (x.want != "") {
			t.Errorf("%+v: New says %v", x.c, err)
		}
	}
}

// Teams of three leaf ports over three uplinks, by policy; the addresses' last octets and the ids are all different
// modulo 3.
func TestTeamingPolicies(t *testing.T) {
	for policy, want := range map[TeamingPolicy]string{
		OriginatingPort: "u0 u1 u2", // ids 3, 4, 5
		SourceMAC:       "u1 u2 u0", // addresses 1, 2, 3
		IPHash:          "u2 u2 u2", // all from 10.0.0.1 to 10.0.0.4, which is 5
		Explicit:        "u0 u0 u0",
	} {
		c, _ := Preset("standard")
		c.Spec.Teaming.Policy = &policy
		for i := range 3 {
			c.Ports = append(c.Ports, Port{Name: fmt.Sprint("u", i), Uplink: true})
		}
		for i := range 3 {
			c.Ports = append(c.Ports, Port{Name: fmt.Sprint("p", i), Initial: mac(byte(i + 1))})
		}
		s := newSwitch(t, c)
		var got []string
		for i := range 3 {
			f := frame(mac(99), mac(byte(i+1)))
			copy(f.Data[26:], []byte{10, 0, 0, 1, 10, 0, 0, 4})
			got = append(got, outs(s, s.Forward(0, PortID(3+i), f)))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("policy %d: %s, want %s", policy, g, want)
		}
	}
}

// RFC 903: opcode 3, the asker's own address as source and as what is asked for. Told at connect, after failover, and
// when the address changes; not when notify is off.
func TestNotifySwitches(t *testing.T) {
	c, _ := Preset("standard")
	c.Spec.VLAN, c.Spec.MACChanges = &VLAN{ID: 10}, ptr(true)
	c.Spec.Teaming = TeamingSpec{Policy: ptr(Explicit)}
	c.Ports = []Port{{Name: "u1", Uplink: true}, {Name: "u2", Uplink: true}, {Name: "p", Initial: mac(1)}}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	told := func() string {
		var got []string
		for _, a := range s.Announcements() {
			m := MAC(a.Frame[6:12])
			want := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, m[:]...)
			want = append(append(want, 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3), m[:]...)
			want = append(append(append(want, 0, 0, 0, 0), m[:]...), make([]byte, 22)...)
			if !bytes.Equal(a.Frame, want) {
				t.Errorf("%x, want %x", a.Frame, want)
			}
			got = append(got, fmt.Sprint(m[5], " ", outs(s, Verdict{Out: a.Outputs})))
		}
		return strings.Join(got, ", ")
	}
	p := s.Lookup("p")
	for _, x := range []struct {
		what string
		do   func()
		want string
	}{
		{"connect", func() { s.Connect(0, p, Filter{MAC: mac(1)}) }, "1 u1:a"},
		{"nothing new", func() { s.SetFilter(0, p, Filter{MAC: mac(1), Promiscuous: true}) }, ""},
		{"failover", func() { s.SetLink(0, s.Lookup("u1"), false) }, "1 u2:a"},
		{"failback", func() { s.SetLink(0, s.Lookup("u1"), true) }, "1 u1:a"},
		{"another address", func() { s.SetFilter(0, p, Filter{MAC: mac(2)}) }, "2 u1:a"},
		{"gone", func() { s.Disconnect(0, p) }, ""},
		{"and back, without notify", func() {
			c.Spec.Teaming.Notify = ptr(false)
			if err := s.Configure(0, c); err != nil {
				t.Error(err)
			}
			s.Connect(0, p, Filter{MAC: mac(1)})
		}, ""},
	} {
		if x.do(); true {
			if got := told(); got != x.want {
				t.Errorf("%s: %q, want %q", x.what, got, x.want)
			}
		}
	}
}
