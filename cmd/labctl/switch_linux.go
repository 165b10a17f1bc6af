package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/switchproc"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology/problem"
)

func switchCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "switch",
		Short: "Run a virtual switch on interfaces of this machine, without a lab",
		Long: `Run a virtual switch on Ethernet interfaces that are there already, in this network namespace or another: no lab file, and the
same switch as in labs. Its ports are packet sockets (the capability CAP_NET_RAW is needed, and no other); nothing about the
interfaces is changed, except that they are promiscuous while they are ports.

An interface that is down is refused. So is one that has addresses of this machine or is a port of a bridge, unless --force is given, and
the one that carries the default route, unless --force-default-route is given twice. What guests program into their adapters cannot be
seen from here: on a switch that does not learn, a port's address is what --mac says.`,
		Example: "  labctl switch run vsw --add veth1-vsw --add veth2-vsw\n  labctl switch show vsw",
	}
	cmd.AddCommand(switchRunCommand(), switchAddCommand(), switchDeleteCommand(), switchShowCommand(g),
		switchStopCommand())
	return cmd
}

// forceFlags are how much a user insists.
func forceFlags(cmd *cobra.Command, o *switchproc.NICOptions) {
	cmd.Flags().BoolVar(&o.Addresses, "force", false, "take interfaces that have addresses or are ports of a bridge")
	cmd.Flags().CountVar(&o.DefaultRoute, "force-default-route",
		"given twice: take even the interface of the default route")
}

func switchRunCommand() *cobra.Command {
	var o switchproc.NICOptions
	var preset string
	var add []string
	var detach bool
	var ready int
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a switch until interrupted",
		Long: `Run a switch until interrupted, or until "labctl switch stop". What happens to its ports is told on standard error. With
--detach it goes on in the background, and this command returns when frames are being forwarded.`,
		Example: "  labctl switch run vsw --add veth1-vsw --add veth2-vsw\n  labctl switch run vsw --preset learning " +
			"--detach",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if detach && ready == 0 {
				return runDetached(cmd.Context())
			}
			return runSwitch(cmd.Context(), args[0], preset, add, o, ready)
		},
	}
	cmd.Flags().StringVar(&preset, "preset", "simple_vswitch",
		"what switch it is: "+strings.Join(switchcore.PresetNames(), ", "))
	cmd.Flags().StringArrayVar(&add, "add", nil, "begin with this interface as a port; may be repeated")
	cmd.Flags().BoolVar(&detach, "detach", false, "go on in the background")
	cmd.Flags().IntVar(&ready, "ready-fd", 0, "tell of readiness on this descriptor")
	must(cmd.Flags().MarkHidden("ready-fd"))
	must(cmd.RegisterFlagCompletionFunc("preset",
		cobra.FixedCompletions(switchcore.PresetNames(), cobra.ShellCompDirectiveNoFileComp)))
	forceFlags(cmd, &o)
	return cmd
}

func runSwitch(ctx context.Context, name, preset string, add []string, o switchproc.NICOptions, ready int) error {
	say := func(line string) { fmt.Fprintf(terminal.Stderr(), "%s: %s\n", name, line) }
	start := switchproc.Start{Name: name, Preset: preset, Say: say}
	for _, ifname := range add {
		n, err := openNIC(ifname, o)
		if err != nil {
			for _, n := range start.Ports {
				n.Close()
			}
			return err
		}
		start.Ports = append(start.Ports, n)
	}
	start.Ready = func() error {
		say(fmt.Sprintf("running (%s), %s", preset, problem.Count(len(add), "port")))
		if ready == 0 {
			return nil
		}
		return becomeQuiet(name, os.NewFile(uintptr(ready), "ready"))
	}
	return switchproc.Run(ctx, start)
}

// becomeQuiet turns standard output and error to the switch's log and tells whoever waits that the switch is ready.
func becomeQuiet(name string, ready *os.File) error {
	defer ready.Close()
	log, err := switchproc.Log(name)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, fd := range []int{1, 2} {
		if err := unix.Dup3(int(log.Fd()), fd, 0); err != nil {
			return err
		}
	}
	_, err = ready.WriteString("ready\n")
	return err
}

// runDetached runs this very command line again in a session of its own, and returns when the switch there is ready.
func runDetached(ctx context.Context) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	self := exec.Command("/proc/self/exe", append(slices.Clone(os.Args[1:]), "--ready-fd=3")...)
	instance.InheritNothing()
	self.Stdout, self.Stderr, self.ExtraFiles = os.Stdout, os.Stderr, []*os.File{w}
	self.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = self.Start()
	w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = self.Process.Signal(syscall.SIGTERM) })
	b := make([]byte, 16)
	n, _ := r.Read(b)
	if n > 0 && stop() {
		return self.Process.Release()
	}
	_ = self.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return exitStatus(max(self.ProcessState.ExitCode(), 1)) // it has said why
}

func openNIC(ifname string, o switchproc.NICOptions) (*switchproc.NIC, error) {
	n, err := switchproc.OpenNIC(ifname, o)
	if err != nil {
		return nil, err
	}
	for _, w := range n.Warnings {
		fmt.Fprintln(terminal.Stderr(), "labctl: warning:", w)
	}
	return n, nil
}

func switchAddCommand() *cobra.Command {
	var o switchproc.NICOptions
	cmd := &cobra.Command{
		Use:   "add NAME INTERFACE",
		Short: "Make an interface a port of a running switch",
		Long: `Make an interface a port of a running switch. The interface is looked for in the network namespace in which this command runs
(ip netns exec NS labctl switch add NAME INTERFACE), which need not be the switch's; as long as it is a port, its namespace lives. It is
followed by its number: renamed it stays the port, gone it takes the port with it.`,
		Example:           "  labctl switch add vsw veth3-vsw",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeSwitchNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := openNIC(args[1], o)
			if err != nil {
				return err
			}
			defer n.Close()
			return switchproc.Add(cmd.Context(), args[0], n)
		},
	}
	cmd.Flags().BoolVar(&o.Uplink, "uplink", false, "it leads to the outside")
	cmd.Flags().StringVar(&o.Group, "group", "", "the port group")
	cmd.Flags().StringVar(&o.MAC, "mac", "", "the address of the adapter behind the port")
	forceFlags(cmd, &o)
	return cmd
}

func switchDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME INTERFACE",
		Short:             "Take an interface out of a running switch",
		Example:           "  labctl switch delete vsw veth3-vsw",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeSwitchNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return switchproc.Delete(cmd.Context(), args[0], args[1])
		},
	}
}

func switchStopCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "stop NAME",
		Short: "End a switch, or clear away one that was killed",
		Long: `End a switch and return when nothing of it is left, or clear away one that was killed. One that does not answer ("labctl switch show"), or
has not ended within a minute, is an error that says what it is at (exit code 3); --force kills it.`,
		Example:           "  labctl switch stop vsw",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeSwitchNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return switchproc.Stop(cmd.Context(), args[0], force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "kill a switch that does not answer")
	return cmd
}

func switchShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "show [NAME]",
		Short:             "Show the ports of a switch and the addresses it knows, or all switches",
		Example:           "  labctl switch show\n  labctl switch show vsw",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeSwitchNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				s, err := switchproc.Show(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return g.print(cmd.OutOrStdout(), s, func(w io.Writer) error { return printSwitch(w, s) })
			}
			names, err := switchproc.All()
			if err != nil {
				return err
			}
			list := []wire.SwitchShow{}
			for _, name := range names {
				s, err := switchproc.Show(cmd.Context(), name)
				if err != nil {
					return err
				}
				list = append(list, s)
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error { return printSwitches(w, list) })
		},
	}
}

func printSwitches(w io.Writer, list []wire.SwitchShow) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no switches")
		return err
	}
	var rows [][]string
	for _, s := range list {
		var names []string
		for _, p := range s.Ports {
			names = append(names, p.Port.Port)
		}
		rows = append(rows, []string{s.Name, s.State, s.Preset, strings.Join(names, ",")})
	}
	return columns(w, "SWITCH STATE PRESET PORTS", rows)
}

func printSwitch(w io.Writer, s wire.SwitchShow) error {
	switch {
	case s.State == "dead":
		_, err := fmt.Fprintf(w, "dead: its process was killed; \"labctl switch stop %s\" clears it away\n", s.Name)
		return err
	case len(s.Ports) == 0:
		_, err := fmt.Fprintln(w, "no ports")
		return err
	}
	var rows [][]string
	for _, p := range s.Ports {
		device := ""
		if p.Device != p.Port.Port {
			device = p.Device
		}
		rows = append(rows, []string{p.Port.Port, device, p.Group, p.State, strconv.FormatUint(p.RxFrames, 10),
			strconv.FormatUint(p.TxFrames, 10), dropsOf(p.Port)})
	}
	if err := columns(w, "PORT NOW GROUP STATE RX TX DROPS", rows); err != nil || len(s.Entries) == 0 {
		return err
	}
	rows = nil
	for _, e := range s.Entries {
		rows = append(rows, []string{e.MAC, e.Port, e.How})
	}
	fmt.Fprintln(w)
	return columns(w, "MAC PORT HOW", rows)
}

func completeSwitchNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := switchproc.All()
	return names, cobra.ShellCompDirectiveNoFileComp
}
