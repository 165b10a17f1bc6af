//go:build linux

package supervisor

import (
	"slices"
	"testing"
	"time"

	"labctl/cmd/labctl/wire"
)

func TestFramesOfSeveralSourcesComeInOrder(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1000, int64(ms)*1e6) }
	frames := func(ms ...int) (out []wire.CapturedFrame) {
		for _, m := range ms {
			out = append(out, wire.CapturedFrame{Time: at(m)})
		}
		return out
	}
	times := func(list []wire.CapturedFrame) (out []int) {
		for _, f := range list {
			out = append(out, int(f.Time.Sub(at(0)).Milliseconds()))
		}
		return out
	}
	o := &inOrder{span: 200 * time.Millisecond}
	var got []int
	got = append(got, times(o.add(frames(10, 30, 50), at(60), false))...)
	got = append(got, times(o.add(frames(20, 40), at(100), false))...)
	if len(got) != 0 {
		t.Fatalf("%v came before anything earlier was ruled out", got)
	}
	got = append(got, times(o.add(nil, at(240), false))...)
	if want := []int{10, 20, 30}; !slices.Equal(got, want) {
		t.Fatalf("after 240 ms: %v, want %v", got, want)
	}
	got = append(got, times(o.add(frames(45), at(250), true))...)
	if want := []int{10, 20, 30, 40, 45, 50}; !slices.Equal(got, want) {
		t.Errorf("in the end: %v, want %v", got, want)
	}
	if now := (&inOrder{}).add(frames(7), at(7), false); len(now) != 1 {
		t.Errorf("one source waits for nobody, but %v came", times(now))
	}
}
