//go:build linux

package kernel

import (
	"errors"

	"golang.org/x/sys/unix"
)

// forget lets namespaces go while the lab lives on.
func (s *Space) forget(names []string) error {
	s.mu.Lock()
	var gone []*node
	for _, name := range names {
		if n := s.nodes[name]; n != nil {
			gone = append(gone, n)
			delete(s.nodes, name)
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, n := range gone {
		mine := s.named && Exists(s.Namespace(n.name), n.inode) // the name may be another's by now
		n.close()
		if mine {
			if err := s.unname(NamespaceState{n.name, s.Namespace(n.name), n.inode, n.cookie, n.mark}); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.journal.gone(names)
	return nil
}

// unname removes a name of ours. One that cannot be removed is remembered: nothing else knows of it any more.
func (s *Space) unname(name NamespaceState) error {
	err := unname(name.Name, s.journal.before)
	if err != nil {
		s.owing.Lock()
		defer s.owing.Unlock()
		s.owed = append(s.owed, name)
	}
	return err
}

// forgetOwed tries names again that could not be removed.
func (s *Space) forgetOwed() error {
	s.owing.Lock()
	owed := s.owed
	s.owed = nil
	s.owing.Unlock()
	var errs []error
	for _, name := range owed {
		fd, what := name.open()
		if fd >= 0 {
			unix.Close(fd)
		}
		if what != nothing {
			errs = append(errs, s.unname(name))
		}
	}
	return errors.Join(errs...)
}
