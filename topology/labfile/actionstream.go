package labfile

import (
	"time"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

var streamAction = actionKind{name: "stream", doc: "echo requests with one identifier, until stopped",
	shape: streamShape,
	read:  func(st *story, v grammar.Value) any { return st.stream(v) }}

func streamShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Object, Want: "{from, to, every, name}", Keys: []grammar.Key{
		{Name: "from", Must: true, Shape: nodeText()}, {Name: "to", Must: true, Shape: nodeText()},
		{Name: "every", Shape: grammar.Duration("between two requests; 200ms if not given")},
		{Name: "name", Shape: actionName()}}}
}

func (st *story) stream(v grammar.Value) *Stream {
	every := v.Field("every")
	s := &Stream{Name: v.Field("name").Text("stream"), Every: every.Duration(200 * time.Millisecond)}
	s.From = st.party(v.Field("from"), true)
	s.To = st.party(v.Field("to"), false)
	if every.Given() && s.Every == 0 {
		every.Errorf("0s is not a time between two requests")
	}
	st.start(s.Name, v)
	if !st.isStream[s.Name] {
		st.isStream[s.Name] = true
		st.streams, st.senders = append(st.streams, s.Name), append(st.senders, s.Name)
	}
	return s
}

// party is one end of a stream.
func (st *story) party(v grammar.Value, sender bool) topology.Target {
	if v.Text("") == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(v.Word())
	switch {
	case !ok:
		if !st.doc.Failed() || !st.isNode(v.Word()) {
			st.noTarget(v)
		}
	case sender && t.Node == "":
		v.Errorf("%q is only a name for an address; a stream needs a node that sends", v.Word())
	case !t.IP.IsValid() && !t.IP6.IsValid() && !st.doc.Failed():
		v.Errorf("%s has no address", v.Word())
	}
	return t
}
