//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// NetnsDir is where ip-netns(8) keeps the names of namespaces.
const NetnsDir = "/run/netns"

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

// A name under NetnsDir has a life of four steps: a file appears, marked as this journal's; the journal says which
// namespace will be bound there; it is bound; and at the end it is unmounted, which shows the marked file again, and
// the file is deleted. A process can be killed between any two, and what is there then says itself whether it is ours.

// errNameTaken: somebody else has the name.
var errNameTaken = errors.New("the name is taken")

// claim makes the file that a namespace is bound to, marked from the first moment: it is filled before it has a name.
func claim(name, mark string, before Before) error {
	if err := before.Do("claim " + name); err != nil {
		return err
	}
	path := filepath.Join(NetnsDir, name)
	fd, err := unix.Open(NetnsDir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o400)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EINVAL) {
		return claimByName(path, mark) // an overlay of an old kernel, in a container
	}
	if err != nil {
		return fmt.Errorf("make a file in %s: %w", NetnsDir, err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(mark)); err != nil {
		return fmt.Errorf("mark %s: %w", path, err)
	}
	// open(2) has this way to give it a name, which like O_EXCL takes none that exists.
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if errors.Is(err, unix.EEXIST) {
		return errNameTaken
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

// claimByName does it where files without a name cannot be made. Killed between the two steps it leaves an empty file
// that is nobody's.
func claimByName(path, mark string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if errors.Is(err, os.ErrExist) {
		return errNameTaken
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(mark)
	f.Close()
	if err != nil {
		return errors.Join(fmt.Errorf("mark %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// bind gives the calling thread's network namespace a name that was claimed.
func bind(name string, before Before) error {
	path := filepath.Join(NetnsDir, name)
	err := before.Do("bind " + name)
	if err == nil {
		err = unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}
	if err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	return nil
}

// unname removes a name under NetnsDir as ip-netns(8) does. A name that is gone is not an error.
func unname(name string, before Before) error {
	path := filepath.Join(NetnsDir, name)
	err := before.Do("unmount " + name)
	if err == nil {
		err = tolerate(unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW), unix.EINVAL, unix.ENOENT)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err = before.Do("unlink " + name); err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// nameState is what is under a name of a journal.
type nameState int

const (
	nameFree    nameState = iota // nothing, or somebody else's
	nameClaimed                  // the marked file, and no namespace over it
	nameBound                    // the namespace that the journal tells of
)

// open looks what is under the name. fd, if not negative, is the caller's, and keeps what is there from being taken for
// another.
func (n NamespaceState) open() (fd int, what nameState) {
	fd, err := unix.Open(filepath.Join(NetnsDir, n.Name), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK,
		0)
	if err != nil {
		return -1, nameFree
	}
	var fs unix.Statfs_t
	var st unix.Stat_t
	if err := errors.Join(unix.Fstatfs(fd, &fs), unix.Fstat(fd, &st)); err != nil {
		return fd, nameFree
	}
	if fs.Type == unix.NSFS_MAGIC {
		if n.Inode == 0 || st.Ino != n.Inode {
			return fd, nameFree
		}
		if c, err := cookieOf(netns.NsHandle(fd)); err != nil || n.Cookie != 0 && c != n.Cookie {
			return fd, nameFree
		}
		return fd, nameBound
	}
	b := make([]byte, len(n.Mark)+1)
	if k, err := unix.Read(fd, b); err == nil && n.Mark != "" && string(b[:k]) == n.Mark {
		return fd, nameClaimed
	}
	return fd, nameFree
}

// cookieOf reads the number of a namespace that, other than its inode's, the kernel gives only once
// (net/core/net_namespace.c, net_cookie); 0 where the kernel has none. ns may be any descriptor of one.
func cookieOf(ns netns.NsHandle) (cookie uint64, err error) {
	err = onThrowawayThread(func() error {
		if err := netns.Set(ns); err != nil {
			return err
		}
		cookie = threadCookie()
		return nil
	})
	return cookie, err
}

// threadCookie reads it of the calling thread's.
func threadCookie() uint64 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	c, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0 // older than Linux 5.14
	}
	return c
}

// StillNamed finds the namespaces of a journal that still have their names, by inode, and holds them until close is
// called: as long as one is held, its inode cannot become another's.
func StillNamed(state *State) (nodes map[uint64]string, close func()) {
	nodes = map[uint64]string{}
	var fds []int
	for _, n := range state.Namespaces {
		fd, what := n.open()
		if fd >= 0 {
			fds = append(fds, fd)
		}
		if what == nameBound {
			nodes[n.Inode] = n.Node
		}
	}
	return nodes, func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
}

// HeldBy finds the namespaces of a journal that a process, its supervisor, has open, by inode: what it holds cannot
// become another's. A journal may tell of more: of one that is gone, where that could not be written, whose inode the
// kernel has given to somebody else since.
func HeldBy(state *State, pid int) map[uint64]string {
	open := map[uint64]bool{}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, _ := os.ReadDir(dir)
	for _, fd := range fds {
		if link, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && strings.HasPrefix(link, "net:[") {
			open[nsNumber(link)] = true
		}
	}
	nodes := map[uint64]string{}
	for _, n := range state.Namespaces {
		if n.Inode != 0 && open[n.Inode] {
			nodes[n.Inode] = n.Node
		}
	}
	return nodes
}

// OpenNode opens the named namespace that a journal tells of for a node. fs.ErrNotExist: it is not there any more, or
// another one has its name.
func OpenNode(state *State, node string) (fd int, err error) {
	for _, n := range state.Namespaces {
		if n.Node != node {
			continue
		}
		fd, what := n.open()
		if what == nameBound {
			return fd, nil
		}
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	return -1, fmt.Errorf("%s: %w", node, os.ErrNotExist)
}

// Exists reports whether there is a named namespace under NetnsDir with that inode, which the caller holds: it is not
// another's.
func Exists(name string, inode uint64) bool {
	st, err := os.Stat(filepath.Join(NetnsDir, name))
	if err != nil {
		return false
	}
	return st.Sys().(*syscall.Stat_t).Ino == inode
}
