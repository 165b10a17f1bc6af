package plan

import (
	"cmp"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/rules"
)

// nodeSysctls writes a node's own values, before its interfaces are made, because they inherit from them.
func (d *differ) nodeSysctls(n *topology.Node) {
	if d.rebuilt[n.Name] {
		for _, s := range n.Sysctls {
			if ofInterface(n, s.Key) == "" {
				d.add(SetSysctl{n.Name, s})
			}
		}
		d.add(SetUp{n.Name, "lo", true})
		return
	}
	if slices.Equal(d.old[n.Name].Sysctls, n.Sysctls) {
		return // those of interfaces that are rebuilt come with them
	}
	o := d.old[n.Name]
	was, now := sysctlsBefore(o, n), sysctlMap(n)
	var written []topology.Sysctl
	for _, s := range n.Sysctls {
		dev := ofInterface(n, s.Key)
		if d.made[topology.End{Node: n.Name, Interface: dev}] {
			continue
		}
		if slices.Contains(topology.BridgeCallKeys(), s.Key) && o.BridgeCall(s.Key).Given {
			s.Value = n.BridgeCall(s.Key).Value // no longer given, perhaps, and a loaded set needs it
		}
		old, ok := was[s.Key]
		if !ok {
			old = inherited(s.Key, n, was)
		}
		if old != s.Value || slices.ContainsFunc(written, func(w topology.Sysctl) bool { return w.Touches(s.Key) }) {
			if old != s.Value {
				d.say(n.Name, "sysctl %s: %s -> %s", s.Key, cmp.Or(old, "kernel default"), s.Value)
				written = append(written, s)
			}
			d.add(SetSysctl{n.Name, s})
		}
	}
	for _, s := range o.Sysctls {
		if _, ok := now[s.Key]; ok {
			continue
		}
		if v := inherited(s.Key, n, now); v != "gone" &&
			!d.made[topology.End{Node: n.Name, Interface: ofInterface(n, s.Key)}] && v != s.Value {
			d.say(n.Name, "sysctl %s: %s -> %s", s.Key, s.Value, v)
			d.add(SetSysctl{n.Name, topology.Sysctl{Key: s.Key, Value: v}})
		}
	}
}

func sysctlMap(n *topology.Node) map[string]string {
	m := make(map[string]string, len(n.Sysctls))
	for _, s := range n.Sysctls {
		m[s.Key] = s.Value
	}
	return m
}

// sysctlsBefore are the values of a node as they are before its rules change. Those of br_netfilter that only rules
// decide about are as the new state pins them: they change together with the rules (BridgeCalls).
func sysctlsBefore(o, n *topology.Node) map[string]string {
	m, now := sysctlMap(o), sysctlMap(n)
	for _, key := range topology.BridgeCallKeys() {
		before := o.BridgeCall(key)
		if before.Given || n.BridgeCall(key).Given {
			m[key] = before.Value
		} else if v, pinned := now[key]; pinned {
			m[key] = v
		}
	}
	return m
}

// inherited is the value an interface's own knob has when the file does not give one: that of "default", or "".
// A key of an interface that is no more goes with it, and needs no value: it reads "gone".
func inherited(key string, n *topology.Node, now map[string]string) string {
	f := strings.Split(key, "/")
	if key == rules.BridgeTagged {
		return n.BridgeCall(key).Value
	}
	if slices.Contains(topology.MultipathKeys(), key) {
		return "0"
	}
	if len(f) != 5 || f[0] != "net" {
		return ""
	}
	if n.Interface(f[3]) == nil && f[3] != "all" && f[3] != "default" {
		return "gone"
	}
	return now[strings.Join([]string{f[0], f[1], f[2], "default", f[4]}, "/")]
}

// ofInterface is the interface of the node that a key belongs to, or "".
func ofInterface(n *topology.Node, key string) string {
	f := strings.Split(key, "/")
	if len(f) == 5 && f[3] != "all" && f[3] != "default" && f[3] != "lo" && n.Interface(f[3]) != nil {
		return f[3]
	}
	return ""
}
