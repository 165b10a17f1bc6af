//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// procSys is an instance of procfs that is mounted nowhere. Every look-up of a directory below /proc/sys/net goes
// through the entries that all namespaces have under the same name there (fs/proc/proc_sysctl.c, proc_sys_compare):
// with a thousand of them that is most of what a thousand nodes cost. An instance has only those that were looked up in
// it, so a new one is taken after every few.
type procSys struct {
	fd   int // negative: /proc itself
	used int
}

// procTurn is how many namespaces share an instance. Mounting one takes about as long as a dozen look-ups.
const procTurn = 16

// turn returns the descriptor to look below for the next namespace, negative for /proc.
func (p *procSys) turn() int {
	if p.used++; p.used%procTurn != 1 {
		return p.fd
	}
	p.close()
	fs, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return p.fd // an older kernel, or a container that hides parts of /proc
	}
	defer unix.Close(fs)
	if unix.FsconfigCreate(fs) == nil {
		if fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0); err == nil {
			p.fd = fd
		}
	}
	return p.fd
}

func (p *procSys) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

// sysctlDirs holds the directories net/ipv4, net/ipv6, … of one namespace open, so that each is looked up once.
type sysctlDirs struct {
	proc int // see procSys
	fds  map[string]int
}

func (d sysctlDirs) close() {
	for _, fd := range d.fds {
		unix.Close(fd)
	}
}

func (d sysctlDirs) open(dir string) (int, error) {
	if fd, ok := d.fds[dir]; ok {
		return fd, nil
	}
	at, path := d.proc, "sys/"+dir
	if at < 0 {
		at, path = unix.AT_FDCWD, "/proc/"+path
	}
	fd, err := unix.Openat(at, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		d.fds[dir] = fd
	}
	return fd, err
}

// openValue opens a value for writing. It must run on a thread in the namespace; the caller closes it.
func (d sysctlDirs) openValue(key string) (fd int, err error) { return d.openTo(unix.O_WRONLY, key) }

func (d sysctlDirs) openTo(how int, key string) (fd int, err error) {
	cut := strings.IndexByte(key, '/') + 1
	cut += strings.IndexByte(key[cut:], '/')
	dir, err := d.open(key[:cut])
	if err != nil {
		return -1, err
	}
	return unix.Openat(dir, key[cut+1:], how|unix.O_CLOEXEC, 0)
}

// write must run on a thread in the namespace.
func (d sysctlDirs) write(s topology.Sysctl) error {
	fd, err := d.openValue(s.Key)
	if errors.Is(err, unix.ENOENT) {
		if s.Optional() {
			return nil
		}
		return fmt.Errorf("no such value in a network namespace: %w", ErrUnsupported)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(s.Value))
	return err
}

// read is a value, its words with a blank between each. It must run on a thread in the namespace.
func (d sysctlDirs) read(key string) (string, error) {
	fd, err := d.openTo(unix.O_RDONLY, key)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var b [4096]byte
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return strings.Join(strings.Fields(string(b[:n])), " "), nil
}
