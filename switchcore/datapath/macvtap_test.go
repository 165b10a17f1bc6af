//go:build linux

package datapath

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// macvtap opens the device of a macvtap interface of this namespace. The machine's /dev need not have it, and /sys is
// that of the machine's namespace. -1: this user may not, as was shown.
func macvtap(t *testing.T, name string) int {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("sysfs", dir, "sysfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	index, err := os.ReadFile(dir + "/class/net/" + name + "/ifindex")
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := os.ReadFile(dir + "/class/net/" + name + "/tap" + strings.TrimSpace(string(index)) + "/dev")
	if err != nil {
		t.Fatal(err)
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(numbers), "%d:%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	file := "/run/" + name // a file system of this test's own
	err = unix.Mknod(file, unix.S_IFCHR|0o600, int(unix.Mkdev(major, minor)))
	if errors.Is(err, unix.EPERM) && !ownsTheMachine(t) {
		t.Log("a user namespace may make no device files (mknod(2)); root runs the rest")
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(file)
	fd, err := unix.Open(file, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// A macvtap on an adapter is a port too: long segments and open checksums pass both ways, and tags.
func TestAMacvtapIsAPort(t *testing.T) {
	guests(t, 2)
	ip(t, "link add link p2 name mv2 type macvtap mode passthru") // every kernel that labctl runs on must have it
	ip(t, "link set mv2 up")
	if fd := macvtap(t, "mv2"); fd >= 0 {
		joined(t, fd, 2, "e0")
	}
}
