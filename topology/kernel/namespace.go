//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namespace is that of one node, with the sockets in it, which are opened on first use. What changes it is for one
// goroutine at a time, see [Space]; all else is safe for concurrent use.
type namespace struct {
	netnsRef
	inode  uint64
	cookie uint64        // see NamespaceState
	mark   string        // see NamespaceState
	fresh  *freshIndexes // nil unless it was made by the plan that is being applied

	conn   conn
	ioctls ioctls
	handle handleLender
	flush  flushFiles
	joins  joins

	door   sync.RWMutex // held for reading while ns is used: when it is closed its number becomes another file's
	closed bool

	nsid int32 // in the hub, see nsids; negative: none yet
}

// newNamespace takes an open descriptor over. Made is whether the namespace is one that nobody else has seen yet.
func newNamespace(node string, hub, ns netns.NsHandle, made bool) (*namespace, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(ns), &st); err != nil {
		ns.Close()
		return nil, err
	}
	ref := netnsRef{node: node, hub: hub, ns: ns}
	n := &namespace{netnsRef: ref, conn: conn{netnsRef: ref}, ioctls: ioctls{netnsRef: ref}, inode: st.Ino, nsid: -1}
	if made {
		n.fresh = &freshIndexes{next: 2, byName: map[string]int{"lo": 1}}
	}
	return n, nil
}

// noNamespace is the error of whoever asks for a node that has none.
func noNamespace(node string) error {
	return fmt.Errorf("%s has no namespace (was it removed behind labctl's back?): %w", node, os.ErrNotExist)
}

// enter runs f on a thread inside the namespace, see visit. The error wraps os.ErrNotExist if it has been let go.
func (n *namespace) enter(f func() error) error {
	return visit(n.hub, func() error {
		n.door.RLock()
		defer n.door.RUnlock()
		if n.closed {
			return noNamespace(n.node)
		}
		return netns.Set(n.ns)
	}, f)
}

// closeSockets closes what a plan needed; a thousand idle sockets cost memory.
func (n *namespace) closeSockets() {
	n.handle.retire()
	n.conn.close()
	n.fresh = nil
}

// close lets go of the namespace.
func (n *namespace) close() {
	n.ioctls.end() // a socket would keep the namespace from ending
	n.joins.end()
	n.closeSockets()
	n.conn.end()
	n.flush.end()
	n.door.Lock()
	defer n.door.Unlock()
	n.closed = true
	n.ns.Close()
}

// wentAway reports whether an error of a request in the namespace is that it has been let go.
func (n *namespace) wentAway(err error) bool {
	n.door.RLock()
	defer n.door.RUnlock()
	return err != nil && n.closed
}

// openHandle opens a netlink.Handle in the namespace. Not by NewHandleAt: that asks for this thread's namespace by way
// of /proc/<pid>, see threadNetns.
func (n *namespace) openHandle() (h *netlink.Handle, err error) {
	err = n.enter(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: open netlink socket: %w", n.node, err)
	}
	return h, nil
}

// rtnl returns the netlink.Handle for the one goroutine that changes the lab: nobody else retires it.
func (n *namespace) rtnl() (*netlink.Handle, error) { return n.handle.keep(n.openHandle) }

// reading lends the netlink.Handle to f, which may go on beside whatever changes the lab, and calls f again when a list
// that it read was not of one moment (NLM_F_DUMP_INTR).
func (n *namespace) reading(f func(h *netlink.Handle) error) error {
	return n.handle.lend(n.openHandle, f)
}

// ifindex finds an interface. Those of a fresh namespace are known, because their indexes were chosen here.
func (n *namespace) ifindex(name string) (int, error) {
	if i, ok := n.fresh.of(name); ok {
		return i, nil
	}
	h, err := n.rtnl()
	if err != nil {
		return 0, err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return 0, n.linkError(name, err)
	}
	return l.Attrs().Index, nil
}

// linkError is ENODEV, in words, for an interface that is not there.
func (n *namespace) linkError(name string, err error) error {
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return fmt.Errorf("%s has no interface %s: %w", n.node, name, unix.ENODEV)
	}
	return err
}

// onLink calls f with an interface. Errors that are one of forgiven are none.
func (n *namespace) onLink(name string, f func(*netlink.Handle, netlink.Link) error, forgiven ...error) error {
	h, err := n.rtnl()
	if err != nil {
		return err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return tolerate(n.linkError(name, err), forgiven...)
	}
	return tolerate(f(h, l), forgiven...)
}

// send sends one hand-made request and waits for its acknowledgement.
func (n *namespace) send(req *nl.NetlinkRequest) error {
	return n.conn.exchange(req.Serialize(), nil, nil)
}

// setLink changes an existing interface: what is RTM_NEWLINK, or RTM_SETLINK for a bridge port; msg gets its index.
func (n *namespace) setLink(name string, what int, msg *nl.IfInfomsg, attrs ...nl.NetlinkRequestData) error {
	index, err := n.ifindex(name)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(what, unix.NLM_F_ACK)
	msg.Index = int32(index)
	req.AddData(msg)
	for _, a := range attrs {
		req.AddData(a)
	}
	return n.send(req)
}

// freshIndexes are the indexes of the interfaces of a namespace that is being built. They are chosen here, so that
// nothing has to be looked up. A nil one is of a namespace in which others may have made interfaces: the kernel chooses
// there.
type freshIndexes struct {
	next   int
	byName map[string]int
}

// of is the index that was chosen for an interface.
func (x *freshIndexes) of(name string) (int, bool) {
	if x == nil {
		return 0, false
	}
	i, ok := x.byName[name]
	return i, ok
}

// choose picks the next index, another one than not; 0 lets the kernel choose.
func (x *freshIndexes) choose(name string, not int) int {
	if x == nil {
		return 0
	}
	i := x.next
	if i == not {
		i++
	}
	x.next = i + 1
	x.byName[name] = i
	return i
}

// pass leaves out the index that the kernel has chosen for an interface: it takes the lowest that is free.
func (x *freshIndexes) pass() {
	if x != nil {
		x.next++
	}
}
