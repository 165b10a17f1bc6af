package switchcore

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func kinds(s *Switch) string {
	var k []string
	for _, e := range s.Events() {
		k = append(k, e.Kind+" "+e.Port)
	}
	return strings.Join(k, ", ")
}

func TestEventsTellEveryChange(t *testing.T) {
	c, _ := Preset("distributed")
	c.Ports = []Port{{Name: "u", Uplink: true}, {Name: "p", Initial: mac(1)}, {Name: "q"}}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	p, q, u := s.Lookup("p"), s.Lookup("q"), s.Lookup("u")
	if got := kinds(s); got != "" {
		t.Errorf("a new switch tells %s", got)
	}
	for _, x := range []struct {
		want string
		do   func()
	}{
		{"connected p, link-up p", func() { s.Connect(0, p, Filter{MAC: mac(1)}) }},
		{"mac-changed p, mac-change-refused p, port-blocked p", func() { s.SetFilter(0, p, Filter{MAC: mac(9)}) }},
		{"", func() { s.SetFilter(0, p, Filter{MAC: mac(9)}) }},
		{"mac-changed p, port-unblocked p", func() { s.SetFilter(0, p, Filter{MAC: mac(1)}) }},
		{"promiscuous-refused p", func() { s.SetFilter(0, p, Filter{MAC: mac(1), Promiscuous: true}) }},
		{"policy-changed , promiscuous-granted p", func() { c.Spec.Promiscuous = ptr(true); s.Configure(0, c) }},
		{"promiscuous-ended p", func() { s.SetFilter(0, p, Filter{MAC: mac(1)}) }},
		{"link-down u, uplink-failover p, uplink-failover q", func() { s.SetLink(0, u, false) }},
		{"link-up u, uplink-failover p, uplink-failover q", func() { s.SetLink(0, u, true) }},
		{"link-down p", func() { c.Ports[1].Down = true; s.Configure(0, c) }},
		{"connected q, link-up q", func() { s.Connect(0, q, Filter{MAC: mac(2)}) }},
		{"disconnected q, link-down q", func() { s.Disconnect(0, q) }},
		{"disconnected p", func() { c.Ports = append(c.Ports[:1:1], c.Ports[2]); s.Configure(0, c) }},
		{"policy-changed , mac-learned q", func() {
			c.Spec.Learning, c.Spec.ForgedTransmits = LearningSpec{Enabled: ptr(true)}, ptr(true)
			s.Configure(0, c)
			s.Connect(0, q, Filter{MAC: mac(2)})
			s.Events()
			c.Spec.MACChanges = ptr(true)
			s.Configure(0, c)
			s.Forward(0, q, frame(mac(7), mac(8)))
		}},
		{"mac-aged q", func() { s.Forward(600*time.Second, u, frame(mac(7), mac(99))) }},
	} {
		x.do()
		if got := kinds(s); got != x.want {
			t.Errorf("%s, want %s", got, x.want)
		}
	}
}

// A policy that changed is told once, at the level where it did, with what held before; what only inherits it is not
// told again.
func TestPolicyChangesAreTold(t *testing.T) {
	c, _ := Preset("distributed")
	c.Groups = []Group{{Name: "a", Overrides: OverrideSecurity | OverrideBlocked}, {Name: "b", Spec: Spec{Promiscuous: ptr(false)}}}
	c.Ports = []Port{{Name: "u", Uplink: true}, {Name: "p", Group: "a"}, {Name: "q", Group: "a"}, {Name: "r", Group: "b"}}
	s := newSwitch(t, c)
	for _, x := range []struct {
		do   func()
		want string
	}{
		{func() { c.Spec.Promiscuous = ptr(true) }, " promiscuous reject (default) -> accept (switch)"},
		{func() {}, ""},
		{func() { c.Groups[1].Spec.Promiscuous = nil }, " promiscuous reject (group b) -> accept (switch)"},
		{func() { c.Groups[0].Spec.Promiscuous = ptr(true) }, " promiscuous accept (switch) -> accept (group a)"},
		{func() { c.Ports[1].Spec.ForgedTransmits = ptr(true) }, "p forged_transmits reject (default) -> accept (port)"},
		{func() { c.Spec.ForgedTransmits = ptr(false) }, " forged_transmits reject (default) -> reject (switch)"},
		{func() { c.Groups[0].Spec.VLAN = &VLAN{ID: 10} }, " vlan 0 (default) -> 10 (group a)"},
		{func() {
			c.Groups[0].Spec.Learning = LearningSpec{Enabled: ptr(true), Limit: ptr(2), Drop: ptr(true), Ageing: ptr(time.Minute)}
		}, " mac_learning false (default) -> true (group a),  mac_learning.limit 4096 (default) -> 2 (group a),  " +
			"mac_learning.limit_policy allow (default) -> drop (group a),  mac_learning.ageing 10m0s (default) -> 1m0s (group a)"},
		{func() { c.Ports[0].Spec.Blocked = ptr(true) }, "u blocked false (default) -> true (port)"},
		{func() {
			c.Ports[3].Group = "a"
			c.Groups[0].Spec.Learning = LearningSpec{}
			c.Groups[0].Spec.VLAN = nil
			s.Configure(0, c)
			s.Events()
		}, ""},
		{func() { c.Ports[3].Group = "b" }, "r promiscuous accept (group a) -> accept (switch)"},
		{func() { c.Spec.Teaming = TeamingSpec{Policy: ptr(Explicit), Active: []string{"u"}} },
			" teaming.policy originating_port (default) -> explicit (switch),  teaming.active u (default) -> u (switch)"},
		{func() { c.Spec.SourceCheck = &SourceCheck{Mode: CheckInitial} }, " allowed effective address (default) -> initial address (switch)"},
		{func() { c.Spec.SourceCheck = &SourceCheck{Mode: CheckAllowed, Allowed: []MAC{mac(7)}} },
			" allowed initial address (switch) -> initial address," + mac(7).String() + " (switch)"},
	} {
		x.do()
		if err := s.Configure(0, c); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range s.Events() {
			if e.Kind == EventPolicyChanged {
				got = append(got, e.Port+" "+e.Cause+" "+e.Old+" -> "+e.New)
			}
		}
		if g := strings.Join(got, ", "); g != x.want {
			t.Errorf("told %q, want %q", g, x.want)
		}
	}
}

func TestEventsAreBounded(t *testing.T) {
	c, _ := Preset("learning")
	c.Ports = []Port{{Name: "p"}}
	s := newSwitch(t, c)
	for i := range 3 * maxEvents {
		s.Forward(0, 0, frame(mac(1), MAC{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	e := s.Events()
	if len(e) != maxEvents+1 || e[maxEvents].Kind != EventEventsLost {
		t.Errorf("%d events, the last %+v", len(e), e[len(e)-1])
	}
	if s.Forward(0, 0, frame(mac(1), mac(3))); len(s.Events()) != 1 {
		t.Error("after a look events are not told again")
	}
}

// Whoever made the configuration may go on writing into it, and a configuration that is refused changes nothing.
func TestConfigurationIsCopied(t *testing.T) {
	c, _ := Preset("distributed")
	c.Spec = Spec{Promiscuous: ptr(true), VLAN: &VLAN{Mode: Trunk, Ranges: []VLANRange{{1, 5}}}, Teaming: TeamingSpec{Active: []string{"u"}},
		SourceCheck: &SourceCheck{Mode: CheckAllowed, Allowed: []MAC{mac(5)}}, Learning: LearningSpec{Limit: ptr(3)}}
	c.PVLANs = []PVLAN{{Primary: 100, Community: []int{101}}}
	c.Groups = []Group{{Name: "g", Spec: Spec{Blocked: ptr(true)}}}
	c.Ports = []Port{{Name: "u", Uplink: true}, {Name: "p", Group: "g"}}
	s := newSwitch(t, c)
	before := s.Config()
	*c.Spec.Promiscuous, c.Spec.VLAN.Ranges[0].Last, c.Spec.Teaming.Active[0], c.Spec.SourceCheck.Allowed[0] = false, 9, "x", MAC{}
	*c.Spec.Learning.Limit, c.PVLANs[0].Community[0], *c.Groups[0].Spec.Blocked, c.Ports[1].Name = 4, 7, false, "y"
	if got := s.Config(); !reflect.DeepEqual(got, before) {
		t.Errorf("%+v, want %+v", got, before)
	}
	if err := s.Configure(0, c); err == nil || !strings.Contains(err.Error(), "x is not an uplink") {
		t.Errorf("Configure says %v", err)
	}
	bad := before
	bad.Profile = NSX
	if err := s.Configure(0, bad); err == nil {
		t.Error("the profile changed")
	}
	if got := s.Config(); !reflect.DeepEqual(got, before) || kinds(s) != "" {
		t.Error("a refused configuration changed something")
	}
}

// A port keeps its id, guest, counters and addresses when others come and go.
func TestPortsAreMatchedByName(t *testing.T) {
	c, _ := Preset("learning")
	c.Ports = []Port{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	s := newSwitch(t, c)
	b := s.Lookup("b")
	s.Forward(0, b, frame(mac(1), mac(2)))
	s.Forward(0, s.Lookup("a"), frame(mac(1), mac(3)))
	c.Ports = []Port{{Name: "d"}, {Name: "c"}, {Name: "b"}}
	if err := s.Configure(0, c); err != nil {
		t.Fatal(err)
	}
	st := s.Status(b)
	if s.Lookup("b") != b || st.Counters.RxFrames != 1 || st.State != "forwarding" {
		t.Errorf("b is %+v", st)
	}
	if tab := s.Table(0); len(tab) != 1 || tab[0].Port != b {
		t.Errorf("the table is %+v", tab)
	}
	if s.Lookup("a") != NoPort || s.Lookup("d") != 0 || s.Status(0).State != "down" {
		t.Error("d did not take the free id")
	}
	if ids := s.Ports(); !reflect.DeepEqual(ids, []PortID{0, 2, 1}) {
		t.Errorf("order %v", ids)
	}
}

func TestStatusWords(t *testing.T) {
	c, _ := Preset("distributed")
	c.PVLANs = []PVLAN{{Primary: 100, Isolated: 101}}
	c.Ports = []Port{{Name: "u", Uplink: true}, {Name: "a"}, {Name: "b", Spec: Spec{VLAN: &VLAN{Mode: Trunk, Ranges: []VLANRange{{10, 10}, {20, 30}}}}},
		{Name: "c", Spec: Spec{VLAN: &VLAN{Mode: PrivateVLAN, ID: 101}}}, {Name: "d", Down: true, Spec: Spec{Blocked: ptr(true)}}, {Name: "e"}}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 5; i++ {
		s.Connect(0, PortID(i), Filter{MAC: mac(byte(i))})
	}
	s.SetFilter(0, 1, Filter{MAC: mac(77), Promiscuous: true})
	s.SetLink(0, 2, false)
	for i, want := range []string{
		"u forwarding  - trunk -", "a blocked mac changes rejected refused 0 u", "b down no carrier - 10,20-30 u", "c forwarding  - pvlan 101 u",
		"d down unplugged by the administrator - 0 u", "e down not connected - 0 u",
	} {
		st := s.Status(PortID(i))
		if got := strings.Join([]string{st.Name, st.State, st.Why, st.Promiscuous, st.VLAN, st.Uplinks}, " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if st.Number != 0x03000002+uint32(i) {
			t.Errorf("number %x", st.Number)
		}
	}
	if st := s.Status(1); st.Initial != mac(1) || st.Effective != mac(77) {
		t.Errorf("%+v", st)
	}
	if !reflect.DeepEqual(s.Status(99), PortStatus{}) || !reflect.DeepEqual(s.Status(NoPort), PortStatus{}) {
		t.Error("a port that does not exist has a status")
	}
}

// OBS-3: who is to be asked again before a frame is punished.
func TestSuspect(t *testing.T) {
	for _, x := range []struct {
		m, f bool
		src  MAC
		want bool
	}{
		{false, false, mac(1), false}, {false, false, mac(2), true}, {false, true, mac(2), true}, {true, false, mac(2), true}, {true, true, mac(2), false},
	} {
		c, _ := Preset("standard")
		c.Spec.MACChanges, c.Spec.ForgedTransmits = &x.m, &x.f
		c.Ports = []Port{{Name: "u", Uplink: true}, {Name: "p", Initial: mac(1)}}
		s := newSwitch(t, c)
		if got := s.Suspect(1, frame(mac(3), x.src)); got != x.want {
			t.Errorf("M %v F %v source %s: %v", x.m, x.f, x.src, got)
		}
		if s.Suspect(0, frame(mac(3), x.src)) || s.Suspect(1, Frame{}) || s.Suspect(7, frame(mac(3), x.src)) {
			t.Error("an uplink, a runt or nobody is suspect")
		}
	}
}

func TestCountersAndTxFailed(t *testing.T) {
	c, _ := Preset("learning")
	c.Ports = []Port{{Name: "a"}, {Name: "b", MTU: 50}, {Name: "c", MTU: 45}}
	s := newSwitch(t, c)
	v := s.Forward(0, 0, frame(MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac(1)))
	if len(v.Out) != 1 || len(v.Lost) != 1 || v.Lost[0] != (Loss{2, MtuExceeded}) || v.Input() != None {
		t.Errorf("%+v", v)
	}
	s.TxFailed(1, None)
	s.TxFailed(1, MtuExceeded)
	s.TxFailed(NoPort, TxFail)
	a, b, l := s.Status(0).Counters, s.Status(1).Counters, s.Status(2).Counters
	if a.RxFrames != 1 || a.RxBytes != 60 || b.TxFrames != 1 || b.TxBytes != 60 || b.Drops[TxFail] != 1 || b.Drops[MtuExceeded] != 1 || l.Drops[MtuExceeded] != 1 || l.TxFrames != 0 {
		t.Errorf("%+v\n%+v\n%+v", a, b, l)
	}
	f := frame(mac(9), mac(1))
	f.Segment = 45
	if v := s.Forward(0, 0, f); len(v.Out) != 2 {
		t.Errorf("a frame that will be cut is %+v", v)
	}
	if v := s.Forward(0, 9, f); v.Drop != PortBlocked {
		t.Errorf("from nowhere: %+v", v)
	}
}

// A hook may put another frame in place: it goes where that one's destination says, and a runt in place of it is
// malformed.
func TestHookReplaces(t *testing.T) {
	c, _ := Preset("standard")
	c.Ports = []Port{{Name: "a", Initial: mac(1)}, {Name: "b", Initial: mac(2)}, {Name: "c", Initial: mac(3)}}
	s := newSwitch(t, c)
	other := frame(mac(3), mac(1)).Data
	s.SetHook(func(HookFrame) HookResult { return HookResult{Data: other} })
	if v := s.Forward(0, 0, frame(mac(2), mac(1))); outs(s, v) != "c" || &v.Data[0] != &other[0] {
		t.Errorf("%+v", v)
	}
	other = other[:5]
	if v := s.Forward(0, 0, frame(mac(2), mac(1))); v.Drop != Malformed {
		t.Errorf("%+v", v)
	}
	s.SetHook(nil)
	if v := s.Forward(0, 0, frame(mac(2), mac(1))); outs(s, v) != "b" || v.Data != nil {
		t.Errorf("%+v", v)
	}
}

func TestKnownUnicastAllocatesNothing(t *testing.T) {
	for _, profile := range []string{"standard", "distributed", "learning"} {
		c, _ := Preset(profile)
		c.Ports = []Port{{Name: "a", Initial: mac(1)}, {Name: "b", Initial: mac(2)}}
		s := newSwitch(t, c)
		there, back := frame(mac(2), mac(1)), frame(mac(1), mac(2))
		s.Forward(0, 0, there)
		if n := testing.AllocsPerRun(100, func() { s.Forward(0, 0, there); s.Forward(0, 1, back) }); n != 0 {
			t.Errorf("%s: %v allocations", profile, n)
		}
	}
}

// An uplink that the administrator blocks is as good as one without link.
func TestBlockedUplink(t *testing.T) {
	c, _ := Preset("distributed")
	c.Spec.Teaming.Policy = ptr(Explicit)
	c.Ports = []Port{{Name: "u1", Uplink: true}, {Name: "u2", Uplink: true}, {Name: "p", Initial: mac(1)}}
	s := newSwitch(t, c)
	c.Ports[0].Spec.Blocked = ptr(true)
	if err := s.Configure(0, c); err != nil {
		t.Fatal(err)
	}
	if got := kinds(s); got != "policy-changed u1, port-blocked u1, uplink-failover p" {
		t.Error(got)
	}
	if v := s.Forward(0, 2, frame(mac(9), mac(1))); outs(s, v) != "u2" {
		t.Errorf("%+v", v)
	}
	if v := s.Forward(0, 0, frame(mac(1), mac(9))); v.Drop != PortBlocked || s.Status(0).State != "blocked" {
		t.Errorf("%+v, %+v", v, s.Status(0))
	}
}
