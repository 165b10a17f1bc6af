package rules

import (
	"fmt"
	"slices"

	"labctl/topology/problem"
)

// CheckChains refuses commands for chains that nothing makes. The sets are all of a node, and path is the node's.
func CheckChains(sets []*Set, file File, path string) {
	type chain struct{ family, table, name string }
	made := map[chain]bool{}
	known := map[chain][]string{}
	for _, set := range sets {
		for _, l := range set.Lines {
			if l.Args[0] == "-N" {
				made[chain{set.family(), l.Table, l.Args[1]}] = true
				in := chain{set.family(), l.Table, ""}
				known[in] = append(known[in], l.Args[1])
			}
		}
	}
	for _, set := range sets {
		for _, l := range set.Lines {
			name := l.Args[1]
			own := slices.Contains(ownChains(l.Table), name)
			wrong := func(format string, args ...any) {
				file.Add(l.Pos, len(l.Args[0])+1+len(name), pathOf(path, set), fmt.Sprintf(format, args...), false)
			}
			switch l.Args[0] {
			case "-N":
				if own {
					wrong("table %s has a chain %s of its own; give this one another name", l.Table, name)
				}
			case "-P":
				if !own {
					wrong("only %s of table %s have a policy", problem.AndList(ownChains(l.Table)), l.Table)
				}
			default:
				if !own && !made[chain{set.family(), l.Table, name}] {
					wrong("table %s has no chain %s, and no -N makes it%s", l.Table, name,
						file.Near(name, func() []string {
							return append(slices.Clone(ownChains(l.Table)), known[chain{set.family(), l.Table, ""}]...)
						}))
				}
			}
		}
	}
}
