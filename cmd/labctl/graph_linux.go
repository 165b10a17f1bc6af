package main

import (
	"slices"
	"strings"

	"labctl/cmd/labctl/instance"
	"labctl/topology"
	"labctl/topology/problem"
)

// standing is the lab of a name as it is now, if it is running; "" is the only one. must says that nothing else can be
// meant.
func (g *globals) standing(name string, must bool) (lab *topology.Lab, about string, is bool, err error) {
	list, err := instance.All()
	switch {
	case err != nil && (must || name == ""):
		return nil, "", false, err
	case name == "":
		if list, err = instance.Chosen(); err != nil || len(list) == 0 {
			return nil, "", false, err
		}
		if len(list) > 1 {
			return nil, "", false, usagef("which lab? %d are running: %s; give one of them, or a FILE; there is no %s "+
				"here", len(list), strings.Join(list, ", "), defaultFile)
		}
		name = list[0]
	case must && !slices.Contains(list, name):
		return nil, "", false, usagef("no lab %q is running%s; without -l a FILE is drawn", name,
			problem.Suggest(name, list))
	case looksLikePath(name) || !slices.Contains(list, name):
		return nil, "", false, nil
	}
	file, lab, err := instance.Standing(name)
	if err != nil {
		return nil, "", false, err
	}
	return lab, file.About, true, nil
}
