package main

import (
	"os"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/innode"
	"labctl/cmd/labctl/supervisor"
	"labctl/cmd/labctl/trial"
)

func main() {
	// Verbs that no person types: this binary is also its own supervisor, and the first process of a command in a node.
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case client.ProcessVerb:
			os.Exit(supervisor.Serve(os.Args[2]))
		case innode.Verb:
			os.Exit(innode.Main(os.Args[2:]))
		case trial.ExamineVerb:
			os.Exit(trial.ExamineKernel())
		case trial.AskVerb:
			os.Exit(trial.AskedRules(os.Args[2]))
		}
	}
	os.Exit(run(os.Args[1:]))
}
