//go:build linux

package kernel

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNeighbourOverflows(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       uint64
		ok         bool
	}{
		{"two processors", "entries  allocs table_fulls\n00000011 00080c74 000000ac\n00000011 00000001 00000004\n", 0xb0, true},
		{"an old kernel", "entries  allocs\n00000011 00080c74\n", 0, false},
		{"a line cut off", "entries  allocs table_fulls\n00000011\n", 0, false},
		{"no number", "entries table_fulls\n11 zz\n", 0, false},
	} {
		path := filepath.Join(t.TempDir(), "arp_cache")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NeighbourOverflows(f)
		f.Close()
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %d, %v", c.name, got, err)
		}
	}
	if f, err := os.Open("/proc/net/stat/arp_cache"); err == nil {
		defer f.Close()
		if _, err := NeighbourOverflows(f); err != nil {
			t.Errorf("this kernel's own: %v", err)
		}
	}
}
