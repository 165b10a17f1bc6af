//go:build linux

package kernel

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// forget lets namespaces go while the lab lives on.
func (s *Space) forget(nodes []string) error {
	var errs []error
	for _, n := range s.take(nodes) {
		name := s.Namespace(n.node)
		mine := s.named && Exists(name, n.inode) // the name may be another's by now
		n.close()
		if mine {
			errs = append(errs, s.names.remove(NamespaceState{n.node, name, n.inode, n.cookie, n.mark}))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.journal.gone(nodes)
	return nil
}

// unstack removes the interfaces of namespaces that sit on one of another: those that are made in their place want the
// same MAC address on it, or all of it, and the kernel takes a namespace apart only some time after its last user is
// gone (macvlan_open answers EADDRINUSE until then, drivers/net/macvlan.c). What cannot be removed goes with its
// namespace.
func (s *Space) unstack(nodes []string) {
	for _, node := range nodes {
		n, err := s.of(node)
		if err != nil {
			continue
		}
		h, err := n.rtnl()
		if err != nil {
			continue
		}
		links, err := h.LinkList()
		if err != nil {
			continue
		}
		for _, l := range links {
			// The other end of a veth pair is in another namespace, too, but nothing that is made again waits for it.
			if l.Attrs().NetNsID >= 0 && l.Type() != "veth" {
				_ = h.LinkDel(l)
			}
		}
	}
}

// Remove lets every namespace of the space go and returns when the kernel has taken them apart: their names and
// interfaces are gone. The space is of no use afterwards; if a name could not be removed, Remove tries that again.
func (s *Space) Remove() error {
	if err := s.names.removePending(); err != nil {
		return err
	}
	nodes := s.Nodes()
	fds := make([]int, 0, len(nodes))
	for _, n := range s.all() {
		fds = append(fds, int(n.ns))
	}
	gone, err := newBarrier(fds)
	if err != nil {
		return errors.Join(err, s.forget(nodes))
	}
	if err := s.forget(nodes); err != nil { // as long as a name is there, waiting is in vain
		gone.close()
		return err
	}
	return gone.wait()
}

// RemoveByJournal does the same for the named namespaces that a journal tells of, when the process that made them is
// dead. A name that belongs to another namespace by now is left alone. The calling process may be in any namespace: the
// barrier is in one of its own. before may be nil.
func RemoveByJournal(state *State, before Before) error {
	if !state.Named || len(state.Namespaces) == 0 {
		return nil // namespaces without names went with the process that held them
	}
	return onThrowawayThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a namespace to wait in: %w", err)
		}
		var names []string
		var fds []int
		for _, n := range state.Namespaces {
			fd, what := n.open()
			switch {
			case what != nameFree:
				names, fds = append(names, n.Name), append(fds, fd)
			case fd >= 0:
				unix.Close(fd)
			}
		}
		gone, err := newBarrier(fds)
		errs := []error{err}
		for i, name := range names {
			unix.Close(fds[i])
			errs = append(errs, unname(name, before))
		}
		if err := errors.Join(errs...); err != nil {
			if gone != nil {
				gone.close()
			}
			return err
		}
		return gone.wait()
	})
}
