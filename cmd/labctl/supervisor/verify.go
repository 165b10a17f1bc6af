//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/reach"
)

// AskParams are questions outside any file.
type AskParams struct {
	Questions []topology.Question `json:"questions"`
	Kept      bool                `json:"kept"`
}

// Answer is one answered question.
type Answer struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail"`
	RTT     int64  `json:"rtt_us"`
}

func ask(ctx context.Context, c *call) (any, error) {
	var p AskParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	since, fulls := c.moment(ctx), c.overflows()
	rs, err := c.prober.Ask(ctx, p.Questions, p.Kept)
	if err != nil {
		return nil, err
	}
	answers := make([]*reach.Result, len(rs))
	for i := range rs {
		answers[i] = &rs[i]
	}
	c.tellWhy(ctx, since, answers)
	if c.overflows() != fulls {
		for _, r := range answers {
			doubt(r)
		}
	}
	out := make([]Answer, len(rs))
	for i, r := range rs {
		out[i] = Answer{r.Question.A, r.Question.B, r.Got, r.Detail, r.RTT.Microseconds()}
	}
	return out, nil
}

// VerifyParams: All also measures cells that are not judged; Steps walks through the file's steps, which changes the lab.
type VerifyParams struct {
	All   bool `json:"all"`
	Steps bool `json:"steps"`
}

// Verdict is one cell, judged. The cells of an expectation come in the file's order.
type Verdict struct {
	Question string `json:"question"`
	Case     string `json:"case,omitempty"`
	Judged   bool   `json:"judged"`
	OK       bool   `json:"ok"`
	Want     string `json:"want"`
	Got      string `json:"got"`
	Detail   string `json:"detail,omitempty"`
	RTT      int64  `json:"rtt_us"`
	Line     int    `json:"line"`
	Col      int    `json:"col"`
}

// TableVerdicts is one table, cell by cell in the order of Table.Cells.
type TableVerdicts struct {
	Kind  string    `json:"kind"`
	Line  int       `json:"line"`
	Cells []Verdict `json:"cells"`
}

// StepVerdicts is the first expectation (Step is "") or a step. Failed says why a step came to no end.
type StepVerdicts struct {
	Step   string          `json:"step,omitempty"`
	Failed string          `json:"failed,omitempty"`
	Wait   []TableVerdicts `json:"wait,omitempty"` // only when it was not met
	Tables []TableVerdicts `json:"tables"`
}

// Verification is what "verify" found.
type Verification struct {
	Steps []StepVerdicts `json:"steps"`
}

func verify(ctx context.Context, c *call) (any, error) {
	var p VerifyParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	v := &verifier{call: c, prober: c.prober}
	c.prober.All = p.All
	defer func() { c.prober.All = false }()
	lab := c.current()
	var out Verification
	if lab.Expect != nil {
		c.event(Event{What: "judging"})
		tables, err := v.judge(ctx, lab.Expect)
		if err != nil {
			return nil, err
		}
		out.Steps = append(out.Steps, StepVerdicts{Tables: inFileOrder(tables)})
	}
	if !p.Steps {
		return out, nil
	}
	v.file = lab
	defer v.stopStreams(nil)
	over := ""
	for i, st := range lab.Steps {
		sv := StepVerdicts{Step: st.Name, Failed: over, Tables: unknowns(st.Expect)}
		if over == "" {
			c.event(Event{What: "step: " + st.Name, Done: i, Total: len(lab.Steps)})
			var err error
			if sv, err = v.step(ctx, st); err != nil {
				return nil, fmt.Errorf("step %q: %w", st.Name, err)
			}
			if sv.Failed != "" {
				over = fmt.Sprintf("not reached: step %q failed", st.Name)
			}
		}
		sv.Tables = inFileOrder(sv.Tables)
		out.Steps = append(out.Steps, sv)
	}
	return out, nil
}

// inFileOrder sorts tables, which were judged in another order, as a reader of the file meets them.
func inFileOrder(ts []TableVerdicts) []TableVerdicts {
	slices.SortStableFunc(ts, func(a, b TableVerdicts) int { return a.Line - b.Line })
	return ts
}

// verifier walks through one lab.
type verifier struct {
	*call
	prober *reach.Prober
	file   *topology.Lab
}

// judge asks an expectation that has no cases.
func (v *verifier) judge(ctx context.Context, e *topology.Expectation) ([]TableVerdicts, error) {
	r, err := v.ask(ctx, e)
	if err != nil {
		return nil, err
	}
	return verdicts(r, nil), nil
}

// ask judges, and says of pings that failed which switch dropped them.
func (v *verifier) ask(ctx context.Context, e *topology.Expectation) (*reach.Report, error) {
	since, fulls := v.moment(ctx), v.overflows()
	r, err := v.prober.Judge(ctx, e)
	if err != nil {
		return nil, err
	}
	v.tellWhy(ctx, since, resultsOf(r))
	if v.overflows() == fulls {
		return r, nil
	}
	for ti := range r.Tables {
		for ci := range r.Tables[ti].Cells {
			if c := &r.Tables[ti].Cells[ci]; doubt(&c.Result) {
				c.OK = !c.Cell.Judged
			}
		}
	}
	return r, nil
}

// overflows counts how often the machine's neighbour table was full. It is one for all namespaces (arp(7), gc_thresh3), so any
// other program may fill it.
func (c *call) overflows() uint64 {
	if c.arpCache == nil {
		return 0
	}
	n, err := kernel.NeighbourOverflows(c.arpCache)
	if err != nil {
		return 0
	}
	return n
}

// doubt takes back an answer that a full neighbour table may have caused: who cannot enter the asker does not answer it.
func doubt(r *reach.Result) bool {
	if r.Got != "no-arp" && r.Got != "silent" && r.Got != "failed" && r.Got != "no" {
		return false
	}
	r.Got, r.Exact = reach.Unknown, nil
	r.Detail = "the machine's neighbour table was full meanwhile (net.ipv4.neigh.default.gc_thresh3), so this may be its doing: " + r.Detail
	return true
}

func verdicts(r *reach.Report, st *topology.Step) []TableVerdicts {
	out := []TableVerdicts{}
	for _, t := range r.Tables {
		tv := TableVerdicts{Kind: t.Table.Kind, Line: t.Table.Pos.Line, Cells: make([]Verdict, len(t.Cells))}
		for i, c := range t.Cells {
			tv.Cells[i] = verdict(c, st)
		}
		out = append(out, tv)
	}
	return out
}

func verdict(c reach.CellReport, st *topology.Step) Verdict {
	v := Verdict{Question: c.Cell.Question.String(), Judged: c.Cell.Judged, OK: c.OK, Want: c.Cell.Want.Text,
		Got: c.Result.Got, Detail: c.Result.Detail, RTT: c.Result.RTT.Microseconds(), Line: c.Cell.Pos.Line, Col: c.Cell.Pos.Col}
	if st != nil && c.Cell.Case >= 0 && c.Cell.Case < len(st.Cases) {
		v.Case = st.Cases[c.Cell.Case].Name
	}
	return v
}

// unknowns are the cells of an expectation that nobody came to ask.
func unknowns(e *topology.Expectation) []TableVerdicts {
	out := []TableVerdicts{}
	if e == nil {
		return out
	}
	for _, t := range e.Tables {
		tv := TableVerdicts{Kind: t.Kind, Line: t.Pos.Line}
		for _, c := range t.Cells {
			tv.Cells = append(tv.Cells, Verdict{Question: c.Question.String(), Judged: c.Judged, OK: !c.Judged, Want: c.Want.Text,
				Got: reach.Unknown, Detail: "not asked", Line: c.Pos.Line, Col: c.Pos.Col})
		}
		out = append(out, tv)
	}
	return out
}

// step goes through one step in the order of the file format: reset and set, do, wait, cases and expect.
func (v *verifier) step(ctx context.Context, st *topology.Step) (StepVerdicts, error) {
	sv := StepVerdicts{Step: st.Name, Tables: []TableVerdicts{}}
	if err := v.shift(ctx, st.Lab); err != nil {
		return sv, err
	}
	over, err := v.prober.Overhear(ctx, st)
	if err != nil {
		return sv, err
	}
	defer over.Close()
	for _, a := range st.Do {
		if err := v.act(ctx, a); err != nil {
			if ctx.Err() != nil {
				return sv, context.Cause(ctx)
			}
			sv.Failed = fmt.Sprintf("line %d: %v", a.Pos.Line, err)
			sv.Tables = unknowns(st.Expect)
			return sv, nil
		}
	}
	if err := over.Settle(ctx); err != nil { // or a wait would see our own listeners
		return sv, err
	}
	if st.Wait != nil {
		missed, err := v.wait(ctx, st)
		if err != nil {
			return sv, err
		}
		if missed != nil {
			sv.Failed, sv.Wait = fmt.Sprintf("what it waits for did not come within %s", st.Timeout), missed
			sv.Tables = unknowns(st.Expect)
			return sv, nil
		}
	}
	if st.Expect == nil {
		return sv, nil
	}
	sv.Tables, err = v.expect(ctx, st)
	return sv, err
}

// shift changes the running lab into another state of the same file.
func (v *verifier) shift(ctx context.Context, to *topology.Lab) error {
	plan, changes := topology.Diff(v.current(), to, v.meta.Instance)
	if len(plan.Ops) > 0 || len(changes) > 0 {
		if err := v.server.apply(ctx, plan, to); err != nil {
			return v.brokenOff(err)
		}
	}
	v.mu.Lock()
	v.lab, v.prober.Lab = to, to
	v.mu.Unlock()
	for _, h := range changes {
		v.happened.add(Happened{Kind: "changed", Node: h.Node, New: h.What, Cause: "step"})
	}
	if len(changes) > 0 {
		if err := v.settle(ctx, to); err != nil {
			return err
		}
	}
	v.switches.mark()
	v.prober.Mark()
	return v.markRules(ctx)
}

// expect judges a step's tables; those of cases column by column, each after its own set, which is then taken back.
func (v *verifier) expect(ctx context.Context, st *topology.Step) ([]TableVerdicts, error) {
	plain, cases := &topology.Expectation{Pos: st.Expect.Pos, Kept: st.Expect.Kept}, []*topology.Table{}
	for _, t := range st.Expect.Tables {
		if t.Kind == "cases" {
			cases = append(cases, t)
		} else {
			plain.Tables = append(plain.Tables, t)
		}
	}
	out, err := v.judge(ctx, plain)
	if err != nil {
		return nil, err
	}
	byCase := map[*topology.Cell]Verdict{}
	for i, cs := range st.Cases {
		column := &topology.Expectation{Kept: st.Expect.Kept}
		for _, t := range cases {
			part := *t
			part.Cells = nil
			for _, c := range t.Cells {
				if c.Case == i {
					part.Cells = append(part.Cells, c)
				}
			}
			column.Tables = append(column.Tables, &part)
		}
		if err := v.shift(ctx, cs.Lab); err != nil {
			return nil, fmt.Errorf("case %s: %w", cs.Name, err)
		}
		r, err := v.ask(ctx, column)
		if err != nil {
			return nil, err
		}
		for _, t := range r.Tables {
			for _, c := range t.Cells {
				byCase[c.Cell] = verdict(c, st)
			}
		}
	}
	if len(st.Cases) > 0 {
		if err := v.shift(ctx, st.Lab); err != nil {
			return nil, err
		}
	}
	for _, t := range cases {
		tv := TableVerdicts{Kind: t.Kind, Line: t.Pos.Line}
		for _, c := range t.Cells {
			tv.Cells = append(tv.Cells, byCase[c])
		}
		out = append(out, tv)
	}
	return out, nil
}

// wait reads until all of it holds; it returns what did not hold when the time was up.
func (v *verifier) wait(ctx context.Context, st *topology.Step) ([]TableVerdicts, error) {
	deadline := time.NewTimer(st.Timeout)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := v.prober.Read(ctx, st.Wait)
		if err != nil {
			return nil, err
		}
		if r.OK() {
			return nil, nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return verdicts(r, st), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// stream is a background action that this process itself carries out.
type stream struct {
	kind, node, what string
	stop             func()
	leave            func() error // instead of stop, when a step ends it and does not say silently; nil: stop
}

// act carries out one action.
func (v *verifier) act(ctx context.Context, a topology.Action) error {
	switch {
	case a.Flush != nil:
		for _, f := range a.Flush.Nodes {
			for _, what := range f.What {
				if err := v.flush(f.Node, what); err != nil {
					return err
				}
			}
		}
		return nil
	case a.Run != nil:
		return v.runAction(ctx, a.Run)
	case a.Stream != nil:
		s, err := v.prober.Stream(context.Background(), a.Stream.Name, a.Stream.From, a.Stream.To, a.Stream.Every)
		if err != nil {
			return err
		}
		v.background(a.Stream.Name, &stream{kind: "stream", node: a.Stream.From.Node, what: fmt.Sprintf("echo requests to %s every %s", a.Stream.To.Text, a.Stream.Every), stop: s.Stop})
		return nil
	case a.Send != nil:
		return v.send(ctx, a.Send)
	case a.Restart != nil:
		return v.restart(ctx, a.Restart)
	case a.Stop != nil:
		return v.stop(a.Stop)
	case a.ARPSpoof != nil:
		return v.spoof(a.ARPSpoof)
	}
	return errors.New("no such action")
}

// background notes an action that runs until it is stopped.
func (v *verifier) background(name string, s *stream) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.streams[name] = s
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
		v.background(a.Name, &stream{kind: "send", node: a.From.Node, what: fmt.Sprintf("a frame of %d bytes every %s", len(s.Frame()), a.Every), stop: s.Stop})
		return nil
	}
	return s.Wait(ctx)
}

// spoof begins to forge ARP replies. The error of a frame that was refused is the interface's: a lab may take it down on purpose.
func (v *verifier) spoof(a *topology.ARPSpoof) error {
	s, err := v.prober.Spoof(context.Background(), a)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("tells %s that it is %s, every %s", a.Victim.Text, a.Claims.Text, a.Every)
	if a.Both {
		what = fmt.Sprintf("tells %s that it is %s and %s that it is %s, every %s", a.Victim.Text, a.Claims.Text, a.Claims.Text, a.Victim.Text, a.Every)
	}
	v.background(a.Name, &stream{kind: "arp_spoof", node: a.From.Node, what: what,
		stop:  func() { _ = s.Stop(true) },
		leave: func() error { return s.Stop(false) }})
	return nil
}

func (v *verifier) flush(node, what string) error {
	if n := v.current().Node(node); n != nil && n.Switch != nil && what == "fdb" {
		return v.switches.flush(node)
	}
	switch what {
	case "neigh":
		_, err := v.space.FlushNeighbours(node)
		return err
	case "routes":
		return v.space.FlushRoutes(node)
	case "fdb":
		return v.space.FlushFDB(node)
	default:
		return v.space.FlushConntrack(node)
	}
}

func (v *verifier) runAction(ctx context.Context, a *topology.RunAction) error {
	err := v.runCommand(ctx, a.Node, topology.Command{Sh: a.Sh, Background: a.Background})
	var ce *commandError
	if !errors.As(err, &ce) {
		if err == nil && !a.Background && a.Exit != 0 {
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
func (v *verifier) stop(a *topology.Stop) error {
	v.mu.Lock()
	s := v.streams[a.Name]
	delete(v.streams, a.Name)
	v.mu.Unlock()
	switch {
	case s != nil && s.leave != nil && !a.Silent:
		return s.leave()
	case s != nil:
		s.stop()
		return nil
	}
	for _, p := range v.procs.list() {
		if v.names(p) == a.Name {
			_ = syscall.Kill(-p.PID, syscall.SIGTERM)
			<-p.done
			return nil
		}
	}
	return fmt.Errorf("nothing called %q is running", a.Name)
}

// names finds the name that a step gave to a background command.
func (v *verifier) names(p *process) string {
	for _, st := range v.file.Steps {
		for _, a := range st.Do {
			if a.Run != nil && a.Run.Background && a.Run.Node == p.Node && strings.HasPrefix(p.What, a.Run.Sh) {
				return a.Run.Name
			}
		}
	}
	return ""
}

// stopStreams ends the background actions of some nodes, of all if gone is nil, at once: their sockets hold the namespaces.
func (s *server) stopStreams(gone map[string]bool) {
	s.mu.Lock()
	var list []*stream
	for name, k := range s.streams {
		if gone == nil || gone[k.node] {
			list = append(list, k)
			delete(s.streams, name)
		}
	}
	s.mu.Unlock()
	for _, k := range list {
		k.stop()
	}
}

// Missing says whether a failure is this kernel's lack of something.
func Missing(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Class == Unsupported || errors.Is(err, kernel.ErrUnsupported)
}
