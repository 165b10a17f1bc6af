package switchcore

import (
	"math/bits"
	"slices"
	"time"
)

// Profile says which family of switch is modelled: what is learned, where unknown unicast goes, and what the platform
// lets an administrator set. It cannot change while a switch runs.
type Profile uint8

// The profiles.
const (
	Standard    Profile = iota // vSphere standard switch: static addresses only, two levels of policy
	Distributed                // vSphere distributed switch 6.6.0 and later: MAC learning by port, three levels
	NSX                        // NSX segment: as Distributed, but learning itself admits a foreign source address
	Learning                   // physical switch, Linux bridge: learned on every port, no policies
)

// Config is all that an administrator sets on a switch. It is a plain value: a running switch is given another one by
// [Switch.Configure], and what differs takes effect at once. The zero Config is a standard switch without ports.
type Config struct {
	Profile Profile `json:"profile"`
	// the name under which [Preset] made it, "" for a plain profile; only for display
	Preset string  `json:"preset,omitzero"`
	Spec   Spec    `json:"spec,omitzero"` // what holds for the whole switch
	Groups []Group `json:"groups,omitzero"`
	Ports  []Port  `json:"ports,omitzero"` // uplinks and leaf ports; the order gives the port numbers

	BlockGuestBPDU bool `json:"block_guest_bpdu,omitzero"` // Net.BlockGuestBPDU
	// Net.ReversePathFwdCheck; the platform's default is true
	ReversePathCheck bool `json:"reverse_path_check,omitzero"`
	// Net.ReversePathFwdCheckPromisc
	ReversePathCheckPromiscuous bool `json:"reverse_path_check_promiscuous,omitzero"`

	PVLANs []PVLAN `json:"pvlans,omitzero"` // the private VLANs of a distributed switch

	// Only of profile Learning.
	// how long a source that is silent stays known; 0 keeps nothing: a hub
	Ageing   time.Duration `json:"ageing,omitzero"`
	FDBSize  int           `json:"fdb_size,omitzero"`  // entries in the table; 0: not limited
	MaxPorts int           `json:"max_ports,omitzero"` // 0: not limited
	// true: frames to 01:80:c2:00:00:00 to 0f are dropped (IEEE 802.1Q 8.6.3), false: forwarded
	LinkLocal bool `json:"link_local,omitzero"`

	// What the sources leave open, with the choice made when false or zero (see docs).
	// an enabled MAC learning replaces the source check; nil: true on NSX, else false
	LearningAdmits *bool `json:"learning_admits,omitzero"`
	// a static address of another VLAN also keeps a port from learning it
	ConflictHostWide bool `json:"conflict_host_wide,omitzero"`
	// promiscuous ports see their own port group only, not all of their VLAN
	PromiscuousPortGroup bool `json:"promiscuous_port_group,omitzero"`
	// every guest counts as having asked for promiscuous reception
	PromiscuousAssumed bool `json:"promiscuous_assumed,omitzero"`
	// the source of a dropped link-local frame is learned all the same
	LearnBeforeLinkLocal bool `json:"learn_before_link_local,omitzero"`
	BlockPVST            bool `json:"block_pvst,omitzero"` // BlockGuestBPDU covers 01:00:0c:cc:cc:cd too
	// VMwareDVSPortSetting.txUplink: a copy of everything leaves on the uplink
	TransmitToUplink bool `json:"transmit_to_uplink,omitzero"`
}

// LearningSpec is MAC learning on distributed and NSX switches; nil is inherited key by key.
type LearningSpec struct {
	Enabled  *bool `json:"enabled,omitzero"`
	Flooding *bool `json:"flooding,omitzero"` // unknown unicast reaches the port
	Limit    *int  `json:"limit,omitzero"`    // learned addresses of one port, 0 to 4096
	// over the limit: true drops the frame, false lets it pass without learning
	Drop *bool `json:"drop,omitzero"`
	// silence after which a learned address is forgotten; more than 0
	Ageing *time.Duration `json:"ageing,omitzero"`
}

// VLANMode is how a port treats tags.
type VLANMode uint8

// The VLAN modes.
const (
	Untagged    VLANMode = iota // ID 0 (external tagging, EST) or 1 to 4094 (virtual switch tagging, VST)
	Trunk                       // guest tagging (VGT): the tags of Ranges pass unchanged
	PrivateVLAN                 // ID is a secondary (or the primary) id of one of Config.PVLANs
)

// VLAN is the VLAN setting of a port.
type VLAN struct {
	Mode   VLANMode    `json:"mode,omitzero"`
	ID     int         `json:"id,omitzero"`
	Ranges []VLANRange `json:"ranges,omitzero"` // Trunk; 0 stands for untagged frames
}

// VLANRange is First to Last, both included, each 0 to 4094.
type VLANRange struct {
	First int `json:"first,omitzero"`
	Last  int `json:"last,omitzero"`
}

// PVLAN is one primary VLAN with its secondaries. A port with the primary id is a promiscuous port of it.
type PVLAN struct {
	Primary   int   `json:"primary,omitzero"`
	Isolated  int   `json:"isolated,omitzero"` // 0: none
	Community []int `json:"community,omitzero"`
}

// TeamingPolicy chooses the uplink of a frame.
type TeamingPolicy uint8

// The teaming policies, by the names of the vSphere API.
const (
	OriginatingPort TeamingPolicy = iota // loadbalance_srcid
	SourceMAC                            // loadbalance_srcmac
	IPHash                               // loadbalance_ip
	Explicit                             // failover_explicit
)

// TeamingSpec is what one level says of uplinks; nil is inherited key by key. A nil Active at every level means all
// uplinks.
type TeamingSpec struct {
	Policy   *TeamingPolicy `json:"policy,omitzero"`
	Active   []string       `json:"active,omitzero"`  // ports, by name; nil: inherited
	Standby  []string       `json:"standby,omitzero"` // nil: inherited
	Failback *bool          `json:"failback,omitzero"`
	Notify   *bool          `json:"notify,omitzero"` // notify switches
}

// SourceCheckMode is what a frame's source is compared with.
type SourceCheckMode uint8

// The source checks.
const (
	CheckEffective SourceCheckMode = iota // vSphere: the address the guest uses
	CheckInitial                          // the address the administrator gave
	CheckAllowed                          // Initial or one of SourceCheck.Allowed
)

// SourceCheck replaces the address that forged transmits compare with. With CheckAllowed unicast is delivered to the
// allowed addresses too, and to no others.
type SourceCheck struct {
	Mode    SourceCheckMode `json:"mode,omitzero"`
	Allowed []MAC           `json:"allowed,omitzero"`
}

// Overrides are the kinds of settings that a port of a group may set for itself.
type Overrides uint8

// The overrides.
const (
	OverrideSecurity Overrides = 1 << iota // promiscuous, MAC changes, forged transmits, learning
	OverrideVLAN
	OverrideTeaming
	OverrideBlocked
)

// OverrideWords are the kinds as a lab file calls them, in the order of their bits.
func OverrideWords() []string { return []string{"security", "vlan", "teaming", "blocked"} }

// String is one kind as a lab file calls it.
func (o Overrides) String() string {
	if i := bits.TrailingZeros8(uint8(o)); i < len(OverrideWords()) {
		return OverrideWords()[i]
	}
	return "overrides(?)"
}

// Group is a port group: a container of policies, not a broadcast domain.
type Group struct {
	Name      string    `json:"name,omitzero"`
	Spec      Spec      `json:"spec,omitzero"`
	Overrides Overrides `json:"overrides,omitzero"` // nothing on a standard switch
}

// Port is one port as the administrator has it. Ports are the same port from one Config to the next if they have the
// same name.
type Port struct {
	Name   string `json:"name,omitzero"`
	Group  string `json:"group,omitzero"` // "" on a switch without groups, and for uplinks
	Uplink bool   `json:"uplink,omitzero"`
	Spec   Spec   `json:"spec,omitzero"`
	// given to the adapter behind the port by the administrator; zero: the first one seen
	Initial  MAC  `json:"initial,omitzero"`
	MTU      int  `json:"mtu,omitzero"`      // longest payload that leaves the port, in bytes; 0: not limited
	Down     bool `json:"down,omitzero"`     // unplugged by the administrator; the guest sees it
	Isolated bool `json:"isolated,omitzero"` // no frames to other isolated ports
	Hairpin  bool `json:"hairpin,omitzero"`  // frames may go back out of the port they came in by
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

// clone copies what the level refers to.
func (s Spec) clone() Spec {
	for i := range policies {
		policies[i].clone(&s)
	}
	return s
}

func (l LearningSpec) clone() LearningSpec {
	return LearningSpec{clonePointer(l.Enabled), clonePointer(l.Flooding), clonePointer(l.Limit), clonePointer(l.Drop),
		clonePointer(l.Ageing)}
}

func (t TeamingSpec) clone() TeamingSpec {
	return TeamingSpec{clonePointer(t.Policy), slices.Clone(t.Active), slices.Clone(t.Standby),
		clonePointer(t.Failback), clonePointer(t.Notify)}
}

// clonePointer is a pointer to a copy.
func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
