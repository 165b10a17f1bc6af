package topology

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// nftText takes over a text for nft, and finds its tables and the names of its rules.
func (b *build) nftText(n *Node, set *RuleSet, v *yaml.Node, path string) {
	if v.Kind != yaml.ScalarNode {
		return
	}
	lines := b.textLines(v)
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.text + "\n")
	}
	set.Text = text.String()
	if v.Style&yaml.LiteralStyle != 0 && v.Line > 0 {
		set.TextPos = lines[0].pos
	}
}
