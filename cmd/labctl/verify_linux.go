package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// byKernel judges labs in the kernel.
func (v *verifyFlags) byKernel(cmd *cobra.Command, g *globals, args []string) error {
	args, err := g.verifyArgs(args)
	if err != nil {
		return err
	}
	if err := v.check(args); err != nil {
		return err
	}
	all := make([]*verified, len(args))
	slots := make(chan struct{}, max(1, v.jobs))
	var wg sync.WaitGroup
	var printing sync.Mutex
	next := 0
	for i, arg := range args { // before the first of them is read
		all[i] = &verified{arg: arg}
	}
	for i, arg := range args {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			began := time.Now()
			one := &verified{arg: arg}
			one.err = v.one(cmd.Context(), one)
			one.took = time.Since(began)
			printing.Lock()
			defer printing.Unlock()
			*all[i] = *one
			for g.output == "table" && next < len(all) && (all[next].lab != nil || all[next].err != nil) {
				if v.quiet {
					v.printDiffering(cmd.OutOrStdout(), all[next])
				} else {
					v.print(cmd.OutOrStdout(), all[next])
				}
				next++
			}
		})
	}
	wg.Wait()
	return v.finish(cmd, g, all)
}

// check finds what would make the work useless before it is begun.
func (v *verifyFlags) check(args []string) error {
	if v.jobs < 1 {
		return usagef("--jobs %d: at least 1", v.jobs)
	}
	if !v.update {
		return nil
	}
	for _, a := range args {
		if list, _ := instance.All(); slices.Contains(list, a) {
			continue // writeBack says what file it is
		}
		if f, err := findFile(a); err == nil && !filepath.IsAbs(f.identity) {
			return usagef("--update: %s is not a file on disk; \"labctl init --from %s FILE\" makes one of it",
				f.display, strings.TrimSuffix(f.display, ".yaml"))
		}
	}
	return nil
}

// verifyArgs are the labs that are judged: those that are named, else lab.yaml, or, where there is none, the running
// lab.
func (g *globals) verifyArgs(args []string) ([]string, error) {
	list, err := instance.All()
	switch {
	case err != nil:
		return nil, err
	case len(args) > 0 && g.lab != "" && g.labGiven:
		return nil, usagef("which lab? -l %s and %s; name them all as arguments, without -l", g.lab,
			strings.Join(args, " "))
	case len(args) > 0:
		return args, nil
	case g.lab != "" && !slices.Contains(list, g.lab):
		return nil, usagef("no lab %q is running%s; without -l a FILE is judged", g.lab, problem.Suggest(g.lab, list))
	case g.lab != "":
		return []string{g.lab}, nil
	}
	if _, err := os.Stat(defaultFile); err == nil {
		return []string{defaultFile}, nil
	}
	switch list, err := instance.Chosen(); {
	case err != nil:
		return nil, err
	case len(list) == 1:
		return list, nil
	case len(list) > 1:
		return nil, usagef("which lab? %d are running: %s; give one of them, or a FILE; there is no %s here", len(list),
			strings.Join(list, ", "), defaultFile)
	}
	one, err := oneFile(nil)
	return []string{one}, err
}

// fileOf is where a running lab came from, as somebody would give it to verify.
func fileOf(name string) (string, error) {
	m, err := instance.ReadMeta(name)
	if err != nil {
		return "", err
	}
	if name, shipped := strings.CutPrefix(m.File, "shipped:"); shipped {
		return name, nil
	}
	if m.File == "-" {
		return "", usagef("--new: %s came from standard input; give the FILE to bring up", name)
	}
	if path := displayOf(m.File); looksLikePath(path) {
		return path, nil
	}
	return m.File, nil
}

// one verifies one lab. Its error is that it could not be judged; what was judged is in r.
func (v *verifyFlags) one(ctx context.Context, r *verified) error {
	list, err := instance.All()
	if err != nil {
		return err
	}
	from := r.arg
	if slices.Contains(list, r.arg) {
		if !v.n {
			return v.standing(ctx, r)
		}
		if from, err = fileOf(r.arg); err != nil {
			return err
		}
	}
	r.file, r.lab, err = v.load(from)
	if err != nil {
		return err
	}
	waits := slices.ContainsFunc(r.lab.Steps, func(s *labfile.Step) bool { return s.Wait != nil })
	if len(cellsOf(r.lab)) == 0 && !waits && !v.update {
		return usagef("%s: the file expects nothing, so there is nothing to judge; write what you expect under "+
			"\"expect\"", r.file.display)
	}
	if up := instance.FromFile(r.file.identity); !v.n && !v.update && len(r.lab.Steps) == 0 &&
		slices.Contains(up, r.lab.Name) && instance.Alive(r.lab.Name) {
		src, err := instance.Source(r.lab.Name)
		set, serr := instance.ByHand(r.lab.Name)
		switch same := err == nil && serr == nil && string(src) == string(r.lab.Source); {
		case same && len(set) == 0:
			r.arg = r.lab.Name
			v.note("%s is running and is judged as it is; --new judges a new one", r.arg)
			return v.standing(ctx, r)
		case same:
			v.note("%s is running, but not as its file has it (set by hand: %s), so a new one is judged; "+
				"\"labctl verify -l %s\" judges the running one", r.lab.Name, strings.Join(set, ", "), r.lab.Name)
		}
	}
	s, err := start(r.file, r.lab, "", v.allowRun)
	if err != nil {
		return err
	}
	s.Tied, s.Temporary = true, true
	events, done := v.progress(r.lab.Name)
	defer done()
	began := time.Now()
	c, over, err := upUnique(ctx, &s, events)
	defer over()
	up := wire.Span{Part: "bringing the lab up", Seconds: time.Since(began).Seconds()}
	r.name = s.Instance
	if client.Missing(err) && !v.require {
		r.skipped = err.Error()
		return nil
	}
	if err != nil {
		// What a supervisor that was killed has built is taken down as what one has built that lives.
		if instance.Exists(s.Instance) && !instance.Alive(s.Instance) {
			err = errors.Join(err, client.Down(context.WithoutCancel(ctx), s.Instance, true))
		}
		return err
	}
	r.result, err = client.Call(ctx, c, wire.MethodVerify, wire.VerifyParams{All: v.update, Steps: true}, events)
	r.result.Timing = append([]wire.Span{up}, r.result.Timing...)
	if client.Missing(err) && !v.require {
		r.skipped, err = err.Error(), nil
	}
	if v.keep && ctx.Err() == nil && (err != nil || !r.ok()) {
		r.note = fmt.Sprintf("%s is left up as %s: labctl down %s", r.lab.Name, s.Instance, s.Instance)
		return errors.Join(err, c.Keep())
	}
	began = time.Now()
	err = errors.Join(err, client.Down(context.WithoutCancel(ctx), s.Instance, true))
	down := wire.Span{Part: "taking the lab down", Seconds: time.Since(began).Seconds()}
	r.result.Timing = append(r.result.Timing, down)
	return err
}

// upUnique brings a lab up under the first name that nobody has, and says which in s. over is to be called when the lab
// is down.
func upUnique(ctx context.Context, s *client.Start,
	events func(wire.Event)) (c *client.Client, over func(), err error) {
	for {
		s.Instance = uniqueName(s.Lab.Name)
		over = leavingOf(ctx).takesDown(ctx, s.Instance)
		if c, _, err = client.Up(ctx, *s, events); !errors.Is(err, client.ErrTaken) {
			return c, over, err
		}
		over()
	}
}

// uniqueName is an instance name that no other process of this PID namespace chooses now.
func uniqueName(lab string) string {
	id := "-v" + strconv.FormatInt(int64(os.Getpid()), 36) + strconv.FormatInt(int64(instances.next()), 36)
	if len(lab)+len(id) > 40 {
		lab = lab[:40-len(id)]
	}
	return lab + id
}

// counter numbers the instances of this process.
type counter struct {
	mu sync.Mutex
	n  int
}

var instances counter

func (c *counter) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

// writeBack puts the measured words into the file.
func (v *verifyFlags) writeBack(r *verified) error {
	if !filepath.IsAbs(r.file.identity) {
		return usagef("--update: %s is not a file on disk; \"labctl init --from %s FILE\" makes one of it",
			r.file.display, r.lab.Name)
	}
	got := r.measured()
	updated := r.lab.Update(func(c *expect.Cell) (string, bool) {
		m, ok := got[c]
		return m.Got, ok && m.Got != "unknown" && m.Got != ""
	})
	if string(updated) == string(r.lab.Source) {
		v.note("%s is as measured; not changed", r.file.display)
		return nil
	}
	if err := rewrite(r.file.identity, r.lab.Source, updated); err != nil {
		return err
	}
	fmt.Fprintf(terminal.Stderr(), "%s: measured words written; read the difference before you commit it\n",
		r.file.display)
	return nil
}

// progress shows what is under way: on a terminal as everywhere, elsewhere a line for each step of a file.
func (v *verifyFlags) progress(lab string) (events func(wire.Event), done func()) {
	switch {
	case v.quiet:
		return nil, func() {}
	case wipes(os.Stderr):
		return progress()
	}
	return func(e wire.Event) {
		if name, isStep := strings.CutPrefix(e.What, "step: "); isStep && e.Total > 0 {
			fmt.Fprintf(terminal.Stderr(), "%s: step %d/%d: %s\n", lab, e.Done+1, e.Total, problem.Visible(name, false))
		}
	}, func() {}
}
