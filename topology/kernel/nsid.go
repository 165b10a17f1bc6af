//go:build linux

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// nsids gives the nodes' namespaces their numbers in the hub (ip-netns(8), "ip netns set"), by which a socket there
// tells where a message comes from. None is given twice: a message that is still on its way must not be taken for
// another node's.
type nsids struct {
	hub netns.NsHandle

	mu     sync.Mutex // guards namespace.nsid too
	last   uint32
	wanted bool // new namespaces get a number at once
}

// firstNSID is beyond the numbers that the kernel gives out by itself, the lowest that is free.
const firstNSID = 1 << 20

// hubConn is a conn of the hub, for the caller to close.
func (x *nsids) hubConn() *conn {
	return &conn{netnsRef: netnsRef{node: "the hub", hub: x.hub, ns: x.hub}}
}

// of is the number of a namespace, which gets one if it has none.
func (x *nsids) of(n *namespace) (int32, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	hub := x.hubConn()
	defer hub.close()
	err := x.giveLocked(hub, n)
	return n.nsid, err
}

// all gives these namespaces a number, and from now on all new ones: what is stacked on an adapter may be in any of
// them.
func (x *nsids) all(list []*namespace) error {
	x.mu.Lock()
	x.wanted = true
	x.mu.Unlock()
	return x.added(list)
}

// added gives new namespaces a number if anybody wants them to have one.
func (x *nsids) added(list []*namespace) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.wanted {
		return nil
	}
	hub := x.hubConn()
	defer hub.close()
	for _, n := range list {
		if err := x.giveLocked(hub, n); err != nil {
			return err
		}
	}
	return nil
}

// known is the namespaces of a list by the numbers that they have.
func (x *nsids) known(list []*namespace) map[int32]*namespace {
	x.mu.Lock()
	defer x.mu.Unlock()
	byNSID := make(map[int32]*namespace, len(list))
	for _, n := range list {
		if n.nsid >= 0 {
			byNSID[n.nsid] = n
		}
	}
	return byNSID
}

func (x *nsids) giveLocked(hub *conn, n *namespace) error {
	for n.nsid < 0 {
		x.last++
		id := firstNSID + x.last
		err := n.ioctls.hold(func() error {
			req, start := message(nil, unix.RTM_NEWNSID, unix.NLM_F_ACK, make([]byte, 4)) // struct rtgenmsg, padded
			req = attribute(req, unix.NETNSA_NSID, binary.NativeEndian.AppendUint32(nil, id))
			req = attribute(req, unix.NETNSA_FD, binary.NativeEndian.AppendUint32(nil, uint32(n.ns)))
			return hub.exchange(finish(req, start), nil, nil)
		})
		switch {
		case err == nil:
			n.nsid = int32(id)
		case errors.Is(err, unix.ENOSPC): // the number is taken: by another space of this hub
		case errors.Is(err, unix.EEXIST): // the namespace has one
			has, err := nsidIn(hub, n)
			if err != nil {
				return err
			}
			if n.nsid = has; has < 0 {
				return fmt.Errorf("%s: its namespace has a number in the hub that cannot be found out", n.node)
			}
		default:
			return fmt.Errorf("%s: give its namespace a number: %w", n.node, err)
		}
	}
	return nil
}

// nsidIn is the number of a namespace as another one knows it; negative: it knows none.
func nsidIn(in *conn, of *namespace) (id int32, err error) {
	err = of.ioctls.hold(func() error {
		req, start := message(nil, unix.RTM_GETNSID, 0, make([]byte, 4))
		req = attribute(req, unix.NETNSA_FD, binary.NativeEndian.AppendUint32(nil, uint32(of.ns)))
		id = unix.NETNSA_NSID_NOT_ASSIGNED
		return in.exchange(finish(req, start), func(typ uint16, b []byte) {
			if typ == unix.RTM_NEWNSID && len(b) >= 4 {
				attributes(b[4:], func(typ uint16, v []byte) {
					if typ == unix.NETNSA_NSID && len(v) == 4 {
						id = int32(binary.NativeEndian.Uint32(v))
					}
				})
			}
		}, nil)
	})
	return id, err
}
