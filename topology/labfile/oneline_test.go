package labfile

import (
	"strings"
	"testing"

	"labctl/topology/problem"
)

// TestMessagesAreOneLine: what a file has for a key or a name cannot move a terminal, nor make lines of its own.
func TestMessagesAreOneLine(t *testing.T) {
	for _, key := range []string{`\e]0;x\a`, `\x9b2J`, `\u202e`, `a\n::error::b`, `\r`} {
		for _, src := range []string{"format: 1\nlab: x\n\"%s\": 1\nnodes: {a: {}}\n", "format: 1\nlab: x\nabout: \"%s\"\nnodes: {a: {\"%s\": 1}}\n",
			"format: 1\nlab: x\nnodes: {\"%s\": {}, b: {rules: {x: {iptables: \"-A FORWARD -j X # %s\"}}}}\nsteps: [{name: \"%s\", note: \"%s\", set: {\"%s\": {}}}]\n"} {
			_, problems := Load("x\x1b.yaml", []byte(strings.ReplaceAll(src, "%s", key)))
			if len(problems) == 0 {
				t.Errorf("%s: nothing is wrong with %q", key, src)
			}
			for _, p := range problems {
				if text := p.Error(); text != problem.Visible(text, false) {
					t.Errorf("%s: %q", key, text)
				}
			}
		}
	}
}
