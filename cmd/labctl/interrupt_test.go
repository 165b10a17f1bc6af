package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestInterruptedVerbs(t *testing.T) {
	never := make(chan int)
	type verb func(ctx context.Context, l *leaving, interrupt func()) int
	late := func(l *leaving) { <-time.After(2 * l.grace) }
	for _, c := range []struct {
		name string
		verb verb
		code int
		said string
	}{
		{"not interrupted", func(context.Context, *leaving, func()) int { return 3 }, 3, ""},
		{"takes notice", func(ctx context.Context, _ *leaving, interrupt func()) int { interrupt(); <-ctx.Done(); return 7 }, 7, ""},
		{"takes none", func(_ context.Context, _ *leaving, interrupt func()) int { interrupt(); return <-never }, 130, "interrupted"},
		{"takes a lab down", func(ctx context.Context, l *leaving, interrupt func()) int {
			defer l.takesDown(ctx, "x")()
			interrupt()
			<-ctx.Done()
			late(l)
			return 5
		}, 5, "interrupted; taking x down"},
		{"has taken it down and goes on", func(ctx context.Context, l *leaving, interrupt func()) int {
			interrupt()
			<-ctx.Done()
			l.takingDown("x")()
			return <-never
		}, 130, "interrupted; taking x down, interrupted"},
		{"twice", func(ctx context.Context, l *leaving, interrupt func()) int {
			l.takingDown("x")
			interrupt()
			<-ctx.Done()
			<-time.After(2 * l.oneWish)
			interrupt()
			return <-never
		}, 130, "interrupted; taking x down, interrupted again"},
		{"twice in one moment", func(ctx context.Context, l *leaving, interrupt func()) int {
			l.takingDown("x")
			interrupt()
			<-time.After(time.Millisecond)
			interrupt()
			<-ctx.Done()
			late(l)
			return 6
		}, 6, "interrupted; taking x down"},
		{"twice in one moment, and then again", func(ctx context.Context, l *leaving, interrupt func()) int {
			l.takingDown("x")
			interrupt()
			<-time.After(time.Millisecond)
			interrupt()
			<-time.After(2 * l.oneWish)
			interrupt()
			return <-never
		}, 130, "interrupted; taking x down, interrupted again"},
		{"of the command's own", func(ctx context.Context, l *leaving, interrupt func()) int {
			l.passOn()
			interrupt()
			<-ctx.Done()
			interrupt()
			late(l)
			return 9
		}, 9, ""},
	} {
		var said []string
		l := &leaving{grace: 200 * time.Millisecond, oneWish: 100 * time.Millisecond, say: func(text string) { said = append(said, text) }}
		signals := make(chan os.Signal, 4)
		code := l.run(func(ctx context.Context) int { return c.verb(ctx, l, func() { signals <- os.Interrupt }) }, signals)
		if got := strings.Join(said, ", "); code != c.code || got != c.said {
			t.Errorf("%s: %d %q, want %d %q", c.name, code, got, c.code, c.said)
		}
	}
	leavingOf(t.Context()).takesDown(t.Context(), "x")() // outside of a verb it does no harm
}

// A verb of files that waits, or computes, ends by the first signal.
func TestPureVerbsEndBySignal(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.yaml")
	if err := os.WriteFile(good, []byte("format: 1\nlab: good\nnodes: {a: {}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		cmd := exec.Command(os.Args[0], "as-labctl", "validate", good, "-")
		in, _ := cmd.StdinPipe()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "ok") {
			t.Fatal(line, err)
		}
		began := time.Now()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		err = cmd.Wait()
		in.Close()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
			t.Errorf("%v: ends with %v", sig, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%v: takes %v", sig, took)
		}
		_, _ = io.Copy(io.Discard, out)
	}
}

// TestMain lets the test binary be labctl.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "as-labctl" {
		os.Exit(run(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func TestInterruptedIsSaidOnce(t *testing.T) {
	for err, want := range map[string]string{
		"context canceled": "interrupted",
		"interrupted":      "interrupted",
		"not ready: b1:b2 is listening: interrupted":          "interrupted: not ready: b1:b2 is listening",
		"lab x: read its counters: context canceled":          "interrupted: lab x: read its counters",
		"programs that the lab did not start still run in it": "interrupted: programs that the lab did not start still run in it",
	} {
		if got := interruptedBy(errors.New(err)); got != want {
			t.Errorf("%s: %q, want %q", err, got, want)
		}
	}
}
