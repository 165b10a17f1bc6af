package labfile

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"sync"

	"labctl/topology/labfile/grammar"
)

// Format is the format of lab files that is read.
const Format = 1

// maxLabName is the longest name of a lab, in bytes.
const maxLabName = 32

// format1 is the only format. It is never changed once made.
var format1 = sync.OnceValue(func() *grammar.Shape {
	program := &grammar.Shape{Form: grammar.Text,
		Want: "the name of a program, as nft, or of an extension of iptables, as xtables:TARPIT",
		Max:  100, RE: regexp.MustCompile(`^(xtables:)?[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)}
	return &grammar.Shape{Form: grammar.Object, Want: "a lab file", Foreign: foreignAtTop(), Keys: []grammar.Key{
		{Name: "format", Must: true, Write: `"format: 1" in the first line`,
			Shape: grammar.NumberOf("1", Format, Format)},
		{Name: "lab", Must: true, Write: `"lab:" and a name for it, as "lab: first"`,
			Shape: grammar.Named("a lab", grammar.LowerName, maxLabName, nil)},
		{Name: "about", Shape: grammar.OneLine("one line of at most 100 characters", 100)},
		{Name: "needs", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of programs", Min: 1, Of: program,
			Doc: "programs that commands of the lab run, and extensions of iptables (xtables:NAME); where one is not " +
				"installed the lab is skipped"}},
		{Name: "sysctls", Shape: sysctlsShape(false)},
		{Name: "ipv6", Shape: grammar.YesNo("every node has IPv6")},
		{Name: "mtu", Shape: mtuShape()},
		{Name: "timers", Shape: grammar.OneOf("kernel").With("the neighbour timers are the kernel's")},
		{Name: "names", Shape: namesShape()},
		{Name: "nodes", Must: true, Write: `"nodes:", and each node below it, as "h1: {ip: 10.0.0.1/24}"`,
			Shape: nodesShape().AtLeast(1)},
		{Name: "links", Shape: linksShape()},
		{Name: "expect", Shape: expectShape(false)},
		{Name: "steps", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of steps", Of: stepShape()}},
	}}
})

// Schema returns a JSON Schema (draft 2020-12) of the lab file, for editors. It is made from the description that
// [Load] itself checks files with; what a schema cannot say (what is inside a table or a link, which names exist, what
// the kernel refuses) only Load says. The result is the same every time and belongs to the caller.
func Schema() []byte {
	doc := format1().Schema()
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = "labctl lab file, format 1"
	doc["$defs"] = schemaDefs()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		panic(err) // maps, lists, strings and numbers only
	}
	return b.Bytes()
}

// schemaDefs are the parts that the schema refers to. A kind with the keys of an earlier one is not said again.
func schemaDefs() grammar.JSON {
	full := grammar.JSON{"pattern": `^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$`, "maxLength": maxNodeName}
	defs := grammar.JSON{
		"nodes": grammar.JSON{"type": "object", "propertyNames": nodesShape().Name.Schema(),
			"additionalProperties": grammar.Ref("node")},
	}
	kinds := distinctKinds()
	var sets []any
	for _, k := range kinds {
		defs[string(k.name)] = grammar.Described(k.file.Schema(), k.doc)
		sets = append(sets, k.set.Schema())
	}
	node := grammar.Ref(string(kinds[0].name)) // what a node is that does not say it
	for _, k := range slices.Backward(kinds[1:]) {
		is := grammar.JSON{"properties": grammar.JSON{"kind": grammar.JSON{"const": string(k.name)}},
			"required": []string{"kind"}}
		node = grammar.JSON{"if": is, "then": grammar.Ref(string(k.name)), "else": node}
	}
	node["type"] = "object"
	defs["node"] = node
	defs["set"] = grammar.JSON{"type": "object", "propertyNames": full,
		"additionalProperties": grammar.JSON{"anyOf": sets}}
	return defs
}

// distinctKinds are the kinds of nodes without those whose keys are another's.
func distinctKinds() []nodeKind {
	var out []nodeKind
	seen := map[string]bool{}
	for _, k := range nodeKinds() {
		keys, err := json.Marshal(k.file.Schema())
		if err != nil {
			panic(err) // maps, lists, strings and numbers only
		}
		if !seen[string(keys)] {
			seen[string(keys)] = true
			out = append(out, k)
		}
	}
	return out
}
