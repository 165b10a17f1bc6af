package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/graph"
	"labctl/topology/problem"
)

// graphOutputs are what -o of graph may be; table, which -o of the other verbs is by default, is text here.
var graphOutputs = []string{"text", "mermaid", "dot", "svg", "json", "yaml"}

func graphCommand(g *globals) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "graph [FILE|LAB]",
		Short: "Draw a lab: nodes inside nodes, cables, addresses, VLANs, policies",
		Long: `Draw a lab as a tree for a terminal, or as Mermaid, DOT (Graphviz) or SVG, with its nodes inside the nodes that hold them, the cables
and the names of their ends, addresses, VLANs, and the settings and policies that differ from the defaults. With json or yaml: the same
for programs. Only svg needs a program, dot of Graphviz.

A FILE needs no privileges and no machine, and is drawn as it is before any step. LAB is running, and is drawn as it is now: after the
steps that it was walked through and with what was set by hand. Without an argument and -l ./lab.yaml is drawn, or, where there is none,
the running lab.`,
		Example: "  labctl graph lab.yaml\n  labctl graph -o mermaid nested\n" +
			"  labctl graph -o svg lab.yaml > lab.svg",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "table" && !slices.Contains(graphOutputs, output) {
				return usagef("--output %q: there are %s", output, problem.OrList(graphOutputs))
			}
			drawn, err := g.graphOf(args)
			if err != nil {
				return err
			}
			return printGraph(cmd.Context(), cmd.OutOrStdout(), drawn, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, mermaid, dot, svg, json or yaml")
	must(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(graphOutputs, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// graphOf draws the lab that is meant.
func (g *globals) graphOf(args []string) (*graph.Graph, error) {
	if len(args) > 0 && g.lab != "" && g.labGiven {
		return nil, usagef("which lab? -l %s and %s; give one of them", g.lab, args[0])
	}
	name := g.lab
	if len(args) > 0 {
		name = args[0]
	} else if name == "" {
		if _, err := os.Stat(defaultFile); err == nil {
			name = defaultFile
		}
	}
	if lab, about, is, err := g.standing(name, len(args) == 0 && g.lab != ""); is || err != nil {
		if err != nil {
			return nil, err
		}
		return graph.New(lab, about), nil
	}
	file, err := oneFile(args)
	if err != nil {
		return nil, err
	}
	_, lab, err := load(file)
	if err != nil {
		return nil, err
	}
	return graph.New(lab.Lab, lab.About), nil
}

// printGraph writes a graph in one of the languages.
func printGraph(ctx context.Context, w io.Writer, drawn *graph.Graph, output string) error {
	text := ""
	switch output {
	case "json", "yaml":
		return (&globals{output: output}).print(w, drawn, nil)
	case "mermaid":
		text = drawn.Mermaid()
		if len(drawn.Cables) > graph.MermaidLinks || len([]rune(text)) > graph.MermaidLetters {
			fmt.Fprintf(terminal.Stderr(), "Mermaid refuses more than %d links or %d characters, unless its maxEdges "+
				"and maxTextSize are set; -o dot and -o svg have no such limits\n", graph.MermaidLinks,
				graph.MermaidLetters)
		}
	case "dot":
		text = drawn.DOT()
	case "svg":
		var err error
		if text, err = svgOf(ctx, drawn.DOT()); err != nil {
			return err
		}
	default:
		text = drawn.Text()
	}
	_, err := io.WriteString(script(w), text)
	return err
}

// svgOf has Graphviz lay out and draw a graph. The library that has it compiled in would make labctl half as large
// again, and its every start a hundredth of a second slower.
func svgOf(ctx context.Context, dot string) (string, error) {
	path, err := exec.LookPath("dot")
	if err != nil {
		return "", wire.Unsupported.Errorf("-o svg needs the program dot, which is not installed here; " +
			"install it (apt-get install graphviz), or take -o mermaid or -o dot, which need nothing")
	}
	cmd := exec.CommandContext(ctx, path, "-Tsvg")
	cmd.Stdin = strings.NewReader(dot)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s -Tsvg: %w: %s", path, err, oneLine(stderr.String()))
	}
	return out.String(), nil
}
