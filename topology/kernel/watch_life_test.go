package kernel

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology/plan"
)

// Messages that are lost are made up for by reading.
func TestWatchSurvivesAnOverrun(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	w.quiet()
	if err := unix.SetsockoptInt(w.listener.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096); err != nil {
		t.Fatal(err)
	}
	mac := firstMAC
	for i := range 50 {
		mac[5] = byte(i + 10)
		if err := s.change(plan.SetMAC{Node: "g", Name: "eth0", MAC: mac}); err != nil {
			t.Fatal(err)
		}
	}
	w.await("overrun", 7, func(s Seen) bool { return s.MAC == mac })
}

func TestWatchReportsWhatIsAskedFor(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	w.quiet()
	w.calls = 0
	w.Reread(99)
	w.quiet()
	if w.calls != 0 {
		t.Errorf("%d reports, and nothing has changed", w.calls)
	}
	w.Reread(7)
	w.quiet()
	if w.calls != 1 {
		t.Errorf("%d reports of what was to be read again, want 1", w.calls)
	}
	w.Unfollow(7)
	ip(t, "-n t.g link set eth0 address 00:50:56:00:00:36")
	w.quiet()
	if w.calls != 1 {
		t.Error("a port that is not followed was reported")
	}
}

// Without sysfs the kernel is asked by netlink.
func TestWatchWithoutSysfs(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	w.follow(7, guestEnd, portEnd)
	w.quiet()
	f := w.ports[7]
	f.mu.Lock()
	if f.flagsFD < 0 {
		t.Error("sysfs was not used")
	}
	f.closeFlags()
	f.noSysfs = true
	f.mu.Unlock()
	ip(t, "-n t.g link add mv0 link eth0 up type macvlan mode bridge")
	w.want("macvlan", 7, Seen{MAC: firstMAC, Promiscuity: 1, Up: true, Carrier: true})
}

// Ports come and go from other goroutines while one drains.
func TestWatchConcurrently(t *testing.T) {
	s := cable(t)
	w := watch(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := w.Follow(k, guestEnd, portEnd); err != nil {
					t.Error(err)
				}
				if err := w.Quiet(context.Background()); err != nil {
					t.Error(err)
				}
				w.Reread(k)
				w.Unfollow(k)
			}
		})
	}
	done := make(chan error, 1)
	go func() {
		defer close(done)
		for mac := firstMAC; ctx.Err() == nil; mac[5]++ {
			if err := s.change(plan.SetMAC{Node: "g", Name: "eth0", MAC: mac}); err != nil {
				done <- err
			}
		}
	}()
	go func() { wg.Wait(); cancel() }()
	for ctx.Err() == nil {
		w.pause(10 * time.Millisecond)
		w.drain()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWatchLeavesNothingOpen(t *testing.T) {
	s := cable(t)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	round := func() {
		w, err := s.Watch()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := w.Follow(7, guestEnd, portEnd); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Follow(7, guestEnd, portEnd); !errors.Is(err, errWatchClosed) {
			t.Errorf("follows when it is closed: %v", err)
		}
		if err := w.Quiet(context.Background()); !errors.Is(err, errWatchClosed) {
			t.Errorf("waits when it is closed: %v", err)
		}
	}
	round()
	before, goroutines := count(), runtime.NumGoroutine()
	for range 5 {
		round()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
	if after := runtime.NumGoroutine(); after > goroutines+1 {
		t.Errorf("%d goroutines run, %d did", after, goroutines)
	}
}

// What a switch pays for every batch of frames.
func BenchmarkWatchDrainIdle(b *testing.B) {
	s := cable(b)
	w := watch(b, s)
	w.follow(7, guestEnd, portEnd)
	w.quiet()
	b.ReportAllocs()
	for b.Loop() {
		w.drain()
	}
}

// What the net that catches everything costs each second: 24 ports.
func BenchmarkWatchPoll(b *testing.B) {
	s := cable(b)
	w := watch(b, s)
	for k := range 24 {
		w.follow(k, guestEnd, portEnd)
	}
	w.quiet()
	for b.Loop() {
		w.mu.Lock()
		w.wantAllLocked()
		w.mu.Unlock()
		w.round()
	}
}
