package state_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"labctl/labs"
	"labctl/topology/labfile"
	"labctl/topology/state"
)

// textOf is the text of a shipped lab's state.
func textOf(t testing.TB, name string) string {
	t.Helper()
	src, err := labs.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	file, problems := labfile.Load(name+".yaml", src)
	if file == nil {
		t.Fatal(problems)
	}
	text, err := state.Of(file.Lab).Text()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What comes from a stranger is taken as labctl writes it, or not at all, and the error says where.
func TestReadIsStrict(t *testing.T) {
	hosts, bridge, vswitch := textOf(t, "two-hosts"), textOf(t, "bridge-ageing"), textOf(t, "policy-matrix")
	for _, tt := range []struct{ what, text, old, new, want string }{
		{"nothing", "", "", "", "line 1"},
		{"no JSON", "{", "", "", "line 1: unexpected end"},
		{"a list", "[]", "", "", "line 1"},
		{"no format", `{"lab": "x"}`, "", "", "line 1: it does not begin with its format"},
		{"a newer format", bridge, `"format": 1`, `"format": 2`, "format 2; this labctl reads format 1"},
		{"an unknown key", bridge, `"lab":`, `"colour": "red", "lab":`, `unknown field "colour"`},
		{"an unknown key far inside", bridge, `"promiscuity":`, `"colour": 1, "promiscuity":`, `unknown field "colour"`},
		{"a key twice", bridge, `"lab": "bridge-ageing"`, "\"lab\": \"a\",\n\"lab\": \"bridge-ageing\"", "line 3: this is not how"},
		{"a key in capitals", bridge, `"lab":`, `"LAB":`, "line 3: this is not how"},
		{"a sysctl twice", bridge, `"net/ipv4/ip_forward": "0"`, `"net/ipv4/ip_forward": "1", "net/ipv4/ip_forward": "0"`, "this is not how"},
		{"a value that means nothing", bridge, `"lab": "bridge-ageing"`, `"lab": "bridge-ageing", "doing": {}`, "this is not how"},
		{"null", bridge, `"lab": "bridge-ageing"`, `"lab": null`, "this is not how"},
		{"a number for a word", bridge, `"lab": "bridge-ageing"`, `"lab": 7`, "line 3"},
		{"a MAC in capitals", bridge, `"mac": "fe:50`, `"mac": "FE:50`, "lower case"},
		{"something behind", bridge + "{}", "", "", "line"},
		{"two nodes of a name", hosts, `"name": "h2",`, `"name": "h1",`, "two nodes are called h1"},
		{"a name that a terminal acts upon", hosts, `"name": "h2",`, `"name": "h\u001b",`, "is not the name of a node"},
		{"a kind that is none", bridge, `"kind": "host"`, `"kind": "ghost"`, `no kind "ghost"`},
		{"a peer that is not there", hosts, `"node": "h1",`, `"node": "h9",`, "peer"},
		{"a bridge that is not there", bridge, `"master": "br0"`, `"master": "s9"`, "is not a port of it"},
		{"a rank that is another", bridge, `"rank": 2`, `"rank": 12`, "not how labctl writes it"},
		{"an address that is none", bridge, `/24"`, `/44"`, "line"},
		{"a switch that is wrong", vswitch, `"profile": "standard"`, `"profile": "ancient"`, "there are standard, distributed"},
	} {
		text := tt.text
		if tt.old != "" {
			if !strings.Contains(text, tt.old) {
				t.Fatalf("%s: there is no %s", tt.what, tt.old)
			}
			text = strings.Replace(text, tt.old, tt.new, 1)
		}
		_, err := state.Read([]byte(text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
}

func TestReadTakesOtherBlanks(t *testing.T) {
	text := textOf(t, "two-hosts")
	s, err := state.Read([]byte(strings.NewReplacer("\n", "\r\n", "  ", "\t").Replace(text)))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Text(); err != nil || string(again) != text {
		t.Error("it is not the same state", err)
	}
}

func TestReadIsBounded(t *testing.T) {
	if _, err := state.Read(bytes.Repeat([]byte(" "), state.MaxText+1)); err == nil {
		t.Error("a text of any length is taken")
	}
	if _, err := state.Read([]byte(`{"format":1,"nodes":` + strings.Repeat("[", 1<<20))); err == nil {
		t.Error("any nesting is taken")
	}
}

// small is the text of a lab without what is long and says little.
func small(t testing.TB, file string) []byte {
	t.Helper()
	lab, problems := labfile.Load("x.yaml", []byte("format: 1\nlab: x\n"+file))
	if lab == nil {
		t.Fatal(problems)
	}
	s := state.Of(lab.Lab)
	for k := range s.Nodes {
		s.Nodes[k].Sysctls, s.Nodes[k].Policies = map[string]string{}, []state.Policy{}
	}
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":1,"lab":"x","nodes":[]}`))
	f.Add(small(f, "nodes:\n  s: {kind: bridge, stp: true, fdb: {a: a}}\n  a: {ip: 10.0.0.1/24, routes: {default: 10.0.0.2}}\nlinks: [a -- s]\n"))
	f.Add(small(f, "nodes:\n  v: {kind: vswitch, mac_learning: true, profile: distributed, teaming: {policy: ip_hash}}\n  a: {ip: 10.0.0.1/24}\nlinks: [a -- v]\n"))
	f.Add(small(f, "nodes:\n  a: {interfaces: {v0: {veth: v1}, v1: {}, m: {macvlan: v0, mode: source, sources: [\"02:00:00:00:00:01\"]}}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := state.Read(text)
		if err != nil {
			return
		}
		written, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := state.Read(written)
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%v: it is not the same when it is read again:\n%s", err, written)
		}
		if twice, err := again.Text(); err != nil || !bytes.Equal(written, twice) {
			t.Fatal("the same state has two texts")
		}
		s.WithoutTraffic()
	})
}
