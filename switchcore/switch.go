package switchcore

import (
	"errors"
	"reflect"
	"slices"
	"time"
)

// Switch is one virtual switch. It is made by [New] and not safe for concurrent use: its owner calls it from one place
// at a time. Every moment passed in is the time since any fixed one, and never less than in an earlier call.
type Switch struct {
	relay
	events        eventLog
	announcements []Announcement
}

// New makes a switch with all ports unconnected and all uplinks with link. It copies c, and fails if [Config.Check]
// finds mistakes.
func New(c Config) (*Switch, error) {
	s := &Switch{}
	s.conf.Profile = c.Profile
	s.fdb.events = &s.events
	if err := s.configure(0, c); err != nil {
		return nil, err
	}
	s.events.take()
	s.announcements = nil
	return s, nil
}

// Configure gives a running switch another configuration. Ports of the same name stay what they are, with their guests,
// counters and learned addresses; policies are applied to the guests as they are now. If it fails, nothing has changed.
func (s *Switch) Configure(now time.Duration, c Config) error {
	if c.Profile != s.conf.Profile {
		return errors.New("the profile of a running switch cannot change; make a new switch")
	}
	return s.configure(now, c)
}

// configure is Configure, but that it is also for a switch that has just been made.
func (s *Switch) configure(now time.Duration, c Config) error {
	if bad := c.Check(); len(bad) > 0 {
		var errs []error
		for _, m := range bad {
			errs = append(errs, errors.New(m.String()))
		}
		return errors.Join(errs...)
	}
	was := s.conf
	s.conf = c.clone()
	for _, p := range s.match(s.conf.Ports) {
		s.fdb.forget(p)
		s.events.add(EventDisconnected, p, "", "", "port removed")
	}
	changes := policyChanges{&s.events, &was, &s.conf}
	changes.tell(s.order)
	s.resolve()
	s.settle(now, "configuration")
	return nil
}

// Config returns a copy of the configuration in force.
func (s *Switch) Config() Config { return s.conf.clone() }

// resolve computes what holds for each port and lays it out for the relay.
func (s *Switch) resolve() {
	c := &s.conf
	s.admits = c.Profile == NSX
	if c.LearningAdmits != nil {
		s.admits = *c.LearningAdmits
	}
	s.fdb.shared, s.fdb.size = c.Profile == Learning, c.FDBSize
	s.divide(c.Profile)
	past := make([]Computed, len(s.order))
	for i, p := range s.order {
		past[i], p.pol = p.pol, c.compute(&p.conf)
	}
	if s.vlans.configure(c, s.order) {
		s.fdb.flush()
	}
	for i, p := range s.order {
		s.layOut(p)
		s.adopt(p, &past[i])
	}
}

// layOut derives from a port's policy what the relay asks.
func (s *Switch) layOut(p *port) {
	pol := &p.pol
	p.learns, p.ageing = p.leaf && pol.Learning.Enabled.Value, pol.Learning.Ageing
	if s.conf.Profile == Learning {
		p.learns, p.ageing = s.conf.Ageing > 0, s.conf.Ageing
	}
	p.checkSource = p.leaf && !pol.ForgedTransmits.Value && !(s.admits && pol.Learning.Enabled.Value)
	p.checkMode = pol.SourceCheck.Mode
	p.allowOnly = p.leaf && p.checkMode == CheckAllowed
	p.mtu, p.assumed = p.conf.MTU, s.conf.PromiscuousAssumed
	t := &p.team
	t.policy, t.failback, t.port = pol.Teaming.Policy, pol.Teaming.Failback.Value, uint64(p.id)
	t.active, t.standby = s.uplinksNamed(pol.Teaming.Active), s.uplinksNamed(pol.Teaming.Standby)
	t.usable = slices.DeleteFunc(t.usable, func(u *port) bool { return s.port(u.id) != u })
}

// adopt draws the consequences of a port's new policy for what was learned and chosen under the one before.
func (s *Switch) adopt(p *port, was *Computed) {
	if !p.settled {
		return
	}
	if !reflect.DeepEqual(was.VLAN, p.pol.VLAN) || was.Learning.Enabled.Value && !p.pol.Learning.Enabled.Value {
		s.fdb.forget(p)
	}
	if !reflect.DeepEqual(was.Teaming, p.pol.Teaming) {
		p.team.usable = nil
	}
}

// Lookup returns the id of the port with that name, or NoPort.
func (s *Switch) Lookup(name string) PortID {
	if p := s.named(name); p != nil {
		return p.id
	}
	return NoPort
}

// Ports returns the ids of all ports in the order of the configuration.
func (s *Switch) Ports() []PortID {
	ids := make([]PortID, len(s.order))
	for i, p := range s.order {
		ids[i] = p.id
	}
	return ids
}

// Forward decides where a frame that came in by a port goes. It counts the frame and learns from it. The verdict is
// valid until the next call. A frame from a port that does not exist is PortBlocked.
func (s *Switch) Forward(now time.Duration, in PortID, f Frame) (v Verdict) {
	if now >= s.fdb.nextAging && s.fdb.learned.n > 0 {
		s.fdb.age(now)
	}
	p := s.port(in)
	if p == nil {
		v.Drop = PortBlocked
		return v
	}
	n := uint64(len(f.Data))
	p.counters.RxFrames++
	p.counters.RxBytes += n
	if p.fastPath && s.hook == nil && !f.Tagged {
		if q, rule := s.fastPath(now, p, f.Data, f.Segment); q != nil {
			s.out = append(s.out[:0], Output{Port: q.id})
			q.counters.TxFrames++
			q.counters.TxBytes += n
			v.Out, v.Rule, v.VLAN = s.out, rule, p.vlan
			return v
		}
	}
	s.judge(now, p, &f, false)
	s.count(p)
	s.tell(&v)
	return v
}

// TxFailed counts a copy that the data path could not send, or not send as decided; None stands for TxFail.
func (s *Switch) TxFailed(out PortID, r Reason) {
	if r == None || r >= numReasons {
		r = TxFail
	}
	if p := s.port(out); p != nil {
		p.counters.Drops[r]++
	}
}

// SetHook makes h the hook of the switch; nil takes it away.
func (s *Switch) SetHook(h Hook) { s.hook = h }

// FlushTable forgets all learned addresses; static ones are what the adapters say and stay.
func (s *Switch) FlushTable(now time.Duration) { s.fdb.flush() }

// Table returns all known addresses: first the static ones in the order of the ports, then the learned ones by VLAN and
// address. A learning switch has no static ones.
func (s *Switch) Table(now time.Duration) []Entry {
	var t []Entry
	for _, p := range s.order {
		if !p.leaf || s.conf.Profile == Learning {
			continue
		}
		for _, m := range p.addresses() {
			t = append(t, Entry{MAC: m, VLAN: p.home(), Port: p.id, Static: true})
		}
	}
	return append(t, s.fdb.entries(now)...)
}

// Events returns what happened since the last call, oldest first. An owner that does not ask loses events after 4096
// and finds EventEventsLost as the last.
func (s *Switch) Events() []Event { return s.events.take() }

// Announcements returns the frames that the switch wants to be sent, oldest first, and forgets them. They pass no rule
// and no counter.
func (s *Switch) Announcements() []Announcement {
	a := s.announcements
	s.announcements = nil
	return a
}
