package switchcore

import (
	"slices"
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

// Computed is what holds for one port, with each value's origin: what vSphere publishes as HostPortGroup.computedPolicy.
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

// compute resolves what holds for a port: its own word, its group's, the switch's, the platform's, in this order.
func (c *Config) compute(p *Port) Computed {
	learning := c.Profile == Learning
	r := Computed{
		Promiscuous:     Setting{Value: learning},
		MACChanges:      Setting{Value: learning},
		ForgedTransmits: Setting{Value: learning},
		Learning:        ComputedLearning{Flooding: Setting{Value: true}, Limit: 4096, Ageing: 600 * time.Second},
		Teaming:         ComputedTeaming{Failback: Setting{Value: true}, Notify: Setting{Value: true}},
	}
	if p.Uplink {
		r.VLAN = VLAN{Mode: Trunk, Ranges: []VLANRange{{0, 4094}}}
		if !learning {
			// A physical adapter is not a client: no policy is asked of it (vSphere has none on uplinks).
			r.Promiscuous.Value, r.MACChanges.Value, r.ForgedTransmits.Value = true, true, true
			r.Blocked.take(p.Spec.Blocked, LevelPort)
			return r
		}
	} else {
		for i := range c.Ports {
			if c.Ports[i].Uplink {
				r.Teaming.Active = append(r.Teaming.Active, c.Ports[i].Name)
			}
		}
	}
	r.lay(&c.Spec, LevelSwitch, p.Uplink)
	if g := c.group(p.Group); g != nil {
		r.lay(&g.Spec, LevelGroup, p.Uplink)
	}
	r.lay(&p.Spec, LevelPort, false)
	// One level may name as standby what another named as active: then it is active.
	r.Teaming.Standby = slices.DeleteFunc(r.Teaming.Standby, func(n string) bool { return slices.Contains(r.Teaming.Active, n) })
	return r
}

func (c *Config) group(name string) *Group {
	for i := range c.Groups {
		if c.Groups[i].Name == name && name != "" {
			return &c.Groups[i]
		}
	}
	return nil
}

// lay lets what a nearer level says cover what the farther ones said. An uplink is a trunk whatever the switch says of its ports.
func (r *Computed) lay(s *Spec, l Level, uplink bool) {
	r.Promiscuous.take(s.Promiscuous, l)
	r.MACChanges.take(s.MACChanges, l)
	r.ForgedTransmits.take(s.ForgedTransmits, l)
	r.Blocked.take(s.Blocked, l)
	r.Learning.lay(&s.Learning, l)
	r.Teaming.lay(&s.Teaming, l)
	if s.VLAN != nil && !uplink {
		r.VLAN, r.VLANFrom = *s.VLAN, l
	}
	if s.SourceCheck != nil {
		r.SourceCheck, r.SourceCheckFrom = *s.SourceCheck, l
	}
}

func (v *Setting) take(b *bool, l Level) {
	if b != nil {
		*v = Setting{*b, l}
	}
}

func (r *ComputedLearning) lay(s *LearningSpec, l Level) {
	r.Enabled.take(s.Enabled, l)
	r.Flooding.take(s.Flooding, l)
	r.Drop.take(s.Drop, l)
	if s.Limit != nil {
		r.Limit, r.LimitFrom = *s.Limit, l
	}
	if s.Ageing != nil {
		r.Ageing, r.AgeingFrom = *s.Ageing, l
	}
}

func (r *ComputedTeaming) lay(s *TeamingSpec, l Level) {
	r.Failback.take(s.Failback, l)
	r.Notify.take(s.Notify, l)
	if s.Policy != nil {
		r.Policy, r.PolicyFrom = *s.Policy, l
	}
	if s.Active != nil {
		r.Active, r.OrderFrom = slices.Clone(s.Active), l
	}
	if s.Standby != nil {
		r.Standby = slices.Clone(s.Standby)
	}
}

// clone copies all that the configuration refers to.
func (c *Config) clone() Config {
	n := *c
	n.LearningAdmits = clonePointer(c.LearningAdmits)
	n.Spec = c.Spec.clone()
	n.Groups = slices.Clone(c.Groups)
	for i := range n.Groups {
		n.Groups[i].Spec = n.Groups[i].Spec.clone()
	}
	n.Ports = slices.Clone(c.Ports)
	for i := range n.Ports {
		n.Ports[i].Spec = n.Ports[i].Spec.clone()
	}
	n.PVLANs = slices.Clone(c.PVLANs)
	for i := range n.PVLANs {
		n.PVLANs[i].Community = slices.Clone(n.PVLANs[i].Community)
	}
	return n
}

func (s Spec) clone() Spec {
	s.Promiscuous, s.MACChanges, s.ForgedTransmits = clonePointer(s.Promiscuous), clonePointer(s.MACChanges), clonePointer(s.ForgedTransmits)
	s.Blocked = clonePointer(s.Blocked)
	s.Learning = LearningSpec{clonePointer(s.Learning.Enabled), clonePointer(s.Learning.Flooding), clonePointer(s.Learning.Limit),
		clonePointer(s.Learning.Drop), clonePointer(s.Learning.Ageing)}
	if s.VLAN = clonePointer(s.VLAN); s.VLAN != nil {
		s.VLAN.Ranges = slices.Clone(s.VLAN.Ranges)
	}
	if s.SourceCheck = clonePointer(s.SourceCheck); s.SourceCheck != nil {
		s.SourceCheck.Allowed = slices.Clone(s.SourceCheck.Allowed)
	}
	t := &s.Teaming
	*t = TeamingSpec{clonePointer(t.Policy), slices.Clone(t.Active), slices.Clone(t.Standby), clonePointer(t.Failback), clonePointer(t.Notify)}
	return s
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
