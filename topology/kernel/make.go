//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeNamespace must run on a throw-away thread: it leaves the thread in the new namespace.
func (s *Space) makeNamespace(node string) (*namespace, error) {
	if !s.named {
		return s.unshare(node)
	}
	name, mark, before := s.Namespace(node), s.journal.mark, s.journal.before
	err := claim(name, mark, before)
	if errors.Is(err, errNameTaken) {
		s.journal.foreign(node)
		return nil,
			fmt.Errorf("%s exists and is not this lab's; remove it with \"ip netns delete %s\" or choose another "+
				"name with --as",
				filepath.Join(NetnsDir, name), name)
	}
	if err != nil {
		return nil, err
	}
	claimed := NamespaceState{Node: node, Name: name, Mark: mark}
	n, err := s.unshare(node)
	if err != nil {
		return nil, errors.Join(err, s.names.remove(claimed))
	}
	n.mark = mark
	if err = s.journal.made(node, n.inode, n.cookie); err == nil {
		err = bind(name, before)
	}
	if err != nil {
		n.close()
		return nil, errors.Join(err, s.names.remove(claimed))
	}
	return n, nil
}

// unshare makes a namespace without a name.
func (s *Space) unshare(node string) (*namespace, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("unshare: %w", err)
	}
	fd, err := threadNetns()
	if err != nil {
		return nil, err
	}
	n, err := newNamespace(node, s.hub, fd, true)
	if err == nil {
		n.cookie = threadCookie()
	}
	return n, err
}
