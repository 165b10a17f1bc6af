//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// act carries out one action. The name is that of what goes on afterwards, or has been ended; "" if it is over.
func (v *verifier) act(ctx context.Context, a labfile.Action) (name string, err error) {
	switch do := a.What.(type) {
	case *labfile.Flush:
		return "", v.flush(do)
	case *labfile.RunAction:
		if do.Background {
			name = do.Name
		}
		return name, v.runAction(ctx, a.Pos, do)
	case *labfile.Stream:
		return do.Name, v.stream(do)
	case *topology.Send:
		if do.Endless {
			name = do.Name
		}
		return name, v.send(ctx, do)
	case *labfile.Restart:
		return "", v.restart(ctx, do.Nodes)
	case *labfile.Link:
		return "", v.link(ctx, do)
	case *labfile.Stop:
		return do.Name, v.stop(ctx, do)
	case *topology.ARPSpoof:
		return do.Name, v.spoof(do)
	}
	return "", errors.New("no such action")
}

// stream begins to send echo requests.
func (v *verifier) stream(a *labfile.Stream) error {
	s, err := v.prober.Stream(context.Background(), a.Name, a.From, a.To, a.Every)
	if err != nil {
		return err
	}
	v.streams.add(a.Name, &stream{kind: "stream", node: a.From.Node,
		what: fmt.Sprintf("echo requests to %s every %s", a.To.Text, a.Every), stop: s.Stop})
	return nil
}

func (v *verifier) send(ctx context.Context, a *topology.Send) error {
	bg := ctx
	if a.Endless {
		bg = context.Background()
	}
	s, err := v.prober.Send(bg, a)
	if err != nil {
		return err
	}
	if a.Endless {
		v.streams.add(a.Name, &stream{kind: "send", node: a.From.Node,
			what: fmt.Sprintf("a frame of %d bytes every %s", len(s.Frame()), a.Every), stop: s.Stop})
		return nil
	}
	return s.Wait(ctx)
}

// spoof begins to forge ARP replies. The error of a frame that was refused is the interface's: a lab may take it down
// on purpose.
func (v *verifier) spoof(a *topology.ARPSpoof) error {
	s, err := v.prober.Spoof(context.Background(), a)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("tells %s that it is %s, every %s", a.Victim.Text, a.Claims.Text, a.Every)
	if a.Both {
		what = fmt.Sprintf("tells %s that it is %s and %s that it is %s, every %s", a.Victim.Text, a.Claims.Text,
			a.Claims.Text, a.Victim.Text, a.Every)
	}
	v.streams.add(a.Name, &stream{kind: "arp_spoof", node: a.From.Node, what: what,
		stop:  func() { _ = s.Stop(true) },
		leave: func() error { return s.Stop(false) }})
	return nil
}

// flush has nodes forget.
func (v *verifier) flush(a *labfile.Flush) error {
	for _, f := range a.Nodes {
		for _, what := range f.What {
			if err := v.forget(f.Node, what); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) forget(node, what string) error {
	if n := v.current().Node(node); n != nil && n.Switch != nil && what == "fdb" {
		return v.switches.flush(node)
	}
	switch what {
	case "neigh":
		_, err := v.space.Tables().FlushNeighbours(node)
		return err
	case "routes":
		return v.space.Tables().FlushRoutes(node)
	case "fdb":
		return v.space.Tables().FlushFDB(node)
	default:
		return v.space.Tables().FlushConntrack(node)
	}
}

func (v *verifier) runAction(ctx context.Context, at problem.Pos, a *labfile.RunAction) error {
	c := topology.Command{Sh: a.Sh, Background: a.Background, Ready: a.Ready, Pos: at}
	if a.Background {
		p, err := v.commands.begin(ctx, a.Node, a.Name, c)
		if err != nil {
			return err
		}
		return v.commands.awaitAll(ctx, []*process{p})
	}
	err := v.commands.run(ctx, a.Node, c)
	var ce *commandError
	if !errors.As(err, &ce) {
		if err == nil && a.Exit != 0 {
			return fmt.Errorf("%s: %s: exit status 0, wanted %d", a.Node, a.Sh, a.Exit)
		}
		return err
	}
	if ce.status.ExitStatus() == a.Exit {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", a.Node, a.Sh, ce)
}

// stop ends a background action by its name.
func (v *verifier) stop(ctx context.Context, a *labfile.Stop) error {
	s := v.streams.take(a.Name)
	switch {
	case s != nil && s.leave != nil && !a.Silent:
		return s.leave()
	case s != nil:
		s.stop()
		return nil
	}
	for _, p := range v.commands.procs.list() {
		if p.Name == a.Name {
			return v.commands.stop(ctx, p, a.Silent)
		}
	}
	for _, d := range v.commands.deaths() {
		if d.Name == a.Name {
			return fmt.Errorf("%q had ended before: %s", a.Name, d)
		}
	}
	if slices.Contains(v.story.Ended, a.Name) {
		return fmt.Errorf("%q ended when the lab's supervisor was killed or the lab was healed, and was not started "+
			"again", a.Name)
	}
	return fmt.Errorf("nothing called %q is running", a.Name)
}
