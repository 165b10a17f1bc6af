package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology/problem"
)

// Unresolved is why a word is not who a frame is from or for.
type Unresolved struct {
	Word   string
	Nobody bool // nothing in the lab is called so
	// a node is, and which of its interfaces is meant cannot be told: it may lack what the file could not be read for
	Unclear bool
	why     string
}

func (u *Unresolved) Error() string { return u.why }

// Sender is the interface that a word names as one to send frames from: node:interface, a node's only interface, or the
// only one that a link ends on. The error is an [Unresolved]; with it comes what is known of the sender.
func (l *Lab) Sender(word string) (Target, error) {
	t, ok := l.Target(word)
	switch {
	case !ok:
		return t, nobody(word)
	case t.Node == "":
		return t, &Unresolved{Word: word, why: fmt.Sprintf("%q is only a name for an address; name a node that sends",
			word)}
	}
	n := l.Node(t.Node)
	if t.Interface != "" {
		if why := pastTheSwitch(n, t.Interface); why != "" {
			return t, &Unresolved{Word: word, why: why}
		}
		return t, nil
	}
	if n.Switch != nil {
		return t, &Unresolved{Word: word,
			why: t.Node + " is a virtual switch and sends nothing of its own; name a node that is linked to it"}
	}
	linked := slices.DeleteFunc(slices.Clone(n.Interfaces),
		func(i *Interface) bool { return i.Type != Veth || i.Peer.Node == n.Name })
	switch {
	case len(n.Interfaces) == 1:
		t.Interface = n.Interfaces[0].Name
	case len(linked) == 1:
		t.Interface = linked[0].Name
	default:
		return t, &Unresolved{Word: word, Unclear: true,
			why: fmt.Sprintf("%s has %s interfaces; write %s:INTERFACE", t.Node, problem.Amount(len(n.Interfaces)),
				t.Node)}
	}
	return t, nil
}

// pastTheSwitch says why nobody sends at a guest's port of a virtual switch, or "": the frame would leave toward the
// guest without the switch's judgement. "explain" takes a port for where a frame comes in, which is what people mean.
// An uplink is different: it is an adapter of the holder too.
func pastTheSwitch(n *Node, port string) string {
	if n.Switch == nil {
		return ""
	}
	at := End{n.Name, port}
	for _, p := range n.Switch.Ports {
		if p.At == at && p.Far.Node != "" {
			return fmt.Sprintf("%s is a port of a virtual switch: a frame sent there goes out to %s without being "+
				"judged; send from %s",
				at, p.Far, p.Far)
		}
	}
	return ""
}

// Station is who a word names as the sender or the receiver of a frame: a MAC address, broadcast, an entry of "names",
// node:interface, or a node: by its only interface, or the one that has the address that the node is reached at. The
// error is an [Unresolved].
func (l *Lab) Station(word string) (Station, error) {
	if word == "broadcast" {
		return Station{MAC: switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, nil
	}
	if m, err := switchcore.ParseMAC(strings.ToLower(word)); err == nil {
		return Station{MAC: m}, nil
	}
	t, ok := l.Target(word)
	if !ok {
		return Station{}, nobody(word)
	}
	if t.Name != "" {
		e := l.Entry(t.Name)
		if e.MAC.IsZero() {
			return Station{}, &Unresolved{Word: word, why: fmt.Sprintf("%q has no \"mac\" under \"names\"", word)}
		}
		return Station{MAC: e.MAC}, nil
	}
	s := Station{Node: t.Node, Interface: t.Interface}
	n := l.Node(t.Node)
	if s.Interface != "" || len(n.Interfaces) == 1 {
		return s, nil
	}
	reached := func(p netip.Prefix) bool { return p.Addr() == t.IP || !t.IP.IsValid() && p.Addr() == t.IP6 }
	for _, i := range n.Interfaces {
		if slices.ContainsFunc(i.Addrs, reached) {
			s.Interface = i.Name
			return s, nil
		}
	}
	if n.Kind == Bridge { // its frames are the bridge's own
		s.Interface = n.Base()
		return s, nil
	}
	return s, &Unresolved{Word: word, Unclear: true,
		why: fmt.Sprintf("%s has %s interfaces and no address; write %s:INTERFACE", t.Node,
			problem.Amount(len(n.Interfaces)), t.Node)}
}

func nobody(word string) *Unresolved {
	return &Unresolved{Word: word, Nobody: true,
		why: fmt.Sprintf("%q is not a node, interface or name", problem.Clip(word))}
}
