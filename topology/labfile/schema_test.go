package labfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

func compileSchema(t *testing.T, src []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lab.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lab.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML document as a JSON value; ok is false for one that JSON cannot say.
func asJSON(src []byte) (v any, ok bool) {
	var doc any
	if err := yaml.Load(src, &doc); err != nil {
		return nil, false
	}
	text, err := json.Marshal(textKeys(doc))
	if err != nil {
		return nil, false
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	return v, err == nil
}

// textKeys is a value whose keys are all text, as JSON has them: editors read the key 100 as "100".
func textKeys(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = textKeys(v[k])
		}
	case map[any]any:
		out := map[string]any{}
		for k := range v {
			out[fmt.Sprint(k)] = textKeys(v[k])
		}
		return out
	case []any:
		for i := range v {
			v[i] = textKeys(v[i])
		}
	}
	return v
}

func TestSchemaAcceptsWhatLoads(t *testing.T) {
	s := compileSchema(t, Schema())
	for _, name := range labFiles(t) {
		v, ok := asJSON(mustRead(t, name))
		if !ok {
			t.Errorf("%s cannot be said in JSON", name)
			continue
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// beyondSchema are the bad files whose mistakes no schema can find: they are about YAML itself, about what is in
// links and tables, about names, or about what the kernel refuses.
func beyondSchema() []string {
	return []string{"rules-words", "bridges", "links", "tables2", "too-many-ports", "duplicates", "stack", "kernel-routes", "lookup", "port-names", "only-interface", "stories", "switches2", "spoofing", "link-ends", "near-names", "host-addresses", "gateways", "loopback-tables", "groups"}
}

func TestSchemaRefusesBadFiles(t *testing.T) {
	s := compileSchema(t, Schema())
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, name := range names {
		v, ok := asJSON(mustRead(t, name))
		if !ok {
			continue
		}
		base := strings.TrimSuffix(filepath.Base(name), ".yaml")
		refused, beyond := s.Validate(v) != nil, slices.Contains(beyondSchema(), base)
		if refused == beyond {
			t.Errorf("%s: refused by the schema: %v; listed as beyond it: %v", name, refused, beyond)
		}
	}
}

// samples are values of every form; those that only look right are left to the golden files.
func samples() []string {
	return []string{"true", "5", "0", "16", "70000", "yes", "text", "two words", `""`, "null", "[]", "{}", "[text]", "[5]", "[true]",
		"10.0.0.1", "10.0.0.1/24", "[10.0.0.1/24]", "00:50:56:00:00:01", "8s", "kernel", "fresh", "bridge", "host", "source", "lo",
		"eth0", "a:eth0", `"10,20-30"`, "[neigh]", "{a: [neigh]}", "{a: {ip: 10.0.0.1}}", "{default: 10.0.0.1}", "{10.0.0.0/8: {via: 10.0.0.1}}",
		"{rp_filter: 1}", "{net.ipv4.ip_default_ttl: 5}", "{rp: 1}", "{eth0: 10.0.0.1/24}", "{eth0: {vlan: a}}", "{eth0: {vlan: a, id: 5}}",
		"{eth0: {bridge: [a], veth: b}}", "{eth0: {mode: vepa}}", "{learning: true}", "{pvid: 5}", "{via: 10.0.0.1, dev: eth0}",
		"{name: x}", "{name: x, timeout: 5s}", "{name: x, timeout: 5s, wait: {}}", "{stop: x}", "{stop: x, run: y}", "{sh: x}",
		"{node: a, sh: x, exit: 3}", "{node: a, sh: x, exit: 3, background: true}", "{from: a, to: b}", "{ip: 10.0.0.1}", "{ping: ok}",
		"[{stop: x}]", "[{name: x}]", "[{name: x}, 5]", "[a -- b]", "[a]", "x" + strings.Repeat("y", 200), `"a\nb"`, "{format: 1}"}
}

// TestSchemaAgrees holds every shape of the grammar against every sample: schema and decoder must say the same.
func TestSchemaAgrees(t *testing.T) {
	defs := schemaDefs()
	seen := map[*grammar.Shape]bool{}
	checked := 0
	var walk func(s *grammar.Shape, path string)
	walk = func(s *grammar.Shape, path string) {
		if s == nil || seen[s] || s.Later || s.Of != nil && s.Of.Later { // read by whoever knows the node's kind
			return
		}
		seen[s] = true
		doc := s.Schema()
		src, err := json.Marshal(doc)
		if bytes.Contains(src, []byte("$ref")) {
			doc["$defs"] = defs
			src, err = json.Marshal(doc)
		}
		if err != nil {
			t.Fatal(err)
		}
		schema := compileSchema(t, src)
		for _, text := range samples() {
			d := grammar.New("sample", []byte(text))
			value := d.Parse()
			v, ok := asJSON([]byte(text))
			if !value.Given() || !ok {
				t.Fatalf("sample %s is no YAML", text)
			}
			checked++
			ours, theirs := s.Check(value) && d.Found() == 0, schema.Validate(v) == nil
			if ours != theirs {
				t.Errorf("%s: %s: the decoder says %v, the schema %v\n%v", path, text, ours, theirs, d.Problems())
			}
		}
		for _, k := range s.Keys {
			walk(k.Shape, problem.PathKey(path, k.Name))
		}
		for i, a := range s.Any {
			walk(a, problem.PathIndex(path, i))
		}
		walk(s.Of, problem.PathKey(path, "*"))
	}
	walk(format1(), "")
	for _, k := range nodeKinds() {
		walk(k.file, string(k.name))
		walk(k.set, "set-"+string(k.name))
	}
	if checked < 1000 {
		t.Errorf("only %d comparisons", checked)
	}
}
