//go:build linux

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"labctl/topology/problem"
)

// barrier tells when the kernel has let go of namespaces, which it does asynchronously (net/core/net_namespace.c,
// cleanup_net), and of some only after an RCU grace period: a netlink socket lets go of its own so late. Each namespace
// gets a number in the hub, which it loses when the kernel begins to take it apart. When all are lost, a veth into one
// more namespace is let go: its turn comes after theirs, and the hub hears when it dies.
type barrier struct {
	hub   *conn
	nsids map[uint32]bool
}

// barrierTimeout is far beyond the two seconds that a thousand namespaces take.
const barrierTimeout = 20 * time.Second

// newBarrier must run in the hub, while the namespaces are still held open by the descriptors.
func newBarrier(fds []int) (*barrier, error) {
	b := &barrier{hub: &conn{netnsRef: netnsRef{node: "the hub"}}, nsids: map[uint32]bool{}}
	// Opened here and not on first use: this thread is in the hub, and perhaps it alone.
	var err error
	if b.hub.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		b.close()
		return nil, err
	}
	defer h.Close()
	for _, fd := range fds {
		if err := h.SetNetNsIdByFd(fd, -1); err != nil && !errors.Is(err, unix.EEXIST) {
			continue // no namespace: a name that was not bound yet
		}
		if id, err := h.GetNetNsIdByFd(fd); err == nil && id >= 0 {
			b.nsids[uint32(id)] = true
		}
	}
	return b, nil
}

func (b *barrier) close() { b.hub.close() }

// remaining counts the namespaces that still have their number. They are asked for, and not heard of: a thousand go
// faster than a socket's buffer takes, and an ordinary user may not enlarge that.
func (b *barrier) remaining() (n int, err error) {
	req, start := message(nil, unix.RTM_GETNSID, unix.NLM_F_DUMP, make([]byte, 4)) // struct rtgenmsg, padded
	err = b.hub.exchange(finish(req, start), func(typ uint16, m []byte) {
		if typ == unix.RTM_NEWNSID && len(m) >= 4 {
			attributes(m[4:], func(typ uint16, v []byte) {
				if typ == netnsaNSID && len(v) == 4 && b.nsids[binary.NativeEndian.Uint32(v)] {
					n++
				}
			})
		}
	}, nil)
	return n, err
}

// netnsaNSID is NETNSA_NSID of linux/net_namespace.h.
const netnsaNSID = 1

// wait must run in the hub, when the namespaces have been let go.
func (b *barrier) wait() error {
	defer b.close()
	timeout := time.NewTimer(barrierTimeout)
	defer timeout.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := b.remaining()
		if err != nil {
			return fmt.Errorf("wait for the kernel to let go: %w", err)
		}
		if n == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			return fmt.Errorf("the kernel has not let go of %s within %s: something else is still using what they hold",
				problem.Count(n, "namespace"), barrierTimeout)
		}
	}
	return b.last(timeout.C)
}

// last sees the veth die.
func (b *barrier) last(timeout <-chan time.Time) error {
	links, done := make(chan netlink.LinkUpdate, 16), make(chan struct{})
	if err := netlink.LinkSubscribeWithOptions(links, done,
		netlink.LinkSubscribeOptions{ErrorCallback: func(error) {}}); err != nil {
		return fmt.Errorf("listen for links: %w", err)
	}
	defer func() {
		close(done)
		for range links { // ends when the subscription has closed it
		}
	}()
	index, err := b.sentinel()
	if err != nil {
		return err
	}
	for {
		select {
		case u, ok := <-links:
			if !ok {
				return errors.New("wait for the kernel to let go: the subscription ended")
			}
			if u.Header.Type == unix.RTM_DELLINK && int(u.Index) == index {
				return nil
			}
		case <-timeout:
			return fmt.Errorf("the kernel has not taken all namespaces apart within %s", barrierTimeout)
		}
	}
}

// sentinel makes the veth into one more namespace, lets go of that, and returns the veth's index.
func (b *barrier) sentinel() (int, error) {
	ns := netns.None()
	err := onThrowawayThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		ns, err = threadNetns()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("make the namespace to wait for: %w", err)
	}
	defer ns.Close()
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	la := netlink.NewLinkAttrs()
	la.Name = fmt.Sprintf("barrier%d", ns)
	veth := &netlink.Veth{LinkAttrs: la, PeerName: "barrier", PeerNamespace: netlink.NsFd(ns)}
	if err := h.LinkAdd(veth); err != nil {
		return 0, fmt.Errorf("make the link to wait for: %w", err)
	}
	return veth.Attrs().Index, nil
}
