//go:build linux

package datapath

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// TestMain runs everything again in a network and mount namespace of its own, so that nothing is ever made in the
// machine's; without root in a user namespace too. The tests' switches have their port ends there, as a switch of a lab
// has in its own namespace. Each of the three packages that test in such namespaces has its own: what all of them may
// import must not start processes.
func TestMain(m *testing.M) {
	const inside = "LABCTL_DATAPATH_INSIDE"
	if os.Getenv(inside) != "" {
		err := errors.Join(
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"),
			os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0))
		if err != nil {
			fmt.Fprintln(os.Stderr, "set up private namespaces:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Args[0] = os.Args[0] // for tests that start it once more
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
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

func ip(t testing.TB, format string, args ...any) string {
	t.Helper()
	if noKernel != "" {
		t.Skip("private namespaces are not allowed here: " + noKernel)
	}
	out, err := exec.Command("ip", strings.Fields(fmt.Sprintf(format, args...))...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip "+format+": %v\n%s", append(args, err, out)...)
	}
	return string(out)
}

// guestMAC is the address of the n-th guest.
func guestMAC(n int) switchcore.MAC { return switchcore.MAC{0, 0x50, 0x56, 0, byte(n >> 8), byte(n)} }

// guests makes namespaces g1 to gN with an interface e0, 10.0.0.N/16, whose far ends p1 to pN are here.
func guests(t testing.TB, n int) {
	t.Helper()
	var ends []string
	for i := 1; i <= n; i++ {
		ip(t, "netns add g%d", i)
		t.Cleanup(func() { ip(t, "netns delete g%d", i) })
		ip(t, "link add p%d up type veth peer name e0 address %v netns g%d", i, guestMAC(i), i)
		ip(t, "-n g%d addr add 10.0.%d.%d/16 dev e0", i, i/250, i%250)
		ip(t, "-n g%d link set e0 addrgenmode none", i) // no IPv6: frames that nobody counts on
		ip(t, "-n g%d link set e0 up", i)
		ip(t, "-n g%d link set lo up", i)
		ends = append(ends, fmt.Sprint("p", i))
	}
	carry(t, ends...)
	t.Cleanup(func() { // a namespace takes its interfaces along later; their names are needed again
		for i := 1; i <= n; i++ {
			_ = exec.Command("ip", "link", "delete", fmt.Sprint("p", i)).Run()
		}
	})
}

// carry waits until interfaces of this namespace send what they are given. One that was up before its far end gets its
// queue from a worker of the kernel (linkwatch), which first sets its state; until then it swallows frames and says
// that they were sent.
func carry(t testing.TB, names ...string) {
	t.Helper()
	eventually(t, "all interfaces are up at both ends", func() bool {
		ready := map[string]bool{}
		for line := range strings.Lines(ip(t, "-br link show up")) {
			f := strings.Fields(line)
			name, _, _ := strings.Cut(f[0], "@")
			ready[name] = f[1] == "UP"
		}
		return !slices.ContainsFunc(names, func(name string) bool { return !ready[name] })
	})
}

// inside runs f on a thread in a namespace.
func inside(t testing.TB, name string, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		fd, err := unix.Open(filepath.Join("/run/netns", name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatalf("inside %s: %v", name, err)
	}
}

// packetPort is a port on an interface of this namespace.
func packetPort(t testing.TB, name string) Port {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return Port{FD: fd, Index: ifi.Index}
}

// learning is a learning switch with ports p1 to pN.
func learning(n int) switchcore.Config {
	c := switchcore.Config{Profile: switchcore.Learning, Ageing: 5 * time.Minute}
	for i := 1; i <= n; i++ {
		c.Ports = append(c.Ports, switchcore.Port{Name: fmt.Sprint("p", i)})
	}
	return c
}

// standard is a standard switch with ports p1 to pN, and all policies on.
func standard(n int) switchcore.Config {
	c := learning(n)
	c.Profile, c.Ageing = switchcore.Standard, 0
	no := false
	c.Spec = switchcore.Spec{Promiscuous: &no, MACChanges: &no, ForgedTransmits: &no}
	for i := range c.Ports {
		c.Ports[i].Initial = guestMAC(i + 1)
		c.Ports[i].Group = "VM Network"
	}
	c.Groups = []switchcore.Group{{Name: "VM Network"}}
	return c
}

// start runs a switch whose ports are attached to the interfaces of the same names, and connected to guests that
// receive all groups.
func start(t testing.TB, c switchcore.Config, o Options) *Loop {
	t.Helper()
	core, err := switchcore.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if o.Log == nil {
		o.Log = t.Logf
	}
	l, err := Start(core, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, p := range c.Ports {
		if err := l.Attach(switchcore.PortID(i), packetPort(t, p.Name)); err != nil {
			t.Fatal(err)
		}
		if o.Observer == nil && !p.Uplink {
			connect(l, i, guestMAC(i+1))
		}
	}
	return l
}

func connect(l *Loop, id int, mac switchcore.MAC) {
	l.Do(func(now time.Duration, s *switchcore.Switch) {
		s.Connect(now, switchcore.PortID(id), switchcore.Filter{MAC: mac, AllMulti: true})
	})
}

// ping is one echo from a guest, true if it was answered.
func ping(t testing.TB, guest int, to string, args ...string) bool {
	t.Helper()
	cmd := append([]string{"netns", "exec", fmt.Sprint("g", guest), "ping", "-n", "-c", "1", "-W", "1"}, args...)
	return exec.Command("ip", append(cmd, to)...).Run() == nil
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Second)
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func counters(l *Loop, id int) (c switchcore.Counters) {
	l.Do(func(_ time.Duration, s *switchcore.Switch) { c = s.Status(switchcore.PortID(id)).Counters })
	return c
}
