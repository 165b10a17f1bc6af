//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// privateHome is where the test's run directories are: root's in the /run of TestMain, others' in one of their own.
func privateHome(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if err := os.Chmod(os.Getenv("XDG_RUNTIME_DIR"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// without ends a test that err keeps from its run directory: root's may not be writable where there is no private /run.
func without(t *testing.T, err error) {
	t.Helper()
	var f *wire.Failure
	if os.Getenv("LABCTL_LIVE") != "1" && errors.As(err, &f) && f.Class == wire.Unsupported {
		t.Skip("no run directory: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stoppedWith starts a process that holds an open file, and stops it.
func stoppedWith(t *testing.T, f *os.File) int {
	t.Helper()
	cmd := exec.Command("sh", "-c", "kill -STOP $$")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); !kernel.Stopped(cmd.Process.Pid); {
		if time.Now().After(end) {
			t.Fatal("it does not stop")
		}
	}
	return cmd.Process.Pid
}

// A process that is stopped before it has a socket holds the lock, and cannot be asked who it is.
func TestWhoIsStoppedBeforeItsSocketIsNamedAndEnded(t *testing.T) {
	privateHome(t)
	r, _, err := take("early", true, nil)
	without(t, err)
	if err := r.writeMeta(Meta{Instance: "early"}, nil); err != nil {
		t.Fatal(err)
	}
	pid := stoppedWith(t, r.f)
	r.release()
	hint := fmt.Sprintf("kill -CONT %d", pid)
	if st, err := StatusOf(t.Context(), "early"); err != nil || st.State != "not answering" || st.PID != pid || !strings.Contains(st.Why, hint) {
		t.Errorf("%+v, %v", st, err)
	}
	if err := Down(t.Context(), "early", false); !errors.Is(err, ErrSilent) || !strings.Contains(err.Error(), hint) {
		t.Errorf("down: %v", err)
	}
	if err := Down(t.Context(), "early", true); err != nil || there("early") {
		t.Errorf("down --force: %v, there: %v", err, there("early"))
	}
}

func TestASwitchIsStoppedByForce(t *testing.T) {
	privateHome(t)
	d, err := takeSwitch("early")
	without(t, err)
	pid := stoppedWith(t, d.f)
	d.close()
	if err := StopSwitch(t.Context(), "early", false); !errors.Is(err, ErrSilent) || !strings.Contains(err.Error(), fmt.Sprintf("kill -CONT %d", pid)) || !strings.Contains(err.Error(), "switch stop --force early") {
		t.Errorf("stop: %v", err)
	}
	if err := StopSwitch(t.Context(), "early", true); err != nil {
		t.Errorf("stop --force: %v", err)
	}
	if list, err := Switches(); err != nil || len(list) > 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}
