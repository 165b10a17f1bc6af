package switchcore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// TestFastPath: what fastPath decides judge decides too, and both leave the same behind. A hook, even one that does
// nothing, keeps a switch from using it; so two switches that live through the same must not differ by it.
func TestFastPath(t *testing.T) {
	worlds, frames := 200, 125
	if os.Getenv("LABCTL_PROOF") != "" {
		worlds *= 10
	}
	taken := map[Rule]int{}
	for seed := range worlds {
		short, err := newWorld(rand.New(rand.NewPCG(uint64(seed), 5)))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		long, _ := newWorld(rand.New(rand.NewPCG(uint64(seed), 5)))
		long.s.SetHook(func(HookFrame) HookResult { return HookResult{} })
		for range frames {
			eventful := short.chance(6)
			if long.chance(6) && eventful {
				if err := sameRemains(short, long); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if err := short.event(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				long.event()
			}
			id, name, f := short.frame()
			long.frame()
			serial := short.s.serial
			v, want := short.s.Forward(short.now, id, f), long.s.Forward(long.now, id, f)
			if short.s.serial == serial {
				taken[v.Rule]++
			}
			if got, want := fmt.Sprint(v), fmt.Sprint(want); got != want {
				t.Fatalf("seed %d: %v", seed, short.fail(name, f, "fastPath says "+got+", judge "+want))
			}
		}
		if err := sameRemains(short, long); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Logf("taken by fastPath: %v", taken)
	if taken[RuleStatic] < worlds || taken[RuleLearned] < worlds/2 || len(taken) != 2 {
		t.Errorf("fastPath decided %v of %d frames; it should have a fair share by both rules, and nothing by others", taken, worlds*frames)
	}
}

// sameRemains compares all that can be seen of the switches after their frames.
func sameRemains(short, long *world) error {
	remains := func(w *world) string {
		s := fmt.Sprint(w.s.Table(w.now), w.s.Events(), w.s.Announcements())
		for _, id := range w.s.Ports() {
			s += fmt.Sprintf("\n%+v", w.s.Status(id))
		}
		return s
	}
	if got, want := remains(short), remains(long); got != want {
		return short.fail("", Frame{}, "fastPath leaves\n"+got+"\njudge\n"+want)
	}
	return nil
}

// What the worlds of TestFastPath have not: a station without address, and an ordinary port in one of the ids of a
// private VLAN.
func TestFastPathKnowsItsLimits(t *testing.T) {
	yes, id := true, VLAN{ID: 101}
	c, _ := Preset("distributed")
	c.Spec.ForgedTransmits = &yes
	c.Ports = []Port{{Name: "a", Initial: mac(1)}, {Name: "b", Initial: mac(2)}}
	s := newSwitch(t, c)
	if v := s.Forward(0, 0, frame(mac(2), MAC{})); v.Drop != Malformed {
		t.Errorf("from the zero address: %+v", v)
	}
	c.PVLANs, c.Spec.VLAN = []PVLAN{{Primary: 100, Isolated: 101}}, &id
	s = newSwitch(t, c)
	if v := s.Forward(0, 0, frame(mac(2), mac(1))); v.VLAN != 100 {
		t.Errorf("in a private VLAN: %+v, should be in its primary", v)
	}
}
