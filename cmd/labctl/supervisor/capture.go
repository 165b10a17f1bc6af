//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
)

// captureSource is one of the things that a capture copies from.
type captureSource interface {
	places() []wire.CapturePlace
	// frames waits for some; after ctx has ended it returns what is there already, with an error.
	frames(ctx context.Context) ([]wire.CapturedFrame, error)
	lost() uint64
	close()
}

// capture copies frames to the client until that has no more to say, and ends with what was lost.
func capture(ctx context.Context, c *call, p wire.CaptureParams) (wire.CaptureEnd, error) {
	if err := c.begun(); err != nil {
		return wire.CaptureEnd{}, err
	}
	sources, err := c.captureSources(p)
	defer func() {
		for _, s := range sources {
			s.close()
		}
	}()
	if err != nil {
		return wire.CaptureEnd{}, err
	}
	var places []wire.CapturePlace
	for _, s := range sources {
		places = append(places, s.places()...)
	}
	if err := c.item(wire.CaptureItem{Places: places}); err != nil {
		return wire.CaptureEnd{}, err
	}
	end := wire.CaptureEnd{Lost: map[string]uint64{}}
	end.Why = pump(ctx, sources, func(f []wire.CapturedFrame) error { return c.item(wire.CaptureItem{Frames: f}) })
	for _, s := range sources {
		if n := s.lost(); n > 0 {
			end.Lost[s.places()[0].Name] += n
		}
	}
	return end, nil
}

// pump passes on what the sources have until ctx or one of them ends, or nobody takes it; it says which source has
// ended.
func pump(ctx context.Context, sources []captureSource, to func([]wire.CapturedFrame) error) (why string) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []wire.CapturedFrame, 64) // a socket of an ordinary user has room for three frames of 64 KB
	var all sync.WaitGroup
	for _, s := range sources {
		all.Go(func() {
			for {
				frames, err := s.frames(ctx)
				if len(frames) > 0 {
					batches <- frames
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	go func() { all.Wait(); close(batches) }()
	order := &inOrder{}
	if len(sources) > 1 {
		order.span = mergeSpan
	}
	tick := time.NewTicker(mergeSpan / 4)
	defer tick.Stop()
	var failed error
	for open := true; open; {
		var b []wire.CapturedFrame
		select {
		case b, open = <-batches:
		case <-tick.C:
		}
		if failed != nil {
			continue // nobody listens, and the sources are about to notice
		}
		due := order.add(b, time.Now(), !open)
		if len(due) == 0 {
			continue
		}
		if failed = to(due); failed != nil {
			cancel(failed)
		}
	}
	if err := context.Cause(ctx); errors.Is(err, errSourceEnded) {
		return err.Error()
	}
	return ""
}

// mergeSpan is how long frames of several sources wait for earlier ones of another: a reader pairs requests with
// replies by their order in the file.
const mergeSpan = 200 * time.Millisecond

// inOrder puts frames of several sources in the order of time.
type inOrder struct {
	span time.Duration
	held []wire.CapturedFrame
}

// add takes frames in and gives out those that nothing earlier is expected before; all of them at the end.
func (o *inOrder) add(frames []wire.CapturedFrame, now time.Time, end bool) []wire.CapturedFrame {
	o.held = append(o.held, frames...)
	slices.SortStableFunc(o.held, func(a, b wire.CapturedFrame) int { return a.Time.Compare(b.Time) })
	n := len(o.held)
	if !end && o.span > 0 {
		n, _ = slices.BinarySearchFunc(o.held, now.Add(-o.span),
			func(f wire.CapturedFrame, t time.Time) int { return f.Time.Compare(t) })
	}
	due := slices.Clone(o.held[:n])
	o.held = slices.Delete(o.held, 0, n)
	return due
}

// captureSources finds what is asked for. Ports of one switch are one source, so that their frames come in order. What
// it returns is to be closed, also with an error.
func (c *call) captureSources(p wire.CaptureParams) (sources []captureSource, err error) {
	ports := map[string][]string{} // by switch; "" means all
	var order []string
	for _, what := range p.What {
		node, port, _ := strings.Cut(what, ":")
		n := c.current().Node(node)
		switch {
		case n == nil:
			return sources, wire.UnknownNode(c.current(), node)
		case n.Switch != nil:
			if err := c.checkSwitches([]string{what}); err != nil {
				return sources, err
			}
			if ports[node] == nil {
				order = append(order, node)
			}
			ports[node] = append(ports[node], port)
		case p.Drops:
			return sources, wire.Usagef("%s is a %s, and only a vswitch says what it drops%s", node, n.Kind,
				switchesOf(c.current()))
		default:
			s, err := c.captureInterface(what, p.Promiscuous)
			if err != nil {
				return sources, err
			}
			sources = append(sources, s)
		}
	}
	for _, node := range order {
		names := ports[node]
		if slices.Contains(names, "") {
			names = nil
		}
		s, err := c.captureSwitch(node, names, p.Drops)
		if err != nil {
			return sources, err
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// tapSource copies from a switch.
type tapSource struct {
	node string
	list []wire.CapturePlace
	tap  *datapath.Tap
}

// captureSwitch taps the ports with these names, all if there are none.
func (c *call) captureSwitch(node string, names []string, drops bool) (captureSource, error) {
	v, err := c.switches.get(node)
	if err != nil {
		return nil, err
	}
	s := &tapSource{node: node}
	var filter datapath.TapFilter
	if drops {
		filter.Points = []string{datapath.Drop}
	}
	v.loop.Do(func(_ time.Duration, sw *switchcore.Switch) {
		for _, id := range sw.Ports() {
			st := sw.Status(id)
			if len(names) > 0 && !slices.Contains(names, st.Name) {
				continue
			}
			if len(names) > 0 {
				filter.Ports = append(filter.Ports, id)
			}
			s.list = append(s.list, wire.CapturePlace{Name: node + ":" + st.Name, Description: describePort(st, drops)})
		}
	})
	if len(s.list) == 0 {
		return nil, wire.Usagef("%s has no ports", node)
	}
	s.tap = v.loop.Tap(filter)
	return s, nil
}

// describePort says what a port is and at which points its frames are seen.
func describePort(st switchcore.PortStatus, drops bool) string {
	what, points := "port", []string{datapath.PortInput, datapath.PortOutput, datapath.Drop}
	if st.Uplink {
		what, points = "uplink", []string{datapath.UplinkRcv, datapath.UplinkSnd, datapath.Drop}
	}
	if drops {
		points = points[2:]
	}
	if st.Group != "" {
		what += " of group " + st.Group
	}
	return fmt.Sprintf("%s %d: %s", what, st.Number, strings.Join(points, ", "))
}

func (s *tapSource) places() []wire.CapturePlace { return s.list }
func (s *tapSource) lost() uint64                { return s.tap.Lost() }
func (s *tapSource) close()                      { s.tap.Close() }

func (s *tapSource) frames(ctx context.Context) ([]wire.CapturedFrame, error) {
	list, err := s.tap.Next(ctx)
	if err != nil && ctx.Err() != nil {
		list, _ = s.tap.Next(ctx) // what came just before the end
	} else if errors.Is(err, datapath.ErrClosed) {
		err = fmt.Errorf("%s: %w", s.node, errSourceEnded)
	}
	out := make([]wire.CapturedFrame, len(list))
	for i, f := range list {
		name := s.node
		if f.Name != "" {
			name += ":" + f.Name
		}
		verdict := f.Verdict
		if f.Point == datapath.Drop { // which says it already
			verdict = strings.TrimPrefix(verdict, "dropped: ")
		}
		out[i] = wire.CapturedFrame{Time: f.Time, Name: name, Point: f.Point, Verdict: verdict, Length: f.Length,
			Data: f.Data}
	}
	return out, err
}

// captureInterface listens at an interface of a node.
func (c *call) captureInterface(what string, promiscuous bool) (captureSource, error) {
	lab := c.current()
	t, ok := lab.Target(what)
	node, name, _ := strings.Cut(what, ":")
	if !ok {
		var names []string
		for _, i := range lab.Node(node).Interfaces {
			names = append(names, i.Name)
		}
		return nil, wire.Usagef("%s has no interface %q; it has %s", node, name, strings.Join(names, ", "))
	}
	n := lab.Node(t.Node)
	if t.Interface == "" {
		if len(n.Interfaces) != 1 {
			var names []string
			for _, i := range n.Interfaces {
				names = append(names, n.Name+":"+i.Name)
			}
			return nil, wire.Usagef("%s has %d interfaces: write one of %s", t.Node, len(n.Interfaces),
				strings.Join(names, ", "))
		}
		t.Interface = n.Interfaces[0].Name
	}
	end := topology.End{Node: t.Node, Interface: t.Interface}
	fd, index, err := c.space.PacketSocket(end)
	if err != nil {
		return nil, err
	}
	s, err := newSocketSource(end, fd, index, promiscuous)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", end, err)
	}
	c.captures.add(s)
	return s, nil
}
