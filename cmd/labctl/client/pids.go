//go:build linux

package client

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"labctl/cmd/labctl/wire"
)

// Number gives what runs in a lab the process numbers that this process can use. A supervisor knows only those of its
// own PID namespace, where each counts from 1; elsewhere they are nobody's, or somebody else's. One that cannot be told
// becomes 0.
func (c *Client) Number(list []wire.Running) {
	numbers := map[int]int{}
	// A /proc of another PID namespace would tell the numbers of that one.
	if self, err := os.Readlink("/proc/self"); err == nil && self == strconv.Itoa(os.Getpid()) {
		numbers = numbersOf("/proc", c.PID)
	}
	for i := range list {
		list[i].InLab, list[i].PID = list[i].PID, numbers[list[i].PID]
	}
}

// numbersOf are the numbers in proc of the processes in the PID namespace of one of them, by their numbers there. A
// process that may not be looked at is left out.
func numbersOf(proc string, like int) map[int]int {
	out := map[int]int{}
	namespace := func(pid string) string {
		link, _ := os.Readlink(filepath.Join(proc, pid, "ns", "pid")) // pid:[INODE]
		return link
	}
	want := namespace(strconv.Itoa(like))
	entries, err := os.ReadDir(proc)
	if err != nil || want == "" {
		return out
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || namespace(e.Name()) != want {
			continue
		}
		status, err := os.ReadFile(filepath.Join(proc, e.Name(), "status"))
		if err != nil {
			continue
		}
		_, line, _ := strings.Cut(string(status), "\nNSpid:")
		line, _, _ = strings.Cut(line, "\n")
		// The last number is that in the process's own namespace (proc(5)).
		if f := strings.Fields(line); len(f) > 0 {
			if inside, err := strconv.Atoi(f[len(f)-1]); err == nil {
				out[inside] = pid
			}
		}
	}
	return out
}
