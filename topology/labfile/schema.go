package labfile

import (
	"bytes"
	"encoding/json"

	"labctl/topology"
)

// Schema returns a JSON Schema (draft 2020-12) of the lab file, for editors. It is made from the description that [Load]
// itself checks files with; what a schema cannot say (what stands inside a table or a link, which names exist, what the
// kernel refuses) only Load says. The result is the same every time and belongs to the caller.
func Schema() []byte {
	g := format1()
	doc := g.top.schema()
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = "labctl lab file, format 1"
	doc["$defs"] = g.defs()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		panic(err) // maps, lists, strings and numbers only
	}
	return b.Bytes()
}

type jsonMap = map[string]any

// defs are the parts that the schema refers to.
func (g *fileGrammar) defs() jsonMap {
	host, bridge, vswitch := g.kind[topology.Host], g.kind[topology.Bridge], g.kind[topology.VSwitch]
	name := nodesShape().name.schema()
	full := jsonMap{"pattern": `^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$`, "maxLength": maxNodeName}
	is := func(k topology.Kind) jsonMap {
		return jsonMap{"properties": jsonMap{"kind": jsonMap{"const": string(k)}}, "required": []string{"kind"}}
	}
	return jsonMap{
		"nodes": jsonMap{"type": "object", "propertyNames": name, "additionalProperties": jsonMap{"$ref": "#/$defs/node"}},
		"node": jsonMap{"type": "object", "if": is(topology.Bridge), "then": jsonMap{"$ref": "#/$defs/bridge"},
			"else": jsonMap{"if": is(topology.VSwitch), "then": jsonMap{"$ref": "#/$defs/vswitch"}, "else": jsonMap{"$ref": "#/$defs/host"}}},
		"host":    withDescription(host.file.schema(), host.doc),
		"bridge":  withDescription(bridge.file.schema(), bridge.doc),
		"vswitch": withDescription(vswitch.file.schema(), vswitch.doc),
		"set": jsonMap{"type": "object", "propertyNames": full,
			"additionalProperties": jsonMap{"anyOf": []any{host.set.schema(), bridge.set.schema(), vswitch.set.schema()}}},
	}
}

func withDescription(m jsonMap, doc string) jsonMap {
	if doc != "" {
		m["description"] = doc
	}
	return m
}

// schema is the shape as JSON Schema.
func (s *shape) schema() jsonMap {
	m := jsonMap{}
	switch s.form {
	case formObject:
		s.objectSchema(m)
	case formDict:
		s.dictSchema(m)
	case formList:
		m["type"], m["items"] = "array", s.of.schema()
		limits(m, "Items", s)
	case formEither:
		var any []any
		for _, a := range s.any {
			any = append(any, a.schema())
		}
		m["anyOf"] = any
	case formBool:
		m["type"] = "boolean"
	case formNumber:
		m["type"], m["minimum"], m["maximum"] = "integer", s.min, s.max
		if s.step > 1 {
			m["multipleOf"] = s.step
		}
	case formTable:
		m["type"] = "string"
	default:
		s.textSchema(m)
	}
	return withDescription(m, s.doc)
}

func (s *shape) textSchema(m jsonMap) {
	m["type"] = "string"
	if len(s.word) > 0 {
		m["enum"] = s.word
	}
	if s.re != nil {
		m["pattern"] = s.re.String()
	}
	if s.max > 0 {
		m["maxLength"] = s.max
	}
	if len(s.not) > 0 {
		m["not"] = jsonMap{"enum": s.not}
	}
}

func (s *shape) dictSchema(m jsonMap) {
	limits(m, "Properties", s)
	if s.def != "" {
		m["$ref"] = "#/$defs/" + s.def
		return
	}
	m["type"] = "object"
	m["additionalProperties"] = s.of.schema()
	if s.name != nil {
		m["propertyNames"] = s.name.schema()
	}
}

func limits(m jsonMap, what string, s *shape) {
	if s.min > 0 {
		m["min"+what] = s.min
	}
	if s.max > 0 {
		m["max"+what] = s.max
	}
}

func (s *shape) objectSchema(m jsonMap) {
	properties, beside := jsonMap{}, jsonMap{}
	var must []string
	for _, k := range s.keys {
		properties[k.name] = k.shape.schema()
		if k.must {
			must = append(must, k.name)
		}
		if rule := k.besideSchema(); rule != nil {
			beside[k.name] = rule
		}
	}
	m["type"], m["properties"], m["additionalProperties"] = "object", properties, false
	limits(m, "Properties", s)
	if len(must) > 0 {
		m["required"] = must
	}
	if len(beside) > 0 {
		m["dependentSchemas"] = beside
	}
	if s.sole {
		m["minProperties"], m["maxProperties"] = 1, 1
	}
}

// besideSchema is what holds for the whole object when the key stands in it.
func (k *shapeKey) besideSchema() jsonMap {
	m := jsonMap{}
	if len(k.needs) > 0 {
		m["anyOf"] = required(k.needs)
	}
	if len(k.bars) > 0 {
		m["not"] = jsonMap{"anyOf": required(k.bars)}
	}
	if len(m) == 0 {
		return nil
	}
	m["description"] = "what " + k.name + " goes with"
	return m
}

func required(names []string) []any {
	var out []any
	for _, n := range names {
		out = append(out, jsonMap{"required": []string{n}})
	}
	return out
}
