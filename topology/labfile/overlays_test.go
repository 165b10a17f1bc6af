package labfile

import (
	"strings"
	"testing"
)

// A single value takes the place of an earlier one of its key, wherever that was in the list; a map is laid over what
// is there.
func TestOverlaysAfterOthers(t *testing.T) {
	change := func(path, value string) Overlay {
		return Overlay{Node: "s", Path: strings.Split(path, "."), Value: value}
	}
	list := []Overlay{change("mac", "02:00:00:00:00:01"), change("ports", "{a: {up: false}}"), change("stp", "true")}
	for _, c := range []struct {
		path, value, want string
	}{
		{"mac", "02:00:00:00:00:02", "s.ports={a: {up: false}} s.stp=true s.mac=02:00:00:00:00:02"},
		{"stp", "false", "s.mac=02:00:00:00:00:01 s.ports={a: {up: false}} s.stp=false"},
		{"ports", "{b: {up: false}}", "s.mac=02:00:00:00:00:01 s.ports={a: {up: false}} s.stp=true s.ports={b: {up: false}}"},
		{"ports.a", "up: true", "s.mac=02:00:00:00:00:01 s.ports={a: {up: false}} s.stp=true s.ports.a=up: true"},
	} {
		var got []string
		for _, o := range change(c.path, c.value).After(list) {
			got = append(got, o.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s=%s: %q, want %q", c.path, c.value, got, c.want)
		}
	}
	if len(list) != 3 || list[0].Value != "02:00:00:00:00:01" {
		t.Errorf("the list was changed: %v", list)
	}
}
