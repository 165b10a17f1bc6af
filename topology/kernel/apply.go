//go:build linux

package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// ErrUnsupported means that this kernel has not got what the lab asks for.
var ErrUnsupported = errors.New("this kernel cannot do it")

// OpError is a kernel change that failed.
type OpError struct {
	Op  plan.Op
	Cmd string // the change as a command line
	Err error
}

func (e *OpError) Error() string { return fmt.Sprintf("%s: %v", e.Cmd, e.Err) }

func (e *OpError) Unwrap() error { return e.Err }

// Runner runs the commands of a node. When Run returns nil, a foreground command has ended with exit status 0 and a background
// one was started; when Await does, what Run has started in the background is ready.
type Runner struct {
	Run, Await func(ctx context.Context, node string, c topology.Command) error
}

// Apply makes the plan's changes in order and stops at the first that fails; what was made until then stays and is the
// caller's to remove. Until Complete is called, the journal says that a change is under way. Only the values of sysctls are written in parallel, one namespace at a time per core.
func (s *Space) Apply(ctx context.Context, planned *plan.Plan, run Runner) error {
	if err := s.journal.incomplete(); err != nil {
		return err
	}
	if err := s.forgetOwed(); err != nil { // or a node of that name would be refused as somebody else's
		return err
	}
	defer s.rest()
	for i := 0; i < len(planned.Ops); {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := s.step(ctx, planned, i, run)
		if err != nil {
			var oe *OpError
			if errors.As(err, &oe) {
				return err
			}
			one := &plan.Plan{Instance: planned.Instance, Ops: planned.Ops[i : i+1]}
			_, cmd, _ := strings.Cut(strings.TrimSpace(one.String()), "\n# ")
			_, cmd, _ = strings.Cut(cmd, "\n")
			return &OpError{planned.Ops[i], cmd, err}
		}
		i += n
	}
	return nil
}

// step carries out the operation at i, and those after it that go together with it, and says how many.
func (s *Space) step(ctx context.Context, planned *plan.Plan, i int, run Runner) (int, error) {
	switch op := planned.Ops[i].(type) {
	case plan.AddNamespace:
		return s.namespaces(ctx, planned.Ops[i:])
	case plan.DelNamespace:
		names := []string{op.Node}
		for _, o := range planned.Ops[i+1:] {
			d, ok := o.(plan.DelNamespace)
			if !ok {
				break
			}
			names = append(names, d.Node)
		}
		return len(names), s.forget(names)
	case plan.SetSysctl:
		return s.sysctls(ctx, planned.Ops[i:])
	case plan.SetUp:
		if op.Name == "lo" { // stands among the sysctls of fresh nodes
			return s.sysctls(ctx, planned.Ops[i:])
		}
	case plan.SetRules:
		if err := s.setRules(ctx, op); err != nil {
			return 0, &OpError{op, op.Node + ": load rules", err}
		}
		return 1, nil
	case plan.RunCommand:
		return 1, run.Run(ctx, op.Node, op.Command)
	case plan.AwaitReady:
		if err := run.Await(ctx, op.Node, op.Command); err != nil {
			return 0, &OpError{op, "wait for " + op.Ready.String(), err}
		}
		return 1, nil
	}
	return 1, s.change(planned.Ops[i])
}

// settings is what one thread does inside one namespace.
type settings struct {
	name string
	node *node // nil while it is still to be made
	ops  []plan.SetSysctl
	lo   bool
}

// collect takes the stretch of sysctls (and "lo up"s) that ops begins with, node by node, and says how long it is.
func collect(ops []plan.Op, jobs []*settings) ([]*settings, int) {
	byNode := make(map[string]*settings, len(jobs))
	for _, j := range jobs {
		byNode[j.name] = j
	}
	for count, o := range ops {
		var name string
		switch o := o.(type) {
		case plan.SetSysctl:
			name = o.Node
		case plan.SetUp:
			if o.Name == "lo" && o.Up {
				name = o.Node
			}
		}
		if name == "" {
			return jobs, count
		}
		j := byNode[name]
		if j == nil {
			j = &settings{name: name}
			byNode[name] = j
			jobs = append(jobs, j)
		}
		if set, ok := o.(plan.SetSysctl); ok {
			j.ops = append(j.ops, set)
		} else {
			j.lo = true
		}
	}
	return jobs, len(ops)
}

// namespaces makes the namespaces that ops begins with and, on the same threads, gives them the values that follow.
func (s *Space) namespaces(ctx context.Context, ops []plan.Op) (int, error) {
	var jobs []*settings
	var names []string
	for _, o := range ops {
		a, ok := o.(plan.AddNamespace)
		if !ok {
			break
		}
		jobs = append(jobs, &settings{name: a.Node})
		names = append(names, a.Node)
	}
	n := len(jobs)
	jobs, count := collect(ops[n:], jobs)
	if err := s.known(jobs[n:]); err != nil {
		return 0, err
	}
	if err := s.journal.making(s, names); err != nil {
		return 0, err
	}
	s.readBaseline(jobs)
	err := s.everywhere(ctx, jobs)
	var made []*node
	s.mu.Lock()
	for _, j := range jobs[:n] {
		if j.node != nil {
			s.nodes[j.name] = j.node
			made = append(made, j.node)
		}
	}
	s.mu.Unlock()
	return n + count, errors.Join(err, s.numberNew(made))
}

// sysctls writes the stretch of values that ops begins with.
func (s *Space) sysctls(ctx context.Context, ops []plan.Op) (int, error) {
	jobs, count := collect(ops, nil)
	if err := s.known(jobs); err != nil {
		return 0, err
	}
	rest := jobs[:0]
	for _, j := range jobs {
		if err := s.neighbourTimers(j); err != nil {
			return 0, err
		}
		if len(j.ops) > 0 || j.lo {
			rest = append(rest, j)
		}
	}
	s.readBaseline(rest)
	return count, s.everywhere(ctx, rest)
}

// neighbourTimers sets retrans_time_ms and proxy_delay of interfaces by rtnetlink, RTM_SETNEIGHTBL, and takes them off the job: the way
// through /proc/sys/net costs a walk over every namespace's entry of the same name (fs/proc/proc_sysctl.c,
// proc_sys_compare), half a millisecond in a lab of a thousand.
func (s *Space) neighbourTimers(j *settings) error {
	var rest []plan.SetSysctl
	for _, o := range j.ops {
		f := strings.Split(o.Key, "/")
		value, err := strconv.ParseUint(o.Value, 10, 32)
		if err != nil || len(f) != 5 || f[2] != "neigh" || neighbourTimer[f[4]].ms == 0 {
			rest = append(rest, o)
			continue
		}
		if err := s.setNeighbourTimer(j.node, f[1], f[3], neighbourTimer[f[4]].attr, value*neighbourTimer[f[4]].ms); err != nil {
			return &OpError{o, fmt.Sprintf("%s: sysctl -w %s=%s", j.name, o.Key, o.Value), err}
		}
	}
	j.ops = rest
	return nil
}

// known finds the namespaces of jobs for nodes that are there.
func (s *Space) known(jobs []*settings) error {
	for _, j := range jobs {
		n, err := s.node(j.name)
		if err != nil {
			return err
		}
		j.node = n
	}
	return nil
}

// everywhere does the jobs on as many threads as there are cores, one namespace at a time on each: making a namespace and
// writing its values takes the kernel more than two milliseconds, little of it under a common lock.
func (s *Space) everywhere(ctx context.Context, jobs []*settings) error {
	errs := make([]error, min(runtime.NumCPU(), len(jobs)))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			errs[w] = onThrowawayThread(func() error {
				proc := &procSys{fd: -1}
				defer proc.close()
				for ctx.Err() == nil {
					k := int(next.Add(1)) - 1
					if k >= len(jobs) {
						return nil
					}
					if err := s.inside(jobs[k], proc); err != nil {
						next.Store(int64(len(jobs))) // the others need not go on
						return err
					}
				}
				return context.Cause(ctx)
			})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// readBaseline remembers what keys read in a namespace that nobody has touched: the hub is one. A key of an interface is in
// no fresh namespace: it reads "" and is always written.
func (s *Space) readBaseline(jobs []*settings) {
	for _, j := range jobs {
		if j.node != nil && !j.node.fresh {
			continue
		}
		for _, o := range j.ops {
			if _, ok := s.baseline[o.Key]; !ok {
				b, _ := os.ReadFile("/proc/sys/" + o.Key)
				s.baseline[o.Key] = strings.Join(strings.Fields(string(b)), " ")
			}
		}
	}
}

// inside must run on a throw-away thread: it leaves it in the node's namespace, which it makes if it is not there yet.
func (s *Space) inside(j *settings, proc *procSys) error {
	if j.node == nil {
		n, err := s.makeNamespace(j.name)
		if err != nil {
			return &OpError{plan.AddNamespace{Node: j.name}, "ip netns add " + s.Namespace(j.name), err}
		}
		j.node = n
	} else if err := netns.Set(j.node.fd); err != nil {
		return fmt.Errorf("%s: enter namespace: %w", j.name, err)
	}
	dirs := sysctlDirs{proc: proc.turn(), fds: map[string]int{}}
	defer dirs.close()
	var wide []topology.Sysctl // written here, and each has changed others, so that those are not fresh any more
	for _, o := range j.ops {
		by := slices.IndexFunc(wide, func(w topology.Sysctl) bool { return w.Touches(o.Key) })
		if by < 0 && j.node.fresh && s.baseline[o.Key] == o.Value {
			continue
		}
		if by >= 0 && o.Key == "net/ipv6/conf/default/disable_ipv6" && wide[by].Value == o.Value {
			continue // a thousand nodes write it
		}
		if err := dirs.write(o.Sysctl); err != nil {
			return &OpError{o, fmt.Sprintf("%s: sysctl -w %s=%s", j.name, o.Key, o.Value), err}
		}
		if strings.Contains(o.Key, "/conf/all/") || o.Key == "net/ipv4/ip_forward" {
			wide = append(wide, o.Sysctl)
		}
	}
	if j.lo {
		return loopbackUp()
	}
	return nil
}

// loopbackUp brings lo up in the thread's namespace: without it the kernel's own unreachable errors never arrive.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}

// rest closes what a plan had opened.
func (s *Space) rest() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range s.nodes {
		n.rest()
	}
}

// Complete records in the journal that the changes of Apply have come to their end, and that what the lab is now was written down
// where a successor finds it.
func (s *Space) Complete() error { return s.journal.complete() }
