// Package labs holds the labs that labctl ships, one YAML file each.
package labs

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Names lists the shipped labs, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Read returns a shipped lab's file; fs.ErrNotExist if there is none of that name.
func Read(name string) ([]byte, error) { return files.ReadFile(name + ".yaml") }
