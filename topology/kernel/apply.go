package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// ErrUnsupported means that this kernel has not got what the lab asks for.
var ErrUnsupported = errors.New("this kernel cannot do it")

// OpError is a kernel change that failed.
type OpError struct {
	Op  topology.Op
	Cmd string // the change as a command line
	Err error
}

func (e *OpError) Error() string { return fmt.Sprintf("%s: %v", e.Cmd, e.Err) }

func (e *OpError) Unwrap() error { return e.Err }

// Runner runs the commands of a node. A foreground command has ended, with exit status 0, when it returns nil.
type Runner func(ctx context.Context, node string, c topology.Command) error

// Apply makes the plan's changes in order and stops at the first that fails; what was made until then stays and is the
// caller's to remove. Only the values of sysctls are written in parallel, one namespace at a time per core.
func (s *Space) Apply(ctx context.Context, plan *topology.Plan, run Runner) error {
	if err := s.journal.Incomplete(); err != nil {
		return err
	}
	defer s.rest()
	for i := 0; i < len(plan.Ops); {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := s.step(ctx, plan, i, run)
		if err != nil {
			var oe *OpError
			if errors.As(err, &oe) {
				return err
			}
			one := &topology.Plan{Instance: plan.Instance, Ops: plan.Ops[i : i+1]}
			_, cmd, _ := strings.Cut(strings.TrimSpace(one.String()), "\n# ")
			_, cmd, _ = strings.Cut(cmd, "\n")
			return &OpError{plan.Ops[i], cmd, err}
		}
		i += n
	}
	return s.journal.Complete()
}

// step carries out the operation at i, and those after it that go together with it, and says how many.
func (s *Space) step(ctx context.Context, plan *topology.Plan, i int, run Runner) (int, error) {
	switch op := plan.Ops[i].(type) {
	case topology.AddNamespace:
		names := []string{op.Node}
		for _, o := range plan.Ops[i+1:] {
			a, ok := o.(topology.AddNamespace)
			if !ok {
				break
			}
			names = append(names, a.Node)
		}
		return len(names), s.makeNamespaces(names)
	case topology.DelNamespace:
		names := []string{op.Node}
		for _, o := range plan.Ops[i+1:] {
			d, ok := o.(topology.DelNamespace)
			if !ok {
				break
			}
			names = append(names, d.Node)
		}
		return len(names), s.forget(names)
	case topology.SetSysctl:
		return s.sysctls(plan.Ops[i:])
	case topology.SetUp:
		if op.Name == "lo" { // stands among the sysctls of fresh nodes
			return s.sysctls(plan.Ops[i:])
		}
	case topology.RunCommand:
		return 1, run(ctx, op.Node, op.Command)
	}
	return 1, s.change(plan.Ops[i])
}

// sysctls writes a stretch of values, all those of one namespace on one thread inside it, and as many namespaces at once
// as there are cores: a thousand nodes with twenty values each take more than a second on one.
func (s *Space) sysctls(ops []topology.Op) (int, error) {
	type job struct {
		node *node
		ops  []topology.SetSysctl
		lo   bool
	}
	var jobs []*job
	byNode := map[string]*job{}
	count := 0
	for _, o := range ops {
		name, lo := "", false
		switch o := o.(type) {
		case topology.SetSysctl:
			name = o.Node
		case topology.SetUp:
			if lo = o.Name == "lo"; lo {
				name = o.Node
			}
		}
		if name == "" {
			break
		}
		j := byNode[name]
		if j == nil {
			n, err := s.node(name)
			if err != nil {
				return 0, err
			}
			j = &job{node: n}
			byNode[name] = j
			jobs = append(jobs, j)
		}
		if set, ok := o.(topology.SetSysctl); ok {
			j.ops = append(j.ops, set)
			if j.node.fresh {
				s.fresh(set.Key)
			}
		}
		j.lo = j.lo || lo
		count++
	}
	errs := make([]error, min(runtime.NumCPU(), len(jobs)))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			errs[w] = onThrowawayThread(func() error {
				for {
					k := int(next.Add(1)) - 1
					if k >= len(jobs) {
						return nil
					}
					if err := s.inside(jobs[k].node, jobs[k].ops, jobs[k].lo); err != nil {
						return err
					}
				}
			})
		})
	}
	wg.Wait()
	return count, errors.Join(errs...)
}

// fresh remembers what a key reads in a namespace that nobody has touched: the hub is one.
func (s *Space) fresh(key string) {
	if _, ok := s.baseline[key]; !ok {
		b, err := os.ReadFile("/proc/sys/" + key)
		_ = err // a key of an interface is in no fresh namespace: it reads "" and is always written
		s.baseline[key] = strings.Join(strings.Fields(string(b)), " ")
	}
}

// inside must run on a throw-away thread: it leaves it in the node's namespace.
func (s *Space) inside(n *node, ops []topology.SetSysctl, lo bool) error {
	if err := netns.Set(n.fd); err != nil {
		return fmt.Errorf("%s: enter namespace: %w", n.name, err)
	}
	flipped := false
	for _, o := range ops {
		if n.fresh && s.baseline[o.Key] == o.Value {
			// Turning forwarding on turns accept_redirects off (net/ipv4/devinet.c, inet_forward_change), so it is not fresh any more.
			if !flipped || !strings.HasSuffix(o.Key, "/accept_redirects") {
				continue
			}
		}
		if err := writeSysctl(o.Sysctl); err != nil {
			return &OpError{o, fmt.Sprintf("%s: sysctl -w %s=%s", n.name, o.Key, o.Value), err}
		}
		flipped = flipped || strings.HasSuffix(o.Key, "/ip_forward") || strings.HasSuffix(o.Key, "/forwarding")
	}
	if lo {
		return loopbackUp()
	}
	return nil
}

func writeSysctl(s topology.Sysctl) error {
	fd, err := unix.Open("/proc/sys/"+s.Key, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		if s.Optional() {
			return nil
		}
		return fmt.Errorf("no such value in a network namespace: %w", ErrUnsupported)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(s.Value))
	return err
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
		if n.fresh || n.sock != nil || n.handle != nil {
			n.rest()
		}
	}
}

// forget lets namespaces go while the lab lives on.
func (s *Space) forget(names []string) error {
	s.mu.Lock()
	var gone []*node
	for _, name := range names {
		if n := s.nodes[name]; n != nil {
			gone = append(gone, n)
			delete(s.nodes, name)
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, n := range gone {
		n.close()
		if s.named {
			errs = append(errs, unname(s.Namespace(n.name)))
		}
	}
	return errors.Join(append(errs, s.journal.gone(names))...)
}
