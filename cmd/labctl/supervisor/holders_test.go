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

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/runtest"
	"labctl/topology/kernel"
)

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
	runtest.Home(t)
	r, _, err := instance.Take("early", true, nil)
	runtest.Without(t, err)
	if err := r.WriteMeta(instance.Meta{Instance: "early"}, nil); err != nil {
		t.Fatal(err)
	}
	pid := stoppedWith(t, r.File)
	r.Release()
	hint := fmt.Sprintf("kill -CONT %d", pid)
	if st, err := StatusOf(t.Context(), "early"); err != nil || st.State != "not answering" || st.PID != pid || !strings.Contains(st.Why, hint) {
		t.Errorf("%+v, %v", st, err)
	}
	if err := Down(t.Context(), "early", false); !errors.Is(err, instance.ErrSilent) || !strings.Contains(err.Error(), hint) {
		t.Errorf("down: %v", err)
	}
	if err := Down(t.Context(), "early", true); err != nil || instance.Exists("early") {
		t.Errorf("down --force: %v, there: %v", err, instance.Exists("early"))
	}
}

func TestASwitchIsStoppedByForce(t *testing.T) {
	runtest.Home(t)
	d, err := takeSwitch("early")
	runtest.Without(t, err)
	pid := stoppedWith(t, d.File)
	d.Close()
	if err := StopSwitch(t.Context(), "early", false); !errors.Is(err, instance.ErrSilent) || !strings.Contains(err.Error(), fmt.Sprintf("kill -CONT %d", pid)) || !strings.Contains(err.Error(), "switch stop --force early") {
		t.Errorf("stop: %v", err)
	}
	if err := StopSwitch(t.Context(), "early", true); err != nil {
		t.Errorf("stop --force: %v", err)
	}
	if list, err := Switches(); err != nil || len(list) > 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}
