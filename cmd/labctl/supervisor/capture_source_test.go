//go:build linux

package supervisor

import (
	"context"
	"io"
	"testing"

	"labctl/cmd/labctl/wire"
)

// some are frames.
var some = make([]wire.CapturedFrame, 4)

func TestWithTag(t *testing.T) {
	for _, c := range []struct{ frame, tag, want string }{
		{"ddddddssssssTTpayload", "VVVV", "ddddddssssssVVVVTTpayload"},
		{"ddddddssssssTTpayload", "", "ddddddssssssTTpayload"},
		{"short", "VVVV", "short"},
	} {
		if have := string(withTag([]byte(c.frame), []byte(c.tag))); have != c.want {
			t.Errorf("%q with %q is %q, want %q", c.frame, c.tag, have, c.want)
		}
	}
}

// listSource gives its frames one by one, then ends as it is told.
type listSource struct {
	list []wire.CapturedFrame
	end  error
}

func (s *listSource) places() []wire.CapturePlace { return nil }
func (s *listSource) lost() uint64                { return 0 }
func (s *listSource) close()                      {}
func (s *listSource) frames(ctx context.Context) ([]wire.CapturedFrame, error) {
	if len(s.list) > 0 {
		f := s.list[:1]
		s.list = s.list[1:]
		return f, nil
	}
	if s.end != nil {
		return nil, s.end
	}
	<-ctx.Done()
	return some[3:], ctx.Err() // what came last
}

func TestPumpEndsWithItsSources(t *testing.T) {
	n := 0
	why := pump(t.Context(), []captureSource{&listSource{list: some[:2]}, &listSource{list: some[:1], end: errSourceEnded}},
		func(f []wire.CapturedFrame) error { n += len(f); return nil })
	if why != errSourceEnded.Error() || n < 2 {
		t.Errorf("ended by %q after %d frames", why, n)
	}
}

func TestPumpKeepsWhatCameBeforeTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	why := pump(ctx, []captureSource{&listSource{list: some[:2]}}, func(f []wire.CapturedFrame) error {
		if n += len(f); n == 2 {
			cancel()
		}
		return nil
	})
	if why != "" || n != 3 {
		t.Errorf("%q, %d frames, want 3", why, n)
	}
}

func TestPumpEndsWhenNobodyListens(t *testing.T) {
	calls := 0
	why := pump(t.Context(), []captureSource{&listSource{list: some}}, func([]wire.CapturedFrame) error { calls++; return io.ErrClosedPipe })
	if why != "" || calls != 1 {
		t.Errorf("%q, asked %d times", why, calls)
	}
}
