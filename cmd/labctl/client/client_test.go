//go:build linux

package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/runtest"
	"labctl/cmd/labctl/wire"
)

// A supervisor that dies between its greeting and the question, or before its answer, is one that is dead, however the
// connection says so.
func TestAConnectionThatBreaksMeansADeadSupervisor(t *testing.T) {
	runtest.Home(t)
	r, _, err := instance.Take("breaks", true, nil)
	runtest.Without(t, err)
	defer func() { _ = r.Remove() }()
	if err := r.WriteMeta(instance.Meta{Instance: "breaks"}, nil); err != nil {
		t.Fatal(err)
	}
	l, err := instance.Listen(r.Folder, "sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			_ = wire.WriteLine(conn, wire.Hello{Labctl: wire.ProtocolVersion, Version: wire.Version()})
			conn.Close()
		}
	}()
	for range 30 {
		_, err := Call(t.Context(), &Client{Instance: "breaks", PID: os.Getpid()}, wire.MethodApply, wire.ApplyParams{File: "f", Source: make([]byte, 1<<16)}, nil)
		if !errors.Is(err, instance.ErrDead) || strings.Count(err.Error(), "breaks:") != 1 {
			t.Fatalf("%v", err)
		}
	}
}

// A client asks a supervisor of another version what every version answers, and nothing else.
func TestASupervisorOfAnotherVersion(t *testing.T) {
	r := lockedDirectory(t, "other")
	if err := r.WriteMeta(instance.Meta{Instance: "other", File: "-"}, nil); err != nil {
		t.Fatal(err)
	}
	l, err := instance.Listen(r.Folder, "sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var greeting atomic.Value
	go func() {
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, greeting.Load().(string)+"\n")
				var q wire.Request
				if wire.ReadLine(bufio.NewReader(conn), &q) == nil {
					_, _ = io.WriteString(conn, `{"event":{"what":"x","mood":1}}`+"\n")
					_, _ = io.WriteString(conn, `{"result":{"lab":"other","state":"running","moon":"full"},"took":7}`+"\n")
				}
			}()
		}
	}()
	c := &Client{Instance: "other", PID: os.Getpid()}
	for _, version := range []int{0, wire.ProtocolVersion + 1} {
		greeting.Store(fmt.Sprintf(`{"labctl":%d,"version":"9.9","language":"Esperanto"}`, version))
		for _, m := range wire.EveryVersion {
			if err := c.call(t.Context(), m, nil, nil, nil, nil); err != nil {
				t.Errorf("version %d, %s: %v", version, m, err)
			}
		}
		_, captured := c.Capture(t.Context(), wire.CaptureParams{}, nil, nil)
		_, execed := c.startExec(t.Context(), wire.ExecParams{}, 0)
		for what, err := range map[string]error{
			"apply": c.call(t.Context(), "apply", wire.ApplyParams{}, nil, nil, nil), "events": Follow(t.Context(), c, wire.StreamEvents, wire.FollowParams{}, nil),
			"capture": captured, "exec": execed,
		} {
			var f *wire.Failure
			if !errors.As(err, &f) || f.ExitCode() != 2 || !strings.Contains(f.Message, "labctl 9.9") || !strings.Contains(f.Message, "down and up again") {
				t.Errorf("version %d, %s: %v", version, what, err)
			}
		}
	}
	for _, other := range []string{"SSH-2.0-OpenSSH_9.2", `["labctl"]`, ``} {
		greeting.Store(other)
		err := c.call(t.Context(), "status", nil, nil, nil, nil)
		if err == nil || errors.Is(err, instance.ErrDead) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
			t.Errorf("%q greets: %v", other, err)
		}
		if st, err := StatusOf(t.Context(), "other"); err != nil || st.State != "not answering" || st.Why == "" {
			t.Errorf("%q greets: %+v, %v", other, st, err)
		}
	}
}
