//go:build linux

package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/kernel"
)

// accept answers connections until the listener is closed; the process ends with the lab, so it never is.
func (s *server) accept(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return
		}
		go s.serve(conn)
	}
}

// call is one request being answered.
type call struct {
	*server
	conn   *net.UnixConn
	params json.RawMessage
}

// item sends one of a stream of things; the error is that the client went away.
func (c *call) item(v any) error { return writeLine(c.conn, reply{Item: mustJSON(v)}) }

func (c *call) event(e Event) { _ = writeLine(c.conn, reply{Event: &e}) }

func (s *server) serve(conn *net.UnixConn) {
	defer conn.Close()
	if writeLine(conn, hello{protocolVersion, Version}) != nil {
		return
	}
	in := bufio.NewReader(conn)
	var r request
	if readLine(in, &r) != nil {
		return
	}
	h, ok := handlers[r.Method]
	if !ok {
		_ = writeLine(conn, reply{Error: &Failure{Usage, fmt.Sprintf("this supervisor (labctl %s) does not know how to %s: it was started by another version; take the lab down and up again", Version, r.Method)}})
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if r.Method != "exec" { // its connection carries descriptors after the request
		go func() {
			_, _ = io.Copy(io.Discard, in)
			cancel(errors.New("the client went away"))
		}()
	}
	result, err := h.do(ctx, &call{s, conn, r.Params}, h.works)
	rep := reply{Result: mustJSON(result)}
	if err != nil {
		rep = reply{Error: failure(err)}
	}
	_ = writeLine(conn, rep)
	if r.Method == "down" && err == nil {
		close(s.done)
	}
}

// handler answers a method. works: it changes the lab or sends through it, so only one goes at a time.
type handler struct {
	works bool
	f     func(ctx context.Context, c *call) (any, error)
}

func (h handler) do(ctx context.Context, c *call, works bool) (any, error) {
	if !works {
		return h.f(ctx, c)
	}
	select {
	case c.work <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-c.work }()
	wctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.mu.Lock()
	if c.state == "stopping" {
		c.mu.Unlock()
		return nil, &Failure{Failed, c.meta.Instance + " is being taken down"}
	}
	c.cancel = cancel
	c.mu.Unlock()
	return h.f(wctx, c)
}

var handlers map[string]handler

func init() {
	// Filled here because the handlers reach serve again through the methods they call.
	handlers = map[string]handler{
		"status":  {false, status},
		"inspect": {false, inspect},
		"neigh":   {false, neigh},
		"fdb":     {false, fdb},
		"routes":  {false, routes},
		"rules":   {false, rules},
		"rulelog": {false, logged},
		"exec":    {false, execIn},
		"ports":   {false, ports},
		"drops":   {false, dropped},
		"events":  {false, events},
		"differs": {false, difference},
		"set":     {true, set},
		"reset":   {true, reset},
		"step":    {true, step},
		"send":    {true, send},
		"capture": {false, capture},
		"explain": {false, explain},
		"ps":      {false, ps},
		"watch":   {false, watch},
		"down":    {false, down},
		"apply":   {true, apply},
		"ask":     {true, ask},
		"verify":  {true, verify},
	}
}

func (c *call) current() *topology.Lab {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lab
}

func status(_ context.Context, c *call) (any, error) {
	c.mu.Lock()
	st := Status{Lab: c.meta.Instance, State: c.state, File: c.meta.File, Nodes: c.meta.Nodes}
	c.mu.Unlock()
	if c.meta.Named && st.State == "running" {
		for _, n := range c.space.Nodes() {
			if !kernel.Exists(c.space.Namespace(n), c.space.Inode(n)) {
				st.State, st.Why = "degraded", c.space.Namespace(n)+" is gone from "+kernel.NetnsDir
				break
			}
		}
	}
	return st, nil
}

// chosen is the lab's nodes, or those asked for.
func (c *call) chosen() ([]*topology.Node, error) {
	var p NodesParams
	if len(c.params) > 0 {
		if err := json.Unmarshal(c.params, &p); err != nil {
			return nil, err
		}
	}
	lab := c.current()
	if lab == nil || c.space == nil {
		return nil, &Failure{Failed, c.meta.Instance + " is still starting"}
	}
	if len(p.Nodes) == 0 {
		return lab.Nodes, nil
	}
	var out []*topology.Node
	for _, name := range p.Nodes {
		n := lab.Node(name)
		if n == nil {
			return nil, UnknownNode(lab, name)
		}
		out = append(out, n)
	}
	return out, nil
}

// UnknownNode says which nodes there are.
func UnknownNode(lab *topology.Lab, name string) error {
	var names []string
	for _, n := range lab.Nodes {
		names = append(names, n.Name)
	}
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return usagef("no node %q in lab %s; it has %s", name, lab.Name, strings.Join(names, ", "))
}

func inspect(ctx context.Context, c *call) (any, error) {
	nodes, err := c.chosen()
	if err != nil {
		return nil, err
	}
	st, err := status(ctx, c)
	if err != nil {
		return nil, err
	}
	out := Inspection{Format: 1, Status: st.(Status), List: []Node{}}
	for _, n := range nodes {
		k := Node{Name: n.Name, Kind: string(n.Kind), Inode: c.space.Inode(n.Name), Interfaces: []Interface{}}
		if c.meta.Named {
			k.Netns = c.space.Namespace(n.Name)
		}
		links, err := c.space.Links(n.Name)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if l.Name != "lo" {
				k.Interfaces = append(k.Interfaces, iface(n, l))
			}
		}
		out.List = append(out.List, k)
	}
	return out, nil
}

func iface(n *topology.Node, l kernel.Link) Interface {
	i := Interface{Name: l.Name, MAC: l.MAC.String(), Addrs: []string{}, Up: l.Up}
	for _, a := range l.Addrs {
		i.Addrs = append(i.Addrs, a.String())
	}
	if f := n.Interface(l.Name); f != nil {
		switch {
		case f.Peer.Node != "":
			i.Peer = f.Peer.String()
		case f.Lower.Node != "":
			i.Peer = f.Lower.String()
		}
	}
	return i
}

// holders maps every MAC of the lab, as the kernel has them now, to the nodes that own it.
func (c *call) holders() (map[topology.MAC]string, error) {
	owners := map[topology.MAC]string{}
	for _, n := range c.current().Nodes {
		links, err := c.space.Links(n.Name)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			has := owners[l.MAC]
			switch {
			case l.MAC.IsZero() || has == n.Name || strings.HasSuffix(has, "+"+n.Name):
			case has == "":
				owners[l.MAC] = n.Name
			default:
				owners[l.MAC] = has + "+" + n.Name
			}
		}
	}
	return owners, nil
}

func neigh(_ context.Context, c *call) (any, error) {
	nodes, err := c.chosen()
	if err != nil {
		return nil, err
	}
	owners, err := c.holders()
	if err != nil {
		return nil, err
	}
	out := []Neighbour{}
	for _, n := range nodes {
		links, err := c.space.Links(n.Name)
		if err != nil {
			return nil, err
		}
		dev := map[int]string{}
		for _, l := range links {
			dev[l.Index] = l.Name
		}
		for _, family := range kernel.Families {
			list, err := c.space.Neighbours(n.Name, family)
			if err != nil {
				return nil, err
			}
			slices.SortFunc(list, func(a, b kernel.Neighbour) int { return a.IP.Compare(b.IP) })
			for _, e := range list {
				k := Neighbour{Node: n.Name, Addr: e.IP.String(), State: e.State, Dev: dev[e.Index]}
				if !e.MAC.IsZero() {
					k.MAC, k.Holder = e.MAC.String(), owners[e.MAC]
				}
				out = append(out, k)
			}
		}
	}
	return out, nil
}

func fdb(_ context.Context, c *call) (any, error) {
	nodes, err := c.chosen()
	if err != nil {
		return nil, err
	}
	owners, err := c.holders()
	if err != nil {
		return nil, err
	}
	out := []FDBEntry{}
	for _, n := range nodes {
		if n.Switch != nil {
			list, err := c.switchTable(n.Name, owners)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
		for _, i := range n.Interfaces {
			if i.Bridge == nil {
				continue
			}
			name := n.Name
			if n.Kind != topology.Bridge {
				name += ":" + i.Name
			}
			list, err := c.space.FDB(n.Name, i.Name)
			if err != nil {
				return nil, err
			}
			for _, e := range list {
				out = append(out, FDBEntry{Switch: name, MAC: e.MAC.String(), Holder: owners[e.MAC], Port: e.Port})
			}
		}
	}
	return out, nil
}

func routes(_ context.Context, c *call) (any, error) {
	nodes, err := c.chosen()
	if err != nil {
		return nil, err
	}
	out := []Route{}
	for _, n := range nodes {
		list, err := c.space.Routes(n.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			out = append(out, Route{n.Name, e})
		}
	}
	return out, nil
}

// DownParams: Force ends commands that people still run in the nodes.
type DownParams struct {
	Force bool `json:"force"`
}

func down(ctx context.Context, c *call) (any, error) {
	var p DownParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if !p.Force && len(c.sessions) > 0 {
		var names []string
		for q := range c.sessions {
			names = append(names, q.Node+": "+q.What)
		}
		c.mu.Unlock()
		slices.Sort(names)
		return nil, &Failure{Failed, fmt.Sprintf("still running in its nodes:\n  %s\nend them, or use --force; nothing was removed", strings.Join(names, "\n  "))}
	}
	if c.cancel != nil {
		c.cancel(errors.New("interrupted by labctl down"))
	}
	starting := c.state == "starting"
	c.mu.Unlock()
	if starting { // run clears away itself when its build is interrupted
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	select {
	case c.work <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	c.set("stopping")
	// Not on the caller's context: half a removal helps nobody.
	if err := c.clear(); err != nil {
		<-c.work
		c.set("degraded")
		return nil, fmt.Errorf("not all of %s could be removed: %w", c.meta.Instance, err)
	}
	return struct{}{}, nil
}

func apply(ctx context.Context, c *call) (any, error) {
	var p ApplyParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	file, t := c.file, c.story
	if !bytes.Equal(p.Source, file.Source) {
		var problems topology.Problems
		if file, problems = topology.Load(p.File, p.Source); file == nil {
			return nil, &Failure{Usage, problems.Errors().Error()}
		}
		t.Step = 0                                 // the steps of another file lead somewhere else
		defer func() { go debug.FreeOSMemory() }() // what loading took is not needed again
	}
	return c.become(ctx, file, t, "up")
}

// become turns the running lab into what a file and what was laid over it say, and heals nodes whose namespace somebody removed.
func (c *call) become(ctx context.Context, file *topology.Lab, t story, cause string) (any, error) {
	if err := c.whole(); err != nil {
		return nil, err
	}
	lab, err := t.over(file)
	if err != nil {
		return nil, err
	}
	old := c.current()
	plan, changes := topology.Diff(old, lab, c.meta.Instance)
	if len(changes) > 0 || len(plan.Ops) > 0 {
		c.event(Event{What: "changing", Total: len(plan.Ops)})
		if err := c.server.apply(ctx, plan, lab); err != nil {
			return nil, c.brokenOff(err)
		}
	}
	c.mu.Lock()
	renewed := !slices.Equal(c.file.Source, file.Source)
	c.file, c.story, c.lab, c.prober.Lab = file, t, lab, lab
	c.meta.Nodes, c.meta.Lab = len(lab.Nodes), lab.Name
	c.mu.Unlock()
	if err := c.remember(); err != nil { // before anything is waited for: a kill -9 must not lose what was set
		return nil, err
	}
	healed, err := c.heal(ctx, lab)
	if err != nil {
		return nil, err
	}
	changes = append(changes, healed...)
	if len(changes) > 0 || renewed {
		if err := errors.Join(c.rundir.writeMeta(c.meta, file.Source), c.writeHosts()); err != nil {
			return nil, err
		}
	}
	c.set("running")
	out := Applied{Changes: append([]topology.Change{}, changes...), Kept: t.words()}
	for _, h := range changes {
		c.happened.add(Happened{Kind: "changed", Node: h.Node, New: h.What, Cause: cause})
	}
	if len(changes) == 0 {
		return out, c.remember()
	}
	go c.writePlan(lab) // a thousand hosts' script takes longer than the change of one, and nobody waits for it
	return out, c.ready(ctx, lab)
}

// brokenOff is the error of a change that failed midway, and marks the lab. A change that touched nothing leaves it as it was.
func (s *server) brokenOff(err error) error {
	var f *Failure
	if errors.As(err, &f) && f.Class != Failed {
		return err
	}
	s.set("degraded")
	return fmt.Errorf("the lab is now neither what it was nor what was asked for; \"labctl up --reset\" builds it anew: %w", err)
}

// whole refuses to build on a change that failed midway: what differs from the file could not be told any more.
func (s *server) whole() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == "degraded" {
		return &Failure{Failed, s.meta.Instance + " is degraded: a change ended midway; \"labctl up --reset\" with its file builds it anew"}
	}
	return nil
}

// heal makes nodes anew whose name is gone from the machine, so that "ip netns exec" finds them again.
func (c *call) heal(ctx context.Context, lab *topology.Lab) ([]topology.Change, error) {
	var gone []string
	var changes []topology.Change
	for _, n := range lab.Nodes {
		if c.meta.Named && !kernel.Exists(c.space.Namespace(n.Name), c.space.Inode(n.Name)) {
			gone = append(gone, n.Name)
			changes = append(changes, topology.Change{Node: n.Name, What: "rebuilt: its namespace was gone from " + kernel.NetnsDir})
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return changes, c.server.apply(ctx, topology.Rebuild(lab, c.meta.Instance, gone), lab)
}
