package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// readPorts reads the columns of port tables. What only a port of a virtual switch has is unknown elsewhere; what only
// an interface has is, for such a port, that of the switch's own end.
func (a *asking) readPorts(_ context.Context, at []int) {
	type look struct {
		p   SwitchPort
		i   topology.InterfaceState
		err error
	}
	ports, interfaces := map[string]look{}, map[string]look{}
	for _, n := range at {
		q := a.out[n].Question
		var word string
		var err error
		ofSwitch := slices.Contains([]string{"promiscuous", "initial", "effective"}, q.At)
		node, ifname, isPort := a.b.port(q.A)
		switch {
		case isPort && (ofSwitch || q.At == "state"):
			k, ok := ports[q.A]
			if !ok {
				sw, port := a.b.portName(q.A)
				k.p, k.err = a.b.machine.SwitchPort(sw, port)
				ports[q.A] = k
			}
			word, err = k.p.word(q.At), k.err
		case ofSwitch:
			err = fmt.Errorf("%s is not a port of a virtual switch, and only these have the column %q", q.A, q.At)
		default:
			k, ok := interfaces[q.A]
			if !ok {
				k.i, k.err = a.interfaceState(q.A, node, ifname, isPort)
				interfaces[q.A] = k
			}
			word, err = interfaceWord(k.i, q.At), k.err
		}
		if err == nil && word == "" {
			err = fmt.Errorf("a port has no %q", q.At)
		}
		if err != nil {
			a.fail([]int{n}, err)
			continue
		}
		a.out[n].Got, a.out[n].Detail = word, q.At+" of "+q.A
	}
}

func (a *asking) interfaceState(text, node, ifname string, isPort bool) (topology.InterfaceState, error) {
	if !isPort {
		t, ok := a.b.target(text)
		if !ok || t.Node == "" || t.Interface == "" {
			return topology.InterfaceState{}, fmt.Errorf("%q is not an interface of this lab", text)
		}
		node, ifname = t.Node, t.Interface
	}
	s, err := a.b.machine.Interface(node, ifname)
	if err != nil {
		return s, fmt.Errorf("read interface %s of %s: %w", ifname, node, err)
	}
	return s, nil
}

// word is a column of a port table, "" for one that it has not.
func (s SwitchPort) word(column string) string {
	switch column {
	case "state":
		return s.State
	case "promiscuous":
		return s.Promiscuous
	case "initial":
		return macWord(s.Initial)
	case "effective":
		return macWord(s.Effective)
	}
	return ""
}

// interfaceWord is the word of an interface in a column of a port table.
func interfaceWord(s topology.InterfaceState, column string) string {
	switch column {
	case "state":
		return s.State
	case "mac":
		return macWord(s.MAC)
	case "flags":
		return fmt.Sprintf("%#x", s.Flags)
	case "promiscuity":
		return strconv.Itoa(s.Promiscuity)
	}
	return ""
}

func macWord(m switchcore.MAC) string {
	if m.IsZero() {
		return "-"
	}
	return m.String()
}

// readDrops counts dropped frames, or says for which reasons frames were dropped.
func (a *asking) readDrops(ctx context.Context, at []int) {
	if len(at) == 0 {
		return
	}
	if err := a.dropped(ctx); err != nil {
		a.fail(at, err)
		return
	}
	type list struct {
		drops []Drop
		lost  int
		err   error
	}
	lists := map[string]list{}
	for _, i := range at {
		r := &a.out[i]
		node, port, _ := strings.Cut(r.Question.A, ":")
		if port != "" {
			node, port = a.b.portName(r.Question.A)
		}
		l, ok := lists[node]
		if !ok {
			l.drops, l.lost, l.err = a.b.machine.Drops(node)
			lists[node] = l
		}
		if l.err != nil {
			a.fail([]int{i}, fmt.Errorf("read what %s dropped: %w", node, l.err))
			continue
		}
		m, err := a.dropFilter(r.Question.Drop, port)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		r.count(slices.DeleteFunc(slices.Clone(l.drops), func(d Drop) bool { return !m(d) }), l.lost)
	}
}

// dropped waits until a frame that was forged a moment ago has met its fate.
func (a *asking) dropped(ctx context.Context) error {
	if forged := a.bg.forgedAt(); time.Since(forged) < a.b.patience {
		w := a.b.await(ctx)
		for ctx.Err() == nil && !w.proven {
			d := farewell
			if w.holds != "" {
				d = a.b.patience
			}
			left := d - time.Since(forged)
			if left <= 0 {
				break
			}
			poll(nil, min(left, w.next()))
		}
	}
	return errors.Join(ctx.Err(), a.b.machine.Quiet(ctx))
}

// dropFilter is the sort of frames that a question is about.
func (a *asking) dropFilter(m expect.DropMatch, port string) (func(Drop) bool, error) {
	src, err := a.stations(m.Src)
	if err != nil {
		return nil, err
	}
	dst, err := a.stations(m.Dst)
	if err != nil {
		return nil, err
	}
	return func(d Drop) bool {
		return (port == "" || d.Port == port) && (m.Reason == "" || d.Reason == m.Reason) &&
			(m.Function == "" || d.Function == m.Function) &&
			(m.Length == "" || strconv.Itoa(d.Length) == m.Length) && (src == nil || slices.Contains(src, d.Src)) &&
			(dst == nil || slices.Contains(dst, d.Dst))
	}, nil
}

// stations are the addresses that a column of a drops table stands for: a MAC, broadcast, a node, an interface or a
// name; nil for any.
func (a *asking) stations(text string) ([]switchcore.MAC, error) {
	if text == "" {
		return nil, nil
	}
	if text == "broadcast" {
		return []switchcore.MAC{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, nil
	}
	if m, err := switchcore.ParseMAC(text); err == nil {
		return []switchcore.MAC{m}, nil
	}
	return a.macs(text)
}

// count answers a drops question with the frames that it is about; lost is how many are not in the list.
func (r *Result) count(drops []Drop, lost int) {
	frames := 0
	var reasons []string
	for _, d := range drops {
		frames += d.Frames
		if d.Frames > 0 && !slices.Contains(reasons, d.Reason) {
			reasons = append(reasons, d.Reason)
		}
	}
	slices.Sort(reasons)
	r.Detail = problem.Count(frames, "frame")
	if len(reasons) > 0 {
		r.Detail += ": " + strings.Join(reasons, ", ")
	}
	if lost > 0 {
		r.Detail += fmt.Sprintf("; %d more are not in the switch's list", lost)
	}
	switch {
	case r.Question.Drop != expect.DropMatch{}:
		r.Got, r.lost = strconv.Itoa(frames), lost
	case lost > 0:
		r.Got = Unknown
	case len(reasons) == 0:
		r.Got = "-"
	default:
		r.Got = strings.Join(reasons, "+")
	}
}
