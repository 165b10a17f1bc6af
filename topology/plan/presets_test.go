package plan

import (
	"testing"

	"labctl/switchcore"
)

// What a configuration says and what is told of it must not come apart: every preset can be told.
func TestEveryPresetIsAProfile(t *testing.T) {
	for _, name := range switchcore.PresetNames() {
		lab := mustLoad(t, "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, profile: "+name+"}\n  a: {}\nlinks: [a -- vs]\n")
		n := lab.Node("vs")
		if platform(n) != name || len(SwitchChanges(n, n)) != 0 {
			t.Errorf("%s is told as %s", name, platform(n))
		}
	}
}
