package wire

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// release is the version that the sources are, or lead to. A build of a commit with a tag is called as the tag.
const release = "0.1.0-dev"

// What the linker writes into a binary that the Makefile builds (-X, scripts/stamp.sh); nothing else changes them.
var stampedVersion, stampedCommit, stampedDate, stampedDirty string

// unknown is what a build calls a commit that nobody has told it.
const unknown = "unknown"

// Build is which labctl this is. Fields in JSON are never left out.
type Build struct {
	Version  string `json:"version"` // semantic versioning, without a "v"
	Commit   string `json:"commit"`  // in full, or "unknown"
	Dirty    bool   `json:"dirty"`   // built with changes that the commit does not have
	Date     string `json:"date"`    // the commit's, RFC 3339 in UTC, or "unknown"
	Go       string `json:"go"`
	Platform string `json:"platform"` // GOOS/GOARCH
}

// Version is what this binary calls itself.
func Version() string { return cmp.Or(stampedVersion, release) }

// ThisBuild is what the linker or, where it was told nothing, the go command wrote into this binary. The go command
// writes the commit of a clone only, and nothing with -buildvcs=false.
func ThisBuild() Build {
	stamped := Build{Version: Version(), Commit: stampedCommit, Date: stampedDate, Dirty: stampedDirty == "true",
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return completed(stamped, info.Settings)
}

// completed fills in what the linker was not told from the settings of the go command.
func completed(b Build, settings []debug.BuildSetting) Build {
	vcs := map[string]string{}
	for _, s := range settings {
		vcs[s.Key] = s.Value
	}
	if b.Commit == "" { // all three of one source: a dirty tree is dirty beside its own commit
		b.Commit, b.Date, b.Dirty = vcs["vcs.revision"], vcs["vcs.time"], vcs["vcs.modified"] == "true"
	}
	b.Commit, b.Date = cmp.Or(b.Commit, unknown), cmp.Or(b.Date, unknown)
	return b
}
