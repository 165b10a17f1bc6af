//go:build linux

package kernel

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// Whoever reads goes on while the lab is changed: the sockets that a change needed are not closed under a reader, and a
// node that is gone is told from one that cannot be read.
func TestReadingBesideChanges(t *testing.T) {
	s, _ := newSpace(t)
	lab := load(t, small)
	other := load(t, strings.Replace(small, "mtu: 1400", "mtu: 1300", 1))
	less := load(t, strings.NewReplacer("  b: {ip: 10.0.0.2/24, mtu: 1400}\n", "", "a b --", "a --").Replace(small))
	become := func(old, new *topology.Lab) {
		t.Helper()
		planned, _ := plan.Diff(old, new, "t")
		if err := s.Apply(context.Background(), planned, noCommands); err != nil {
			t.Fatal(err)
		}
	}
	become(&topology.Lab{Name: "t"}, lab)

	reads := map[string]func(node string) error{
		"links":      func(n string) error { _, err := s.Links(n); return err },
		"fdb":        func(n string) error { _, err := s.FDB(n, n); return err },
		"routes":     func(n string) error { _, err := s.Routes(n); return err },
		"neighbours": func(n string) error { _, err := s.Neighbours(n, unix.AF_INET); return err },
		"socket": func(n string) error {
			fd, err := s.Socket(n, unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		},
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for what, read := range reads {
		for _, node := range []string{"s1", "b"} {
			if what == "fdb" && node == "b" {
				continue
			}
			wg.Go(func() {
				for ctx.Err() == nil {
					err := read(node)
					if gone := errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV); err != nil && (node != "b" || !gone) {
						t.Errorf("%s of %s: %v", what, node, err)
						return
					}
				}
			})
		}
	}
	for range 30 {
		become(lab, other)
		become(other, lab)
	}
	for range 6 {
		become(lab, less)
		become(less, lab)
	}
	cancel()
	wg.Wait()
}
