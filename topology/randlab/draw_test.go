package randlab

import (
	"testing"

	"labctl/topology/labfile"
)

// Every lab is valid, and what labs may have is in at least a tenth of three hundred.
func TestEveryLabIsValidAndEveryFeatureIsThere(t *testing.T) {
	count := map[string]int{}
	const seeds = 300
	for seed := range uint64(seeds) {
		lab := Draw(seed)
		if again := Draw(seed); again.Text != lab.Text {
			t.Fatalf("seed %d: two labs", seed)
		}
		if _, problems := labfile.Load("seed.yaml", []byte(lab.Text)); problems.Errors() != nil {
			t.Errorf("seed %d: %v\n%s", seed, problems, lab.Text)
		}
		for _, f := range lab.Features {
			count[f]++
		}
	}
	for _, f := range Features() {
		if count[f] < seeds/10 {
			t.Errorf("%d of %d labs have %s", count[f], seeds, f)
		}
	}
}
