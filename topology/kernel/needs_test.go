//go:build linux

package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAnExtensionIsWhereIptablesLoadsItFrom(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "libxt_TRAPDOOR.so"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XTABLES_LIBDIR", dir)
	if err := Installed([]string{"sh", "xtables:TRAPDOOR"}); err != nil {
		t.Error(err)
	}
	if err := Installed([]string{"xtables:trapdoor"}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("one that is not there: %v", err)
	}
}
