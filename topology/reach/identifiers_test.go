package reach

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"labctl/topology/cause"
	"labctl/topology/expect"
)

// TestIdentifiersComeRound: each once, without those that are held and without zero, and again only when nothing knows
// them any more.
func TestIdentifiersComeRound(t *testing.T) {
	now := time.Now()
	ids := identifiers{next: 0xffffff00} // the count itself comes round, too
	held := ids.hold(now)
	seen := map[uint16]bool{}
	var first uint32
	for n := range 1<<16 - 2 {
		if d := ids.wait(now, 1); d > 0 {
			t.Fatalf("the %dth must wait for %v", n, d)
		}
		key := ids.take(now)
		if n == 0 {
			first = key
		}
		id := uint16(key >> 16)
		if id == 0 || id == uint16(held>>16) || seen[id] {
			t.Fatalf("the %dth has identifier %#x: zero, held or given before", n, id)
		}
		seen[id] = true
	}
	if d := ids.wait(now.Add(10*time.Second), 1); d != tracked-10*time.Second {
		t.Errorf("after 10 s they must wait for %v, want %v", d, tracked-10*time.Second)
	}
	later := now.Add(tracked)
	if d := ids.wait(later, 512); d > 0 {
		t.Errorf("after %v they must wait for %v", tracked, d)
	}
	ids.release(held, later)
	again := false
	for range 1<<16 - 2 {
		key := ids.take(later)
		if key == first {
			t.Fatalf("key %#x, sequence number included, was given before", key)
		}
		again = again || key>>16 == held>>16
	}
	if again {
		t.Errorf("identifier %#x was given when its stream had just ended", held>>16)
	}
	for range 1<<16 - 1 {
		again = again || ids.take(later.Add(tracked))>>16 == held>>16
	}
	if !again {
		t.Errorf("identifier %#x is never given again", held>>16)
	}
}

// TestAQuestionIsAConnectionOfItsOwn: whatever is asked, and whenever it is asked again, its identifier is new.
func TestAQuestionIsAConnectionOfItsOwn(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24,fd00::1/64", "b 10.0.0.2/24,fd00::2/64", "c 10.0.0.3/24")
	m := build(t, lab, steps)
	sh(t, "c", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
	p := &Prober{Lab: lab, Machine: m, Patience: 300 * time.Millisecond}
	defer p.Close()
	asked := 0
	p.Investigate = func(_ context.Context, _ expect.Question, again Again) []cause.Cause {
		for range 3 {
			if err := again(nil); err != nil {
				t.Error(err)
			}
		}
		asked++
		return nil
	}
	w := newWitness(t, p, m, "a")
	q := func(kind, to string) expect.Question { return expect.Question{Kind: kind, A: "a", B: to} }
	from, _ := lab.Target("a")
	to, _ := lab.Target("c")
	s, err := p.Stream(context.Background(), "chat", from, to, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	for _, kept := range []bool{false, true} {
		for range 2 {
			ask(t, p, kept, q("ping", "c"), q("ping", "b"), q("ping6", "b"), sees("a", "c", "b"))
		}
	}
	s.Stop()
	type request struct {
		id uint16
		to string
	}
	requests, streams := map[request]int{}, map[uint16]bool{}
	targets := map[uint16]string{}
	for _, f := range w.requests(true) {
		at, dst := 34, string(f[30:34])
		if f[12] == 0x86 {
			at, dst = 54, string(f[38:54])
		}
		id := binary.BigEndian.Uint16(f[at+4:])
		if _, own := markOf(f, p.memory.cookie); !own {
			streams[id] = true
			continue
		}
		requests[request{id, dst}]++
		if was, ok := targets[id]; ok && was != dst {
			t.Errorf("identifier %#x is of requests to %x and %x", id, was, dst)
		}
		targets[id] = dst
	}
	twice := 0
	for r, n := range requests {
		if streams[r.id] {
			t.Errorf("identifier %#x is a stream's, and a question's", r.id)
		}
		if n > 1 && r.to == "\x0a\x00\x00\x03" || n > 2 {
			t.Errorf("%d requests to %x have identifier %#x", n, r.to, r.id)
		} else if n == 2 {
			twice++
		}
	}
	// In fresh mode the last answered pair of each family is told once more, so that it leaves its entries: the same
	// ping.
	if twice > 4 || len(streams) != 1 || asked != 4 || len(requests) < 30 {
		t.Errorf("%d identifiers, %d of them of two requests, %d of streams, %d investigations", len(requests), twice, len(streams), asked)
	}
}

// TestNATThatIsLoadedBetweenTwoQuestions: the second is not of the connection that the first has made, which no rule
// translates.
func TestNATThatIsLoadedBetweenTwoQuestions(t *testing.T) {
	lab, steps := segment(250, "a 10.1.0.1/24,fd01::1/64 default 10.1.0.254 fd02::/64 fd01::fe", "z 10.2.0.1/24,fd02::1/64",
		"r 10.1.0.254/24,10.2.0.254/24,fd01::fe/64,fd02::fe/64")
	steps += "r: sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0\n" +
		"a: sysctl -qw net.ipv6.conf.eth0.accept_redirects=0\n"
	m := build(t, lab, steps)
	sh(t, "r", "nft 'table inet f { chain c { type filter hook forward priority 0; ct state established accept; }; }'")
	p := &Prober{Lab: lab, Machine: m, Patience: 1200 * time.Millisecond}
	defer p.Close()
	qs := []expect.Question{{Kind: "ping", A: "a", B: "z"}, {Kind: "ping6", A: "a", B: "z"}}
	from, _ := lab.Target("a")
	to, _ := lab.Target("z")
	stream := func(name string) expect.Question {
		s, err := p.Stream(context.Background(), name, from, to, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return expect.Question{Kind: "streams", A: name}
	}
	old := stream("old")
	wantText(t, ask(t, p, false, append(qs, old)...), "ping:a->z silent\nping6:a->z silent\nstreams:old-> silent\n")
	sh(t, "r", `nft 'table inet n { chain p { type nat hook postrouting priority 100; ip daddr 10.2.0.0/24 masquerade; ip6 daddr fd02::/64 masquerade; }; }'`)
	for _, kept := range []bool{false, true} {
		wantText(t, ask(t, p, kept, append(qs, old)...), "ping:a->z ok\nping6:a->z ok+redirect\nstreams:old-> silent\n")
	}
	wantText(t, ask(t, p, false, stream("new"), old), "streams:new-> ok\nstreams:old-> silent\n")
}
