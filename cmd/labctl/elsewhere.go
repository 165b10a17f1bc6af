package main

import (
	"strings"

	"github.com/spf13/cobra"

	"labctl/topology/problem"
)

// elsewhere are verbs of containerlab, Compose, Mininet and others, by the verb that does the same here.
var elsewhere = map[string][]string{
	"up":       {"deploy", "start", "create", "apply", "build"},
	"down":     {"destroy", "delete", "stop", "remove", "cleanup", "clean"},
	"matrix":   {"pingall"},
	"verify":   {"test", "check"},
	"validate": {"lint"},
	"ls":       {"status", "list"},
	"inspect":  {"dump", "net", "nodes", "links", "show", "info"},
	"shell":    {"xterm", "attach", "console", "ssh", "login"},
	"exec":     {"run"},
	"neigh":    {"arp", "neighbors", "neighbours"},
	"routes":   {"route"},
	"init":     {"new"},
}

// suggestFor lets the verbs of other programs be met with labctl's.
func suggestFor(root *cobra.Command) {
	for _, c := range root.Commands() {
		c.SuggestFor = append(c.SuggestFor, elsewhere[c.Name()]...)
	}
}

// inOneLine is the text of an error. Cobra's suggestions of verbs, which have a line each, are put as all others are.
func inOneLine(err error) string {
	text, near, ok := strings.Cut(err.Error(), "\n\nDid you mean this?\n")
	if !ok {
		return text
	}
	verbs := strings.Fields(near)
	for i, v := range verbs {
		verbs[i] = problem.Quoted(v)
	}
	return text + "; did you mean " + problem.OrList(verbs) + "?"
}
