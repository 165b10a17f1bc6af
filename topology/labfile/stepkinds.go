package labfile

import (
	"strings"

	"labctl/topology/expect"
)

// expectShape is "expect" at the top or in a step.
func expectShape(step bool) *shape {
	s := &shape{form: formObject, want: "a map from kinds to tables", keys: []shapeKey{
		{name: "neighbours", shape: &shape{form: formText, want: "fresh or kept", word: []string{"fresh", "kept"}, doc: "what a pair starts from"}}}}
	for _, k := range expect.Kinds() {
		if k.OfStep && !step {
			s.hint = map[string]string{k.Name: "belongs to a step with cases"}
			continue
		}
		s.keys = append(s.keys, shapeKey{name: k.Name, shape: &shape{form: formTable, want: "a table", doc: k.Doc}})
	}
	return s
}

// waitShape is "wait": only what is read.
func waitShape() *shape {
	s := &shape{form: formObject, want: "a map from kinds to tables", hint: map[string]string{}}
	readers := expect.Listed(func(k *expect.Kind) bool { return k.Reads })
	for _, k := range expect.Kinds() {
		if !k.Reads {
			s.hint[k.Name] = "sends something or changes the lab; a wait only reads (" + strings.Join(readers, ", ") + ")"
			continue
		}
		s.keys = append(s.keys, shapeKey{name: k.Name, shape: &shape{form: formTable, want: "a table", doc: k.Doc}})
	}
	s.hint["neighbours"] = "a wait sends nothing, so there is nothing to start from"
	return s
}

func setShape() *shape {
	return &shape{form: formDict, want: "a piece of \"nodes\", by full names", def: "set", doc: "what the file would say of these nodes, merged key by key"}
}

// stepShape lists the keys in the order in which they act and have to stand.
func stepShape() *shape {
	caseName := nameShape("a case", patternCase, maxWord, []string{"on", "off", "true", "false", "null"})
	return &shape{form: formObject, want: "a step", keys: []shapeKey{
		{name: "name", must: true, shape: oneLine("a name of one line", 100)},
		{name: "note", shape: anyText("a text")},
		{name: "reset", shape: &shape{form: formList, want: "a list of nodes", of: anyText("a node"), doc: "nodes put back to what the file says"}},
		{name: "set", shape: setShape()},
		{name: "do", shape: &shape{form: formList, want: "a list of actions", of: actionShape()}},
		{name: "wait", shape: waitShape()},
		{name: "timeout", needs: []string{"wait"}, shape: duration("of wait; 10s if not given")},
		{name: "cases", shape: &shape{form: formDict, want: "a map from cases to what they set", name: caseName, of: setShape(), min: 1}},
		{name: "expect", shape: expectShape(true)},
	}}
}

func actionShape() *shape {
	node := anyText("a node")
	flush := &shape{form: formDict, want: "a map from nodes to what they forget", min: 1, of: &shape{form: formList, min: 1,
		want: "a list of neigh, routes, fdb, conntrack", of: &shape{form: formText, want: "neigh, routes, fdb or conntrack", word: flushWords()}}}
	run := &shape{form: formEither, want: "{node, sh, exit, background, ready, timeout, name}, or a command", any: []*shape{anyText("a command"),
		{form: formObject, want: "{node, sh, exit, background, ready, timeout, name}", keys: append([]shapeKey{
			{name: "node", must: true, shape: node}, {name: "sh", must: true, shape: anyText("a command")},
			{name: "exit", bars: []string{"background"}, shape: numberOf("an exit code from 0 to 255", 0, 255)},
			{name: "background", shape: yesNo("not waited for; ended with the lab or by stop")},
			{name: "name", needs: []string{"background"}, shape: wordName("an action")}}, readyKeys()...)}}}
	stream := &shape{form: formObject, want: "{from, to, every, name}", keys: []shapeKey{
		{name: "from", must: true, shape: node}, {name: "to", must: true, shape: node},
		{name: "every", shape: duration("between two requests; 200ms if not given")}, {name: "name", shape: wordName("an action")}}}
	stop := &shape{form: formEither, want: "the name of an action or {name, silent}", any: []*shape{wordName("an action"),
		{form: formObject, want: "{name, silent}", keys: []shapeKey{
			{name: "name", must: true, shape: wordName("an action")}, {name: "silent", shape: yesNo("without corrections on leaving; a command is killed at once")}}}}}
	return &shape{form: formObject, want: "an action", sole: true, keys: []shapeKey{
		{name: "flush", shape: withDoc(flush, "what nodes forget")}, {name: "run", shape: withDoc(run, "a command in a node")},
		{name: "stream", shape: withDoc(stream, "echo requests with one identifier, until stopped")}, {name: "stop", shape: withDoc(stop, "ends a stream or a command in the background")},
		{name: "send", shape: withDoc(sendShape(), "forged frames")},
		{name: "restart", shape: &shape{form: formList, want: "a list of nodes", min: 1, of: node, doc: "nodes that are torn down and built again"}},
		{name: "arp_spoof", shape: withDoc(spoofShape(), "unsolicited ARP replies, until stopped")}}}
}

func flushWords() []string { return []string{"neigh", "routes", "fdb", "conntrack"} }
