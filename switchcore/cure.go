package switchcore

import "fmt"

// cure is one thing that a hint says. The list is closed: hints are made of nothing else, and a test does what each
// says and sends the frame again, which must then arrive.
type cure uint8

// The cures, and the words around them.
const (
	cureForged cure = iota
	cureAdmit
	cureAllowSource
	cureInitialSource
	cureOwnSource
	cureUp
	cureLink
	cureCable
	cureMACChanges
	cureInitialBack
	cureUnblock
	cureNobodysVLAN
	cureUntagged
	cureGuestTags
	cureVLAN
	cureTrunk
	cureBPDU
	cureLimit
	cureLinkLocal
	cureHeader
	cureHairpin
	cureReverseOwn
	cureReverseTeam
	cureReversePort
	cureUplink
	cureOtherPort
	cureBehindStandard
	cureBehindAdmitted
	cureBehind
	cureIsolated
	curePrimary
	cureMTU
	cureAllowed
	cureJoin
	curePromiscuous
	cureAsk
	cureLearn
	cureLearned
	sayLearnedElsewhere
	sayPortVLAN
	sayOwner
	sayPort
	sayForgedToo
	numCures
)

// cures are their texts, and in how many ways each can be followed: 0 for what only leads to another or says how it is.
var cures = [numCures]struct {
	format string
	ways   int
}{
	cureForged:        {"set forged_transmits: accept%s", 1},
	cureAdmit:         {"mac_learning: true%s", 1},
	cureAllowSource:   {"add the source to allowed of port %s", 1},
	cureInitialSource: {"send from the initial address, %s", 1},
	cureOwnSource:     {"send from the adapter's own address, %s", 1},
	cureUp:            {"set up: true at port %s", 1},
	cureLink:          {"link a node's interface to port %s", 1},
	cureCable:         {"set the other end of the cable of port %s up", 1},
	cureMACChanges:    {"set mac_changes: accept%s", 1},
	cureInitialBack:   {"give the guest its initial address, %s, back", 1},
	cureUnblock:       {"set blocked: false%s", 1},
	cureNobodysVLAN:   {"nobody here would get it: set vlan: %s, or trunk, in the group of the port that should", 2},
	cureUntagged:      {"send untagged", 1},
	cureGuestTags:     {"set vlan: trunk%s and let the guest tag", 1},
	cureVLAN:          {"set vlan: %s, or trunk,%s", 2},
	cureTrunk:         {"add %s to the trunk's VLANs, or set vlan: trunk,%s", 2},
	cureBPDU: {"set block_guest_bpdu: false on the switch, unless spanning tree is better switched off in the " +
		"guest's bridge", 1},
	cureLimit: {"raise mac_learning.limit above %d%s, or set limit_policy: allow (what is sent to this address is " +
		"unknown unicast then)", 2},
	cureLinkLocal: {"set link_local: forward on the switch", 1},
	cureHeader:    {"send a whole header, and a source that is neither zero nor a group", 2},
	cureHairpin: {"what shares a port must find its way inside of the guest; hairpin: true at port %s sends frames " +
		"back (vSphere has no such setting)", 1},
	cureReverseOwn: {"nothing to do: our own frame came back; reverse_path_check: false on the switch " +
		"would let it in", 1},
	cureReverseTeam: {"nothing to do if the same frame comes by the receivers' uplink too; with teaming policy " +
		"ip_hash they take it from any uplink", 2},
	cureReversePort: {"the port receives by %s: nothing to do if the frame comes by that too; with teaming policy " +
		"ip_hash it is taken from any uplink", 2},
	cureUplink:    {"bring up an uplink of the port's team (%s), or name another as standby", 2},
	cureOtherPort: {"put another port into the frame's VLAN (%s), if one should get it", 1},
	cureBehindStandard: {"if it is behind a guest: promiscuous: accept in its group, and the guest asks for " +
		"promiscuous reception (a standard switch cannot learn it)", 1},
	cureBehindAdmitted: {"if it is behind a guest: mac_learning: true in its group, and it sends a frame first; or " +
		"promiscuous: accept, and the guest asks for it", 2},
	cureBehind: {"if it is behind a guest: mac_learning: true and forged_transmits: accept in its group, and it " +
		"sends a frame first; or promiscuous: accept, and the guest asks for it", 2},
	cureIsolated: {"set isolated: false at port %s or %s", 2},
	curePrimary:  {"only a port with the primary id, vlan: {pvlan: %d}, reaches all of the private VLAN", 1},
	cureMTU:      {"send no more than %d bytes of payload, or give both ends of the cable a larger mtu", 2},
	cureAllowed:  {"add %s to allowed of port %s", 1},
	cureJoin: {"the guest has not joined the group: join it, or receive all of them " +
		"(ip link set allmulticast on)", 2},
	curePromiscuous: {"the guest asks for promiscuous reception, and promiscuous is reject (%s): set promiscuous: " +
		"accept%s", 1},
	cureAsk: {"promiscuous is accept, but the guest does not ask for promiscuous reception (ip link set promisc on, " +
		"tcpdump)", 1},
	cureLearn: {"if the address is behind the guest, mac_learning: true%s%s, which delivers once the guest has sent " +
		"from it", 1},
	cureLearned: {"if the address is behind the guest, MAC learning delivers it " +
		"once the guest has sent from it%s", 1},
	sayLearnedElsewhere: {"the destination was learned on another port", 0},
	sayPortVLAN:         {"the port has vlan: %s, the frame is %s: %s", 0},
	sayOwner:            {"port %s has this address: %s", 0},
	sayPort:             {"port %s: %s", 0},
	sayForgedToo:        {" and forged_transmits: accept%s", 0},
}

// text fills in what the cure is about.
func (c cure) text(args ...any) string { return fmt.Sprintf(cures[c].format, args...) }
