package switchcore

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// tell runs lines as a script and fails with the line that does not hold.
func tell(t *testing.T, lines ...string) {
	t.Helper()
	if err := newStory().run(strings.Join(lines, "\n")); err != nil {
		t.Errorf("%v\n%s", err, strings.Join(lines, "\n"))
	}
}

// Three guests, one of them a sniffer that may, and two uplinks of which everybody uses the first.
const standardSetup = `
switch profile=standard teaming=explicit active=u1 standby=u2
group pg
group tap promiscuous=accept
port g group=pg mac=A
port h group=pg mac=H
port s group=tap mac=S
uplink u1
uplink u2
guest h exact
guest g exact
guest s promisc exact
`

// The same on a distributed switch, with one more guest that learns and is flooded.
const distributedSetup = `
switch profile=distributed teaming=explicit active=u1 standby=u2
group pg
group tap promiscuous=accept
group learn mac_learning=on forged_transmits=accept
port g group=pg mac=A
port h group=pg mac=H
port s group=tap mac=S
port k group=learn mac=K
uplink u1
uplink u2
guest s promisc exact
`

func TestGoldenVectors(t *testing.T) {
	for name, lines := range map[string]string{
		"1":              standardSetup + "g A->H = h s",
		"2":              standardSetup + "g A->Z = s u1",
		"3":              standardSetup + "g A->ff = h s u1",
		"4":              standardSetup + "g X->H = drop MacForgery",
		"5":              standardSetup + "set group pg forged_transmits=accept\ng X->H = h s",
		"6":              standardSetup + "u1 Q->A = g s",
		"8":              standardSetup + "u1 Q->X = s",
		"10":             standardSetup + "u1 Q->ff = g h s",
		"12":             standardSetup + "u2 A->ff = drop ReversePath",
		"13":             strings.Replace(standardSetup, "guest s promisc exact", "guest s exact", 1) + "g A->A = drop SamePort",
		"13 and sniffer": standardSetup + "g A->A = drop SamePort",
		"15":             standardSetup + "set switch mac_changes=accept\nguest g mac=Y\ng Y->H = h s\ng A->H = drop MacForgery",
		"17":             distributedSetup + "k X->H = h s\nh H->X = k s",
		"18":             distributedSetup + "h H->Z = k s u1\nset group learn flooding=off\nh H->Z = s u1",
		"19":             distributedSetup + "u1 Q->Z = k s\nset group learn flooding=off\nu1 Q->Z = s",
		"21":             strings.Replace(standardSetup, "group pg\n", "group pg vlan=10\n", 1) + "set port h group=tap\nset group tap vlan=20\ng A->H = u1:10",
		"23":             strings.Replace(standardSetup, "group pg\n", "group pg vlan=10\n", 1) + "g A->H tag=10 = drop VlanMismatch",
		"24 on":          standardSetup + "set switch block_guest_bpdu=on\ng A->bpdu = drop GuestBPDU",
		"24 off":         standardSetup + "g A->bpdu = s u1\nguest h groups=bpdu\ng A->bpdu = h s u1",
		"25":             "switch profile=standard\nuplink u1\nuplink u2\nu1 Q->ff = drop VlanMismatch",
	} {
		t.Run(name, func(t *testing.T) { tell(t, lines) })
	}
}

// Table 5.2: eight combinations of promiscuous, MAC changes and forged transmits, in the order 000, 001, ... 111. "ok"
// both directions work, T the guest's frames are MacForgery, N what it is answered is not delivered, B blocked both
// ways.
func TestEightCombinations(t *testing.T) {
	const setup = "switch profile=standard promiscuous=%s mac_changes=%s forged_transmits=%s\ngroup pg\nport g group=pg mac=A\nport h group=pg mac=H\nuplink u1\n"
	results := map[string]string{
		"plain ok":    "g A->H = h\ng A->ff = h u1\nh H->A = g\nh H->ff = g u1",
		"changed ok":  "guest g mac=Y\ng Y->H = h\ng Y->ff = h u1\nh H->Y = g\nh H->ff = g u1\nh H->A = u1",
		"changed B":   "guest g mac=Y\ng Y->H = drop PortBlocked\ng Y->ff = drop PortBlocked\nh H->Y = u1\nh H->ff = u1 g!PortBlocked\nh H->A = u1",
		"foreign ok":  "guest g promisc\ng X->ff = h u1\ng X->H = h\nh H->X = g u1\nh H->ff = g u1",
		"foreign T":   "guest g promisc\ng X->ff = drop MacForgery\ng X->H = drop MacForgery\nh H->ff = g u1",
		"foreign N":   "guest g promisc\ng X->ff = h u1\ng X->H = h\nh H->X = u1\nbecause g FilterNoMatch\nh H->ff = g u1",
		"spoof ok":    "g X->H = h",
		"spoof T":     "g X->H = drop MacForgery",
		"sniffer no":  "add port s group=pg mac=S\nguest s promisc\nh H->A = g\ng A->H = h\nu1 Q->A = g",
		"sniffer yes": "add port s group=pg mac=S\nguest s promisc\nh H->A = g s\ng A->H = h s\nu1 Q->A = g s",
	}
	rows := []struct{ row, cells string }{
		{"plain", "ok ok ok ok ok ok ok ok"},
		{"changed", "B B ok ok B B ok ok"},
		{"foreign", "T N T N T ok T ok"},
		{"spoof", "T ok T ok T ok T ok"},
		{"sniffer", "no no no no yes yes yes yes"},
	}
	word := map[bool]string{true: "accept", false: "reject"}
	for _, r := range rows {
		for i, cell := range strings.Fields(r.cells) {
			t.Run(fmt.Sprintf("%s %03b", r.row, i), func(t *testing.T) {
				lines, ok := results[r.row+" "+cell]
				if !ok || lines == "" {
					t.Fatalf("%s %s says nothing", r.row, cell)
				}
				tell(t, fmt.Sprintf(setup, word[i&4 != 0], word[i&2 != 0], word[i&1 != 0])+lines)
			})
		}
	}
}

// Table 5.3: a distributed switch and an NSX segment without promiscuous mode, a foreign source X behind g.
func TestForeignSourceAndLearning(t *testing.T) {
	results := map[string]string{
		"T":     "g X->H = drop MacForgery",
		"N":     "g X->H = h\nh H->X = u1",
		"ok":    "h H->X = u1\ng X->H = h\nh H->X = g\n+10m\nh H->X = u1",
		"flood": "h H->X = g u1\ng X->H = h\nh H->X = g\n+10m\nh H->X = g u1",
	}
	for _, c := range []struct{ learning, forged, flooding, distributed, nsx string }{
		{"off", "reject", "on", "T", "T"},
		{"off", "reject", "off", "T", "T"},
		{"off", "accept", "on", "N", "N"},
		{"off", "accept", "off", "N", "N"},
		{"on", "reject", "on", "T", "flood"},
		{"on", "reject", "off", "T", "ok"},
		{"on", "accept", "off", "ok", "ok"},
		{"on", "accept", "on", "flood", "flood"},
	} {
		for profile, want := range map[string]string{"distributed": c.distributed, "nsx": c.nsx} {
			t.Run(fmt.Sprint(profile, " learning ", c.learning, " forged ", c.forged, " flooding ", c.flooding), func(t *testing.T) {
				tell(t, fmt.Sprintf("switch profile=%s\ngroup pg\ngroup x mac_learning=%s forged_transmits=%s flooding=%s\nport g group=x mac=A\nport h group=pg mac=H\nuplink u1",
					profile, c.learning, c.forged, c.flooding), results[want])
			})
		}
	}
}

// The rules L1 to L6 of learning.
func TestLearningRules(t *testing.T) {
	const setup = "switch profile=distributed forged_transmits=accept mac_learning=on limit=2\ngroup pg\nport g group=pg mac=A\nport h group=pg mac=H\nport k group=pg mac=K\n"
	const vlans = "set group pg vlan=10\nset group pg overrides=vlan\nadd port e group=pg mac=E vlan=20\n"
	for name, lines := range map[string]string{
		"L1":            "g A->H = h\ncount g MACsLearned 0\nknows A g static",
		"L2":            "g H->K = k\ncount g MACsLearned 0\nk K->H = h",
		"L2 other VLAN": vlans + "g E->K = k\nknows E g vlan=10\nset switch conflict_host_wide=on\nflush\ng E->K = k\ncount g MACsLearned 1",
		"L3":            "g X->H = h\n+599s\ng X->H = h\n+599s\nknows X g\nk K->X = g\n+1s\nforgot X",
		"L4":            "g X->H = h\nk X->H = h\nknows X k\nh H->X = k",
		"L5 allow":      "g X->H = h\ng Y->H = h\ng Z->H = h\nforgot Z\ncount g MACNotLearnedAllowed 1\ncount g MACNotLearnedDropped 0",
		"L5 drop":       "set switch limit_policy=drop\ng X->H = h\ng Y->H = h\ng Z->H = drop LearnLimit\nforgot Z\ncount g MACNotLearnedDropped 1\ncount g LearnLimit 1\ng X->H = h",
		"L5 zero":       "set switch limit=0\ng X->H = h\nforgot X\ncount g MACNotLearnedAllowed 1",
		"L6":            "g X->H = h\ncount g MACsLearned 1\nknows X g\nevent mac-learned g",
		"disconnect":    "g X->H = h\ndisconnect g\nforgot X",
		"VLAN":          "g X->H = h\nset group pg vlan=10\nforgot X",
		"switched off":  "g X->H = h\nset switch mac_learning=off\nforgot X",
		"C7 host wide":  vlans + "set group pg mac_changes=accept\nset switch conflict_host_wide=on\ng X->K = k\nguest e mac=X\nknows X e static vlan=20\ndisconnect e\nforgot X",
		"C7":            "g X->H = h\nset group pg mac_changes=accept\nguest k mac=X\nknows X k static\nh H->X = k",
	} {
		t.Run(name, func(t *testing.T) { tell(t, setup+lines) })
	}
}

// Table 3.1: 4096 addresses of one port, and the next is allowed without being learned.
func TestLearningLimitOfThePlatform(t *testing.T) {
	w := newStory()
	if err := w.run("switch profile=distributed forged_transmits=accept mac_learning=on\ngroup pg\nport g group=pg mac=A\nport h group=pg mac=H\nstart"); err != nil {
		t.Fatal(err)
	}
	for i := range 4097 {
		f, err := w.build([]string{fmt.Sprintf("02:00:00:00:%02x:%02x->H", i>>8, i&255)})
		if err != nil {
			t.Fatal(err)
		}
		if v := w.s.Forward(0, w.s.Lookup("g"), f); len(v.Out) != 1 {
			t.Fatalf("address %d: %v", i+1, v.Drop)
		}
	}
	if err := w.run("count g MACsLearned 4096\ncount g MACNotLearnedAllowed 1\nknows 02:00:00:00:0f:ff g\nforgot 02:00:00:00:10:00"); err != nil {
		t.Error(err)
	}
}

// The matrix of 4.2, every cell with unicast and with broadcast.
func TestPrivateVLANMatrix(t *testing.T) {
	const setup = `
switch profile=distributed
pvlan primary=100 isolated=101 community=102,103
group promiscuous vlan=pvlan:100
group isolated vlan=pvlan:101
group same vlan=pvlan:102
group other vlan=pvlan:103
`
	may := map[string]string{"promiscuous": "promiscuous same other isolated", "same": "promiscuous same", "other": "promiscuous other", "isolated": "promiscuous"}
	for from, list := range may {
		for to := range may {
			t.Run(from+" to "+to, func(t *testing.T) {
				one, all := "a A->B = drop PvlanIsolation b!PvlanIsolation", "a A->ff = drop PvlanIsolation b!PvlanIsolation"
				if strings.Contains(" "+list+" ", " "+to+" ") {
					one, all = "a A->B = b", "a A->ff = b"
				}
				w := newStory()
				if err := w.run(setup + fmt.Sprintf("port a group=%s mac=A\nport b group=%s mac=B\n%s\n", from, to, one)); err != nil {
					t.Error(err)
				}
				if err := w.run(all); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// SV-10: all sixteen addresses of IEEE 802.1Q table 8-1, and the first one beyond.
func TestLinkLocalAddresses(t *testing.T) {
	const setup = "switch profile=simple_vswitch\nport p1\nport p2\nport p3\n"
	for i := range 16 {
		tell(t, setup+fmt.Sprintf("p1 A->01:80:c2:00:00:%02x = drop LinkLocal\nknows A p1", i))
		tell(t, setup+fmt.Sprintf("set switch link_local_drop=off\np1 A->01:80:c2:00:00:%02x = p2 p3", i))
	}
	tell(t, setup+"p1 A->01:80:c2:00:00:10 = p2 p3\np1 A->cdp = p2 p3\np1 A->pvst = p2 p3")
}

// SV-02 and SV-06: the 25th port is refused and 24 go on; the 257th address is not stored and none is thrown out for
// it.
func TestSimpleVswitchBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString("switch profile=simple_vswitch\n")
	for i := range 24 {
		fmt.Fprintf(&b, "port p%d\n", i+1)
	}
	b.WriteString("start\nrefused add port p25\n")
	for i := range 257 {
		fmt.Fprintf(&b, "p1 02:00:00:00:%02x:%02x->bpdu = drop LinkLocal\n", i>>8, i&255)
	}
	b.WriteString("knows 02:00:00:00:00:00 p1\nknows 02:00:00:00:00:ff p1\nforgot 02:00:00:00:01:00\np24 B->02:00:00:00:00:07 = p1\nforgot B\n")
	tell(t, b.String())
}

// SV-05: what no station can have is never learned.
func TestGroupAndZeroSourcesAreNotLearned(t *testing.T) {
	tell(t, `
switch profile=learning
port p1
port p2
p1 01:00:5e:00:00:01->B = drop Malformed
p1 ff->B = drop Malformed
p1 zero->B = drop Malformed
forgot 01:00:5e:00:00:01
forgot ff
forgot zero`)
}

// The zero address is nobody's as a destination either.
func TestZeroDestinationIsUnknown(t *testing.T) {
	for _, profile := range []string{"standard", "distributed", "learning"} {
		c, _ := Preset(profile)
		c.Ports = []Port{{Name: "a", Initial: mac(1)}, {Name: "b", Initial: mac(2)}, {Name: "c", Initial: mac(3)}}
		s := newSwitch(t, c)
		s.Forward(0, 0, frame(mac(2), mac(1)))
		if v := s.Forward(0, 1, frame(MAC{}, mac(2))); v.Rule == RuleStatic || v.Rule == RuleLearned || (len(v.Out) > 0) != (profile == "learning") {
			t.Errorf("%s: %+v", profile, v)
		}
	}
}

// SV-12, SV-18: four hosts; after the first exchange nobody else sees the unicast.
func TestAllPairsOfFour(t *testing.T) {
	var b strings.Builder
	b.WriteString("switch profile=simple_vswitch\n")
	for i := range 4 {
		fmt.Fprintf(&b, "port p%d\n", i)
	}
	name := func(i int) string { return string(rune('A' + i)) }
	for i := range 4 {
		others := ""
		for j := range 4 {
			if j != i {
				others += fmt.Sprintf(" p%d", j)
			}
		}
		fmt.Fprintf(&b, "p%d %s->ff =%s\n", i, name(i), others)
	}
	for i := range 4 {
		for j := range 4 {
			if i != j {
				fmt.Fprintf(&b, "p%d %s->%s = p%d\n", i, name(i), name(j), j)
			}
		}
	}
	tell(t, b.String())
}

// Section 7: the presets of other platforms.
func TestPresetsOfOtherPlatforms(t *testing.T) {
	for preset, lines := range map[string]string{
		"hyperv":                  "port g mac=A\nport h mac=H\nh H->ff = g\ng X->H = drop MacForgery\ng A->H = h",
		"libvirt_nwfilter":        "port g mac=A\nport h mac=H\ng X->H = drop MacForgery\ng A->H = h\nguest g mac=Y\ng Y->H = drop MacForgery\ng A->H = h",
		"proxmox":                 "port g mac=A\nport h mac=H\ng X->H = drop MacForgery\ng A->H = h",
		"openstack_port_security": "port g mac=A\nport h mac=H\ng X->H = drop MacForgery\ng A->H = h\nh H->A = g",
	} {
		t.Run(preset, func(t *testing.T) { tell(t, "switch profile="+preset, lines) })
	}
	for _, name := range PresetNames() {
		c, ok := Preset(name)
		if !ok {
			t.Errorf("no preset %s", name)
		}
		if m := c.Check(); len(m) > 0 {
			t.Errorf("%s: %v", name, m)
		}
	}
	c, _ := Preset("simple_vswitch")
	if c.Ageing != 180*time.Second || c.FDBSize != 256 || c.MaxPorts != 24 || !c.LinkLocal || !c.LearnBeforeLinkLocal || c.Profile != Learning {
		t.Errorf("simple_vswitch is %+v", c)
	}
}
