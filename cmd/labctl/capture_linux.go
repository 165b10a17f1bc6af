package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"labctl/cmd/labctl/pcap"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/problem"
)

func captureCommand(g *globals) *cobra.Command {
	k := &captureRun{g: g}
	cmd := &cobra.Command{
		Use:   "capture NODE|NODE:INTERFACE|SWITCH|SWITCH:PORT...",
		Short: "Watch frames at interfaces and at switch ports, with what was decided about each",
		Long: `Watch frames until interrupted: print a line for each, write them as pcapng, or show them in Wireshark.

At a virtual switch they are seen at the points PortInput (from a guest into the switch), PortOutput (to a guest), UplinkRcv and
UplinkSnd (the same at uplinks) and Drop, each with the verdict; in pcapng that is the comment of the frame. At a node's interface
they are seen as the guest itself has them: VnicTx and VnicRx. Several places make one file with one pcapng interface for each.

A capture changes nothing: no filter, no verdict, no counter. The exception has to be asked for: with --promiscuous the interface
of a node asks for all frames, and that is the guest's request to its switch, which the port's policy grants or refuses.

Frames that a guest leaves to its adapter to segment (TSO) are seen whole, up to 64 KB, and with checksums not yet filled in.`,
		Example: `  labctl up mac-changes
  labctl capture vSwitch0 --drops
  labctl capture guest:eth0 vSwitch0:guest -w both.pcapng
  labctl capture vSwitch0 -w - | tshark -r - -T fields -e frame.comment`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNodes(g, 0),
		RunE:              func(cmd *cobra.Command, args []string) error { return k.run(cmd, args) },
	}
	cmd.Flags().BoolVar(&k.params.Drops, "drops", false, "of switches, only the frames that they drop")
	cmd.Flags().BoolVar(&k.params.Promiscuous, "promiscuous", false,
		"make the nodes' interfaces ask for all frames, as a sniffer in the guest does")
	cmd.Flags().StringVarP(&k.file, "write", "w", "", "write pcapng to this file, or to standard output (-)")
	cmd.Flags().BoolVar(&k.wireshark, "wireshark", false, "show the frames in Wireshark")
	cmd.Flags().IntVarP(&k.count, "count", "c", 0, "end after this many frames; 0: only when interrupted")
	cmd.MarkFlagsMutuallyExclusive("write", "wireshark")
	return cmd
}

// captureRun is one run of the verb.
type captureRun struct {
	g         *globals
	params    wire.CaptureParams
	file      string
	wireshark bool
	count     int

	lines io.Writer // where text goes
	out   io.WriteCloser
	pcap  *pcap.File
	seen  int
}

func (k *captureRun) run(cmd *cobra.Command, args []string) error {
	if k.count < 0 {
		return usagef("--count %d: at least 1, or 0 for no limit", k.count)
	}
	if k.file == "-" && term.IsTerminal(int(os.Stdout.Fd())) {
		return usagef("-w -: pcapng is not for a terminal; pipe it into a program, or name a file")
	}
	k.params.What, k.lines = args, cmd.OutOrStdout()
	c, err := k.g.running(cmd.Context())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	shown := func() error { return nil }
	if k.wireshark {
		if shown, err = k.startWireshark(cancel); err != nil {
			return err
		}
	}
	end, err := c.Capture(ctx, k.params, k.begin, k.frames)
	return errors.Join(k.finish(end, err), shown())
}

// begin makes the file, now that there is something to write, and says that the capture goes.
func (k *captureRun) begin(places []wire.CapturePlace) error {
	var names []string
	for _, p := range places {
		names = append(names, p.Name)
	}
	switch {
	case k.out != nil: // Wireshark's
	case k.file == "-":
		k.out = os.Stdout
	case k.file != "":
		f, err := os.Create(k.file)
		if err != nil {
			return usageError{err}
		}
		k.out = f
	}
	if k.out != nil {
		var err error
		if k.pcap, err = pcap.NewFile(k.out, places, time.Now()); err != nil {
			return err
		}
	}
	fmt.Fprintf(terminal.Stderr(), "labctl: capturing at %s\n", strings.Join(names, ", "))
	return nil
}

// frames writes or prints a batch; false: those were enough.
func (k *captureRun) frames(list []wire.CapturedFrame) (more bool, err error) {
	if k.count > 0 {
		list = list[:min(len(list), k.count-k.seen)]
	}
	k.seen += len(list)
	if k.pcap != nil {
		err = k.pcap.Write(list)
		if k.windowClosed(err) {
			return false, nil
		}
	} else {
		err = k.print(list)
	}
	return k.count == 0 || k.seen < k.count, err
}

// windowClosed reports whether nothing could be written because Wireshark was closed, which is how its user ends a
// capture.
func (k *captureRun) windowClosed(err error) bool {
	return k.wireshark && (errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed))
}

func (k *captureRun) print(list []wire.CapturedFrame) error {
	for i := range list {
		var err error
		switch k.g.output {
		case "json":
			err = json.NewEncoder(k.lines).Encode(list[i])
		case "yaml":
			if _, err = io.WriteString(k.lines, "---\n"); err == nil {
				err = printYAML(k.lines, list[i])
			}
		default:
			_, err = fmt.Fprintln(k.lines, pcap.Line(&list[i]))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish completes the file, and tells what was lost.
func (k *captureRun) finish(end wire.CaptureEnd, err error) error {
	if k.pcap != nil {
		if werr := k.pcap.End(time.Now(), end); err == nil && !k.windowClosed(werr) {
			err = werr
		}
	}
	if k.out != nil && k.out != io.WriteCloser(os.Stdout) {
		if cerr := k.out.Close(); err == nil && !errors.Is(cerr, os.ErrClosed) {
			err = cerr
		}
	}
	if err != nil {
		return err
	}
	var lost uint64
	for _, n := range end.Lost {
		lost += n
	}
	fmt.Fprintf(terminal.Stderr(), "labctl: %s captured, %d lost\n", problem.Count(k.seen, "frame"), lost)
	if end.Why != "" {
		return errors.New(end.Why)
	}
	return nil
}

// startWireshark starts it with what is captured as its input. The function returned waits until it is closed; closing
// it ends the capture.
func (k *captureRun) startWireshark(cancel context.CancelCauseFunc) (wait func() error, err error) {
	path, err := exec.LookPath("wireshark")
	if err != nil {
		return nil, &wire.Failure{Class: wire.Unsupported,
			Message: "wireshark is not there: sudo apt-get install wireshark, or capture with -w FILE and look at " +
				"that elsewhere"}
	}
	w := exec.Command(path, "-k", "-i", "-")
	w.Stdout, w.Stderr = os.Stderr, os.Stderr
	if k.out, err = w.StdinPipe(); err != nil {
		return nil, err
	}
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start wireshark: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- w.Wait()
		cancel(errors.New("wireshark was closed"))
	}()
	return func() error {
		_ = k.out.Close()
		err := <-ended
		if err == nil || w.ProcessState.Sys().(syscall.WaitStatus).Signaled() { // Ctrl-C is for both
			return nil
		}
		return fmt.Errorf("wireshark: %w", err)
	}, nil
}
