package switchcore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// way is one of the ways to follow a hint: what is done, and the frame that is sent then, if it is another one; to: who
// gets it, if it is somebody else.
type way struct{ do, frame, to string }

// trial is a frame that gets a hint, at the port "at" or, where that is "", of the whole frame.
type trial struct {
	cure  cure
	setup string
	frame string
	at    string
	to    string // who gets it in the end
	ways  []way
}

const (
	distributedTwo = "switch profile=distributed\ngroup vms\nport g group=vms mac=G\nport h group=vms mac=H\nstart\n"
	standardTwo    = "switch profile=standard\ngroup vms\nport g group=vms mac=G\nport h group=vms mac=H\nstart\n"
	nsxTwo         = "switch profile=nsx\ngroup vms\nport g group=vms mac=G\nport h group=vms mac=H\nstart\n"
	learningTwo    = "switch profile=learning\nport g mac=G\nport h mac=H\nstart\n"
	teamed         = "switch profile=distributed\nuplink u1\nuplink u2\ngroup vms active=u1\ngroup twos active=u2\nport g group=vms mac=G\nport h group=twos mac=H\nstart\n"
)

func trials() []trial {
	joins := []way{{do: "guest h exact groups=mdns"}, {do: "guest h"}}
	return []trial{
		{cureForged, distributedTwo, "g X->H", "", "h", []way{{do: "set group vms forged_transmits=accept"}}},
		{cureForged, standardTwo, "g X->H", "", "h", []way{{do: "set group vms forged_transmits=accept"}}},
		{cureAdmit, nsxTwo, "g X->H", "", "h", []way{{do: "set group vms mac_learning=on"}}},
		{cureAllowSource, distributedTwo + "set group vms overrides=security\nset port g source_check=allowed:Y", "g X->H", "", "h", []way{{do: "set port g source_check=allowed:X"}}},
		{cureInitialSource, distributedTwo + "set group vms overrides=security\nset port g source_check=initial", "g X->H", "", "h", []way{{frame: "g G->H"}}},
		{cureOwnSource, distributedTwo, "g X->H", "", "h", []way{{frame: "g G->H"}}},
		{cureUp, standardTwo + "set port h down=yes", "g G->ff", "", "h", []way{{do: "set port h down=no"}}},
		{cureUp, learningTwo + "set port h down=yes", "g G->H", "", "h", []way{{do: "set port h down=no"}}},
		{cureUp, standardTwo + "set port h down=yes", "g G->H", "", "h", []way{{do: "set port h down=no"}}},
		{cureLink, standardTwo + "disconnect h", "g G->ff", "", "h", []way{{do: "connect h mac=H"}}},
		{cureCable, standardTwo + "link h down", "g G->ff", "", "h", []way{{do: "link h up"}}},
		{cureMACChanges, standardTwo + "set group vms mac_changes=reject\nguest h mac=X", "g G->X", "", "h", []way{{do: "set group vms mac_changes=accept"}}},
		{cureInitialBack, standardTwo + "set group vms mac_changes=reject\nguest h mac=X", "g G->ff", "", "h", []way{{do: "guest h mac=H"}}},
		{cureUnblock, distributedTwo + "set port h blocked=yes", "g G->ff", "", "h", []way{{do: "set port h blocked=no"}}},
		{cureUnblock, distributedTwo + "set group vms blocked=yes", "g G->H", "", "h", []way{{do: "set group vms blocked=no"}}},
		{cureNobodysVLAN, teamed, "u1 U->G tag=30", "", "g", []way{{do: "set group vms vlan=30"}, {do: "set group vms vlan=trunk"}}},
		{cureUntagged, distributedTwo + "set group vms vlan=20", "g G->H tag=20", "", "h", []way{{frame: "g G->H"}}},
		{cureGuestTags, distributedTwo + "set group vms vlan=20", "g G->H tag=20", "", "h", []way{{do: "set group vms vlan=trunk"}}},
		{cureVLAN, teamed + "set group twos vlan=20", "g G->H", "h", "h", []way{{do: "set group twos vlan=0"}, {do: "set group twos vlan=trunk"}}},
		{cureTrunk, distributedTwo + "set group vms vlan=10-20", "g G->H tag=30", "", "h", []way{{do: "set group vms vlan=10-20,30"}, {do: "set group vms vlan=trunk"}}},
		{cureBPDU, standardTwo + "set switch block_guest_bpdu=on", "g G->bpdu", "", "h", []way{{do: "set switch block_guest_bpdu=off"}}},
		{cureLimit, distributedTwo + "set group vms forged_transmits=accept mac_learning=on limit=1 limit_policy=drop\ng X->H = h", "g Y->H", "", "h",
			[]way{{do: "set group vms limit=2"}, {do: "set group vms limit_policy=allow"}}},
		{cureLinkLocal, learningTwo + "set switch link_local_drop=yes", "g G->bpdu", "", "h", []way{{do: "set switch link_local_drop=no"}}},
		{cureHeader, standardTwo, "g zero->H", "", "h", []way{{frame: "g G->H"}}},
		{cureHeader, standardTwo, "g G->H len=10", "", "h", []way{{frame: "g G->H"}}},
		{cureHairpin, learningTwo + "g X->ff = h", "g G->X", "", "g", []way{{do: "set port g hairpin=yes"}}},
		{cureHairpin, standardTwo, "g G->G", "", "g", []way{{do: "set port g hairpin=yes"}}},
		{cureReverseOwn, teamed, "u1 G->ff", "", "g", []way{{do: "set switch reverse_path_check=off"}}},
		{cureReverseTeam, teamed + "remove port h", "u2 X->ff", "", "g", []way{{do: "set group vms teaming=ip_hash"}, {frame: "u1 X->ff"}}},
		{cureReversePort, teamed, "u2 X->ff", "g", "g", []way{{do: "set group vms teaming=ip_hash"}, {frame: "u1 X->ff"}}},
		{cureUplink, teamed + "link u1 down", "g G->X", "", "", []way{{do: "link u1 up", to: "u1"}, {do: "set group vms standby=u2", to: "u2"}}},
		{cureOtherPort, "switch profile=standard\ngroup vms\nport g group=vms mac=G\nstart\n", "g G->ff", "", "h", []way{{do: "add port h group=vms mac=H"}}},
		{cureBehindStandard, standardTwo, "g G->X", "", "h", []way{{do: "set group vms promiscuous=accept\nguest h promisc"}}},
		{cureBehindAdmitted, nsxTwo, "g G->X", "", "h", []way{{do: "set group vms mac_learning=on\nh X->G = g"}, {do: "set group vms promiscuous=accept\nguest h promisc"}}},
		{cureBehind, distributedTwo, "g G->X", "", "h",
			[]way{{do: "set group vms mac_learning=on forged_transmits=accept\nh X->G = g"}, {do: "set group vms promiscuous=accept\nguest h promisc"}}},
		{cureIsolated, learningTwo + "set port g isolated=yes\nset port h isolated=yes", "g G->ff", "", "h", []way{{do: "set port g isolated=no"}, {do: "set port h isolated=no"}}},
		{curePrimary, "switch profile=distributed\npvlan primary=100 isolated=101\ngroup vms vlan=pvlan:101\ngroup twos vlan=pvlan:101\nport g group=vms mac=G\nport h group=twos mac=H\nstart\n",
			"g G->ff", "h", "h", []way{{do: "set group twos vlan=pvlan:100"}}},
		{cureMTU, standardTwo + "set port h mtu=100", "g G->H len=200", "", "h", []way{{frame: "g G->H len=114"}, {do: "set port h mtu=186"}}},
		{cureAllowed, "switch profile=learning\nport g mac=G\nport h mac=H source_check=allowed:Y\nport r mac=R\nstart\n", "g G->X", "h", "h", []way{{do: "set port h source_check=allowed:X"}}},
		{cureJoin, standardTwo + "guest h exact", "g G->mdns", "", "h", joins},
		{cureJoin, standardTwo + "guest h exact", "g G->mdns", "h", "h", joins},
		{curePromiscuous, distributedTwo + "guest h promisc", "g G->X", "h", "h", []way{{do: "set group vms promiscuous=accept"}}},
		{cureAsk, distributedTwo + "set group vms promiscuous=accept", "g G->X", "h", "h", []way{{do: "guest h promisc"}}},
		{cureLearn, distributedTwo + "guest h promisc", "g G->X", "h", "h", []way{{do: "set group vms mac_learning=on forged_transmits=accept\nh X->G = g"}}},
		{cureLearn, nsxTwo + "guest h promisc", "g G->X", "h", "h", []way{{do: "set group vms mac_learning=on\nh X->G = g"}}},
		{cureLearned, distributedTwo + "set group vms mac_learning=on flooding=no\nguest h promisc", "g G->X", "h", "h",
			[]way{{do: "set group vms forged_transmits=accept\nh X->G = g"}}},
	}
}

// TestEveryHintHelps does what each hint says, and sends the frame again.
func TestEveryHintHelps(t *testing.T) {
	tried := map[cure]map[way]bool{}
	for _, c := range trials() {
		pattern := regexp.MustCompile(strings.NewReplacer("%s", ".*", "%d", "[0-9]+").Replace(regexp.QuoteMeta(cures[c.cure].format)))
		for _, wy := range c.ways {
			if tried[c.cure] == nil {
				tried[c.cure] = map[way]bool{}
			}
			key := wy
			if key.do == "" {
				key.do = "instead of " + c.frame
			}
			tried[c.cure][key] = true
			w := newStory()
			if err := w.run(c.setup); err != nil {
				t.Errorf("%s: %v", pattern, err)
				continue
			}
			e := w.explained(t, c.frame)
			hint := e.Hint
			if c.at != "" {
				hint = e.Fates[slices.IndexFunc(e.Fates, func(f Fate) bool { return f.Port == w.s.Lookup(c.at) })].Hint
			}
			if !pattern.MatchString(hint) {
				t.Errorf("%q gets the hint %q, want %s", c.frame, hint, pattern)
			}
			to, frame := c.to, c.frame
			if wy.to != "" {
				to = wy.to
			}
			if wy.frame != "" {
				frame = wy.frame
			}
			if slices.ContainsFunc(e.Out, func(o Output) bool { return o.Port == w.s.Lookup(to) }) {
				t.Errorf("%q reaches %s before anything is done", c.frame, to)
			}
			if err := w.run(wy.do); err != nil {
				t.Errorf("%q, to do as %q says: %v", c.frame, hint, err)
			}
			if e = w.explained(t, frame); !slices.ContainsFunc(e.Out, func(o Output) bool { return o.Port == w.s.Lookup(to) }) {
				t.Errorf("%q does not reach %s although it was done as %q says: %q\n%s", frame, to, hint, wy.do, strings.Join(e.Steps, "\n"))
			}
		}
	}
	for c := range numCures {
		if got := len(tried[c]); got < cures[c].ways {
			t.Errorf("%q can be followed in %d ways, and %d are tried", cures[c].format, cures[c].ways, got)
		}
		if cures[c].format == "" {
			t.Errorf("cure %d has no text", c)
		}
	}
}

// explained is what is said of a frame, which is then sent.
func (w *story) explained(t *testing.T, line string) Explanation {
	t.Helper()
	words := strings.Fields(line)
	f, err := w.build(words[1:])
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.port(words[0])
	if err != nil {
		t.Fatal(err)
	}
	return w.s.Explain(w.now, id, f)
}

// A hint that is not made of cures would never be tried. Only what says where to set something has words of its own.
func TestHintsAreMadeOfCures(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "hint.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || slices.Contains([]string{"where", "vlanValue", "vlanWords", "orNone"}, fn.Name.Name) {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if words := strings.Trim(l.Value, "\"`;, "); words != "" && words != "or" {
					t.Errorf("%s says %s, which is not a cure", fn.Name.Name, l.Value)
				}
			}
			return true
		})
	}
}
