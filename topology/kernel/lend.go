//go:build linux

package kernel

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// lent is a netlink socket that readers may be at when whoever changes the lab has no more use for it. The node's mu guards it.
type lent struct {
	*netlink.Handle
	users   int
	retired bool // the last user closes it
}

// rtnl returns the node's netlink.Handle for the one goroutine that changes the lab: nobody else retires it.
func (s *Space) rtnl(n *node) (*netlink.Handle, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := s.rtnlLocked(n)
	if err != nil {
		return nil, err
	}
	return l.Handle, nil
}

func (s *Space) rtnlLocked(n *node) (*lent, error) {
	if n.handle == nil {
		var h *netlink.Handle
		// Not NewHandleAt: it asks for this thread's namespace by way of /proc/<pid>, see threadNetns.
		err := s.enter(n, func() (err error) {
			h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: open netlink socket: %w", n.name, err)
		}
		n.handle = &lent{Handle: h}
	}
	return n.handle, nil
}

// readings is how often a list is asked for that changed while the kernel wrote it.
const readings = 100

// reading lends the node's netlink.Handle to f, which may go on beside whatever changes the lab, and calls f again when a list that
// it read was not of one moment (NLM_F_DUMP_INTR).
func (s *Space) reading(nodeName string, f func(h *netlink.Handle) error) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	n.mu.Lock()
	l, err := s.rtnlLocked(n)
	if err == nil {
		l.users++
	}
	n.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if l.users--; l.retired && l.users == 0 {
			l.Close()
		}
	}()
	for range readings {
		if err = f(l.Handle); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return err
}

// LookAt is a space of the namespaces that a journal tells of, for reading alone: nothing is made, written or removed by it. lost are the
// nodes whose namespace is not there any more. The caller leaves it, see [Space.Leave].
func LookAt(state *State) (s *Space, lost []string, err error) {
	if s, err = NewSpace(state.Instance, false, nil); err != nil {
		return nil, nil, err
	}
	for _, e := range state.Namespaces {
		fd, what := e.open()
		if what != namespace {
			if fd >= 0 {
				unix.Close(fd)
			}
			lost = append(lost, e.Node)
			continue
		}
		n, err := newNode(e.Node, netns.NsHandle(fd))
		if err != nil {
			s.Leave()
			return nil, nil, err
		}
		n.fresh, n.index = false, nil
		s.nodes[e.Node] = n
	}
	return s, lost, nil
}

// Leave closes what is open of the space and removes nothing: it is for one that was only looked at.
func (s *Space) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.nodes {
		n.close()
		delete(s.nodes, name)
	}
	s.hub.Close()
}
