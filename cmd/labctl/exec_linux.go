package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/innode"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

func execCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec NODE [--] COMMAND [ARG]...",
		Short: "Run a command in a node",
		Long: `Run a command in a node, on this terminal: its exit code, standard input, terminal and signals pass through (127: there
is no such command; 126: it may not be run). The command sees the node's interfaces in /sys and all node names in /etc/hosts; its host
name is the node's, /etc/resolv.conf is empty, /usr/sbin and /sbin are at the end of PATH, and LABCTL_IN_LAB and LABCTL_IN_NODE say where
it is. Where a machine does not allow a /sys or /proc of the node's own, the command sees an empty one, and exec says so once.`,
		Example:           "  labctl exec h1 -- tcpdump -ni eth0\n  labctl exec h1 -- ping -c1 h2",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: completeNodes(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			argv := args[1:]
			if argv[0] == "--" {
				argv = argv[1:]
			}
			if len(argv) == 0 {
				return usagef("which command? labctl exec NODE -- COMMAND")
			}
			return g.enter(cmd, args[0], argv, os.Environ())
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows NODE is the command's, flags too
	return cmd
}

func shellCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "shell NODE",
		Short:             "Open a shell in a node",
		Example:           "  labctl shell h1",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNodes(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			shell := os.Getenv("SHELL")
			if shell == "" {
				shell = "/bin/sh"
			}
			// For shells that have no prompt of their own; others show the host name, which is the node's too.
			prompt := args[0] + "$ "
			if os.Geteuid() == 0 {
				prompt = args[0] + "# "
			}
			return g.enter(cmd, args[0], []string{shell}, append(os.Environ(), "PS1="+prompt))
		},
	}
}

// enter runs a command in a node: as root this process becomes it, otherwise the supervisor runs it for us.
func (g *globals) enter(cmd *cobra.Command, node string, argv, env []string) error {
	leavingOf(cmd.Context()).passOn()
	name, err := g.instance(cmd)
	if err != nil {
		return err
	}
	m, err := instance.ReadMeta(name)
	if err != nil {
		return err
	}
	env = innode.Environment(env, name, node)
	if !m.Named {
		c, err := client.Dial(name)
		if err != nil {
			return err
		}
		code, err := c.Exec(cmd.Context(), node, argv, env)
		if err != nil {
			return err
		}
		return exitStatus(code)
	}
	ns, hosts, err := instance.OpenNode(name, node)
	if errors.Is(err, fs.ErrNotExist) {
		if lab, lerr := instanceLab(name); lerr == nil && lab.Node(node) == nil {
			return wire.UnknownNode(lab.Lab, node)
		}
		return fmt.Errorf("node %s has no namespace %s.%s any more; \"labctl up\" heals the lab", node, name, node)
	}
	if err != nil {
		return err
	}
	for _, e := range env { // where the command is looked for
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			os.Setenv("PATH", path)
		}
	}
	err = kernel.Exec(ns, kernel.View{Name: node, Hosts: hosts}, argv, env,
		func(lacks []string) { innode.TellLacks(hosts, lacks) })
	fmt.Fprintln(terminal.Stderr(), "labctl:", err)
	return exitStatus(innode.CannotRun(err))
}

// instance is the name of the running lab that -l names, or the only one, whether or not its supervisor lives: the
// nodes of a degraded lab can still be entered.
func (g *globals) instance(cmd *cobra.Command) (string, error) {
	if g.lab != "" {
		if _, err := instance.ReadMeta(g.lab); err == nil {
			return g.lab, nil
		}
	} else if list, err := instance.Chosen(); err == nil && len(list) == 1 {
		return list[0], nil
	}
	c, err := g.running(cmd.Context())
	if err != nil {
		return "", err
	}
	return c.Instance, nil
}
