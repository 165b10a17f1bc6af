//go:build linux

package switchproc

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/runtest"
)

func TestASwitchIsStoppedByForce(t *testing.T) {
	runtest.Home(t)
	d, err := takeSwitch("early")
	runtest.Without(t, err)
	pid := runtest.StoppedWith(t, d.File)
	d.Close()
	if err := Stop(t.Context(), "early", false); !errors.Is(err, instance.ErrSilent) || !strings.Contains(err.Error(), fmt.Sprintf("kill -CONT %d", pid)) || !strings.Contains(err.Error(), "switch stop --force early") {
		t.Errorf("stop: %v", err)
	}
	if err := Stop(t.Context(), "early", true); err != nil {
		t.Errorf("stop --force: %v", err)
	}
	if list, err := All(); err != nil || len(list) > 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}
