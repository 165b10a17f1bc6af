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

// setup does what goes on in many namespaces at once: making them, and writing their sysctls.
type setup struct {
	space    *Space
	baseline map[string]string // sysctls of a fresh namespace, as read from the hub
}

// settings is what one thread does inside one namespace.
type settings struct {
	name string
	ns   *namespace // nil while it is still to be made
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
func (u *setup) namespaces(ctx context.Context, ops []plan.Op) (int, error) {
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
	if err := u.known(jobs[n:]); err != nil {
		return 0, err
	}
	if err := u.space.journal.making(names, u.space.Namespace); err != nil {
		return 0, err
	}
	u.readBaseline(jobs)
	err := u.everywhere(ctx, jobs)
	var made []*namespace
	for _, j := range jobs[:n] {
		if j.ns != nil {
			made = append(made, j.ns)
		}
	}
	u.space.put(made...)
	return n + count, errors.Join(err, u.space.nsids.added(made))
}

// sysctls writes the stretch of values that ops begins with.
func (u *setup) sysctls(ctx context.Context, ops []plan.Op) (int, error) {
	jobs, count := collect(ops, nil)
	if err := u.known(jobs); err != nil {
		return 0, err
	}
	rest := jobs[:0]
	for _, j := range jobs {
		if err := u.neighbourTimers(j); err != nil {
			return 0, err
		}
		if len(j.ops) > 0 || j.lo {
			rest = append(rest, j)
		}
	}
	u.readBaseline(rest)
	return count, u.everywhere(ctx, rest)
}

// neighbourTimers sets retrans_time_ms and proxy_delay of interfaces by rtnetlink, RTM_SETNEIGHTBL, and takes them off
// the job: the way through /proc/sys/net costs a walk over every namespace's entry of the same name
// (fs/proc/proc_sysctl.c, proc_sys_compare), half a millisecond in a lab of a thousand.
func (u *setup) neighbourTimers(j *settings) error {
	var rest []plan.SetSysctl
	for _, o := range j.ops {
		f := strings.Split(o.Key, "/")
		value, err := strconv.ParseUint(o.Value, 10, 32)
		if err != nil || len(f) != 5 || f[2] != "neigh" || neighbourTimer[f[4]].ms == 0 {
			rest = append(rest, o)
			continue
		}
		err = j.ns.setNeighbourTimer(f[1], f[3], neighbourTimer[f[4]].attr, value*neighbourTimer[f[4]].ms)
		if errors.Is(err, unix.ENOENT) && o.Optional() {
			continue
		}
		if err != nil {
			return &OpError{o, fmt.Sprintf("%s: sysctl -w %s=%s", j.name, o.Key, o.Value), err}
		}
	}
	j.ops = rest
	return nil
}

// known finds the namespaces of jobs for nodes that are there.
func (u *setup) known(jobs []*settings) error {
	for _, j := range jobs {
		n, err := u.space.of(j.name)
		if err != nil {
			return err
		}
		j.ns = n
	}
	return nil
}

// everywhere does the jobs on as many threads as there are cores, one namespace at a time on each: making a namespace
// and writing its values takes the kernel more than two milliseconds, little of it under a common lock.
func (u *setup) everywhere(ctx context.Context, jobs []*settings) error {
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
					if err := u.inside(jobs[k], proc); err != nil {
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

// readBaseline remembers what keys read in a namespace that nobody has touched: the hub is one. A key of an interface
// is in no fresh namespace: it reads "" and is always written.
func (u *setup) readBaseline(jobs []*settings) {
	for _, j := range jobs {
		if j.ns != nil && j.ns.fresh == nil {
			continue
		}
		for _, o := range j.ops {
			if _, ok := u.baseline[o.Key]; !ok {
				b, _ := os.ReadFile("/proc/sys/" + o.Key)
				u.baseline[o.Key] = strings.Join(strings.Fields(string(b)), " ")
			}
		}
	}
}

// inside must run on a throw-away thread: it leaves it in the node's namespace, which it makes if it is not there yet.
func (u *setup) inside(j *settings, proc *procSys) error {
	if j.ns == nil {
		n, err := u.space.makeNamespace(j.name)
		if err != nil {
			return &OpError{plan.AddNamespace{Node: j.name}, "ip netns add " + u.space.Namespace(j.name), err}
		}
		j.ns = n
	} else if err := netns.Set(j.ns.ns); err != nil {
		return fmt.Errorf("%s: enter namespace: %w", j.name, err)
	}
	dirs := sysctlDirs{proc: proc.turn(), fds: map[string]int{}}
	defer dirs.close()
	var wide []topology.Sysctl // written here, and each has changed others, so that those are not fresh any more
	for _, o := range j.ops {
		by := slices.IndexFunc(wide, func(w topology.Sysctl) bool { return w.Touches(o.Key) })
		if by < 0 && j.ns.fresh != nil && u.baseline[o.Key] == o.Value {
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
	j.ns.flush.prepare(dirs)
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
