//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/innode"
	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

func listRules(ctx context.Context, c *call) (any, error) {
	nodes, err := c.chosen()
	if err != nil {
		return nil, err
	}
	out := []wire.Rule{}
	for _, n := range nodes {
		if len(n.Rules) == 0 {
			continue
		}
		counts, err := c.rules.Counts(ctx, n)
		if err != nil {
			if err = c.missing(n.Name, c.named, err); err != nil {
				return nil, err
			}
			continue
		}
		for _, set := range n.Rules {
			for _, k := range set.Listed() {
				r := wire.Rule{Node: n.Name, Set: set.Name, Loaded: set.Load, Rule: k.Name, Text: k.Text}
				i := slices.IndexFunc(counts, func(c kernel.RuleCount) bool { return c.Set == set.Name && c.Rule == k.Key })
				if set.Load && i >= 0 {
					r.Packets, r.Bytes = &counts[i].Packets, &counts[i].Bytes
				}
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// tool runs a program inside a node, for the kernel package. It needs no view of /sys or /proc of its own.
func (s *server) tool(ctx context.Context, node string, argv []string, stdin []byte) (stdout, stderr []byte, err error) {
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	for _, name := range []string{"stdin", "stdout", "stderr"} {
		fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, os.NewFile(uintptr(fd), name))
	}
	if _, err := files[0].Write(stdin); err != nil {
		return nil, nil, err
	}
	if _, err := files[0].Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	// Every node has a lock of its own: the machine's is another user's, and another node's rules are none of this one's.
	env := append(s.inside(node), "LC_ALL=C", "XTABLES_LOCKFILE="+s.rundir.In("xtables."+node+".lock"))
	p, err := s.procs.start(node, strings.Join(argv, " "), append([]string{"labctl", innode.Verb, "--plain", "--"}, argv...), env, "/", files...)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		s.procs.end(p, syscall.SIGKILL)
		<-p.done
		return nil, nil, context.Cause(ctx)
	}
	if p.status.ExitStatus() != 0 {
		err = &commandError{status: p.status}
	}
	return contents(files[1]), contents(files[2]), err
}

// contents is what somebody wrote to a file whose offset he shares.
func contents(f *os.File) []byte {
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(io.NewSectionReader(f, 0, st.Size()))
	return b
}

// checkRules finds, before anything is touched, the rules of a plan that cannot be loaded.
func (s *server) checkRules(ctx context.Context, planned *plan.Plan) error {
	err := s.rules.Check(ctx, planned)
	if errors.Is(err, kernel.ErrUnsupported) {
		return wire.Unsupported.Errorf("%v", err)
	}
	if err != nil {
		return s.refused(ctx, err, &plan.Plan{Instance: planned.Instance})
	}
	return nil
}

// refused turns a rule that was refused into a mistake in the lab file. Where nothing but rules was to be changed, those of
// other nodes are put back first, so that nothing was touched.
func (s *server) refused(ctx context.Context, err error, planned *plan.Plan) error {
	var re *kernel.RuleError
	if !errors.As(err, &re) {
		return s.lacking(err)
	}
	s.mu.Lock()
	starting, file := s.state == "starting", s.file
	s.mu.Unlock()
	text := problem.List{re.Problem(file.Path, file.Source)}.Error()
	if starting {
		return wire.Usage.Errorf("%s", text) // whatever was built is cleared away
	}
	back := &plan.Plan{Instance: planned.Instance}
	for _, op := range planned.Ops {
		o, ok := op.(plan.SetRules)
		if !ok {
			return errors.New(text)
		}
		if o.Node == re.Node {
			break
		}
		back.Ops = append(back.Ops, plan.SetRules{Node: o.Node, From: o.To, To: o.From})
	}
	if berr := s.builder.Apply(context.WithoutCancel(ctx), back, kernel.Runner{}); berr != nil {
		return errors.New(text + "\n" + berr.Error())
	}
	s.target.Store(s.current()) // again
	return wire.Usage.Errorf("%s", text)
}

// ruleMarks are the counters at the moment from which "hits" count, by node and "set/rule".
type ruleMarks struct {
	mu     sync.Mutex
	byNode map[string]map[string]uint64
}

// markRules begins to count hits anew on the nodes that the file's tables ask.
func (s *server) markRules(ctx context.Context) error {
	s.mu.Lock()
	lab, asked := s.lab, hitNodes(s.file)
	s.mu.Unlock()
	marks := map[string]map[string]uint64{}
	for _, n := range lab.Nodes {
		if !asked[n.Name] {
			continue
		}
		hits, err := s.rules.Hits(ctx, n)
		if err != nil {
			return fmt.Errorf("read counters of rules: %w", err)
		}
		marks[n.Name] = hits
	}
	s.marks.mu.Lock()
	defer s.marks.mu.Unlock()
	s.marks.byNode = marks
	return nil
}

// forget takes the marks of nodes whose rules were loaded anew, and count from 0.
func (m *ruleMarks) forget(nodes []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range nodes {
		delete(m.byNode, n)
	}
}

// hitNodes are the nodes that a file's "hits" ask.
func hitNodes(file *labfile.File) map[string]bool {
	out := map[string]bool{}
	look := func(e *expect.Expectation) {
		if e == nil {
			return
		}
		for _, t := range e.Tables {
			for _, c := range t.Cells {
				if c.Question.Kind == "hits" {
					node, _, _ := strings.Cut(c.Question.A, "/")
					out[node] = true
				}
			}
		}
	}
	look(file.Expect)
	for _, st := range file.Steps {
		look(st.Wait)
		look(st.Expect)
	}
	return out
}

// Hits counts, by "set/rule", the packets that a node's rules met since the mark.
func (m machine) Hits(node string) (map[string]uint64, error) {
	m.s.mu.Lock()
	n := m.s.lab.Node(node)
	m.s.mu.Unlock()
	if n == nil {
		return nil, fmt.Errorf("no node %q", node)
	}
	hits, err := m.s.rules.Hits(context.Background(), n)
	if err != nil {
		return nil, err
	}
	m.s.marks.mu.Lock()
	defer m.s.marks.mu.Unlock()
	for rule, was := range m.s.marks.byNode[node] {
		if hits[rule] >= was { // less: somebody has loaded them anew by hand
			hits[rule] -= was
		}
	}
	return hits, nil
}

var nftGroup = regexp.MustCompile(`\blog\b[^;\n]*\bgroup[ \t]+(\d+)`)

// logGroups are the NFLOG groups that loaded sets send to, sorted.
func logGroups(sets []*rules.Set) []uint16 {
	var out []uint16
	add := func(text string) {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			out = append(out, uint16(n))
		}
	}
	for _, r := range sets {
		if !r.Load {
			continue
		}
		for _, l := range r.Lines {
			if !slices.Contains(l.Args, "NFLOG") {
				continue
			}
			group := "0"
			if i := slices.Index(l.Args, "--nflog-group"); i >= 0 && i+1 < len(l.Args) {
				group = l.Args[i+1]
			}
			add(group)
		}
		for _, m := range nftGroup.FindAllStringSubmatch(r.Text, -1) {
			add(m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
