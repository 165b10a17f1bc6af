package reach

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"labctl/topology"
	"labctl/topology/expect"

	"golang.org/x/sys/unix"
)

// purging has something happen in the middle of a question.
type purging struct {
	*liveMachine
	flushed func(node string) // called when the node has forgotten

	reading sync.Mutex                                         // tables of several nodes are read at the same time
	read    func(node string, table []topology.NeighbourEntry) // called when its table was read

	carriers func(node string) // called before those are read
	backlog  func() uint64     // what the machine has thrown away, nil for nothing
}

func (m *purging) Backlog() (uint64, error) {
	if m.backlog == nil {
		return m.liveMachine.Backlog()
	}
	return m.backlog(), nil
}

func (m *purging) FlushNeighbours(node string) (int, error) {
	n, err := m.liveMachine.FlushNeighbours(node)
	if m.flushed != nil {
		m.flushed(node)
	}
	return n, err
}

func (m *purging) Neighbours(node string, family int) ([]topology.NeighbourEntry, error) {
	table, err := m.liveMachine.Neighbours(node, family)
	if m.read != nil {
		m.reading.Lock()
		defer m.reading.Unlock()
		m.read(node, table)
	}
	return table, err
}

func (m *purging) Carriers(node string) (map[int]topology.Carrier, error) {
	if m.carriers != nil {
		m.carriers(node)
	}
	return m.liveMachine.Carriers(node)
}

// waits reports whether the owner of a table waits for an answer.
func waits(table []topology.NeighbourEntry) bool {
	for _, n := range table {
		if n.State == "INCOMPLETE" {
			return true
		}
	}
	return false
}

// plug gives a host on s1 its carrier, or takes it, and has the host's kernel act on that at once, which it does before
// it answers about one interface alone (rtnl_getlink, linkwatch_sync_dev): what waits for a neighbour is thrown away.
func (m *purging) plug(t testing.TB, host string, up bool) {
	sw, h := m.nodes["s1"], m.nodes[host]
	sw.mu.Lock()
	defer sw.mu.Unlock()
	port, err := sw.nl.LinkByName(host)
	if err == nil && up {
		err = sw.nl.LinkSetUp(port)
	} else if err == nil {
		err = sw.nl.LinkSetDown(port)
	}
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		_, err = h.nl.LinkByName("eth0")
	}
	if err != nil {
		t.Error(err)
	}
}

// readdress has a host's kernel throw away what waits for a neighbour although its carrier stays (neigh_changeaddr).
func (m *purging) readdress(t testing.TB, host string) {
	h := m.nodes[host]
	h.mu.Lock()
	defer h.mu.Unlock()
	l, err := h.nl.LinkByName("eth0")
	if err == nil {
		mac := append([]byte{}, l.Attrs().HardwareAddr...)
		mac[5] ^= 1
		err = h.nl.LinkSetHardwareAddr(l, mac)
	}
	if err != nil {
		t.Error(err)
	}
}

// away is a lab in which nobody has the address of a, and b asks for it three times, so far apart.
func away(t *testing.T, apart time.Duration) (*Prober, *purging) {
	lab, steps := segment(int(apart.Milliseconds()), "a 10.0.0.1/24", "b 10.0.0.2/24")
	m := &purging{liveMachine: build(t, lab, steps)}
	m.plug(t, "a", false)
	p := &Prober{Lab: lab, Machine: m, Patience: 4 * apart}
	t.Cleanup(func() { p.Close() })
	return p, m
}

// TestARequestThatTheKernelThrowsAway: a carrier that goes takes with it the one request that waits, and no error
// tells. The word does not hang on that.
func TestARequestThatTheKernelThrowsAway(t *testing.T) {
	p, m := away(t, 60*time.Millisecond)
	rounds, purged := 8, 0
	if os.Getenv("LABCTL_PROOF") != "" {
		rounds = 20
	}
	for range rounds {
		m.plug(t, "b", true)
		forgot := 0
		var unplugging sync.WaitGroup
		m.flushed = func(node string) {
			if node != "b" {
				return
			}
			if forgot++; forgot != 2 { // it was asked for a moment, and is about to be asked for as long as it takes
				return
			}
			unplugging.Go(func() {
				for end := time.Now().Add(5 * time.Second); time.Now().Before(end); poll(nil, time.Millisecond) {
					if table, err := m.liveMachine.Neighbours("b", unix.AF_INET); err != nil || waits(table) {
						purged++
						break
					}
				}
				m.plug(t, "b", false)
			})
		}
		rs := ask(t, p, false, expect.Question{Kind: "ping", A: "b", B: "a"}, expect.Question{Kind: "arp", A: "b", B: "a"})
		unplugging.Wait()
		wantText(t, rs, "ping:b->a no-arp\narp:b->a failed\n")
	}
	if purged < rounds/2 {
		t.Errorf("unplugged while it waited %d times of %d, so this proves little", purged, rounds)
	}
}

// TestARequestThrownAwayFromKeptTables: what the kernel threw away is asked again, and nothing else is.
func TestARequestThrownAwayFromKeptTables(t *testing.T) {
	p, m := away(t, 200*time.Millisecond)
	question := expect.Question{Kind: "ping", A: "b", B: "a"}
	purged := 0
	for range 5 {
		m.plug(t, "b", true)
		armed := true
		m.read = func(node string, table []topology.NeighbourEntry) {
			if armed && node == "b" && waits(table) {
				armed = false
				purged++
				m.plug(t, node, false)
			}
		}
		wantText(t, ask(t, p, true, question), "ping:b->a no-arp\n")
		m.read = nil
	}
	if purged != 5 {
		t.Errorf("purged %d times of 5", purged)
	}
}

// TestAlwaysThrownAway: a request that never had its time has no word.
func TestAlwaysThrownAway(t *testing.T) {
	p, m := away(t, 200*time.Millisecond)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-done:
				return
			default:
			}
			if table, err := m.liveMachine.Neighbours("b", unix.AF_INET); err == nil && waits(table) {
				m.plug(t, "b", false)
				m.plug(t, "b", true)
			}
			poll(nil, 5*time.Millisecond)
		}
	}()
	r := ask(t, p, false, expect.Question{Kind: "ping", A: "b", B: "a"})[0]
	close(done)
	<-over
	if r.Got != Unknown || !strings.Contains(r.Detail, "b:eth0") {
		t.Errorf("%s (%s), want unknown because of b:eth0", r.Got, r.Detail)
	}
}

// TestAnswersAcrossAGap: that nobody answered while a carrier came does not mean that nobody would.
func TestAnswersAcrossAGap(t *testing.T) {
	p, m := away(t, 200*time.Millisecond)
	reads := 0
	m.carriers = func(node string) {
		if node == "a" { // once before the requests, and once when nobody has answered
			if reads++; reads == 2 {
				m.plug(t, "a", true)
			}
		}
	}
	wantText(t, ask(t, p, false, expect.Question{Kind: "answers", A: "b", B: "a"}), "answers:b->a yes\n")
	reads = 0
	m.plug(t, "a", false)
	m.carriers = func(node string) {
		if node == "a" {
			if reads++; reads == 2 { // nobody is there when it is asked again either
				m.plug(t, "a", true)
				m.plug(t, "a", false)
			}
		}
	}
	if r := ask(t, p, false, expect.Question{Kind: "answers", A: "b", B: "a"})[0]; r.Got != "no" || !strings.HasPrefix(r.Detail, "6 requests for ") && !strings.HasPrefix(r.Detail, "9 requests for ") {
		t.Errorf("%s (%s), want no after 6 requests, or 9 where the kernel acts on the carrier late", r.Got, r.Detail)
	}
}

// TestOneAnswersAndAnotherMissesIt: that one has answered does not mean that the request reached another whose carrier
// came meanwhile.
func TestOneAnswersAndAnotherMissesIt(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24,10.0.0.9/32", "c 10.0.0.3/24,10.0.0.9/32")
	lab.Names = []topology.NamedEnd{{Name: "two", IP: addr("10.0.0.9")}}
	m := &purging{liveMachine: build(t, lab, steps)}
	m.plug(t, "c", false)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	reads := 0
	m.carriers = func(node string) {
		if node == "c" { // once before the requests, and once when one has answered
			if reads++; reads == 2 {
				m.plug(t, "c", true)
			}
		}
	}
	wantText(t, ask(t, p, false, expect.Question{Kind: "answers", A: "a", B: "two"}), "answers:a->two yes\n")
}

// TestAMarkedRequestThrownAway: a listener is not without its request because the kernel has thrown that away.
func TestAMarkedRequestThrownAway(t *testing.T) {
	p, m := away(t, 200*time.Millisecond)
	waiting, times := false, 0
	m.read = func(node string, table []topology.NeighbourEntry) {
		if node != "b" {
			return
		}
		if now := waits(table); now && !waiting && times < 2 {
			times++
			m.readdress(t, node)
		} else {
			waiting = now
		}
	}
	r := ask(t, p, false, sees("b", "a", "s1"))[0]
	if r.Got != "no" || !strings.Contains(r.Detail, "Unreachable") {
		t.Errorf("%s (%s), want no, as it never left", r.Got, r.Detail)
	}
	if times != 2 {
		t.Errorf("thrown away %d times, want the introduction and the marked request", times)
	}
}

// TestARequestThatGoesElsewhere: the sender's own rules may send a request to another neighbour than its address has.
// It is silent.
func TestARequestThatGoesElsewhere(t *testing.T) {
	lab, steps := segment(100, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := &purging{liveMachine: build(t, lab, steps)}
	sh(t, "b", `sysctl -qw net.ipv4.icmp_echo_ignore_all=1`)
	sh(t, "a", `nft 'table ip n { chain o { type nat hook output priority -100; ip daddr 10.0.0.3 dnat to 10.0.0.2; }; }'`)
	p := &Prober{Lab: lab, Machine: m, Patience: 600 * time.Millisecond}
	defer p.Close()
	for _, kept := range []bool{false, true} {
		wantText(t, ask(t, p, kept, expect.Question{Kind: "ping", A: "a", B: "c"}), "ping:a->c silent\n")
	}
	for grows, says := range map[int]string{0: "asked 2 times", 3: "asked 3 times"} { // the reading at which the machine has thrown something away
		reads := 0
		m.backlog = func() uint64 {
			reads++
			return uint64(min(grows, reads) / max(grows, 1))
		}
		if r := ask(t, p, false, expect.Question{Kind: "ping", A: "a", B: "c"})[0]; r.Got != "silent" || !strings.HasSuffix(r.Detail, "a has no entry for 10.0.0.3, "+says) {
			t.Errorf("%s (%s), want silent, %s", r.Got, r.Detail, says)
		}
	}
}

// TestARequestThatTheMachineThrewAway: a processor that has more to do than it has room for drops frames of any lab,
// beyond the sender and without a word. What is silent meanwhile is asked again.
func TestARequestThatTheMachineThrewAway(t *testing.T) {
	lab, steps := segment(100, "a 10.0.0.1/24", "b 10.0.0.2/24")
	m := &purging{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m, Patience: 600 * time.Millisecond}
	defer p.Close()
	const swallow = `nft 'table bridge f { chain f { type filter hook forward priority 0; ip protocol icmp drop; }; }'`
	for _, c := range []struct {
		name       string
		until      int // reading from which nothing is swallowed any more
		grows      int // reading up to which the count grows
		want, says string
		tries      int // of which the first is for a moment only
	}{
		{"lost once", 2, 2, "ok", "64 bytes", 3},
		{"lost twice", 3, 3, "ok", "64 bytes", 4},
		{"always", 9, 9, "silent", "asked 3 times, and each time the machine's processors threw frames away", 4},
		{"by the lab, and once something else was", 9, 2, "silent", "no answer was received", 3},
		{"by the lab", 9, 1, "silent", "no answer was received", 2},
	} {
		sh(t, "s1", swallow)
		reads, count := 0, uint64(7)
		m.backlog = func() uint64 {
			if reads++; reads <= c.grows {
				count++
			}
			if reads == c.until {
				sh(t, "s1", "nft flush ruleset")
			}
			return count
		}
		r := ask(t, p, false, expect.Question{Kind: "ping", A: "a", B: "b"})[0]
		if r.Got != c.want || !strings.Contains(r.Detail, c.says) || strings.Contains(r.Detail, "asked") != (c.name == "always") || len(r.Sent.Tries) != c.tries {
			t.Errorf("%s: %s (%s) after %d tries, want %s (%s) after %d", c.name, r.Got, r.Detail, len(r.Sent.Tries), c.want, c.says, c.tries)
		}
		sh(t, "s1", "nft flush ruleset")
	}
}
