package main

import (
	"fmt"
	"os"
	"strings"

	"labctl/cmd/labctl/terminal"
	"labctl/topology/problem"
)

// annotating says whether a GitHub workflow reads along (docs.github.com, workflow commands).
func annotating() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }

// annotation prints one workflow command on standard error, where the runner looks too.
func annotation(level, file string, line, col int, message string) {
	esc := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	prop := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(terminal.Stderr(), "::%s file=%s,line=%d,col=%d::%s\n", level, prop.Replace(file), max(1, line),
		max(1, col), esc.Replace(message))
}

func annotateProblems(ps problem.List) {
	if !annotating() {
		return
	}
	for _, p := range ps {
		level := "error"
		if p.Warning {
			level = "warning"
		}
		annotation(level, p.File, p.Line, p.Col, strings.TrimPrefix(p.Path+": "+p.Message, ": "))
	}
}
