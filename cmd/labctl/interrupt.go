package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"labctl/cmd/labctl/terminal"
)

// grace is how long a verb may take to end once it is interrupted, unless it is taking a lab down by then.
const grace = 700 * time.Millisecond

// oneWish is how soon after the first signal another of the same kind says nothing new: timeout(1) signals the command
// that it has started and then its own process group, to which that belongs, and a shell and a terminal that close both
// send SIGHUP.
const oneWish = 500 * time.Millisecond

// endingSignals are those by which a verb is interrupted. A closed terminal, or a dropped connection, says SIGHUP;
// nohup(1) has it ignored, and it stays so.
func endingSignals() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// leaving is what the verb at work still has to do once it is interrupted.
type leaving struct {
	mu   sync.Mutex
	busy int  // labs that are being taken down; each has been said
	deaf bool // signals are for the command that the verb runs
	say  func(text string)

	grace, oneWish time.Duration // see the constants
}

type leavingKey struct{}

// leavingOf is the one of the verb at work; never nil.
func leavingOf(ctx context.Context) *leaving {
	if l, ok := ctx.Value(leavingKey{}).(*leaving); ok {
		return l
	}
	return &leaving{say: func(string) {}}
}

// passOn leaves signals to the command that the verb runs.
func (l *leaving) passOn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = true
}

// takingDown says that an interrupted verb takes a lab down, and lets it have the time that this takes. done is called
// when it is down.
func (l *leaving) takingDown(instance string) (done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy++
	l.say("interrupted; taking " + instance + " down")
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.busy--
	})
}

// takesDown is takingDown from the moment at which the verb is interrupted, if it is before over is called.
func (l *leaving) takesDown(ctx context.Context, instance string) (over func()) {
	down := make(chan func(), 1)
	stop := context.AfterFunc(ctx, func() { down <- l.takingDown(instance) })
	return func() {
		if !stop() {
			(<-down)()
		}
	}
}

func (l *leaving) state() (busy, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy > 0, l.deaf
}

// exitInterrupted is the exit code of a verb that was interrupted.
const exitInterrupted = 130

// run runs a verb and returns its exit code. The first signal cancels its context; a verb that takes no notice of that,
// because it computes or waits for something that does not come, is left behind when the time of grace is over. A
// second signal ends it at once, unless it is the first one said twice: what it was taking down, its supervisor goes on
// with.
func (l *leaving) run(verb func(ctx context.Context) int, signals <-chan os.Signal) int {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), leavingKey{}, l))
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- verb(ctx) }()
	var late <-chan time.Time
	var first os.Signal
	var began time.Time
	for {
		select {
		case code := <-done:
			return code
		case got := <-signals:
			again := ctx.Err() != nil
			cancel()
			if !again {
				first, began = got, time.Now()
			}
			if _, deaf := l.state(); deaf || again && got == first && time.Since(began) < l.oneWish {
				continue
			}
			if again {
				l.say("interrupted again")
				return exitInterrupted
			}
			late = time.After(l.grace)
		case <-late:
			if busy, _ := l.state(); !busy {
				l.say("interrupted")
				return exitInterrupted
			}
		}
	}
}

// interruptedBy is what an interrupted verb says at its end: what it was about, without saying "interrupted" twice.
func interruptedBy(err error) string {
	about := ": " + err.Error()
	for _, end := range []string{context.Canceled.Error(), "interrupted"} {
		about = strings.TrimSuffix(about, ": "+end)
	}
	return "interrupted" + about
}

func sayOnTerminal(text string) { fmt.Fprintln(terminal.Stderr(), "labctl:", text) }
