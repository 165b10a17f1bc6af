package reach

import "testing"

// passage is what packets of all lengths meet: the sender's own limit, which it speaks of, and one on the way of which
// somebody speaks or nobody.
type passage struct {
	own, way int
	told     bool
	lie      int // what the error says instead of the way's limit, 0: the truth
}

// send is whether a packet of that length gets through, and the hint that its sender has then.
func (p passage) send(length int) (through bool, hint int) {
	switch {
	case length > p.own:
		return false, p.own
	case length <= p.way:
		return true, 0
	case !p.told:
		return false, 0
	case p.lie != 0:
		return false, p.lie
	}
	return false, p.way
}

// search is what a bisection finds, and how many packets it takes.
func (p passage) search(short int) (b bisection, packets int) {
	b.passed = short
	for length := b.next(); length != 0; length = b.next() {
		if packets++; packets > 2*maxRounds {
			return b, packets
		}
		through, hint := p.send(length)
		if through {
			b.through(length)
		} else {
			b.lost(length, hint)
		}
	}
	return b, packets
}

func TestBisection(t *testing.T) {
	for _, c := range []struct {
		name string
		way  passage
		want int
		most int // packets
	}{
		{"the sender's own", passage{own: 1500, way: 9000}, 1500, 3},
		{"a router speaks of it", passage{own: 1500, way: 1400, told: true}, 1400, 4},
		{"nobody speaks of it", passage{own: 1500, way: 1404}, 1404, 13},
		{"the longest", passage{own: 65535, way: 65535}, 65535, 1},
		{"nothing longer than the short ping", passage{own: 1500, way: 84}, 84, 13},
		{"a router that says too much", passage{own: 1500, way: 1400, told: true, lie: 1450}, 1400, 16},
		{"a router that says too little", passage{own: 1500, way: 1400, told: true, lie: 1200}, 1400, 16},
		{"a router that says nonsense", passage{own: 1500, way: 1400, told: true, lie: 70}, 1400, 16},
		{"a router that repeats what was sent", passage{own: 1500, way: 1400, told: true, lie: 1500}, 1400, 16},
	} {
		b, packets := c.way.search(84)
		next := c.want + 1
		if c.want == longestPacket {
			next = 0
		}
		if b.passed != c.want || b.failed != next || packets > c.most {
			t.Errorf("%s: %d gets through and %d does not, by %d packets; want %d, by at most %d", c.name, b.passed, b.failed, packets,
				c.want, c.most)
		}
	}
}

// TestBisectionIsMistaken: what gets through after all is searched for again.
func TestBisectionIsMistaken(t *testing.T) {
	b := bisection{passed: 84}
	b.lost(b.next(), 1500)
	b.lost(b.next(), 0) // an answer that was late
	for b.next() != 0 {
		b.lost(b.next(), 0)
	}
	if b.passed != 84 || b.failed != 85 {
		t.Fatalf("%+v", b)
	}
	b.through(85)
	for length := b.next(); length != 0; length = b.next() {
		if through, hint := (passage{own: 1500, way: 1400}).send(length); through {
			b.through(length)
		} else {
			b.lost(length, hint)
		}
	}
	if b.passed != 1400 || b.failed != 1401 {
		t.Errorf("%+v, want 1400", b)
	}
}

func FuzzBisection(f *testing.F) {
	f.Add(1500, 1400, true, 1300)
	f.Add(9000, 1500, false, 0)
	f.Fuzz(func(t *testing.T, own, way int, told bool, lie int) {
		limit := func(n int) int { return 84 + int(uint(n)%(longestPacket-83)) }
		p := passage{own: limit(own), way: limit(way), told: told, lie: int(uint(lie) % 70000)}
		b, packets := p.search(84)
		if want := min(p.own, p.way); b.passed != want || packets > maxRounds {
			t.Errorf("%+v: %+v by %d packets, want %d", p, b, packets, want)
		}
	})
}
