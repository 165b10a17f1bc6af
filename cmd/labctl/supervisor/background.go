//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
)

// nodeCommand is what is known of a process that is a command of the file and goes on; of others it is empty.
type nodeCommand struct {
	Name    string // of an action of a step
	command *topology.Command
	out     *os.File  // what it writes; closed when it has ended
	said    string    // its last lines, once it has ended
	begun   time.Time // when the shell had begun with it; written by whoever started it, read by who holds writeLock
}

// begin starts a command in the background, and returns when the shell has begun with it.
func (k *commands) begin(ctx context.Context, node, name string, c topology.Command) (*process, error) {
	out, null, err := k.files()
	if err != nil {
		return nil, err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		out.Close()
		return nil, err
	}
	defer r.Close()
	p, err := k.procs.startAs(nodeCommand{Name: name, command: &c, out: out}, node, c.Sh,
		k.shell(node, c.Sh, "--begun"),
		k.environment(node), k.directory, null, out, out, w)
	w.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { r.Close() })()
	_, _ = r.Read(make([]byte, 1)) // nothing comes; the other end is closed by execve(2), or by the end of the process
	p.begun = time.Now()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return p, nil
}

// hasEnded notes that a command in the background has ended, asked by labctl or not. Status 0 is not worth a word: it
// had nothing more to do.
func (k *commands) hasEnded(p *process, asked bool) {
	if p.command == nil {
		return
	}
	p.said = lastLines(p.out)
	p.out.Close()
	if asked || p.status.ExitStatus() == 0 {
		return
	}
	d := wire.Died{Node: p.Node, What: p.What, Name: p.Name, How: howEnded(p.status), Output: p.said,
		Line: p.command.Pos.Line}
	k.mu.Lock()
	k.died = append(k.died, d)
	k.mu.Unlock()
	what := d.Name
	if what == "" {
		what = d.What
	}
	k.log.add(wire.Happened{Kind: "command-died", Node: d.Node, Object: what, New: d.How,
		Cause: d.Output[strings.LastIndexByte(d.Output, '\n')+1:]})
}

// deaths are the commands that have died, in the order of the file; of some nodes only, if any is named.
func (k *commands) deaths(nodes ...string) []wire.Died {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []wire.Died
	for _, d := range k.died {
		if len(nodes) == 0 || slices.Contains(nodes, d.Node) {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b wire.Died) int { return a.Line - b.Line })
	return out
}

// forgetDeaths is for nodes that run their commands again.
func (k *commands) forgetDeaths(nodes map[string]bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.died = slices.DeleteFunc(slices.Clone(k.died), func(d wire.Died) bool { return nodes[d.Node] })
}

// forgetDeath is for a command that is started again.
func (k *commands) forgetDeath(d wire.Died) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.Index(k.died, d); i >= 0 {
		k.died = slices.Delete(slices.Clone(k.died), i, i+1)
	}
}

// proving is how long a command in the background that names nothing to be ready by must have run before it is believed
// to run: a program that is not there, or does not like its options, or finds its port taken, has ended by then.
const proving = time.Second

// proved returns when every command in the background has run for long enough, or has ended.
func (k *commands) proved(ctx context.Context) error {
	for _, p := range k.procs.list() {
		if p.command == nil || p.command.Ready.Kind != "" {
			continue
		}
		timer := time.NewTimer(time.Until(p.begun.Add(proving)))
		select {
		case <-p.done:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		timer.Stop()
	}
	return nil
}

// readyTick is between two looks.
const readyTick = 20 * time.Millisecond

// failed reports whether a command in the background has ended, and not with status 0: one that has may have left a
// daemon behind.
func (p *process) failed() bool { return p.ended() && p.status.ExitStatus() != 0 }

// awaitReady waits until a command in the background is ready. Its death ends the wait, also while the command that
// asks still runs.
func (k *commands) awaitReady(ctx context.Context, p *process) error {
	r := p.command.Ready
	limit, cancel := context.WithDeadline(ctx, p.begun.Add(r.Timeout))
	defer cancel()
	go func() {
		select {
		case <-p.done:
			if p.failed() {
				cancel()
			}
		case <-limit.Done():
		}
	}()
	tick := time.NewTicker(readyTick)
	defer tick.Stop()
	was := ""
	for {
		why := ""
		var err error
		if !p.failed() {
			why, err = k.missing(limit, p.Node, r)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case p.failed():
			return p.notReady(howEnded(p.status) + " before it was ready")
		case err != nil:
			return err
		case why == "":
			return nil
		case limit.Err() != nil:
			if was == "" {
				was = why
			}
			return p.notReady(fmt.Sprintf("not ready within %s: %s", r.Timeout, was))
		}
		was = why
		select {
		case <-tick.C:
		case <-limit.Done():
		}
	}
}

// awaitAll waits until all of them are ready that name something to be ready by.
func (k *commands) awaitAll(ctx context.Context, list []*process) error {
	for _, p := range list {
		if p.command.Ready.Kind == "" {
			continue
		}
		if err := k.awaitReady(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) notReady(why string) error {
	text, said := fmt.Sprintf("%s: %s: %s", p.Node, p.What, why), lastLines(p.out)
	if p.ended() {
		said = p.said
	}
	if said != "" {
		text += "; its last lines:\n" + said
	}
	return errors.New(text)
}

// missing says what is not yet as a command in the background is waited for, or "".
func (k *commands) missing(ctx context.Context, node string, r topology.Ready) (string, error) {
	switch r.Kind {
	case "tcp", "udp":
		ok, err := k.space.Tables().Listens(node, r.Kind, r.Port)
		if err != nil || ok {
			return "", err
		}
		return fmt.Sprintf("nothing listens on %s", r), nil
	case "file":
		path := r.Arg
		if !strings.HasPrefix(path, "/") {
			path = k.directory + "/" + path
		}
		if _, err := os.Stat(path); err != nil {
			return err.Error(), nil
		}
		return "", nil
	}
	err := k.run(ctx, node, topology.Command{Sh: r.Arg})
	var ce *commandError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &ce):
		return fmt.Sprintf("%s: %v", r.Arg, ce), nil
	case ctx.Err() != nil:
		return fmt.Sprintf("%s: has not ended", r.Arg), nil
	}
	return "", err
}

// stop ends a command in the background politely, and after two seconds at once; or at once, if it is to have no last
// word.
func (k *commands) stop(ctx context.Context, p *process, silent bool) error {
	list := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
	if silent {
		list = list[1:]
	}
	for _, sig := range list {
		k.procs.end(p, sig)
		k.procs.end(p, syscall.SIGCONT) // one that is stopped does not hear the other
		timer := time.NewTimer(2 * time.Second)
		select {
		case <-p.done:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
	<-p.done
	return nil
}
