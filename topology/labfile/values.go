package labfile

import (
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// The functions of this file read values whose shapes have been checked. A value that was refused reads as def: it has
// been reported, and the lab will not be used.

func boolOf(n *yaml.Node, def bool) bool {
	if n == nil || n.Value != "true" && n.Value != "false" {
		return def
	}
	return n.Value == "true"
}

func intOf(n *yaml.Node, def int) int {
	if n == nil || !problem.Decimal.MatchString(n.Value) {
		return def
	}
	v, _ := strconv.Atoi(n.Value)
	return v
}

func stringOf(n *yaml.Node, def string) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return def
	}
	return n.Value
}

func durationOf(n *yaml.Node, def time.Duration) time.Duration {
	if n == nil || n.Kind != yaml.ScalarNode || durationText(n.Value) != "" {
		return def
	}
	d, _ := time.ParseDuration(n.Value)
	return d
}
