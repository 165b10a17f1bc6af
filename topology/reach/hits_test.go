package reach

import (
	"errors"
	"testing"

	"labctl/topology"
	"labctl/topology/expect"
)

// ruledMachine counts what rules have matched.
type ruledMachine struct {
	stillMachine
	asked int
}

func (m *ruledMachine) Hits(node string) (map[string]uint64, error) {
	m.asked++
	if node != "virbr6" {
		return nil, errors.New("no rules")
	}
	return map[string]uint64{"deny/to-vk64": 3, "deny/1": 0}, nil
}

func TestHits(t *testing.T) {
	m := &ruledMachine{}
	p := &Prober{Lab: &topology.Lab{}, Machine: m}
	q := func(rule string) expect.Question { return expect.Question{Kind: "hits", A: rule} }
	rs := ask(t, p, true, q("virbr6/deny/to-vk64"), q("virbr6/deny/1"), q("virbr6/deny/2"), q("kali4/deny/1"))
	for i, want := range []Result{
		{Got: "3", Detail: "3 packets"},
		{Got: "0", Detail: "0 packets"},
		{Got: Unknown, Detail: "virbr6 counts nothing called deny/2 now"},
		{Got: Unknown, Detail: "read the rules of kali4: no rules"},
	} {
		if rs[i].Got != want.Got || rs[i].Detail != want.Detail {
			t.Errorf("%s: %s (%s), want %s (%s)", rs[i].Question.A, rs[i].Got, rs[i].Detail, want.Got, want.Detail)
		}
	}
	if m.asked != 2 {
		t.Errorf("the rules were read %d times, want once for each node", m.asked)
	}
}
