package main

import (
	"context"

	"labctl/cmd/labctl/trial"
	"labctl/topology/problem"
)

// askRules asks nft and iptables what they say of a file's rules.
func askRules(ctx context.Context, f *labFile) (problem.List, error) {
	return trial.AskRules(ctx, f.display, f.source)
}
