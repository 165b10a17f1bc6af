//go:build linux

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process is a process seen through this machine's /proc.
type Process struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
	Node    string `json:"node"`
	UID     int    `json:"uid"`
	pidns   uint64
}

func (p Process) String() string { return fmt.Sprintf("%s: %s (pid %d)", p.Node, p.Command, p.PID) }

// Self returns this process's PID as /proc counts it (which may be another PID namespace's /proc) and its start time.
func Self() (pid int, start string) {
	link, err := os.Readlink("/proc/self")
	if err != nil {
		return os.Getpid(), ""
	}
	pid, _ = strconv.Atoi(link)
	return pid, StartTime(pid)
}

// StartTime is field 22 of proc_pid_stat(5), which together with the PID names a process for good; "" if it is gone.
func StartTime(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command in field 2 may hold blanks and parentheses, so count from the last one.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 {
		return ""
	}
	return string(f[19])
}

// nsInode reads the number out of a link like net:[4026531840].
func nsInode(path string) uint64 {
	link, err := os.Readlink(path)
	if err != nil {
		return 0
	}
	return nsNumber(link)
}

// nsNumber is the number in such a link.
func nsNumber(link string) uint64 {
	_, num, _ := strings.Cut(strings.TrimSuffix(link, "]"), "[")
	n, _ := strconv.ParseUint(num, 10, 64)
	return n
}

// Processes finds who has a thread in one of the namespaces, by inode, in PID order. Processes that may not be looked
// at (another user's) are not found. nodes maps the inode to the node's name.
func Processes(nodes map[uint64]string) []Process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []Process
	self, _ := Self()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == self {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		node, ok := nodes[nsInode(filepath.Join(dir, "ns/net"))]
		if !ok {
			continue
		}
		p := Process{PID: pid, Node: node, Command: command(dir), pidns: nsInode(filepath.Join(dir, "ns/pid"))}
		if st, err := os.Stat(dir); err == nil {
			p.UID = int(st.Sys().(*syscall.Stat_t).Uid)
		}
		found = append(found, p)
	}
	slices.SortFunc(found, func(a, b Process) int { return a.PID - b.PID })
	return found
}

func command(dir string) string {
	b, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	s := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
	if s == "" {
		b, _ = os.ReadFile(filepath.Join(dir, "comm"))
		s = strings.TrimSpace(string(b))
	}
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return s
}

// Strangers are the processes that are not in the PID namespace of the given process, the supervisor's: somebody
// else's.
func Strangers(ps []Process, supervisor int) []Process {
	own := nsInode(fmt.Sprintf("/proc/%d/ns/pid", supervisor))
	var out []Process
	for _, p := range ps {
		if supervisor == 0 || own == 0 || p.pidns != own {
			out = append(out, p)
		}
	}
	return out
}

// Kill ends a process and returns when it is gone.
func Kill(p Process) error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end %s: %w", p, err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("end %s: %w", p, err)
	}
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10000)
	return err
}

// Stopped reports whether a process is stopped, by a signal (SIGSTOP) or a debugger: it does nothing until somebody
// lets it go on.
func Stopped(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The state follows the command (proc_pid_stat(5)), which may hold blanks and parentheses.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	return len(f) > 0 && (f[0][0] == 'T' || f[0][0] == 't')
}

// KillInside ends, at once, the processes of the calling process's own PID namespace that have a thread in one of the
// namespaces, by inode, and returns how many it found. They may take a moment to be gone.
func KillInside(nodes map[uint64]string) int {
	own, found := nsInode("/proc/self/ns/pid"), 0
	for _, p := range Processes(nodes) {
		if p.pidns != own || own == 0 {
			continue
		}
		if n := innerPID(p.PID); n > 1 {
			found++
			_ = unix.Kill(n, unix.SIGKILL)
		}
	}
	return found
}

// innerPID is the number of a process in its own PID namespace, which is not that of /proc when a supervisor runs as
// root: the last of NSpid in proc_pid_status(5). 0: it is gone.
func innerPID(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if list, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(list)
			n, _ := strconv.Atoi(f[len(f)-1])
			return n
		}
	}
	return 0
}
