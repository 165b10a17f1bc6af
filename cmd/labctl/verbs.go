package main

import "slices"

// verbGroup is the verbs of one purpose.
type verbGroup struct {
	id, title string
	verbs     []string // in the order in which a newcomer meets them
}

// verbGroups are all verbs, as help lists them.
var verbGroups = []verbGroup{
	{"build", "Build labs", []string{"init", "labs", "up", "ls", "down", "plan"}},
	{"look", "Look into a lab", []string{"inspect", "graph", "exec", "shell", "ps", "neigh", "fdb", "routes", "rules",
		"ports", "drops", "events", "watch", "capture", "explain"}},
	{"change", "Change a lab", []string{"set", "reset", "policy", "port", "link", "send"}},
	{"judge", "Judge a lab", []string{"ping", "matrix", "verify", "step", "validate"}},
	{"tools", "Tools", []string{"doctor", "switch", "schema", "completion", "version", "help"}},
}

// machineVerbs are the verbs that need a Linux kernel.
func machineVerbs() (names []string) {
	others := []string{"completion", "help"}
	for _, make := range fileVerbs {
		others = append(others, make(&globals{}).Name())
	}
	for _, g := range verbGroups {
		for _, v := range g.verbs {
			if !slices.Contains(others, v) {
				names = append(names, v)
			}
		}
	}
	return names
}
