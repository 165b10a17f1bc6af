//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// View is what a command inside a node sees instead of the machine's.
type View struct {
	Name  string // the host name; "" leaves the machine's
	Hosts string // a file to mount over /etc/hosts; "" leaves it
}

// Exec replaces this process by argv inside a network namespace, set up by [Isolate], whose result it tells first. It
// returns only on failure; errors of finding argv[0], on the PATH of env, wrap exec.ErrNotFound or fs.ErrPermission.
func Exec(ns int, v View, argv, env []string, tell func(lacks []string)) error {
	lacks, err := Isolate(ns, v)
	if err != nil {
		return err
	}
	tell(lacks)
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return &os.PathError{Op: "exec", Path: path, Err: unix.Exec(path, argv, env)}
}

// Isolate puts the calling thread, for good, inside a network namespace given as an open descriptor (negative: it is
// there already), a UTS namespace with the node's name, and a mount namespace whose /sys shows that namespace's
// interfaces, whose /proc is of its own PID namespace, where the view's file is mounted over /etc/hosts, and where
// /etc/resolv.conf is empty. What it forks inherits all this. Where the machine does not allow a /sys or /proc of its
// own, there is an empty one: never the machine's, whose interfaces and processes would pass for the node's. lacks says
// which, and "/etc/hosts" if the machine has none that a file could be mounted over.
func Isolate(ns int, v View) (lacks []string, err error) {
	runtime.LockOSThread() // never unlocked: the thread is not like the others any more
	if ns >= 0 {
		if err := netns.Set(netns.NsHandle(ns)); err != nil {
			return nil, fmt.Errorf("enter namespace: %w", err)
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return nil, fmt.Errorf("make a mount namespace: %w", err)
	}
	if v.Name != "" {
		if err := unix.Sethostname([]byte(v.Name)); err != nil {
			return nil, fmt.Errorf("set the host name: %w", err)
		}
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return nil, fmt.Errorf("detach mounts: %w", err)
	}
	if err := emptyResolver(); err != nil {
		return nil, err
	}
	if v.Hosts != "" {
		err := unix.Mount(v.Hosts, "/etc/hosts", "", unix.MS_BIND, "")
		if _, serr := os.Stat("/etc/hosts"); errors.Is(err, unix.ENOENT) && errors.Is(serr, os.ErrNotExist) {
			lacks = append(lacks, "/etc/hosts")
		} else if err != nil {
			return nil, fmt.Errorf("mount /etc/hosts: %w", err)
		}
	}
	if ownMount("sysfs", "/sys") != nil {
		lacks = append(lacks, "/sys")
		if err := emptyMount("/sys"); err != nil {
			return nil, err
		}
	}
	if ownProc() != nil {
		lacks = append(lacks, "/proc")
		if err := emptyMount("/proc"); err != nil {
			return nil, err
		}
	}
	return lacks, nil
}

const noDevices = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV

// ownMount mounts a fresh file system of the calling thread's namespaces. In a user namespace the kernel allows that
// only where the one that is there is seen in full, and where it is read-only, only read-only (mnt_already_visible in
// fs/namespace.c).
func ownMount(kind, at string) error {
	err := unix.Mount(kind, at, kind, noDevices, "")
	if err != nil {
		err = unix.Mount(kind, at, kind, noDevices|unix.MS_RDONLY, "")
	}
	return err
}

// emptyMount puts an empty directory over what is there.
func emptyMount(at string) error {
	if err := unix.Mount("tmpfs", at, "tmpfs", noDevices|unix.MS_RDONLY, "size=4k,mode=555"); err != nil {
		return fmt.Errorf("hide the machine's %s: %w", at, err)
	}
	return nil
}

// emptyResolver puts an empty file over /etc/resolv.conf, if there is one: the machine's servers are not in the lab's
// network, and a program that asks them waits for its answer in vain. The file lives on a file system that has no other
// place, and ends with the mount namespace.
func emptyResolver() error {
	const resolver, place = "/etc/resolv.conf", "/sys" // whatever is at that place: it comes back at once
	if _, err := os.Stat(resolver); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := unix.Mount("tmpfs", place, "tmpfs", noDevices, "size=64k,mode=755"); err != nil {
		return fmt.Errorf("make an empty %s: %w", resolver, err)
	}
	err := os.WriteFile(place+"/resolv.conf", nil, 0o644)
	if err == nil {
		err = unix.Mount(place+"/resolv.conf", resolver, "", unix.MS_BIND, "")
	}
	if err = errors.Join(err, unix.Unmount(place, unix.MNT_DETACH)); err != nil {
		return fmt.Errorf("make an empty %s: %w", resolver, err)
	}
	return nil
}

// ownProc mounts /proc again if it is another PID namespace's, or ps and kill would speak of other processes.
func ownProc() error {
	link, err := os.Readlink("/proc/self")
	if err == nil && link == fmt.Sprint(os.Getpid()) {
		return nil
	}
	return ownMount("proc", "/proc")
}

// PrivateMounts cuts this process's mount namespace off from the machine's and gives it its own /proc, where that is
// allowed. It is for a process that was started in new user, mount and PID namespaces.
func PrivateMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("detach mounts: %w", err)
	}
	_ = ownProc() // this process knows its way in the machine's too; what it starts in nodes does not get to see that
	return nil
}

// ProbeView says what of the machine's a command in a node would not see as its own. The calling thread is not to be
// used afterwards.
func ProbeView() []Finding {
	lacks, err := Isolate(-1, View{})
	if err != nil {
		return []Finding{{What: "files of each node's own", Needed: true, Detail: err.Error(),
			Cure: "run labctl as root, outside any container"}}
	}
	var out []Finding
	for _, at := range []string{"/sys", "/proc"} {
		f := Finding{What: "a " + at + " of each node's own", OK: true}
		for _, l := range lacks {
			if l == at {
				f.OK, f.Detail = false,
					"commands in nodes see an empty one; something is mounted over parts of the machine's, or it is "+
						"read-only"
				f.Cure = "run labctl as root, or outside this container"
			}
		}
		out = append(out, f)
	}
	f := Finding{What: "an /etc/hosts of each lab's own", OK: true}
	if _, err := os.Stat("/etc/hosts"); err != nil {
		f.OK, f.Detail, f.Cure = false,
			"this machine has none that a lab's could stand over, so commands do not know nodes by name",
			"sudo touch /etc/hosts"
	}
	return append(out, f)
}
