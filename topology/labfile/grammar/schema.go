package grammar

// JSON is an object of a JSON Schema.
type JSON = map[string]any

// Described is a schema with words for editors.
func Described(m JSON, doc string) JSON {
	if doc != "" {
		m["description"] = doc
	}
	return m
}

// Ref is a reference to a part of the schema by its name.
func Ref(def string) JSON { return JSON{"$ref": "#/$defs/" + def} }

// Schema is the shape as JSON Schema (draft 2020-12).
func (s *Shape) Schema() JSON {
	m := JSON{}
	switch s.Form {
	case Object:
		s.objectSchema(m)
	case Dict:
		s.dictSchema(m)
	case List:
		m["type"], m["items"] = "array", s.Of.Schema()
		s.limits(m, "Items")
	case Either:
		var any []any
		for _, a := range s.Any {
			any = append(any, a.Schema())
		}
		m["anyOf"] = any
	case Bool:
		m["type"] = "boolean"
	case Number:
		m["type"], m["minimum"], m["maximum"] = "integer", s.Min, s.Max
		if s.Step > 1 {
			m["multipleOf"] = s.Step
		}
	case Table:
		m["type"] = "string"
		if s.Max > 0 {
			m["type"], m["minimum"], m["maximum"] = []any{"string", "integer"}, s.Min, s.Max
		}
	default:
		s.textSchema(m)
	}
	return Described(m, s.Doc)
}

func (s *Shape) textSchema(m JSON) {
	m["type"] = "string"
	if len(s.Words) > 0 {
		m["enum"] = s.Words
	}
	if s.RE != nil {
		m["pattern"] = s.RE.String()
	}
	if s.Max > 0 {
		m["maxLength"] = s.Max
	}
	if len(s.Not) > 0 {
		m["not"] = JSON{"enum": s.Not}
	}
}

func (s *Shape) dictSchema(m JSON) {
	s.limits(m, "Properties")
	if s.Def != "" {
		m["$ref"] = Ref(s.Def)["$ref"]
		return
	}
	m["type"] = "object"
	m["additionalProperties"] = s.Of.Schema()
	if s.Removes {
		m["additionalProperties"] = JSON{"anyOf": []any{s.Of.Schema(), JSON{"type": "null"}}}
	}
	if s.Name != nil {
		m["propertyNames"] = s.Name.Schema()
	}
}

func (s *Shape) limits(m JSON, what string) {
	if s.Min > 0 {
		m["min"+what] = s.Min
	}
	if s.Max > 0 {
		m["max"+what] = s.Max
	}
}

func (s *Shape) objectSchema(m JSON) {
	properties, beside := JSON{}, JSON{}
	var must []string
	for _, k := range s.Keys {
		properties[k.Name] = k.Shape.Schema()
		if k.Must {
			must = append(must, k.Name)
		}
		if rule := k.besideSchema(); rule != nil {
			beside[k.Name] = rule
		}
	}
	m["type"], m["properties"], m["additionalProperties"] = "object", properties, false
	s.limits(m, "Properties")
	if len(must) > 0 {
		m["required"] = must
	}
	if len(beside) > 0 {
		m["dependentSchemas"] = beside
	}
	if s.Sole {
		m["minProperties"], m["maxProperties"] = 1, 1
	}
}

// besideSchema is what holds for the whole object when it has the key.
func (k *Key) besideSchema() JSON {
	m := JSON{}
	if len(k.Needs) > 0 {
		m["anyOf"] = required(k.Needs)
	}
	if len(k.Bars) > 0 {
		m["not"] = JSON{"anyOf": required(k.Bars)}
	}
	if len(m) == 0 {
		return nil
	}
	m["description"] = "what " + k.Name + " goes with"
	return m
}

func required(names []string) []any {
	var out []any
	for _, n := range names {
		out = append(out, JSON{"required": []string{n}})
	}
	return out
}
