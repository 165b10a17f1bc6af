//go:build linux

package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/state"
)

// readingNode is a node while it is read.
type readingNode struct {
	*namespace
	tables Tables
	lab    *topology.Lab
	of     *topology.Node
	out    state.Node
	links  []readLinkInfo
	at     map[int]int // places in out.Interfaces, by index
}

// State reads of a node everything that the kernel knows and that decides what becomes of a packet. What the kernel
// does not know, as where something is in the file, is not in it, nor is what a virtual switch knows. of is the node as
// it should be in the lab: by it the ends of cables get their names, if the kernel says that they are what it says.
// What is read is not of one moment where the node changes meanwhile. The error wraps os.ErrNotExist if the node has no
// namespace.
func (t Tables) State(lab *topology.Lab, of *topology.Node) (state.Node, error) {
	n, err := t.space.of(of.Name)
	if err != nil {
		return state.Node{}, err
	}
	r := &readingNode{namespace: n, tables: t, lab: lab, of: of, at: map[int]int{},
		out: state.Node{Name: of.Name, Kind: of.Kind, IPv6: of.IPv6}}
	for _, read := range []func() error{r.interfaces, r.addresses, r.bridges, r.forwarding, r.memberships, r.routes,
		r.policies, r.neighbours, r.proc, r.rules, r.connections} {
		if err := again(read); err != nil {
			return state.Node{}, fmt.Errorf("%s: read its state: %w", of.Name, err)
		}
	}
	r.out.Sort()
	return r.out, nil
}

// again reads a list again that changed while the kernel wrote it.
func again(read func() error) (err error) {
	for range readings {
		if err = read(); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return err
}

// link is the interface with an index, or nil.
func (r *readingNode) link(index int) *state.Interface {
	if k, ok := r.at[index]; ok {
		return &r.out.Interfaces[k]
	}
	return nil
}

// nameOf is the name of the interface with an index, or "".
func (r *readingNode) nameOf(index int) string {
	if i := r.link(index); i != nil {
		return i.Name
	}
	return ""
}

// interfaces reads the interfaces, and where their cables lead.
func (r *readingNode) interfaces() error {
	r.out.Interfaces, r.links, r.at = nil, nil, map[int]int{}
	req, start := message(nil, unix.RTM_GETLINK, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfInfomsg))
	req = attribute(req, unix.IFLA_EXT_MASK, number(rtextFilterNoStats))
	err := r.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWLINK && len(b) >= unix.SizeofIfInfomsg {
			r.links = append(r.links, readLinkState(b))
		}
	}, nil)
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	slices.SortFunc(r.links, func(a, b readLinkInfo) int { return cmp.Compare(a.index, b.index) })
	for k := range r.links {
		l := &r.links[k]
		l.Rank = k + 1
		r.at[l.index] = k
		r.out.Interfaces = append(r.out.Interfaces, l.Interface)
	}
	for k := range r.links {
		l, i := &r.links[k], &r.out.Interfaces[k]
		if l.master != 0 && l.Port != nil {
			i.Master = r.nameOf(l.master)
		}
		if err := r.cable(l, i); err != nil {
			return err
		}
	}
	return nil
}

// cable finds out where the other end of a veth is, or what an interface is stacked on.
func (r *readingNode) cable(l *readLinkInfo, i *state.Interface) error {
	if l.link == 0 {
		return nil
	}
	var e state.End
	if l.linkNS < 0 {
		e = state.End{Node: r.of.Name, Interface: r.nameOf(l.link)}
	} else if of := r.of.Interface(i.Name); of != nil {
		ends := of.Peer
		if of.Type != topology.Veth {
			ends = state.LowerOf(r.lab, of)
		}
		same, err := r.sameEnd(ends, l.link, l.linkNS)
		if err != nil {
			return err
		}
		if same {
			e = state.End(ends)
		}
	}
	if i.Kind == topology.Veth {
		i.Peer = e
	} else {
		i.Lower = e
	}
	return nil
}

// sameEnd reports whether an end of the lab is the interface with an index in the namespace that this one knows by a
// number.
func (r *readingNode) sameEnd(e topology.End, index int, ns int32) (bool, error) {
	far, err := r.tables.space.of(e.Node)
	if err != nil {
		return false, nil // it has no namespace, so it is not there
	}
	id, err := nsidIn(&r.conn, far)
	if err != nil || id != ns {
		return false, err
	}
	m, err := far.conn.getLink(0, e.Interface, -1)
	if errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	return int(m.index) == index, err
}
