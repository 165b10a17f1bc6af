package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
)

// versionDoc is what "version -o json" prints. Its format is the document's, as in all documents.
type versionDoc struct {
	Format int `json:"format"`
	wire.Build
	LabFormat int `json:"lab_format"`
}

func versionCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what it was built from",
		Long: `Print the version, the commit that it was built from and its date, the version of Go, and the format of lab files that it reads.
"dirty" says that the sources had changes which the commit does not have, "unknown" that there was no clone to ask.`,
		Example: "  labctl version",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return g.printVersion(cmd) },
	}
}

func (g *globals) printVersion(cmd *cobra.Command) error {
	b := wire.ThisBuild()
	return g.print(cmd.OutOrStdout(), versionDoc{1, b, labfile.Format}, func(w io.Writer) error {
		dirty := ""
		if b.Dirty {
			dirty = ", dirty"
		}
		_, err := fmt.Fprintf(w, "labctl %s\ncommit:     %s%s\ndate:       %s\ngo:         %s %s\nlab format: %d\n",
			b.Version, b.Commit, dirty, b.Date, b.Go, b.Platform, labfile.Format)
		return err
	})
}
