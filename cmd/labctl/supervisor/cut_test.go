//go:build linux

package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// However many take a lab down at once, and whoever brings it up again meanwhile: what is gone is success.
func TestEveryDownOfALabThatGoesSucceeds(t *testing.T) {
	r := newTrial(t)
	r.gone()
	r.instance = "contested"
	for range 8 {
		if code, out := r.run(false, "up", "after"); code != 0 {
			t.Fatal(out)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if code, out := r.run(false, "down", ""); code != 0 && !strings.Contains(out, "file does not exist") {
					t.Errorf("down: %s", out)
				}
			})
		}
		wg.Go(func() {
			if code, out := r.run(false, "up", "after"); code != 0 && !strings.Contains(out, "down") {
				t.Errorf("up: %s", out)
			}
		})
		wg.Wait()
	}
	r.gone()
}

// The death of a command in the background ends the wait for it, also while the command that asks whether it is ready
// hangs.
func TestADeathEndsTheWaitForReadiness(t *testing.T) {
	r := newTrial(t)
	r.gone()
	r.instance = "hangs"
	file := `format: 1
lab: f
nodes:
  a: {run: [{sh: 'exit 3', background: true, ready: 'sh:sleep 100', timeout: 50s}]}
`
	if err := os.WriteFile(filepath.Join(r.dir, "hangs"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := r.run(false, "up", "hangs")
	if code == 0 || !strings.Contains(out, "exit status 3 before it was ready") {
		t.Errorf("%d: %s", code, out)
	}
	r.gone()
}
