//go:build linux

package supervisor

import (
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/reach"
)

func TestStormsDrownWhatTheyReach(t *testing.T) {
	lab, problems := labfile.Load("x", []byte(`format: 1
lab: x
nodes:
  s1: {kind: bridge}
  s2: {kind: bridge}
  s3: {kind: bridge}
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24}
  dry1: {ip: 10.0.1.1/24}
  dry2: {ip: 10.0.1.2/24}
links: [h1 -- s1, h2 -- s2, s1:a -- s2:a, s1:b -- s2:b, dry1 dry2 -- s3]
`))
	if lab == nil {
		t.Fatal(problems)
	}
	end := topology.End{Node: "s2", Interface: "a"}
	count := func(after time.Duration, frames uint64) ringCount {
		return ringCount{time.Unix(100, 0).Add(after), lab.Rings(), map[topology.End]uint64{end: frames}}
	}
	for _, c := range []struct {
		frames uint64
		kind   string
		a, b   string
		want   string
	}{
		{5000, "ping", "h1", "h2", "ok"}, // a busy lab is no storm
		{3_000_000, "ping", "h1", "h2", "unknown"},
		{3_000_000, "ping", "dry1", "h2", "unknown"},
		{3_000_000, "tcp", "dry1", "h2:80", "unknown"},
		{3_000_000, "ping", "dry1", "dry2", "ok"},
		{3_000_000, "port", "s2:a", "", "ok"}, // what is read is as it is
	} {
		d := doubts{lab: lab.Lab, storms: count(0, 7).storms(count(2*time.Second, 7+c.frames), lab.Lab)}
		r := &reach.Result{Question: expect.Question{Kind: c.kind, A: c.a, B: c.b}, Got: "ok", Detail: "64 bytes"}
		const why = "storm: frames circle in a ring without a spanning tree (s1:b -- s2:b, s2:a -- s1:a), 1.5 million a second at s2:a"
		d.doubt(r)
		said, explained := cause.Text(r.Causes), cause.Explain(r.Detail, r.Causes)
		if r.Got != c.want || c.want == "unknown" && (said != why || explained != why+"; what drowns is not measured (ok: 64 bytes)") {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}
