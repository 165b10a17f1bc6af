//go:build linux

package kernel

import (
	"slices"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Space is the set of namespaces of one instance. Its process must live in a network namespace of its own, the hub:
// nothing is ever made in the machine's. What changes the lab is for one goroutine at a time: a [Builder], Remove, and
// the inlets. Reading is safe for concurrent use, beside them too.
type Space struct {
	instance string
	named    bool // namespaces have names under NetnsDir; otherwise only this process holds them
	journal  *Journal
	names    ownNames
	hub      netns.NsHandle
	nsids    nsids

	mu     sync.RWMutex
	byNode map[string]*namespace
}

// NewSpace is for a process that is already in its hub. named asks for names under /run/netns, which needs root;
// without them the namespaces live as long as the process. The journal is written before each namespace is made.
func NewSpace(instance string, named bool, journal *Journal) (*Space, error) {
	hub, err := threadNetns()
	if err != nil {
		return nil, err
	}
	s := &Space{instance: instance, named: named, journal: journal, hub: hub, byNode: map[string]*namespace{}}
	s.nsids.hub, s.names.journal = hub, journal
	if named {
		if err := shareNetnsDir(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Adopt opens the named namespaces that an earlier process made, as the journal tells them, and returns the nodes whose
// namespace is not there any more or is another one by now.
func (s *Space) Adopt(state *State) (lost []string, err error) {
	for _, e := range state.Namespaces {
		fd, what := e.open()
		n, err := s.found(e, fd, what)
		if err == nil && what == nameClaimed { // somebody was killed while he removed the name
			err = s.names.remove(e)
		}
		if err != nil {
			return nil, err
		}
		if n == nil {
			lost = append(lost, e.Node)
			continue
		}
		n.cookie, n.mark = e.Cookie, e.Mark
		s.put(n)
	}
	return lost, nil
}

// LookAt is a space of the namespaces that a journal tells of, for reading alone: nothing is made, written or removed
// by it. lost are the nodes whose namespace is not there any more. The caller leaves it, see [Space.Leave].
func LookAt(state *State) (s *Space, lost []string, err error) {
	if s, err = NewSpace(state.Instance, false, nil); err != nil {
		return nil, nil, err
	}
	for _, e := range state.Namespaces {
		fd, what := e.open()
		n, err := s.found(e, fd, what)
		if err != nil {
			s.Leave()
			return nil, nil, err
		}
		if n == nil {
			lost = append(lost, e.Node)
			continue
		}
		s.put(n)
	}
	return s, lost, nil
}

// found is the namespace that was found under a name of a journal, nil if it is not the journal's.
func (s *Space) found(e NamespaceState, fd int, what nameState) (*namespace, error) {
	if what == nameBound {
		return newNamespace(e.Node, s.hub, netns.NsHandle(fd), false)
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	return nil, nil
}

// Leave closes what is open of the space and removes nothing: it is for one that was only looked at.
func (s *Space) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.byNode {
		n.close()
		delete(s.byNode, name)
	}
	s.hub.Close()
}

// Namespace is the name of a node's namespace, whether or not it is under NetnsDir.
func (s *Space) Namespace(node string) string { return s.instance + "." + node }

// Nodes lists the nodes that have a namespace, sorted.
func (s *Space) Nodes() []string {
	var names []string
	for _, n := range s.all() {
		names = append(names, n.node)
	}
	slices.Sort(names)
	return names
}

// Inode is the number that identifies a node's namespace on this machine; 0 if it has none.
func (s *Space) Inode(node string) uint64 {
	if n, err := s.of(node); err == nil {
		return n.inode
	}
	return 0
}

// Enter runs f on a thread inside the node's namespace and brings the thread back. If it cannot be brought back, the
// thread ends with the goroutine instead of going on in the wrong place.
func (s *Space) Enter(node string, f func() error) error {
	n, err := s.of(node)
	if err != nil {
		return err
	}
	return n.enter(f)
}

// of returns the node's namespace.
func (s *Space) of(node string) (*namespace, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if n := s.byNode[node]; n != nil {
		return n, nil
	}
	return nil, noNamespace(node)
}

// all is every namespace, in no order.
func (s *Space) all() []*namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*namespace, 0, len(s.byNode))
	for _, n := range s.byNode {
		list = append(list, n)
	}
	return list
}

// put takes namespaces into the space.
func (s *Space) put(list ...*namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range list {
		s.byNode[n.node] = n
	}
}

// take takes the namespaces of some nodes out of the space; nodes that have none are passed over.
func (s *Space) take(nodes []string) (list []*namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, node := range nodes {
		if n := s.byNode[node]; n != nil {
			list = append(list, n)
			delete(s.byNode, node)
		}
	}
	return list
}

// Complete records in the journal that the changes of a [Builder] have come to their end, and that what the lab is now
// was written down where a successor finds it.
func (s *Space) Complete() error { return s.journal.complete() }
