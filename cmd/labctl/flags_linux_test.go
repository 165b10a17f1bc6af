package main

import (
	"strings"
	"testing"
)

// TestFlagsAreRefusedInPlainWords: no value that cannot be read is answered with what a library says of it.
func TestFlagsAreRefusedInPlainWords(t *testing.T) {
	for line, want := range map[string]string{
		"verify -j x":                    `--jobs "x": want a whole number`,
		"verify -j 99999999999999999999": `--jobs "99999999999999999999": want a whole number`,
		"ping --kept=maybe a b":          `--kept "maybe": want true or false`,
		"send a --dst b --every soon":    `--every "soon": want a time, as 500ms or 2s`,
		"send a --dst b --payload zz":    `--payload "zz": want pairs of hexadecimal digits`,
		"matrix --probe answrs":          `--probe "answrs" is not a probe; there are ping, ping6, `,
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(line))
		err := root.Execute()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "strconv") || strings.Contains(err.Error(), "hex:") {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	t.Setenv("LABCTL_JOBS", "x")
	root := newRoot()
	root.SetArgs([]string{"verify"})
	if err := root.Execute(); err == nil || err.Error() != `LABCTL_JOBS="x": want a whole number` {
		t.Error(err)
	}
}
