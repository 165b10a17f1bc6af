//go:build !linux

package main

import (
	"context"
	"errors"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"labctl/topology"
	"labctl/topology/problem"
)

func main() { os.Exit(run(os.Args[1:])) }

// machineCommands are the verbs that need a Linux kernel. Elsewhere they say so; lab files can be written and checked
// anywhere.
func machineCommands() []func(*globals) *cobra.Command {
	var out []func(*globals) *cobra.Command
	for _, name := range machineVerbs() {
		out = append(out, func(*globals) *cobra.Command {
			return &cobra.Command{
				Use: name, Short: "Needs Linux", DisableFlagParsing: true,
				RunE: func(*cobra.Command, []string) error {
					return unsupported{errors.New("labctl " + name + " needs a Linux kernel, and this is " +
						runtime.GOOS + "; run it in a Linux machine or VM")}
				},
			}
		})
	}
	return out
}

// unsupported is "this machine cannot do it".
type unsupported struct{ error }

func (unsupported) ExitCode() int { return exitUnsupported }

func completeLabs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// askRules needs a kernel that has rules.
func askRules(context.Context, *labFile) (problem.List, error) {
	return nil, unsupported{errors.New("labctl validate --kernel needs a Linux kernel, and this is " + runtime.GOOS +
		"; run it in a Linux machine or VM")}
}

// differences needs a running lab.
func (g *globals) differences(*cobra.Command) error {
	return unsupported{errors.New("labctl plan -l needs a Linux kernel, and this is " + runtime.GOOS +
		"; run it in a Linux machine or VM")}
}

// standing needs a running lab, and there is none.
func (g *globals) standing(_ string, must bool) (lab *topology.Lab, about string, is bool, err error) {
	if must {
		err = unsupported{errors.New("labctl graph -l needs a Linux kernel, and this is " + runtime.GOOS +
			"; run it in a Linux machine or VM")}
	}
	return nil, "", false, err
}

// isRunning reports whether a lab of that name is up: none is where no lab can be.
func isRunning(string) bool { return false }
