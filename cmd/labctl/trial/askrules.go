//go:build linux

package trial

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// AskVerb makes this binary load the rules of a lab file, in namespaces of its own, to hear what nft and iptables say.
const AskVerb = "ask-rules"

// askedRules is what the inside of AskRules has found.
type askedRules struct {
	Problems problem.List
	Failed   *wire.Failure
}

// AskRules loads the rules of every node as the file and each of its steps and cases have them, and those that nothing
// loads, in namespaces that are gone afterwards, and returns what nft, iptables and the kernel refuse. The interfaces
// are there by name only. The error is a *Failure of class Unsupported where labs cannot run, or where a program is not
// installed.
func AskRules(ctx context.Context, file string, source []byte) (problem.List, error) {
	named := os.Geteuid() == 0
	lock, err := unix.MemfdCreate("xtables.lock", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := os.NewFile(uintptr(lock), "xtables.lock")
	defer l.Close()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", AskVerb, file)
	cmd.SysProcAttr = instance.Isolation(named)
	cmd.Stdin = bytes.NewReader(source)
	cmd.ExtraFiles = []*os.File{l}
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && !errors.As(err, &exit):
		return nil, instance.CannotStart(err, named)
	case err != nil:
		return nil, fmt.Errorf("ask nft and iptables: %w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	var a askedRules
	if err := wire.ReadLine(bufio.NewReader(bytes.NewReader(out)), &a); err != nil {
		return nil, err
	}
	if a.Failed != nil {
		return a.Problems, a.Failed
	}
	return a.Problems, nil
}

// AskedRules is the inside of AskRules; it prints what it has found and returns an exit status.
func AskedRules(file string) int {
	err := func() error {
		if os.Geteuid() != 0 {
			if err := kernel.PrivateMounts(); err != nil {
				return err
			}
		}
		source, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		lab, problems := labfile.Load(file, source)
		if lab == nil {
			return problems
		}
		builder, err := roomForRules()
		if err != nil {
			return err
		}
		var a askedRules
		a.Problems, err = loadAll(context.Background(), builder, lab)
		if errors.Is(err, kernel.ErrUnsupported) {
			a.Failed, err = wire.Unsupported.Errorf("%v", err), nil
		}
		if err != nil {
			return err
		}
		return wire.WriteLine(os.Stdout, a)
	}()
	if err != nil {
		fmt.Fprintln(terminal.Stderr(), "labctl:", err)
		return 1
	}
	return 0
}

// roomForRules builds namespaces without names, which end with this process.
func roomForRules() (*kernel.Builder, error) {
	fd, err := unix.MemfdCreate("journal", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	journal, err := kernel.OpenJournal(os.NewFile(uintptr(fd), "journal"), "ask", false, nil)
	if err != nil {
		return nil, err
	}
	space, err := kernel.NewSpace("ask", false, journal)
	if err != nil {
		return nil, err
	}
	load := kernel.NewRules(space,
		func(ctx context.Context, node string, argv []string, stdin []byte) ([]byte, []byte, error) {
			var stdout, stderr bytes.Buffer
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
			cmd.ExtraFiles = []*os.File{os.NewFile(3, "xtables.lock")}
			cmd.Env = append(os.Environ(), "LC_ALL=C", "XTABLES_LOCKFILE=/proc/self/fd/3")
			if err := space.Enter(node, cmd.Start); err != nil {
				return nil, nil, err
			}
			err := cmd.Wait()
			return stdout.Bytes(), stderr.Bytes(), err
		})
	return kernel.NewBuilder(space, load), nil
}

// loadAll loads every list of rule sets that the lab comes to have, each once.
func loadAll(ctx context.Context, builder *kernel.Builder, file *labfile.File) (problem.List, error) {
	labs := []*topology.Lab{file.Lab}
	for _, s := range file.Steps {
		labs = append(labs, s.Lab)
		for _, c := range s.Cases {
			labs = append(labs, c.Lab)
		}
	}
	var out problem.List
	seen := map[string]bool{}
	for _, l := range labs {
		for _, n := range l.Nodes {
			for _, sets := range append(byTool(n.Loaded()), byTool(n.Rules)...) {
				key := loadedText(n, sets)
				if seen[key] {
					continue
				}
				seen[key] = true
				p, err := loadOnce(ctx, builder, file, n, sets)
				if err != nil {
					return out, err
				}
				if p != nil && !slices.Contains(out, *p) {
					out = append(out, *p)
				}
			}
		}
	}
	return out, nil
}

// byTool are the sets of each tool, so that a mistake in one hides none of another's; sets of nft do not depend on each
// other at all.
func byTool(sets []*rules.Set) (out [][]*rules.Set) {
	place := map[string]int{}
	for _, set := range sets {
		tool := set.Form
		switch {
		case len(set.Lines) == 0:
			tool = "nft " + set.Name
		case tool == "port_guard":
			tool = "iptables"
		}
		i, ok := place[tool]
		if !ok {
			i = len(out)
			place[tool], out = i, append(out, nil)
		}
		out[i] = append(out[i], set)
	}
	return out
}

// loadedText is the same for two lists of sets of a node that load the same.
func loadedText(n *topology.Node, sets []*rules.Set) string {
	o := plan.SetRules{Node: n.Name, To: sets}
	text, _ := o.NFT()
	var b strings.Builder
	b.WriteString(n.Name + "\n" + text)
	for _, t := range o.Tables() {
		b.WriteString(t.Family + "\n" + t.Text)
	}
	return b.String()
}

// loadOnce loads sets in a namespace of their own. What is refused is a problem of the file.
func loadOnce(ctx context.Context, builder *kernel.Builder, file *labfile.File, n *topology.Node,
	sets []*rules.Set) (*problem.Problem, error) {
	ops := []plan.Op{plan.AddNamespace{Node: n.Name}}
	for _, i := range n.Interfaces { // what kind they are no rule asks
		ops = append(ops, plan.AddBridge{Node: n.Name, Name: i.Name, MTU: 1500,
			Settings: topology.DefaultBridgeSettings()})
	}
	ops = append(ops, plan.SetRules{Node: n.Name, To: sets})
	apply := func(ops ...plan.Op) error {
		return builder.Apply(ctx, &plan.Plan{Lab: file.Name, Instance: "ask", Ops: ops}, kernel.Runner{})
	}
	err := apply(ops...)
	if gone := apply(plan.DelNamespace{Node: n.Name}); err == nil {
		err = gone
	}
	var re *kernel.RuleError
	if errors.As(err, &re) {
		p := re.Problem(file.Path, file.Source)
		return &p, nil
	}
	return nil, err
}
