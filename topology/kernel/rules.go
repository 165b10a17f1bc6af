//go:build linux

package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"labctl/topology/plan"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// Tool runs a program inside a node's namespace to its end. The error is that of a program that did not exit with 0 or could
// not be run; what it wrote is returned in any case. It may be called concurrently.
type Tool func(ctx context.Context, node string, argv []string, stdin []byte) (stdout, stderr []byte, err error)

// SetTool says how programs are run; it must be called before a plan with rules is applied. Only the owner of the process can
// know how, because somebody must wait for all its children.
func (s *Space) SetTool(t Tool) { s.tools.run = t }

// tools are the programs that load rules.
type tools struct {
	run        Tool
	withoutNFT bool // tests: as where the program nft is not installed
}

// toolPath finds a program; an ordinary user's PATH often leaves out where these are.
func toolPath(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	pkg, program := "iptables", strings.TrimSuffix(strings.TrimSuffix(name, "-restore"), "-save")
	if name == "nft" {
		pkg = "nftables"
	}
	return "", missingTool(fmt.Sprintf("%s is not installed: apt-get install %s (or what this system calls that package)", program, pkg))
}

// toolPath is the same, in tests without nft.
func (s *Space) toolPath(name string) (string, error) {
	if s.tools.withoutNFT && name == "nft" {
		return toolPath("no-such-nft")
	}
	return toolPath(name)
}

// Installed finds what a lab needs: programs, in PATH and where system programs are, and extensions of iptables ([rules.XtablesNeed]) where
// it loads them from. One that is not there is ErrUnsupported.
func Installed(needs []string) error {
	for _, name := range needs {
		if ext, ok := strings.CutPrefix(name, rules.XtablesNeed); ok {
			if !extension(ext) {
				return missingTool("the extension " + ext + " of iptables is not installed, and the lab's file says that the lab needs it; where iptables has its extensions elsewhere, say so in XTABLES_LIBDIR")
			}
			continue
		}
		if _, err := toolPath(name); err != nil {
			return missingTool(name + " is not installed, and the lab's file says that the lab needs it")
		}
	}
	return nil
}

// extension reports whether there is a library of a target or match for iptables, which is for both families (xt), or IPv4 or IPv6 alone. It is
// in XTABLES_LIBDIR (iptables(8)), or where iptables was told when it was built.
func extension(name string) bool {
	dirs := filepath.SplitList(os.Getenv("XTABLES_LIBDIR"))
	if len(dirs) == 0 {
		for _, pattern := range []string{"/usr/lib/*/xtables", "/lib/*/xtables", "/usr/lib*/xtables", "/lib*/xtables", "/usr/local/lib*/xtables", "/usr/libexec/xtables"} {
			found, _ := filepath.Glob(pattern)
			dirs = append(dirs, found...)
		}
	}
	for _, dir := range dirs {
		for _, family := range []string{"xt", "ipt", "ip6t"} {
			if st, err := os.Stat(filepath.Join(dir, "lib"+family+"_"+name+".so")); err == nil && st.Mode().IsRegular() {
				return true
			}
		}
	}
	return false
}

// missingTool is an ErrUnsupported for which the kernel is not to blame.
type missingTool string

func (m missingTool) Error() string { return string(m) }

func (m missingTool) Is(target error) bool { return target == ErrUnsupported }

// call runs a tool by its bare name.
func (s *Space) call(ctx context.Context, node, stdin, name string, args ...string) (stdout, stderr string, err error) {
	path, err := s.toolPath(name)
	if err != nil {
		return "", "", err
	}
	if s.tools.run == nil {
		return "", "", errors.New("nobody said how to run " + name)
	}
	out, text, err := s.tools.run(ctx, node, append([]string{path}, args...), []byte(stdin))
	return string(out), string(text), err
}

// rulePart is what one tool has to make of a change of rules.
type rulePart struct {
	tool   string   // iptables, ip6tables, nft
	tables []string // of iptables
	text   string
	lines  []ruleOrigin // where the lines of text come from
}

// ruleOrigin is a rule set and a place in it; without a set the line is labctl's own.
type ruleOrigin struct {
	set *rules.Set
	pos problem.Pos
}

// setRules makes a node's rules those of o.To, or leaves everything as it was.
func (s *Space) setRules(ctx context.Context, o plan.SetRules) error {
	if _, err := s.node(o.Node); err != nil {
		return err
	}
	parts := ruleParts(o)
	back, err := s.bridgeCalls(o.Node, o.Sysctls)
	if err != nil {
		return err
	}
	undo := []func() error{back}
	for _, p := range parts {
		back, err := s.loadPart(ctx, o, p)
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
		s.deleteTables(ctx, o.Node, p.tool, slices.DeleteFunc(slices.Clone(p.tables), func(t string) bool { return usesTable(o.To, p.tool, t) }))
	}
	return nil
}

// ruleParts are the tools' shares of a change, without those that have nothing to change.
func ruleParts(o plan.SetRules) []rulePart {
	back := plan.SetRules{Node: o.Node, From: o.To, To: o.From}
	was := xtParts(back)
	var out []rulePart
	for i, p := range xtParts(o) {
		if p.text != was[i].text { // both have the same tables
			out = append(out, p)
		}
	}
	text, places := o.NFT()
	if before, _ := back.NFT(); before == text {
		return out
	}
	p := rulePart{tool: "nft", text: text}
	for _, at := range places {
		from := ruleOrigin{pos: at}
		for _, set := range o.To {
			if at.Line > 0 && set.Text != "" && !after(set.Pos, at) {
				from.set = set // the last that begins before the place
			}
		}
		p.lines = append(p.lines, from)
	}
	return append(out, p)
}

func after(a, b problem.Pos) bool { return a.Line > b.Line || a.Line == b.Line && a.Col > b.Col }

// xtParts are the shares of iptables and ip6tables.
func xtParts(o plan.SetRules) []rulePart {
	var out []rulePart
	for _, t := range o.Tables() {
		if len(out) == 0 || out[len(out)-1].tool != t.Family {
			out = append(out, rulePart{tool: t.Family})
		}
		p := &out[len(out)-1]
		p.tables = append(p.tables, t.Table)
		p.text += t.Text
		for _, l := range t.Lines {
			p.lines = append(p.lines, lineOrigin(o.To, l))
		}
	}
	return out
}

// lineOrigin finds the set that a command is one of.
func lineOrigin(sets []*rules.Set, l *rules.Line) ruleOrigin {
	for _, set := range sets {
		for i := range set.Lines {
			if &set.Lines[i] == l {
				return ruleOrigin{set, l.Pos}
			}
		}
	}
	return ruleOrigin{}
}

// xtTool is the tool that loads the lines of a set, "" when it has none.
func xtTool(set *rules.Set) string {
	switch {
	case len(set.Lines) == 0:
		return ""
	case set.Form == "ip6tables":
		return "ip6tables"
	}
	return "iptables"
}

// usesTable reports whether any of the sets has lines for a table.
func usesTable(sets []*rules.Set, tool, table string) bool {
	return slices.ContainsFunc(sets, func(set *rules.Set) bool {
		return xtTool(set) == tool && slices.ContainsFunc(set.Lines, func(l rules.Line) bool { return l.Table == table })
	})
}

// tryRules lets a tool read its input without doing anything: most mistakes are found so.
func (s *Space) tryRules(ctx context.Context, node string, p rulePart) error {
	name, args := p.tool+"-restore", []string{"--test"}
	if p.tool == "nft" {
		name, args = "nft", []string{"-c", "-f", "-"}
	}
	_, text, err := s.call(ctx, node, p.text, name, args...)
	return ruleFailure(ctx, node, p, text, err)
}

// loadPart carries out one part. Port guards need no program nft.
func (s *Space) loadPart(ctx context.Context, o plan.SetRules, p rulePart) (back func() error, err error) {
	if p.tool == "nft" && s.byLibrary(o.From, o.To) {
		return nil, s.loadGuards(o)
	}
	return s.loadRules(ctx, o.Node, p)
}

// loadRules carries out one part. back, if not nil, undoes it, counters included.
func (s *Space) loadRules(ctx context.Context, node string, p rulePart) (back func() error, err error) {
	if p.tool == "nft" {
		_, text, err := s.call(ctx, node, p.text, "nft", "-f", "-")
		return nil, ruleFailure(ctx, node, p, text, err) // one transaction, and the last of all parts
	}
	before, text, err := s.call(ctx, node, "", p.tool+"-save", "-c")
	if err != nil {
		return nil, ruleFailure(ctx, node, p, text, err)
	}
	back = func() error {
		ctx := context.WithoutCancel(ctx) // half a change helps nobody
		kept, rest := savedTables(before, p.tables)
		_, text, err := s.call(ctx, node, kept+emptied(p, rest), p.tool+"-restore", "--counters")
		if err != nil {
			return fmt.Errorf("%s: %s-restore: %s: %w", node, p.tool, toolWords(text), err)
		}
		s.deleteTables(ctx, node, p.tool, rest)
		return nil
	}
	_, text, err = s.call(ctx, node, p.text, p.tool+"-restore")
	return back, ruleFailure(ctx, node, p, text, err)
}

// emptied is what iptables-restore reads to empty tables of a part.
func emptied(p rulePart, tables []string) string {
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

// deleteTables removes emptied tables where iptables keeps them in nftables. Where it does not, or without nft, an empty one
// stays and lets everything pass as none would.
func (s *Space) deleteTables(ctx context.Context, node, tool string, tables []string) {
	family := map[string]string{"iptables": "ip", "ip6tables": "ip6"}[tool]
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "add table %s %s\ndelete table %s %s\n", family, t, family, t)
	}
	if b.Len() > 0 {
		_, _, _ = s.call(context.WithoutCancel(ctx), node, b.String(), "nft", "-f", "-")
	}
}

// CheckRules looks ahead at a plan's rules and changes nothing. A program that they need and that is not installed is
// ErrUnsupported. On nodes that are there already the tools try the rules, which finds most mistakes (RuleError); the rest
// only the kernel finds.
func (s *Space) CheckRules(ctx context.Context, planned *plan.Plan) error {
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
		if err := s.needTools(o); err != nil {
			return err
		}
		if _, err := s.node(o.Node); err != nil || unmade[o.Node] {
			continue
		}
		for _, p := range ruleParts(o) {
			if p.tool == "nft" && s.byLibrary(o.From, o.To) {
				continue // written by labctl itself
			}
			if err := s.tryRules(ctx, o.Node, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// needTools finds the programs that loaded sets need.
func (s *Space) needTools(o plan.SetRules) error {
	for _, set := range o.To {
		name := "nft"
		if xt := xtTool(set); xt != "" {
			name = xt + "-restore"
		} else if s.byLibrary(o.From, o.To) {
			continue
		}
		if _, err := s.toolPath(name); err != nil {
			return err
		}
	}
	return nil
}
