//go:build linux

package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/runtest"
)

// A process that is stopped before it has a socket holds the lock, and cannot be asked who it is.
func TestWhoIsStoppedBeforeItsSocketIsNamedAndEnded(t *testing.T) {
	runtest.Home(t)
	r, _, err := instance.Take("early", true, nil)
	runtest.Without(t, err)
	if err := r.WriteMeta(instance.Meta{Instance: "early"}, nil); err != nil {
		t.Fatal(err)
	}
	pid := runtest.StoppedWith(t, r.File)
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
