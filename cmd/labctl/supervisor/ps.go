//go:build linux

package supervisor

import (
	"context"
	"slices"
	"strings"

	"labctl/cmd/labctl/wire"
)

func ps(_ context.Context, c *call, _ wire.Nothing) ([]wire.Running, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	out := []wire.Running{}
	for name, s := range c.streams.running() {
		out = append(out, wire.Running{Name: name, Kind: s.kind, Node: s.node, What: s.what, State: "running"})
	}
	sessions := c.sessions.list()
	for _, p := range c.commands.procs.list() {
		r := wire.Running{Name: p.Name, Kind: "run", Node: p.Node, What: p.What, PID: p.PID, State: "running"}
		if _, exec := sessions[p]; exec {
			r.Kind = "exec"
		}
		out = append(out, r)
	}
	for _, d := range c.commands.deaths() {
		out = append(out, wire.Running{Name: d.Name, Kind: "run", Node: d.Node, What: d.What, State: d.How,
			Said: d.Output})
	}
	slices.SortFunc(out, func(a, b wire.Running) int {
		return strings.Compare(a.Kind+"\x00"+a.Name+"\x00"+a.Node+a.What, b.Kind+"\x00"+b.Name+"\x00"+b.Node+b.What)
	})
	return out, nil
}
