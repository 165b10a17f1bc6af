package problem

import "testing"

func TestCount(t *testing.T) {
	for want, n := range map[string]int{"0 cells": 0, "1 cell": 1, "2 cells": 2} {
		if got := Count(n, "cell"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := Count(3, "entry"); got != "3 entries" {
		t.Error(got)
	}
}
