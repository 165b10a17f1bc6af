//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// NetnsDir is where ip-netns(8) keeps the names of namespaces.
const NetnsDir = "/run/netns"

// Space is the set of namespaces of one instance. Its process must live in a network namespace of its own, the hub: nothing
// is ever made in the machine's. Apply and Remove are for one goroutine at a time; reading is safe for concurrent use,
// beside them too.
type Space struct {
	instance string
	named    bool // namespaces have names under NetnsDir; otherwise only this process holds them
	journal  *Journal
	hub      netns.NsHandle
	baseline map[string]string // sysctls of a fresh namespace, as read from the hub; Apply's own

	mu    sync.RWMutex
	nodes map[string]*node

	numbers numbers
	tools   tools

	owing sync.Mutex
	owed  []NamespaceState // names of ours that could not be removed
}

// node is one namespace. Its sockets are opened on first use.
type node struct {
	name   string
	fd     netns.NsHandle
	inode  uint64
	cookie uint64 // see NamespaceState
	mark   string // see NamespaceState
	fresh  bool   // made by the plan that is being applied: its interface indexes are ours to choose
	next   int    // the next index to choose

	mu     sync.Mutex
	index  map[string]int // of interfaces; only while fresh
	handle *lent

	door   sync.RWMutex // held for reading while fd is used: when it is closed its number becomes another file's
	closed bool

	wire wire
	asks asks
	id   int32 // the namespace's number in the hub, see Space.number; negative: none yet
}

// NewSpace is for a process that is already in its hub. named asks for names under /run/netns, which needs root; without
// them the namespaces live as long as the process. The journal is written before each namespace is made.
func NewSpace(instance string, named bool, journal *Journal) (*Space, error) {
	hub, err := threadNetns()
	if err != nil {
		return nil, err
	}
	s := &Space{instance: instance, named: named, journal: journal, hub: hub, baseline: map[string]string{}, nodes: map[string]*node{}}
	if named {
		if err := shareNetnsDir(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// threadNetns opens the calling thread's namespace. Not netns.Get: that asks for /proc/<pid>, which is another process
// when /proc belongs to another PID namespace.
func threadNetns() (netns.NsHandle, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return netns.None(), fmt.Errorf("open own network namespace: %w", err)
	}
	return netns.NsHandle(fd), nil
}

// shareNetnsDir prepares /run/netns as ip-netns(8) does, so that names made here are seen in every mount namespace.
func shareNetnsDir() error {
	if err := os.MkdirAll(NetnsDir, 0o755); err != nil {
		return err
	}
	err := unix.Mount("", NetnsDir, "", unix.MS_SHARED|unix.MS_REC, "")
	if errors.Is(err, unix.EINVAL) { // not a mount point yet
		if err := unix.Mount(NetnsDir, NetnsDir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("make %s a mount point: %w", NetnsDir, err)
		}
		err = unix.Mount("", NetnsDir, "", unix.MS_SHARED|unix.MS_REC, "")
	}
	if err != nil {
		return fmt.Errorf("make %s shared: %w", NetnsDir, err)
	}
	return nil
}

// Namespace is the name of a node's namespace, whether or not it stands under NetnsDir.
func (s *Space) Namespace(node string) string { return s.instance + "." + node }

// node returns the node's namespace.
func (s *Space) node(name string) (*node, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if n := s.nodes[name]; n != nil {
		return n, nil
	}
	return nil, gone(name)
}

func gone(node string) error {
	return fmt.Errorf("%s has no namespace (was it removed behind labctl's back?): %w", node, os.ErrNotExist)
}

// Nodes lists the nodes that have a namespace, sorted.
func (s *Space) Nodes() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for n := range s.nodes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Inode is the number that identifies a node's namespace on this machine; 0 if it has none.
func (s *Space) Inode(node string) uint64 {
	if n, err := s.node(node); err == nil {
		return n.inode
	}
	return 0
}

// Hub returns the descriptor of the hub; the Space keeps it.
func (s *Space) Hub() int { return int(s.hub) }

// FD returns the descriptor of a node's namespace; the Space keeps it.
func (s *Space) FD(node string) (int, error) {
	n, err := s.node(node)
	if err != nil {
		return -1, err
	}
	return int(n.fd), nil
}

// Enter runs f on a thread inside the node's namespace and brings the thread back. If it cannot be brought back, the
// thread ends with the goroutine instead of going on in the wrong place.
func (s *Space) Enter(node string, f func() error) error {
	n, err := s.node(node)
	if err != nil {
		return err
	}
	return s.enter(n, f)
}

// enter does what Enter does. The error wraps os.ErrNotExist if the namespace has been let go.
func (s *Space) enter(n *node, f func() error) error {
	return visit(s.hub, func() error {
		n.door.RLock()
		defer n.door.RUnlock()
		if n.closed {
			return gone(n.name)
		}
		return netns.Set(n.fd)
	}, f)
}

// within is for a namespace that nobody else closes meanwhile.
func within(hub, ns netns.NsHandle, f func() error) error {
	return visit(hub, func() error { return netns.Set(ns) }, f)
}

func visit(hub netns.NsHandle, enter, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := enter(); err != nil {
			done <- fmt.Errorf("enter namespace: %w", err)
			runtime.UnlockOSThread()
			return
		}
		err := f()
		if netns.Set(hub) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// rest closes the sockets a plan needed; a thousand idle ones cost memory.
func (n *node) rest() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.handle; l != nil {
		n.handle = nil
		if l.retired = true; l.users == 0 {
			l.Close()
		}
	}
	n.wire.close()
	n.fresh, n.index = false, nil
}

// close lets go of the namespace.
func (n *node) close() {
	n.asks.shut() // a socket would keep the namespace from ending
	n.rest()
	n.wire.shut()
	n.door.Lock()
	defer n.door.Unlock()
	n.closed = true
	n.fd.Close()
}

// left reports whether an error of a request in the namespace is that it has been let go.
func (n *node) left(err error) bool {
	n.door.RLock()
	defer n.door.RUnlock()
	return err != nil && n.closed
}

// onThrowawayThread runs f on a thread that ends afterwards, since its namespace is not to be trusted any more.
func onThrowawayThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The process's first thread cannot end: Go parks it for good, and it would hold the namespace it is in for as
			// long. While it is locked here, another one has to be taken.
			defer runtime.UnlockOSThread()
			done <- onThrowawayThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}

// makeNamespace must run on a throw-away thread: it leaves the thread in the new namespace.
func (s *Space) makeNamespace(name string) (*node, error) {
	if !s.named {
		return s.unshare(name)
	}
	err := claim(s.Namespace(name), s.journal.mark, s.journal.before)
	if errors.Is(err, errNameTaken) {
		s.journal.foreign(name)
		return nil, fmt.Errorf("%s exists and is not this lab's; remove it with \"ip netns delete %s\" or choose another name with --as", filepath.Join(NetnsDir, s.Namespace(name)), s.Namespace(name))
	}
	if err != nil {
		return nil, err
	}
	claimed := NamespaceState{Node: name, Name: s.Namespace(name), Mark: s.journal.mark}
	n, err := s.unshare(name)
	if err != nil {
		return nil, errors.Join(err, s.unname(claimed))
	}
	n.mark = s.journal.mark
	if err = s.journal.made(n); err == nil {
		err = bind(s.Namespace(name), s.journal.before)
	}
	if err != nil {
		n.close()
		return nil, errors.Join(err, s.unname(claimed))
	}
	return n, nil
}

// unshare makes a namespace without a name.
func (s *Space) unshare(name string) (*node, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("unshare: %w", err)
	}
	fd, err := threadNetns()
	if err != nil {
		return nil, err
	}
	n, err := newNode(name, fd)
	if err == nil {
		n.cookie = threadCookie()
	}
	return n, err
}

func newNode(name string, fd netns.NsHandle) (*node, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		fd.Close()
		return nil, err
	}
	return &node{name: name, fd: fd, inode: st.Ino, fresh: true, next: 2, index: map[string]int{"lo": 1}, id: -1}, nil
}

// Adopt opens the named namespaces that an earlier process made, as the journal tells them, and returns the nodes whose
// namespace is there no more or is another one by now.
func (s *Space) Adopt(state *State) (lost []string, err error) {
	for _, e := range state.Namespaces {
		fd, what := e.open()
		if what != namespace {
			if fd >= 0 {
				unix.Close(fd)
			}
			if what == claimed { // somebody was killed while he removed the name
				if err := s.unname(e); err != nil {
					return nil, err
				}
			}
			lost = append(lost, e.Node)
			continue
		}
		n, err := newNode(e.Node, netns.NsHandle(fd))
		if err != nil {
			return nil, err
		}
		n.cookie, n.mark, n.fresh, n.index = e.Cookie, e.Mark, false, nil
		s.mu.Lock()
		s.nodes[e.Node] = n
		s.mu.Unlock()
	}
	return lost, nil
}
