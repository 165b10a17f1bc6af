package wire

import (
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	clone := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "c0ffee"},
		{Key: "vcs.time", Value: "2026-05-04T03:02:01Z"}, {Key: "vcs.modified", Value: "true"}}
	for _, c := range []struct {
		name     string
		stamped  Build
		settings []debug.BuildSetting
		want     Build
	}{
		{"sources without git", Build{Version: "1.2.3"}, nil, Build{Version: "1.2.3", Commit: "unknown", Date: "unknown"}},
		{"the go command in a clone", Build{Version: "1.2.3"}, clone,
			Build{Version: "1.2.3", Commit: "c0ffee", Date: "2026-05-04T03:02:01Z", Dirty: true}},
		{"the linker, of another commit", Build{Version: "1.2.3", Commit: "beef", Date: "2026-01-01T00:00:00Z"}, clone,
			Build{Version: "1.2.3", Commit: "beef", Date: "2026-01-01T00:00:00Z"}},
		{"the linker, that knows no commit", Build{Version: "1.2.3", Commit: "unknown", Date: "unknown"}, clone,
			Build{Version: "1.2.3", Commit: "unknown", Date: "unknown"}},
	} {
		if got := completed(c.stamped, c.settings); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
