//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/vishvananda/netns"
)

// Exec replaces this process by argv inside a network namespace, set up by [Isolate]. It returns only on failure; errors
// of finding argv[0] wrap exec.ErrNotFound or fs.ErrPermission.
func Exec(ns int, hosts string, argv, env []string) error {
	if err := Isolate(ns, hosts); err != nil {
		return err
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return &os.PathError{Op: "exec", Path: path, Err: unix.Exec(path, argv, env)}
}

// Isolate puts the calling thread, for good, inside a network namespace given as an open descriptor (negative: it is
// there already) and into a mount namespace whose /sys shows that namespace's interfaces, whose /proc is of its own PID
// namespace, and where hosts, a file, stands over /etc/hosts ("" leaves it). What it forks inherits all this.
func Isolate(ns int, hosts string) error {
	runtime.LockOSThread() // never unlocked: the thread is not like the others any more
	if ns >= 0 {
		if err := netns.Set(netns.NsHandle(ns)); err != nil {
			return fmt.Errorf("enter namespace: %w", err)
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("detach mounts: %w", err)
	}
	err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, "")
	if err != nil && !errors.Is(err, unix.EPERM) { // EPERM: a container that hides parts of /sys; commands see the outer one
		return fmt.Errorf("mount /sys: %w", err)
	}
	if err := ownProc(); err != nil {
		return err
	}
	if hosts == "" {
		return nil
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("mount /etc/hosts: %w", err)
	}
	return nil
}

// ownProc mounts /proc anew if it is another PID namespace's, or ps and kill would speak of other processes.
func ownProc() error {
	link, err := os.Readlink("/proc/self")
	if err == nil && link == fmt.Sprint(os.Getpid()) {
		return nil
	}
	err = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, "")
	if err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

// PrivateMounts cuts this process's mount namespace off from the machine's and gives it its own /proc. It is for a process
// that was started in new user, mount and PID namespaces.
func PrivateMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("detach mounts: %w", err)
	}
	return ownProc()
}
