//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Remove lets every namespace of the space go and returns when the kernel has taken them apart: their names and
// interfaces are gone. The space is of no use afterwards.
func (s *Space) Remove() error {
	names := s.Nodes()
	gone, err := newBarrier()
	if err != nil {
		return errors.Join(err, s.forget(names))
	}
	if err := s.forget(names); err != nil {
		gone.close()
		return err
	}
	return gone.wait()
}

// RemoveByJournal does the same for the named namespaces that a journal tells of, when the process that made them is dead.
// A name that belongs to another namespace by now is left alone. The calling process may be in any namespace: the barrier
// stands in one of its own.
func RemoveByJournal(state *State) error {
	if !state.Named || len(state.Namespaces) == 0 {
		return nil // namespaces without names went with the process that held them
	}
	return onThrowawayThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a namespace to wait in: %w", err)
		}
		gone, err := newBarrier()
		if err != nil {
			return err
		}
		var errs []error
		for _, n := range state.Namespaces {
			var st unix.Stat_t
			path := filepath.Join(NetnsDir, n.Name)
			if err := unix.Stat(path, &st); errors.Is(err, unix.ENOENT) {
				continue
			}
			// Inode 0: it died between making the name and recording what it is. The name was claimed in the journal, and
			// nobody else takes a name that exists.
			if n.Inode == 0 || st.Ino == n.Inode {
				errs = append(errs, unname(n.Name))
			}
		}
		return errors.Join(append(errs, gone.wait())...)
	})
}

// barrier tells when the kernel has let go of namespaces that lost their last user after it was made. It is a veth from
// the hub into a namespace of its own, let go last: the kernel takes namespaces apart in that order, asynchronously
// (net/core/net_namespace.c, cleanup_net), and the hub hears when the veth dies.
type barrier struct {
	index    int
	sentinel netns.NsHandle
	updates  chan netlink.LinkUpdate
	done     chan struct{}
}

// barrierTimeout is far beyond the second that a thousand namespaces take.
const barrierTimeout = 60 * time.Second

// newBarrier must run in the hub.
func newBarrier() (*barrier, error) {
	b := &barrier{updates: make(chan netlink.LinkUpdate, 64), done: make(chan struct{})}
	err := onThrowawayThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		b.sentinel, err = threadNetns()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the namespace to wait for: %w", err)
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	la := netlink.NewLinkAttrs()
	la.Name = fmt.Sprintf("barrier%d", b.sentinel)
	veth := &netlink.Veth{LinkAttrs: la, PeerName: "barrier", PeerNamespace: netlink.NsFd(b.sentinel)}
	if err := h.LinkAdd(veth); err != nil {
		b.sentinel.Close()
		return nil, fmt.Errorf("make the link to wait for: %w", err)
	}
	b.index = veth.Attrs().Index
	err = netlink.LinkSubscribeWithOptions(b.updates, b.done, netlink.LinkSubscribeOptions{ErrorCallback: func(error) {}})
	if err != nil {
		b.sentinel.Close()
		return nil, fmt.Errorf("listen for links: %w", err)
	}
	return b, nil
}

func (b *barrier) close() {
	b.sentinel.Close()
	close(b.done)
	for range b.updates { // ends when the subscription has closed it
	}
}

func (b *barrier) wait() error {
	b.sentinel.Close()
	defer func() {
		close(b.done)
		for range b.updates {
		}
	}()
	timeout := time.NewTimer(barrierTimeout)
	defer timeout.Stop()
	for {
		select {
		case u, ok := <-b.updates:
			if !ok {
				return errors.New("wait for the kernel to let go: the subscription ended")
			}
			if u.Header.Type == unix.RTM_DELLINK && int(u.Index) == b.index {
				return nil
			}
		case <-timeout.C:
			return fmt.Errorf("the kernel has not let go of the namespaces within %s: something still holds them open", barrierTimeout)
		}
	}
}

// Exists reports whether a named namespace stands under NetnsDir with that inode (0: any).
func Exists(name string, inode uint64) bool {
	st, err := os.Stat(filepath.Join(NetnsDir, name))
	if err != nil {
		return false
	}
	return inode == 0 || st.Sys().(*syscall.Stat_t).Ino == inode
}

// unname removes a name under NetnsDir as ip-netns(8) does. A name that is gone is no error.
func unname(name string) error {
	path := NetnsDir + "/" + name
	if err := tolerate(unix.Unmount(path, unix.MNT_DETACH), unix.EINVAL, unix.ENOENT); err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
