//go:build linux

package kernel

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
)

// NeighbourLimit is gc_thresh3, or -1 where it cannot be seen: only the machine's own namespace shows it.
func NeighbourLimit() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return -1
	}
	return n
}

// NeighbourEntries reads the size of the machine's whole ARP table from an open /proc/net/stat/arp_cache: the first
// column, in hex.
func NeighbourEntries(f *os.File) (int, error) {
	b := make([]byte, 4096)
	n, err := f.ReadAt(b, 0)
	if n == 0 && err != nil {
		return 0, err
	}
	lines := strings.Split(string(b[:n]), "\n")
	if len(lines) < 2 || len(strings.Fields(lines[1])) == 0 {
		return 0, errors.New("no entries column")
	}
	v, err := strconv.ParseInt(strings.Fields(lines[1])[0], 16, 64)
	return int(v), err
}

// NeighbourOverflows reads from the same file how often the machine's ARP table was full, on all processors together.
// It counts since the machine was started.
func NeighbourOverflows(f *os.File) (uint64, error) {
	b := make([]byte, 64<<10)
	n, err := f.ReadAt(b, 0)
	if n == 0 && err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(b[:n])), "\n")
	column := slices.Index(strings.Fields(lines[0]), "table_fulls")
	if column < 0 {
		return 0, errors.New("no table_fulls column")
	}
	var sum uint64
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		if column >= len(words) {
			return 0, errors.New("a line without its table_fulls")
		}
		v, err := strconv.ParseUint(words[column], 16, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}
