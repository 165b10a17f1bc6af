package reach

import (
	"context"
	"errors"
	"testing"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/expect"
)

// stillMachine is a Machine without a kernel: what its tables say never changes.
type stillMachine struct {
	Machine
	links      map[string][]topology.LinkState
	ports      map[string]SwitchPort // by node:port
	interfaces map[string]topology.InterfaceState
	drops      map[string][]Drop
	lost       int
	fdb        map[string][]topology.FDBEntry
}

func (m *stillMachine) Links(node string) ([]topology.LinkState, error) { return m.links[node], nil }

func (m *stillMachine) Quiet(context.Context) error { return nil }
func (m *stillMachine) Idle(context.Context) error  { return nil }

func (m *stillMachine) FDB(node, bridge string) ([]topology.FDBEntry, error) {
	if bridge != "" {
		return nil, errors.New("no bridge was asked for")
	}
	return m.fdb[node], nil
}

func (m *stillMachine) Interface(node, name string) (topology.InterfaceState, error) {
	s, ok := m.interfaces[node+":"+name]
	if !ok {
		return s, errors.New("no such interface")
	}
	return s, nil
}

func (m *stillMachine) SwitchPort(node, port string) (SwitchPort, error) {
	s, ok := m.ports[node+":"+port]
	if !ok {
		return s, errors.New("no such port")
	}
	return s, nil
}

func (m *stillMachine) Drops(node string) ([]Drop, int, error) {
	d, ok := m.drops[node]
	if !ok {
		return nil, 0, errors.New("no virtual switch")
	}
	return d, m.lost, nil
}

// switched is a virtual switch with two guests; its uplink is a bridge device that stays with its holder.
func switched() *Prober {
	veth := func(names ...string) (out []*topology.Interface) {
		for _, n := range names {
			out = append(out, &topology.Interface{Name: n, Type: topology.Veth})
		}
		return out
	}
	port := func(name string, at topology.End) topology.SwitchPort { return topology.SwitchPort{Name: name, At: at} }
	lab := &topology.Lab{
		Names: []topology.NamedEnd{{Name: "forged", MAC: mac("00:11:22:33:44:55")}},
		Nodes: []*topology.Node{
			{Name: "host", Kind: topology.Host, Interfaces: []*topology.Interface{{Name: "br0", Type: topology.BridgeLink}}},
			{Name: "sw", Kind: topology.VSwitch, Interfaces: veth("guest", "gw"), Switch: &topology.Switch{Config: switchcore.Config{},
				Ports: []topology.SwitchPort{port("guest", topology.End{Node: "sw", Interface: "guest"}), port("gw", topology.End{Node: "sw", Interface: "gw"}),
					port("up", topology.End{Node: "host", Interface: "br0"})}}},
			{Name: "guest", Kind: topology.Host, Interfaces: veth("eth0")},
			{Name: "gw", Kind: topology.Host, Interfaces: veth("eth0")},
		}}
	same := mac("00:50:56:00:00:04")
	return &Prober{Lab: lab, Machine: &stillMachine{
		links: map[string][]topology.LinkState{
			"sw":    {{Index: 1, Name: "guest", MAC: same, Up: true}, {Index: 2, Name: "gw", MAC: mac("fe:00:00:00:00:02"), Up: true}},
			"guest": {{Index: 1, Name: "eth0", MAC: same, Up: true}},
			"gw":    {{Index: 1, Name: "eth0", MAC: mac("00:50:56:00:00:05"), Up: true}},
		},
		ports: map[string]SwitchPort{
			"sw:guest": {State: "blocked", Promiscuous: "refused", Initial: same, Effective: mac("00:50:56:00:00:99")},
			"sw:up":    {State: "forwarding", Promiscuous: "-"},
		},
		interfaces: map[string]topology.InterfaceState{
			"guest:eth0": {State: "up", MAC: same, Flags: 0x1103, Promiscuity: 2},
			"host:br0":   {State: "up", Flags: 0x1003},
		},
		drops: map[string][]Drop{"sw": {
			{Port: "guest", Reason: "MacForgery", Function: "L2Sec_FilterSrcMACForgeries", Length: 60, Src: mac("00:11:22:33:44:55"), Dst: mac("00:50:56:00:00:05"), Frames: 2},
			{Port: "guest", Reason: "LinkLocal", Function: "-", Length: 60, Src: same, Dst: mac("01:80:c2:00:00:00"), Frames: 1},
			{Port: "gw", Reason: "MacForgery", Function: "L2Sec_FilterSrcMACForgeries", Length: 98, Src: mac("02:00:00:00:00:01"), Dst: switchcore.MAC{255, 255, 255, 255, 255, 255}, Frames: 4},
		}},
		fdb: map[string][]topology.FDBEntry{"sw": {{MAC: same, Port: "guest"}, {MAC: mac("00:50:56:00:00:05"), Port: "gw"}}},
	}}
}

func TestReadTables(t *testing.T) {
	port := func(a, column string) expect.Question { return expect.Question{Kind: "port", A: a, At: column} }
	drops := func(a string, m expect.DropMatch) expect.Question {
		return expect.Question{Kind: "drops", A: a, Drop: m}
	}
	fdb := func(a string) expect.Question { return expect.Question{Kind: "fdb", A: a, B: "sw"} }
	any := expect.DropMatch{}
	for _, c := range []struct {
		q    expect.Question
		want string
	}{
		{port("sw:guest", "state"), "blocked"},
		{port("sw:guest", "promiscuous"), "refused"},
		{port("sw:guest", "initial"), "00:50:56:00:00:04"},
		{port("sw:guest", "effective"), "00:50:56:00:00:99"},
		{port("sw:guest", "flags"), Unknown}, // nothing is known of the switch's own end here
		{port("sw:up", "state"), "forwarding"},
		{port("sw:up", "initial"), "-"},
		{port("sw:up", "flags"), "0x1003"}, // of the bridge that the port stands for
		{port("sw:gw", "state"), Unknown},
		{port("guest:eth0", "state"), "up"},
		{port("guest:eth0", "mac"), "00:50:56:00:00:04"},
		{port("guest:eth0", "flags"), "0x1103"},
		{port("guest:eth0", "promiscuity"), "2"},
		{port("guest:eth0", "promiscuous"), Unknown},
		{port("guest:eth0", "colour"), Unknown},
		{port("guest", "state"), Unknown},
		{drops("sw", any), "LinkLocal+MacForgery"},
		{drops("sw:guest", any), "LinkLocal+MacForgery"},
		{drops("sw:gw", any), "MacForgery"},
		{drops("sw:up", any), "-"},
		{drops("guest", any), Unknown},
		{drops("sw", expect.DropMatch{Reason: "MacForgery"}), "6"},
		{drops("sw:guest", expect.DropMatch{Reason: "MacForgery"}), "2"},
		{drops("sw:up", expect.DropMatch{Reason: "MacForgery"}), "0"},
		{drops("sw", expect.DropMatch{Length: "60"}), "3"},
		{drops("sw", expect.DropMatch{Function: "-"}), "1"},
		{drops("sw", expect.DropMatch{Src: "forged"}), "2"},
		{drops("sw", expect.DropMatch{Src: "00:11:22:33:44:55", Dst: "gw"}), "2"},
		{drops("sw", expect.DropMatch{Dst: "broadcast"}), "4"},
		{drops("sw", expect.DropMatch{Dst: "nobody"}), Unknown},
		{fdb("guest"), "guest"},
		{fdb("gw:eth0"), "gw"},
		{fdb("forged"), "-"},
	} {
		r := ask(t, switched(), true, c.q)[0]
		if r.Got != c.want || r.Detail == "" {
			t.Errorf("%s: got %q (%s), want %q", c.q, r.Got, r.Detail, c.want)
		}
	}
}

// TestSwitchEndsOwnNothing: an uplink may have the address of its holder's own interface.
func TestSwitchEndsOwnNothing(t *testing.T) {
	own, err := switched().bench().owners()
	if err != nil {
		t.Fatal(err)
	}
	if got := own.ofMAC(mac("00:50:56:00:00:04")); got != "guest" {
		t.Errorf("the address of guest is said to be of %s", got)
	}
}

// TestLostDrops: a count is known as long as the frames that the list has lost could not change what is said of it.
func TestLostDrops(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"2", Unknown, false},
		{"0", "2", false},
		{"2|3|4", "2", true},
		{"2|3", Unknown, false},
		{">=1", "2", true},
		{">=3", Unknown, false},
		{"4", Unknown, false},
		{"5", "2", false},
	} {
		p := switched()
		p.Machine.(*stillMachine).lost = 2
		cell := &expect.Cell{Judged: true, Want: expect.Want{Text: c.want},
			Question: expect.Question{Kind: "drops", A: "sw:guest", Drop: expect.DropMatch{Reason: "MacForgery"}}}
		r, err := p.Judge(context.Background(), &expect.Expectation{Tables: []*expect.Table{{Kind: "drops", Cells: []*expect.Cell{cell}}}})
		if err != nil {
			t.Fatal(err)
		}
		if k := r.Tables[0].Cells[0]; k.Result.Got != c.got || k.OK != c.ok {
			t.Errorf("want %s: got %s, OK %v; should be %s, %v", c.want, k.Result.Got, k.OK, c.got, c.ok)
		}
	}
	p := switched()
	p.Machine.(*stillMachine).lost = 1
	if r := ask(t, p, true, expect.Question{Kind: "drops", A: "sw"})[0]; r.Got != Unknown {
		t.Errorf("which reasons there were is said to be %s, though a frame is not in the list", r.Got)
	}
}

func TestStreamVerdict(t *testing.T) {
	begin := time.Unix(1000, 0)
	for _, c := range []struct {
		rounds, want string // a answered, d answered from another address, l lost, o open; ! begins what counts
	}{
		{"!aaa", "ok"}, {"!lll", "silent"}, {"!lal", "lossy"}, {"!laaa", "ok"}, {"!alll", "silent"},
		{"!aaao", "ok"}, {"!aao", Unknown}, {"aaa!", Unknown}, {"aaa!ll", Unknown}, {"aaa!lll", "silent"}, {"lll!aaaoo", "ok"},
		{"!ada", "ok+other"}, {"!daaa", "ok"}, {"!dld", "lossy"}, {"!dd", Unknown},
	} {
		s := &Stream{every: roundTime}
		since, at := time.Time{}, begin
		for _, k := range c.rounds {
			if k == '!' {
				since = at
				continue
			}
			at = at.Add(roundTime)
			s.rounds = append(s.rounds, round{sent: at, answered: k == 'a' || k == 'd', other: k == 'd', closed: k != 'o'})
		}
		if got, detail := s.verdict(since); got != c.want {
			t.Errorf("%s: got %s (%s), want %s", c.rounds, got, detail, c.want)
		}
	}
}

func TestStreamRounds(t *testing.T) {
	s := &Stream{every: time.Millisecond}
	begin := time.Unix(1000, 0)
	for i := range uint32(keptRounds + 10) {
		s.rounds = append(s.rounds, round{key: i, sent: begin.Add(time.Duration(i) * time.Millisecond)})
	}
	s.answer(0, false)
	s.close(begin.Add(roundTime), time.Time{})
	s.answer(1, false)
	if !s.rounds[0].closed || !s.rounds[0].answered || s.rounds[1].closed || !s.rounds[1].answered {
		t.Errorf("after one round: %+v", s.rounds[:2])
	}
	s.close(begin.Add(time.Hour), time.Time{})
	s.answer(keptRounds+9, false)
	if last := s.rounds[len(s.rounds)-1]; len(s.rounds) != keptRounds || last.answered {
		t.Errorf("%d rounds are kept, want %d; a reply that came too late counts: %v", len(s.rounds), keptRounds, last.answered)
	}
}
