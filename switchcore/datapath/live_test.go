//go:build linux

package datapath

import (
	"testing"
)

func TestPingThroughASwitch(t *testing.T) {
	guests(t, 2)
	start(t, learning(2), Options{})
	if !ping(t, 1, "10.0.0.2") {
		t.Error("no answer")
	}
	if !ping(t, 2, "10.0.0.1", "-s", "1472", "-M", "do") {
		t.Error("no answer to a frame of full length")
	}
}
