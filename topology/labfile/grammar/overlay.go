package grammar

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// overlay is what is being laid over other values of the document, as the set of a step over nodes. What is then wrong
// with the others follows from it, so it is reported in it, and only if the document did not say so before.
type overlay struct {
	set         Value
	first, last int // lines
	parts       []Value
}

// of is the part that a problem of that path is shown at, or the whole.
func (o *overlay) of(path string) Value {
	for _, v := range o.parts {
		if path == v.path || strings.HasPrefix(path, v.path+".") {
			return v.Key().Under(path)
		}
	}
	return o.set
}

// Lay lets what is reported until Lift be shown in the value, if it is not in it already; warnings are not.
func (d *Document) Lay(set Value) {
	d.overlay = &overlay{set: set}
	d.overlay.first, d.overlay.last = span(set.node)
}

// LayPart notes an entry of the value: what is wrong with what is at its path is shown at its key.
func (d *Document) LayPart(v Value) { d.overlay.parts = append(d.overlay.parts, v) }

// Lift ends Lay.
func (d *Document) Lift() { d.overlay = nil }

// Laying reports whether a value is laid over others.
func (d *Document) Laying() bool { return d.overlay != nil }

// AsWritten lets f report where things are written, warnings too, also while a value is laid over others.
func (d *Document) AsWritten(f func()) {
	was := d.overlay
	d.overlay = nil
	defer func() { d.overlay = was }()
	f()
}

// span is the first and the last line of a value.
func span(n *yaml.Node) (first, last int) {
	first, last = n.Line, n.Line
	for _, c := range n.Content {
		_, l := span(c)
		last = max(last, l)
	}
	return first, last
}
