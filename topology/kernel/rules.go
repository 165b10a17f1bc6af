//go:build linux

package kernel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"labctl/topology/plan"
	"labctl/topology/rules"
)

// Rules loads packet filter rules into nodes and reads what they have counted, by the programs that do so.
type Rules struct {
	space *Space
	tools tools
}

// NewRules is for the nodes of a space. run may be nil where there are no rules.
func NewRules(s *Space, run Tool) *Rules { return &Rules{space: s, tools: tools{run: run}} }

// set makes a node's rules those of o.To, or leaves everything as it was.
func (r *Rules) set(ctx context.Context, o plan.SetRules) error {
	n, err := r.space.of(o.Node)
	if err != nil {
		return err
	}
	parts := ruleParts(o)
	back, err := bridgeCalls(n, o.Sysctls)
	if err != nil {
		return err
	}
	undo := []func() error{back}
	for _, p := range parts {
		back, err := r.loadPart(ctx, n, o, p)
		if back != nil {
			undo = append(undo, back)
		}
		if err == nil {
			continue
		}
		for _, u := range slices.Backward(undo) {
			if uerr := u(); uerr != nil {
				err = fmt.Errorf("%w; and what was loaded before could not be brought back: %w", err, uerr)
			}
		}
		return err
	}
	for _, p := range parts {
		r.deleteTables(ctx, o.Node, p.tool,
			slices.DeleteFunc(slices.Clone(p.tables), func(t string) bool { return usesTable(o.To, p.tool, t) }))
	}
	return nil
}

// try lets a tool read its input without doing anything: most mistakes are found so.
func (r *Rules) try(ctx context.Context, node string, p rulePart) error {
	name, args := p.tool+"-restore", []string{"--test"}
	if p.tool == "nft" {
		name, args = "nft", []string{"-c", "-f", "-"}
	}
	_, text, err := r.tools.call(ctx, node, p.text, name, args...)
	return ruleFailure(ctx, node, p, text, err)
}

// loadPart carries out one part. Port guards need no program nft.
func (r *Rules) loadPart(ctx context.Context, n *namespace, o plan.SetRules,
	p rulePart) (back func() error, err error) {
	if p.tool == "nft" && r.tools.guardsWithoutNFT(o.From, o.To) {
		return nil, loadGuards(n, o)
	}
	return r.load(ctx, o.Node, p)
}

// load carries out one part. back, if not nil, undoes it, counters included.
func (r *Rules) load(ctx context.Context, node string, p rulePart) (back func() error, err error) {
	if p.tool == "nft" {
		_, text, err := r.tools.call(ctx, node, p.text, "nft", "-f", "-")
		return nil, ruleFailure(ctx, node, p, text, err) // one transaction, and the last of all parts
	}
	before, text, err := r.tools.call(ctx, node, "", p.tool+"-save", "-c")
	if err != nil {
		return nil, ruleFailure(ctx, node, p, text, err)
	}
	back = func() error {
		ctx := context.WithoutCancel(ctx) // half a change helps nobody
		kept, rest := savedTables(before, p.tables)
		_, text, err := r.tools.call(ctx, node, kept+emptyTables(p, rest), p.tool+"-restore", "--counters")
		if err != nil {
			return fmt.Errorf("%s: %s-restore: %s: %w", node, p.tool, toolWords(text), err)
		}
		r.deleteTables(ctx, node, p.tool, rest)
		return nil
	}
	_, text, err = r.tools.call(ctx, node, p.text, p.tool+"-restore")
	return back, ruleFailure(ctx, node, p, text, err)
}

// emptyTables is what iptables-restore reads to empty tables of a part.
func emptyTables(p rulePart, tables []string) string {
	var lines []rules.Line
	for _, t := range tables {
		lines = append(lines, rules.Line{Table: t, Args: []string{"-N", "none"}})
	}
	var b strings.Builder
	for _, t := range (plan.SetRules{From: []*rules.Set{{Form: p.tool, Lines: lines}}}).Tables() {
		b.WriteString(t.Text)
	}
	return b.String()
}

// savedTables takes the text of some tables out of what iptables-save printed, and says which of them are not in it.
func savedTables(saved string, tables []string) (text string, rest []string) {
	var b strings.Builder
	rest = slices.Clone(tables)
	in := false
	for line := range strings.Lines(saved) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "*"); ok {
			in = slices.Contains(tables, name)
			rest = slices.DeleteFunc(rest, func(t string) bool { return t == name })
		}
		if in {
			b.WriteString(line)
		}
		in = in && strings.TrimSpace(line) != "COMMIT"
	}
	return b.String(), rest
}

// deleteTables removes emptyTables tables where iptables keeps them in nftables. Where it does not, or without nft, an
// empty one stays and lets everything pass as none would.
func (r *Rules) deleteTables(ctx context.Context, node, tool string, tables []string) {
	family := map[string]string{"iptables": "ip", "ip6tables": "ip6"}[tool]
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "add table %s %s\ndelete table %s %s\n", family, t, family, t)
	}
	if b.Len() > 0 {
		_, _, _ = r.tools.call(context.WithoutCancel(ctx), node, b.String(), "nft", "-f", "-")
	}
}

// Check looks ahead at a plan's rules and changes nothing. A program that they need and that is not installed is
// ErrUnsupported. On nodes that are there already the tools try the rules, which finds most mistakes (RuleError); the
// rest only the kernel finds.
func (r *Rules) Check(ctx context.Context, planned *plan.Plan) error {
	unmade := map[string]bool{}
	for _, op := range planned.Ops {
		if d, ok := op.(plan.DelNamespace); ok {
			unmade[d.Node] = true
		}
	}
	for _, op := range planned.Ops {
		o, ok := op.(plan.SetRules)
		if !ok {
			continue
		}
		if err := r.needTools(o); err != nil {
			return err
		}
		if _, err := r.space.of(o.Node); err != nil || unmade[o.Node] {
			continue
		}
		for _, p := range ruleParts(o) {
			if p.tool == "nft" && r.tools.guardsWithoutNFT(o.From, o.To) {
				continue // written by labctl itself
			}
			if err := r.try(ctx, o.Node, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// needTools finds the programs that loaded sets need.
func (r *Rules) needTools(o plan.SetRules) error {
	for _, set := range o.To {
		name := "nft"
		if xt := xtTool(set); xt != "" {
			name = xt + "-restore"
		} else if r.tools.guardsWithoutNFT(o.From, o.To) {
			continue
		}
		if _, err := r.tools.path(name); err != nil {
			return err
		}
	}
	return nil
}
