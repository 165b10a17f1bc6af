//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// unable is an ErrUnsupported for which this process's surroundings are to blame, with what cures it.
type unable struct{ why, cure string }

func (u unable) Error() string { return u.why + ": " + u.cure }

func (u unable) Is(target error) bool { return target == ErrUnsupported }

// capabilities are what building a lab and probing it take (capabilities(7)): links and addresses, raw and packet
// sockets, namespaces.
var capabilities = []struct {
	name string
	bit  uint
}{{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN}, {"CAP_NET_RAW", unix.CAP_NET_RAW}, {"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}}

// Able says what this process cannot do of what every lab takes: the errors wrap ErrUnsupported and name a cure. Its
// process must live in the namespaces of a supervisor.
func Able() error { return errors.Join(ableCapabilities(), ableMounts(), ableSysctls()) }

func ableCapabilities() error {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return fmt.Errorf("read own capabilities: %w", err)
	}
	return lacking(d[0].Effective)
}

func lacking(effective uint32) error {
	var missing []string
	for _, c := range capabilities {
		if effective&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, ", ")
	return unable{"this root lacks " + list, "give its container or service " + list +
		" (docker run --cap-add, CapabilityBoundingSet=), or use the machine itself"}
}

// UserNamespaceCure is what a root who is one in a user namespace only can do.
const UserNamespaceCure = "run labctl outside of it, as the ordinary user that this root is there, or inside with " +
	"mounts and a /run of its own: unshare --user --map-root-user --mount, then mount -t tmpfs tmpfs /run"

// ableMounts looks whose the mount namespace is: names of namespaces and the view of commands in nodes are mounts.
func ableMounts() error {
	if ownMounts() {
		return nil
	}
	return unable{"nothing can be mounted here", "this root is one in a user namespace: " + UserNamespaceCure}
}

func ownMounts() bool {
	mounts, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		return true // whatever it lacks will be said later
	}
	defer mounts.Close()
	fd, err := unix.IoctlRetInt(int(mounts.Fd()), unix.NS_GET_USERNS) // EPERM: it is further out (ioctl_ns(2))
	if err != nil {
		return !errors.Is(err, unix.EPERM)
	}
	owner := os.NewFile(uintptr(fd), "owner")
	defer owner.Close()
	a, err1 := owner.Stat()
	b, err2 := os.Stat("/proc/self/ns/user")
	return err1 != nil || err2 != nil || os.SameFile(a, b)
}

// InUserNamespace reports whether this process's root is not the machine's (user_namespaces(7)).
func InUserNamespace() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295"
}

// ableSysctls tries to open one value of a network namespace for writing.
func ableSysctls() error {
	err := withSysctl("net/ipv4/ip_forward", func(fd int) error { return nil })
	if err == nil {
		return nil
	}
	return unable{fmt.Sprintf("sysctls of network namespaces cannot be set here (%v)", err),
		"labctl needs a /proc/sys that can be written to: run the container privileged, or with an unmasked /proc " +
			"(docker run --security-opt systempaths=unconfined), or use the machine itself"}
}

// openSysctl opens a value of the calling thread's network namespace for writing. Containers mount /proc/sys read-only
// over a /proc that is not; then a procfs of one's own does, where it may be mounted. The caller closes it.
func openSysctl(key string) (fd int, err error) {
	fd, err = unix.Open("/proc/sys/"+key, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EROFS) {
		proc, merr := detachedMount("proc")
		if merr != nil {
			return -1, &os.PathError{Op: "open", Path: "/proc/sys/" + key, Err: err}
		}
		defer unix.Close(proc)
		fd, err = unix.Openat(proc, "sys/"+key, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: "/proc/sys/" + key, Err: err}
	}
	return fd, nil
}

// withSysctl lends such a value to f.
func withSysctl(key string, f func(fd int) error) error {
	fd, err := openSysctl(key)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

// writeSysctl sets a value of the calling thread's network namespace.
func writeSysctl(key, value string) error {
	return withSysctl(key, func(fd int) error {
		_, err := unix.Write(fd, []byte(value))
		return err
	})
}
