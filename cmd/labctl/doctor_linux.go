package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/trial"
	"labctl/cmd/labctl/wire"
)

// doctorDoc is what "doctor -o json" prints.
type doctorDoc struct {
	Format int             `json:"format"`
	OK     bool            `json:"ok"`
	Checks []trial.Finding `json:"checks"`
}

func doctorCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine lacks, and the command that cures it",
		Long: `Try what labs are made of, in namespaces of its own that are gone afterwards, and say what is missing and how to cure it.
Exit code 4 if labs cannot be run at all; features that only some labs need are listed and do not count.`,
		Example: "  labctl doctor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := trial.Examine(cmd.Context())
			doc := doctorDoc{1, true, list}
			for _, f := range list {
				doc.OK = doc.OK && (f.OK || !f.Needed)
			}
			err := g.print(cmd.OutOrStdout(), doc, func(w io.Writer) error {
				for _, f := range list {
					mark, style := "ok     ", terminal.Good
					switch {
					case !f.OK && f.Needed:
						mark, style = "MISSING", terminal.Bad
					case !f.OK:
						mark, style = "absent ", terminal.Notice
					}
					line := mark + "  " + f.What
					if f.Detail != "" {
						line += ": " + f.Detail
					}
					terminal.Paint(w, line+"\n", terminal.Rule{Pattern: firstWord, Style: style})
					if !f.OK && f.Cure != "" {
						fmt.Fprintf(w, "         cure: %s\n", f.Cure)
					}
				}
				return nil
			})
			if err == nil && !doc.OK {
				return &wire.Failure{Class: wire.Unsupported,
					Message: "this machine cannot run labs as it is; see above"}
			}
			return err
		},
	}
}
