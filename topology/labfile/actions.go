package labfile

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// action reads one entry of "do".
func (st *story) action(n *yaml.Node, path string) *Action {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return nil
	}
	v := n.Content[1]
	a := &Action{Pos: st.at(n.Content[0])}
	path = problem.PathKey(path, n.Content[0].Value)
	switch n.Content[0].Value {
	case "flush":
		a.Flush = st.flush(v, path)
	case "run":
		a.Run = st.run(v, path)
	case "stream":
		a.Stream = st.stream(v, path)
	case "stop":
		a.Stop = st.stop(v, path)
	case "send":
		a.Send = st.send(v, path)
	case "restart":
		a.Restart = st.restart(v, path)
	case "arp_spoof":
		a.ARPSpoof = st.arpSpoof(v, path)
	default:
		return nil
	}
	return a
}

func (st *story) flush(v *yaml.Node, path string) *Flush {
	f := &Flush{}
	for k, what := range entries(v) {
		s, why := st.fullName(k.Value)
		if s == nil {
			st.errorf(k, problem.PathKey(path, k.Value), "%s", why)
			continue
		}
		fn := FlushNode{Node: s.full}
		for _, w := range items(what) {
			fn.What = append(fn.What, w.Value)
		}
		f.Nodes = append(f.Nodes, fn)
	}
	return f
}

// run reads a command. One that names no node runs in the first: it is one that does not mind, as sleep.
func (st *story) run(v *yaml.Node, path string) *RunAction {
	if v.Kind == yaml.ScalarNode {
		r := &RunAction{Sh: v.Value, Name: "run"}
		if len(st.sites) > 0 {
			r.Node = st.sites[0].full
		}
		return r
	}
	r := &RunAction{Sh: stringOf(field(v, "sh"), ""), Exit: intOf(field(v, "exit"), 0),
		Background: boolOf(field(v, "background"), false), Ready: st.ready(v, path), Name: stringOf(field(v, "name"), "run")}
	if n := field(v, "node"); n != nil && n.Kind == yaml.ScalarNode {
		s, why := st.fullName(n.Value)
		if s == nil {
			st.errorf(n, problem.PathKey(path, "node"), "%s", why)
		} else {
			r.Node = s.full
		}
	}
	if r.Background {
		st.start(r.Name, v, path)
	}
	return r
}

// start notes that a background action runs.
func (st *story) start(name string, v *yaml.Node, path string) {
	if st.running[name] {
		st.errorf(v, path, "%q is running already; give this one another name", name)
	}
	st.running[name] = true
}

func (st *story) stream(v *yaml.Node, path string) *Stream {
	s := &Stream{Name: stringOf(field(v, "name"), "stream"), Every: durationOf(field(v, "every"), 200*time.Millisecond)}
	s.From = st.party(field(v, "from"), problem.PathKey(path, "from"), true)
	s.To = st.party(field(v, "to"), problem.PathKey(path, "to"), false)
	if e := field(v, "every"); e != nil && s.Every == 0 {
		st.errorf(e, problem.PathKey(path, "every"), "0s is not a time between two requests")
	}
	st.start(s.Name, v, path)
	if !st.isStream[s.Name] {
		st.isStream[s.Name] = true
		st.streams, st.senders = append(st.streams, s.Name), append(st.senders, s.Name)
	}
	return s
}

// party is who an action is about.
func (st *story) party(n *yaml.Node, path string, sender bool) topology.Target {
	if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(n.Value)
	switch {
	case !ok:
		if !st.failed() || st.named[n.Value] == nil {
			st.errorf(n, path, "%q is not a node, interface or name%s", problem.Clip(n.Value), st.nearTarget(n.Value))
		}
	case sender && t.Node == "":
		st.errorf(n, path, "%q is only a name for an address; a stream needs a node that sends", n.Value)
	case !t.IP.IsValid() && !t.IP6.IsValid() && !st.failed():
		st.errorf(n, path, "%s has no address", n.Value)
	}
	return t
}

func (st *story) nearTarget(word string) string {
	return st.Near(word, func() (known []string) {
		for _, s := range st.sites {
			known = append(known, s.full)
		}
		for _, e := range st.lab.Names {
			known = append(known, e.Name)
		}
		return known
	})
}

func (st *story) stop(v *yaml.Node, path string) *Stop {
	s := &Stop{Name: stringOf(v, ""), Silent: boolOf(field(v, "silent"), false)}
	at := v
	if v.Kind == yaml.MappingNode {
		at = field(v, "name")
		s.Name = stringOf(at, "")
	}
	if s.Name == "" {
		return s
	}
	if !st.running[s.Name] {
		known := slices.Sorted(maps.Keys(st.running))
		known = slices.DeleteFunc(known, func(k string) bool { return !st.running[k] })
		why := fmt.Sprintf("nothing called %q runs here", problem.Clip(s.Name))
		if len(known) > 0 {
			why += "; running are " + problem.AndList(known)
		}
		st.errorf(at, path, "%s", why)
	}
	st.running[s.Name] = false
	return s
}
