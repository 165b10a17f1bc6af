//go:build linux

package supervisor

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOnlyNFTables: iptables is known by what it is a name of, since both kinds are called so.
func TestOnlyNFTables(t *testing.T) {
	dir := t.TempDir()
	for name, of := range map[string]string{"nft": "", "xtables-nft-multi": "", "xtables-legacy-multi": "",
		"iptables": "xtables-nft-multi", "iptables-legacy": "xtables-legacy-multi"} {
		path := filepath.Join(dir, name)
		err := os.WriteFile(path, nil, 0o755)
		if of != "" {
			_ = os.Remove(path)
			err = os.Symlink(of, path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"nft": true, "iptables": true, "iptables-legacy": false, "xtables-legacy-multi": false,
		"gone": false} {
		if got := onlyNFTables(filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
