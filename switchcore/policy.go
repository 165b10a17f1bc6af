package switchcore

import (
	"slices"
	"strconv"
	"time"
)

// Level is where a value comes from.
type Level uint8

// The levels, from far to near.
const (
	LevelDefault Level = iota // the platform
	LevelSwitch
	LevelGroup
	LevelPort
)

// String is the level in a word.
func (l Level) String() string {
	return [...]string{"default", "switch", "group", "port"}[min(l, LevelPort)]
}

// Setting is a yes or no that knows where it was said.
type Setting struct {
	Value bool
	From  Level
}

// Spec is what one level (switch, port group, port) says; nil is inherited from the level above.
type Spec struct {
	Promiscuous     *bool        `json:"promiscuous,omitzero"` // true: accept
	MACChanges      *bool        `json:"mac_changes,omitzero"`
	ForgedTransmits *bool        `json:"forged_transmits,omitzero"`
	Learning        LearningSpec `json:"learning,omitzero"`
	VLAN            *VLAN        `json:"vlan,omitzero"`
	Teaming         TeamingSpec  `json:"teaming,omitzero"`
	SourceCheck     *SourceCheck `json:"source_check,omitzero"`
	Blocked         *bool        `json:"blocked,omitzero"` // blocked by the administrator; the guest is not told
}

// Computed is what holds for one port, with each value's origin: what vSphere publishes as
// HostPortGroup.computedPolicy.
type Computed struct {
	Promiscuous, MACChanges, ForgedTransmits Setting // true: accept
	Learning                                 ComputedLearning
	VLAN                                     VLAN
	VLANFrom                                 Level
	Teaming                                  ComputedTeaming
	SourceCheck                              SourceCheck
	SourceCheckFrom                          Level
	Blocked                                  Setting
}

// ComputedLearning is MAC learning as it holds for one port.
type ComputedLearning struct {
	Enabled, Flooding, Drop Setting
	Limit                   int
	LimitFrom               Level
	Ageing                  time.Duration
	AgeingFrom              Level
}

// ComputedTeaming is the choice of uplinks as it holds for one port.
type ComputedTeaming struct {
	Policy           TeamingPolicy
	PolicyFrom       Level
	Active, Standby  []string
	OrderFrom        Level // of Active
	Failback, Notify Setting
}

// Decision is a policy by which a port accepts or rejects something: vSphere's security policies. The platform rejects
// where it has such policies at all.
type Decision struct {
	Key string // as a lab file calls it
	Doc string // what is accepted or rejected
	Of  func(*Spec) **bool
	In  func(*Computed) *Setting
}

// allDecisions is never written to.
var allDecisions = []Decision{
	{"promiscuous", "may a guest that asks for it receive everything (default reject)",
		func(s *Spec) **bool { return &s.Promiscuous }, func(c *Computed) *Setting { return &c.Promiscuous }},
	{"mac_changes", "may a guest use another address than the administrator gave (default reject)",
		func(s *Spec) **bool { return &s.MACChanges }, func(c *Computed) *Setting { return &c.MACChanges }},
	{"forged_transmits", "may a guest send from an address that is not its own (default reject)",
		func(s *Spec) **bool { return &s.ForgedTransmits }, func(c *Computed) *Setting { return &c.ForgedTransmits }},
}

// Decisions returns all of them, in the order in which people list them.
func Decisions() []Decision { return slices.Clone(allDecisions) }

// policy is one thing that a level says of its ports, and all that is done with it but what the relay does with frames.
type policy struct {
	key      string // as a lab file calls it
	override Overrides
	said     func(*Spec) bool
	clone    func(*Spec) // has the spec refer to a copy of what it refers to
	lay      func(r *Computed, s *Spec, l Level)
	words    func(r *Computed, say func(key, value string, from Level))
}

// policies are all policies, in the order in which changes of them are told.
var policies = slices.Concat(decisions(), []policy{
	{"mac_learning", OverrideSecurity,
		func(s *Spec) bool { return s.Learning != LearningSpec{} },
		func(s *Spec) { s.Learning = s.Learning.clone() },
		func(r *Computed, s *Spec, l Level) { r.Learning.lay(&s.Learning, l) },
		func(r *Computed, say func(string, string, Level)) { r.Learning.words(say) }},
	{"vlan", OverrideVLAN,
		func(s *Spec) bool { return s.VLAN != nil },
		func(s *Spec) {
			if s.VLAN = clonePointer(s.VLAN); s.VLAN != nil {
				s.VLAN.Ranges = slices.Clone(s.VLAN.Ranges)
			}
		},
		func(r *Computed, s *Spec, l Level) { take(&r.VLAN, &r.VLANFrom, s.VLAN, l) },
		func(r *Computed, say func(string, string, Level)) { say("vlan", r.VLAN.String(), r.VLANFrom) }},
	{"teaming", OverrideTeaming,
		func(s *Spec) bool { return !s.Teaming.empty() },
		func(s *Spec) { s.Teaming = s.Teaming.clone() },
		func(r *Computed, s *Spec, l Level) { r.Teaming.lay(&s.Teaming, l) },
		func(r *Computed, say func(string, string, Level)) { r.Teaming.words(say) }},
	{"allowed", OverrideSecurity,
		func(s *Spec) bool { return s.SourceCheck != nil },
		func(s *Spec) {
			if s.SourceCheck = clonePointer(s.SourceCheck); s.SourceCheck != nil {
				s.SourceCheck.Allowed = slices.Clone(s.SourceCheck.Allowed)
			}
		},
		func(r *Computed, s *Spec, l Level) { take(&r.SourceCheck, &r.SourceCheckFrom, s.SourceCheck, l) },
		func(r *Computed, say func(string, string, Level)) {
			say("allowed", r.SourceCheck.String(), r.SourceCheckFrom)
		}},
	yesNo("blocked", OverrideBlocked, "true", "false",
		func(s *Spec) **bool { return &s.Blocked }, func(r *Computed) *Setting { return &r.Blocked }),
})

// decisions are the rows of all Decisions.
func decisions() []policy {
	var list []policy
	for _, d := range allDecisions {
		list = append(list, yesNo(d.Key, OverrideSecurity, "accept", "reject", d.Of, d.In))
	}
	return list
}

// yesNo is a policy that has one of two values.
func yesNo(key string, o Overrides, yes, no string, of func(*Spec) **bool, in func(*Computed) *Setting) policy {
	return policy{key, o,
		func(s *Spec) bool { return *of(s) != nil },
		func(s *Spec) { *of(s) = clonePointer(*of(s)) },
		func(r *Computed, s *Spec, l Level) { in(r).lay(*of(s), l) },
		func(r *Computed, say func(string, string, Level)) { say(key, in(r).word(yes, no), in(r).From) }}
}

// compute resolves what holds for a port: its own word, its group's, the switch's, the platform's, in this order.
func (c *Config) compute(p *Port) Computed {
	learning := c.Profile == Learning
	r := Computed{
		Learning: ComputedLearning{Flooding: Setting{Value: true}, Limit: 4096, Ageing: 600 * time.Second},
		Teaming:  ComputedTeaming{Failback: Setting{Value: true}, Notify: Setting{Value: true}},
	}
	for _, d := range allDecisions {
		// A physical adapter is not a client: no policy is asked of it (vSphere has none on uplinks).
		d.In(&r).Value = learning || p.Uplink
	}
	if p.Uplink && !learning {
		r.VLAN = trunkOfAll()
		r.Blocked.lay(p.Spec.Blocked, LevelPort)
		return r
	}
	if !p.Uplink {
		r.Teaming.Active = c.uplinkNames()
	}
	r.lay(&c.Spec, LevelSwitch)
	if g := c.group(p.Group); g != nil {
		r.lay(&g.Spec, LevelGroup)
	}
	if p.Uplink { // a trunk, whatever the switch says of its ports
		r.VLAN, r.VLANFrom = trunkOfAll(), LevelDefault
	}
	r.lay(&p.Spec, LevelPort)
	// One level may name as standby what another named as active: then it is active.
	r.Teaming.Standby = slices.DeleteFunc(r.Teaming.Standby, func(n string) bool {
		return slices.Contains(r.Teaming.Active, n)
	})
	return r
}

// trunkOfAll is a trunk of all VLANs and of untagged frames.
func trunkOfAll() VLAN { return VLAN{Mode: Trunk, Ranges: []VLANRange{{0, 4094}}} }

// uplinkNames are the uplinks: a team of all of them is the platform's default.
func (c *Config) uplinkNames() []string {
	var names []string
	for i := range c.Ports {
		if c.Ports[i].Uplink {
			names = append(names, c.Ports[i].Name)
		}
	}
	return names
}

// group is the group of that name; nil for "", which is in no group.
func (c *Config) group(name string) *Group {
	for i := range c.Groups {
		if c.Groups[i].Name == name && name != "" {
			return &c.Groups[i]
		}
	}
	return nil
}

// lay lets what a nearer level says cover what the farther ones said.
func (r *Computed) lay(s *Spec, l Level) {
	for i := range policies {
		policies[i].lay(r, s, l)
	}
}

// take covers a value and its origin with what a nearer level says, if it says something.
func take[T any](v *T, from *Level, said *T, l Level) {
	if said != nil {
		*v, *from = *said, l
	}
}

func (v *Setting) lay(said *bool, l Level) { take(&v.Value, &v.From, said, l) }

// word is the one of two words that holds.
func (v *Setting) word(yes, no string) string {
	if v.Value {
		return yes
	}
	return no
}

// empty tells whether the level says nothing of teaming.
func (t *TeamingSpec) empty() bool {
	return t.Policy == nil && t.Active == nil && t.Standby == nil && t.Failback == nil && t.Notify == nil
}

func (r *ComputedLearning) lay(s *LearningSpec, l Level) {
	r.Enabled.lay(s.Enabled, l)
	r.Flooding.lay(s.Flooding, l)
	r.Drop.lay(s.Drop, l)
	take(&r.Limit, &r.LimitFrom, s.Limit, l)
	take(&r.Ageing, &r.AgeingFrom, s.Ageing, l)
}

func (r *ComputedLearning) words(say func(key, value string, from Level)) {
	say("mac_learning", r.Enabled.word("true", "false"), r.Enabled.From)
	say("mac_learning.unicast_flooding", r.Flooding.word("true", "false"), r.Flooding.From)
	say("mac_learning.limit", strconv.Itoa(r.Limit), r.LimitFrom)
	say("mac_learning.limit_policy", r.Drop.word("drop", "allow"), r.Drop.From)
	say("mac_learning.ageing", r.Ageing.String(), r.AgeingFrom)
}

func (r *ComputedTeaming) lay(s *TeamingSpec, l Level) {
	r.Failback.lay(s.Failback, l)
	r.Notify.lay(s.Notify, l)
	take(&r.Policy, &r.PolicyFrom, s.Policy, l)
	if s.Active != nil {
		r.Active, r.OrderFrom = slices.Clone(s.Active), l
	}
	if s.Standby != nil {
		r.Standby = slices.Clone(s.Standby)
	}
}

func (r *ComputedTeaming) words(say func(key, value string, from Level)) {
	say("teaming.policy", r.Policy.String(), r.PolicyFrom)
	say("teaming.active", names(r.Active), r.OrderFrom)
	say("teaming.standby", names(r.Standby), levelUnknown)
	say("teaming.failback", r.Failback.word("true", "false"), r.Failback.From)
	say("teaming.notify_switches", r.Notify.word("true", "false"), r.Notify.From)
}
