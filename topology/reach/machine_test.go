package reach

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/silence"
)

// TestMain runs everything again in private mount and network namespaces, and a user namespace unless root: nothing is
// ever made in the machine's own. Each of the three packages that test in such namespaces has its own: what all of them
// may import must not start processes.
func TestMain(m *testing.M) {
	const inside = "LABCTL_REACH_INSIDE"
	if os.Getenv(inside) != "" {
		err := errors.Join(
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/run", "tmpfs", 0, ""),
			os.MkdirAll("/run/netns", 0o755))
		if err != nil {
			fmt.Fprintln(os.Stderr, "set up private mounts:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if os.Getuid() != 0 {
		id := func(n int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: 0, HostID: n, Size: 1}}
		}
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = id(os.Getuid()), id(os.Getgid())
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case os.Getenv("LABCTL_LIVE") == "1":
		fmt.Fprintln(os.Stderr, "LABCTL_LIVE=1, and no private namespaces to test in:", err)
		os.Exit(1)
	}
	// That these tests cannot have namespaces is no excuse as long as somebody else can.
	out, refused := exec.Command("unshare", "--user", "--map-root-user", "--mount", "--net", "true").CombinedOutput()
	if refused == nil || len(out) == 0 {
		fmt.Fprintf(os.Stderr, "no private namespaces to test in: %v; and unshare(1) is not refused them: %v\n", err, refused)
		os.Exit(1)
	}
	noKernel = fmt.Sprintf("%v; %s", err, bytes.TrimSpace(out))
	fmt.Fprintln(os.Stderr, "no private namespaces to test in (run scripts/live.sh), only the tests without a kernel run:", noKernel)
	os.Exit(m.Run())
}

// noKernel says why there are no private namespaces, in these tests' words and in unshare(1)'s; "" where there are. It
// is set once, before any test runs.
var noKernel string

// liveMachine is a Machine over named namespaces.
type liveMachine struct {
	nodes map[string]*liveNode
	room  int
}

type liveNode struct {
	mu sync.Mutex
	fd int
	nl *netlink.Handle
}

// build makes one namespace for each node, then runs the steps: "node: command" inside a node, without a colon outside.
func build(t testing.TB, lab *topology.Lab, steps string) *liveMachine {
	t.Helper()
	if noKernel != "" {
		t.Skip("private namespaces are not allowed here: " + noKernel)
	}
	m := &liveMachine{nodes: map[string]*liveNode{}, room: 1000}
	for _, n := range lab.Nodes {
		sh(t, "", "ip netns add "+n.Name)
		t.Cleanup(func() { sh(t, "", "ip netns del "+n.Name) })
		fd, err := unix.Open(filepath.Join("/run/netns", n.Name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		nl, err := netlink.NewHandleAt(netns.NsHandle(fd))
		if err != nil {
			t.Fatal(err)
		}
		m.nodes[n.Name] = &liveNode{fd: fd, nl: nl}
		t.Cleanup(func() { nl.Close(); unix.Close(fd) })
		sh(t, n.Name, `ip link set lo up
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=100000
sysctl -qw net.ipv6.icmp.ratelimit=0`)
	}
	for line := range strings.Lines(steps) {
		node, command, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case ok:
			sh(t, node, command)
		case node != "":
			sh(t, "", node)
		}
	}
	return m
}

// sh runs a shell command, inside a node unless that is "".
func sh(t testing.TB, node, command string) string {
	t.Helper()
	args := []string{"sh", "-ec", command}
	if node != "" {
		args = append([]string{"ip", "netns", "exec", node}, args...)
	}
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", node, command, err, out)
	}
	return string(out)
}

func (m *liveMachine) node(name string) (*liveNode, error) {
	if n := m.nodes[name]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("no node %s", name)
}

// inside runs f on a thread in the node's namespace, which is thrown away if it cannot come back.
func (n *liveNode) inside(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (m *liveMachine) Socket(node string, domain, typ, proto int) (fd int, err error) {
	n, err := m.node(node)
	if err != nil {
		return -1, err
	}
	return fd, n.inside(func() error {
		fd, err = unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
		return err
	})
}

func (m *liveMachine) ProcNet(node, file string) (content []byte, err error) {
	n, err := m.node(node)
	if err != nil {
		return nil, err
	}
	return content, n.inside(func() error {
		content, err = os.ReadFile("/proc/thread-self/net/" + file)
		return err
	})
}

func (m *liveMachine) Links(node string) ([]topology.LinkState, error) {
	n, err := m.node(node)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	links, err := n.nl.LinkList()
	if err != nil {
		return nil, err
	}
	var out []topology.LinkState
	for _, l := range links {
		a := l.Attrs()
		k := topology.LinkState{Index: a.Index, Name: a.Name, MTU: a.MTU, Up: a.Flags&net.FlagUp != 0}
		copy(k.MAC[:], a.HardwareAddr)
		addrs, err := n.nl.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			return nil, err
		}
		for _, x := range addrs {
			ip, _ := netip.AddrFromSlice(x.IP)
			ones, _ := x.Mask.Size()
			k.Addrs = append(k.Addrs, netip.PrefixFrom(ip.Unmap(), ones))
		}
		out = append(out, k)
	}
	return out, nil
}

// Carriers reads what sysfs would say of them, which is not mounted for each of these namespaces.
func (m *liveMachine) Carriers(node string) (map[int]topology.Carrier, error) {
	n, err := m.node(node)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	var list [][]byte
	err = n.inside(func() error {
		list, err = req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[int]topology.Carrier{}
	for _, b := range list {
		info := nl.DeserializeIfInfomsg(b)
		attrs, err := nl.ParseRouteAttr(b[info.Len():])
		if err != nil {
			return nil, err
		}
		c := topology.Carrier{Flags: info.Flags & (unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING | unix.IFF_NOARP | unix.IFF_LOOPBACK | unix.IFF_POINTOPOINT)}
		for _, a := range attrs {
			switch a.Attr.Type {
			case unix.IFLA_CARRIER_CHANGES:
				c.Changes = binary.NativeEndian.Uint32(a.Value)
			case unix.IFLA_OPERSTATE:
				c.State = a.Value[0]
			case unix.IFLA_LINKINFO:
				kind, err := nl.ParseRouteAttr(a.Value)
				if err != nil {
					return nil, err
				}
				for _, k := range kind {
					c.Bridge = c.Bridge || k.Attr.Type == unix.IFLA_INFO_KIND && string(bytes.TrimRight(k.Value, "\x00")) == "bridge"
				}
			}
		}
		out[int(info.Index)] = c
	}
	return out, nil
}

var neighbourStates = map[int]string{netlink.NUD_INCOMPLETE: "INCOMPLETE", netlink.NUD_REACHABLE: "REACHABLE", netlink.NUD_STALE: "STALE",
	netlink.NUD_DELAY: "DELAY", netlink.NUD_PROBE: "PROBE", netlink.NUD_FAILED: "FAILED", netlink.NUD_PERMANENT: "PERMANENT", netlink.NUD_NONE: "NONE"}

func (m *liveMachine) NeighbourRoom() int { return m.room }

// Backlog never grows: these tests do not depend on what else the machine does.
func (m *liveMachine) Backlog() (uint64, error) { return 0, nil }

// Look is not possible here: what these tests judge is silent when patience ends.
func (m *liveMachine) Look(context.Context) (silence.Look, error) {
	return silence.Look{}, errors.ErrUnsupported
}

func (m *liveMachine) Glance(ctx context.Context) (silence.Look, error) { return m.Look(ctx) }

func (m *liveMachine) Fence() error {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, 1, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func (m *liveMachine) LateSenders() ([]string, error) { return nil, nil }

func (m *liveMachine) Forgetful(bool) ([]string, error) { return nil, errors.ErrUnsupported }

func (m *liveMachine) Proxies() (bool, error) { return false, nil }

func (m *liveMachine) Anycast() (map[netip.Addr]bool, error) { return nil, errors.ErrUnsupported }

func (m *liveMachine) FailNeighbours(string, []topology.NeighbourEntry) error {
	return errors.ErrUnsupported
}

func (m *liveMachine) Interface(node, name string) (topology.InterfaceState, error) {
	n, err := m.node(node)
	if err != nil {
		return topology.InterfaceState{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := n.nl.LinkByName(name)
	if err != nil {
		return topology.InterfaceState{}, err
	}
	a := l.Attrs()
	s := topology.InterfaceState{State: a.OperState.String(), Flags: a.RawFlags, Promiscuity: a.Promisc}
	copy(s.MAC[:], a.HardwareAddr)
	return s, nil
}

func (m *liveMachine) SwitchPort(node, port string) (SwitchPort, error) {
	return SwitchPort{}, fmt.Errorf("%s is not a virtual switch", node)
}

func (m *liveMachine) Drops(node string) ([]Drop, int, error) {
	return nil, 0, fmt.Errorf("%s is not a virtual switch", node)
}

func (m *liveMachine) Hits(node string) (map[string]uint64, error) {
	return nil, fmt.Errorf("%s has no rules", node)
}

func (m *liveMachine) Quiet(context.Context) error { return nil }

func (m *liveMachine) Idle(context.Context) error { return nil }
