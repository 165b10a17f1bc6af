package switchcore

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Switch is one virtual switch. It is made by [New] and not safe for concurrent use: its owner calls it from one place at a time.
// Every moment passed in is the time since any fixed one, and never less than in an earlier call.
type Switch struct {
	conf  Config
	hook  Hook
	ports []*port // by PortID, nil where none is
	order []*port // as in conf.Ports

	// What follows from conf and from the state of the ports; settle brings it up to date.
	leaves    []*port // ports with a client; with profile Learning all ports
	uplinks   []*port // empty with profile Learning
	admits    bool    // an enabled learning replaces the source check
	plain     bool    // nobody has a VLAN setting: tags are data
	pvlans    *pvlanMap
	used      vlanSet // VLANs that a leaf port is in
	static    table   // address (in any VLAN) -> first of its holders
	holders   []holder
	promisc   []*port // ports that are granted all frames
	learners  []*port // ports that get unknown unicast: learning with flooding
	learned   table   // (VLAN, address) -> PortID
	nextAging time.Duration

	w      passage
	serial uint64
	out    []Output
	lost   []Loss

	events        []Event
	announcements []Announcement
}

// holder is one of the ports that have an address.
type holder struct {
	p    *port
	next int32 // in Switch.holders, or -1
}

// port is a port in operation. What every frame asks for comes first, so that it shares cache lines.
type port struct {
	id          PortID
	vlan        uint16
	primary     uint16 // of a private VLAN port, else 0
	leaf        bool   // has a client; with profile Learning every port
	up          bool   // connected, and there is carrier
	blocked     bool
	easy        bool // up, in one ordinary VLAN, neither blocked nor isolated nor with an allow-list: see toHolder
	express     bool // express may decide about frames from it
	checkSource bool
	learns      bool
	allowOnly   bool
	checkMode   SourceCheckMode
	mtu         int
	station     uint64 // requested.MAC as a number
	own         uint64 // accepted.MAC as a number; 0 with profile Learning, where every source is learned
	stamp       uint64 // of the frame that last had an output or loss here
	counters    Counters

	conf    Port
	pol     Computed
	trunk   *vlanSet // of a trunk, else nil
	active  []*port
	standby []*port

	// What happened to it.
	connected bool
	link      bool
	initial   MAC
	requested Filter

	// Derived by settle.
	refusedM  bool   // blocked because MAC changes are rejected
	accepted  Filter // what is granted; zero while blocked or down
	usable    []*port
	entries   int // learned on this port, aged ones that nobody has asked for included
	announced MAC
	via       *port
	answer    string // to the wish for promiscuous reception
	settled   bool   // settle has seen it before
}

// New makes a switch with all ports unconnected and all uplinks with link. It copies c, and fails if [Config.Check] finds mistakes.
func New(c Config) (*Switch, error) {
	s := &Switch{conf: Config{Profile: c.Profile}}
	if err := s.configure(0, c); err != nil {
		return nil, err
	}
	s.events, s.announcements = nil, nil
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
	s.matchPorts(now)
	s.tellPolicies(&was)
	s.resolve(now)
	s.settle(now, "configuration")
	return nil
}

// Config returns a copy of the configuration in force.
func (s *Switch) Config() Config { return s.conf.clone() }

// matchPorts makes order and ports those of conf.
func (s *Switch) matchPorts(now time.Duration) {
	old := map[string]*port{}
	for _, p := range s.order {
		old[p.conf.Name] = p
	}
	kept := make([]*port, len(s.conf.Ports))
	for i, c := range s.conf.Ports {
		// A port that becomes an uplink, or ceases to be one, is another port.
		if p := old[c.Name]; p != nil && p.conf.Uplink == c.Uplink {
			kept[i] = p
			delete(old, c.Name)
		}
	}
	for _, p := range s.order {
		if old[p.conf.Name] == p {
			s.forget(p)
			s.event(EventDisconnected, p, "", "", "port removed")
			s.ports[p.id] = nil
		}
	}
	for i, c := range s.conf.Ports {
		p := kept[i]
		if p == nil {
			p = &port{id: s.freeID(), link: true, connected: c.Uplink}
			s.ports[p.id] = p
			kept[i] = p
		}
		if p.conf.Initial != c.Initial {
			p.initial = MAC{}
		}
		p.conf = c
		if p.initial == (MAC{}) {
			p.initial = c.Initial
			if c.Initial == (MAC{}) && p.connected {
				p.initial = p.requested.MAC
			}
		}
	}
	s.order = kept
}

func (s *Switch) freeID() PortID {
	for i, p := range s.ports {
		if p == nil {
			return PortID(i)
		}
	}
	s.ports = append(s.ports, nil)
	return PortID(len(s.ports) - 1)
}

// resolve computes what holds for each port and lays it out for the data path.
func (s *Switch) resolve(now time.Duration) {
	c := &s.conf
	s.admits = c.Profile == NSX
	if c.LearningAdmits != nil {
		s.admits = *c.LearningAdmits
	}
	s.pvlans = newPVLANMap(c.PVLANs)
	s.leaves, s.uplinks, s.used = nil, nil, vlanSet{}
	byName := map[string]*port{}
	for _, p := range s.order {
		byName[p.conf.Name] = p
		p.leaf = !p.conf.Uplink || c.Profile == Learning
		if p.leaf {
			s.leaves = append(s.leaves, p)
		} else {
			s.uplinks = append(s.uplinks, p)
		}
	}
	past := make([]Computed, len(s.order))
	for i, p := range s.order {
		past[i], p.pol = p.pol, c.compute(&p.conf)
	}
	wasPlain := s.plain
	if s.plain = c.Profile == Learning && !s.aware(); s.plain != wasPlain {
		s.FlushTable(now)
	}
	for i, p := range s.order {
		s.adopt(p, &past[i])
		p.active, p.standby = pick(byName, p.pol.Teaming.Active), pick(byName, p.pol.Teaming.Standby)
		p.usable = slices.DeleteFunc(p.usable, func(u *port) bool { return s.port(u.id) != u })
	}
}

// adopt draws the consequences of a port's new policy; was is the one before.
func (s *Switch) adopt(p *port, was *Computed) {
	s.layOut(p)
	if !p.settled {
		return
	}
	if !reflect.DeepEqual(was.VLAN, p.pol.VLAN) || was.Learning.Enabled.Value && !p.pol.Learning.Enabled.Value {
		s.forget(p)
	}
	if !reflect.DeepEqual(was.Teaming, p.pol.Teaming) {
		p.usable = nil
	}
}

func pick(ports map[string]*port, names []string) []*port {
	var r []*port
	for _, n := range names {
		if p := ports[n]; p != nil && p.conf.Uplink && !p.leaf {
			r = append(r, p)
		}
	}
	return r
}

// layOut derives from a port's policy what Forward asks.
func (s *Switch) layOut(p *port) {
	pol := &p.pol
	p.learns = s.conf.Profile == Learning && s.conf.Ageing > 0 || s.conf.Profile != Learning && p.leaf && pol.Learning.Enabled.Value
	p.checkSource = p.leaf && !pol.ForgedTransmits.Value && !(s.admits && pol.Learning.Enabled.Value)
	p.checkMode = pol.SourceCheck.Mode
	p.allowOnly = p.leaf && p.checkMode == CheckAllowed
	p.trunk, p.vlan, p.primary, p.mtu = nil, 0, 0, p.conf.MTU
	switch {
	case s.plain:
	case pol.VLAN.Mode == Trunk:
		p.trunk = &vlanSet{}
		for _, r := range pol.VLAN.Ranges {
			p.trunk.add(r.First, r.Last)
		}
	case pol.VLAN.Mode == PrivateVLAN:
		p.vlan = uint16(pol.VLAN.ID)
		p.primary = s.pvlans.primary(p.vlan)
	default:
		p.vlan = uint16(pol.VLAN.ID)
	}
	if !p.leaf {
		return
	}
	switch {
	case p.trunk != nil:
		s.used.join(p.trunk)
	case p.primary != 0:
		s.pvlans.members(p.primary, &s.used)
	default:
		s.used.add(int(p.vlan), int(p.vlan))
	}
}

// port returns the port with that id, or nil.
func (s *Switch) port(id PortID) *port {
	if id < 0 || int(id) >= len(s.ports) {
		return nil
	}
	return s.ports[id]
}

// Lookup returns the id of the port with that name, or NoPort.
func (s *Switch) Lookup(name string) PortID {
	for _, p := range s.order {
		if p.conf.Name == name {
			return p.id
		}
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

// maxEvents bounds what is kept for an owner that does not ask for events.
const maxEvents = 4096

func (s *Switch) event(kind string, p *port, old, new, cause string) {
	if len(s.events) > maxEvents {
		return
	}
	e := Event{Kind: kind, Old: old, New: new, Cause: cause}
	if p != nil {
		e.Port = p.conf.Name
	}
	if len(s.events) == maxEvents {
		e = Event{Kind: EventEventsLost, Cause: fmt.Sprintf("more than %d events since the last look", maxEvents)}
	}
	s.events = append(s.events, e)
}

// Events returns what happened since the last call, oldest first. An owner that does not ask loses events after 4096 and finds
// EventEventsLost as the last.
func (s *Switch) Events() []Event {
	e := s.events
	s.events = nil
	return e
}

// Announcements returns the frames that the switch wants to be sent, oldest first, and forgets them. They pass no rule and no counter.
func (s *Switch) Announcements() []Announcement {
	a := s.announcements
	s.announcements = nil
	return a
}
