package reach

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/expect"
)

// overload brings more frames to c than its listener can hold, when the listeners are open and nothing was asked yet.
// They pass its filter and are no requests.
type overload struct {
	*liveMachine
	flood func()
}

func (m *overload) Quiet(context.Context) error {
	if m.flood != nil {
		m.flood()
		m.flood = nil
	}
	return nil
}

// floods sends a frame out of s1's port to a node more often than a socket's queue holds by default.
func floods(t testing.TB, m *liveMachine, node string, frame []byte) {
	t.Helper()
	links := must(m.Links("s1"))
	i := slices.IndexFunc(links, func(l topology.LinkState) bool { return l.Name == node })
	fd, err := m.Socket("s1", unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for range 2000 {
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: links[i].Index}); err != nil {
			t.Fatal(err)
		}
	}
}

// almost is an echo request that a listener's filter takes for one of the prober's, and the prober does not.
func almost(p *Prober) []byte {
	b := make([]byte, 200)
	copy(b[12:], []byte{8, 0, 0x45})
	b[23], b[34] = 1, echo4
	copy(b[42:], p.memory.cookie[:])
	b[46] ^= 0xff
	return b
}

// TestDeafListener: one whose queue was full has no say in what did not come; nobody else's answer changes.
func TestDeafListener(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24", "d 10.0.0.4/24")
	m := &overload{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	wantText(t, ask(t, p, false, sees("a", "b", "c"), sees("a", "b", "d")), "sees:a->b@c no\nsees:a->b@d no\n")
	flood := func() { floods(t, m.liveMachine, "c", almost(p)) }
	m.flood = flood
	rs := ask(t, p, false, sees("a", "b", "b"), sees("a", "b", "c"), sees("a", "b", "d"))
	wantText(t, rs, "sees:a->b@b yes\nsees:a->b@c unknown\nsees:a->b@d no\n")
	if want := "the listener lost frames"; rs[1].Detail != want {
		t.Errorf("%s, want %s", rs[1].Detail, want)
	}

	from, _ := lab.Target("a")
	to, _ := lab.Target("b")
	s := must(p.Stream(context.Background(), "chat", from, to, 20*time.Millisecond))
	defer s.Stop()
	for end := time.Now().Add(5 * time.Second); s.Received() < 3 && time.Now().Before(end); {
		poll(nil, 5*time.Millisecond)
	}
	m.flood = flood
	wantText(t, ask(t, p, true, sees("chat", "", "c"), sees("chat", "", "d")), "sees:chat->@c unknown\nsees:chat->@d no\n")
}

// TestDeafOverhearer: the same of a forged frame.
func TestDeafOverhearer(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24", "d 10.0.0.4/24")
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	sh(t, "a", "ping -n -c1 -W5 10.0.0.2")
	s := frameFrom(t, lab, "one", "a")
	s.Dst = topology.Station{Node: "b"}
	e := seesTable(sees("one", "", "b"), sees("one", "", "c"), sees("one", "", "d"))
	ctx := context.Background()
	o, err := p.Overhear(ctx, []string{s.Name}, e)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	k, err := p.Send(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(k.Frame())
	binary.BigEndian.PutUint16(other[12:], 0x88b6) // of the same stations, and another
	floods(t, m, "c", other)
	r, err := p.Judge(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Tables[0].Cells {
		got = append(got, c.Cell.Question.At+" "+c.Result.Got)
	}
	if want := "b yes, c unknown, d no"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// unwatched has an interface at a that nobody can listen on.
type unwatched struct{ *liveMachine }

func (m *unwatched) Links(node string) ([]topology.LinkState, error) {
	links, err := m.liveMachine.Links(node)
	for i := range links {
		links[i].Up = links[i].Up && node != "a"
	}
	return links, err
}

// TestNeverSeenLeaving: what got lost before anybody could see it may have gone anywhere.
func TestNeverSeenLeaving(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	live := build(t, lab, steps)
	sh(t, "s1", `nft 'table bridge f { chain c { type filter hook prerouting priority 0; icmp type echo-request drop; }; }'`)
	for _, c := range []struct {
		m            Machine
		want, detail string
	}{
		{live, "no", "not captured; it left a and no answer was received"},
		{&unwatched{live}, Unknown, "the marked request was never seen leaving a"},
	} {
		p := &Prober{Lab: lab, Machine: c.m, Patience: 1200 * time.Millisecond}
		rs := ask(t, p, false, sees("a", "b", "c"))
		if rs[0].Got != c.want || rs[0].Detail != c.detail {
			t.Errorf("got %s (%s), want %s (%s)", rs[0].Got, rs[0].Detail, c.want, c.detail)
		}
		from, _ := lab.Target("a")
		to, _ := lab.Target("b")
		stream := must(p.Stream(context.Background(), "chat", from, to, 10*time.Millisecond))
		if rs := ask(t, p, true, sees("chat", "", "c")); rs[0].Got != c.want {
			t.Errorf("of a stream: got %s (%s), want %s", rs[0].Got, rs[0].Detail, c.want)
		}
		stream.Stop()
		p.Close()
	}
}

// TestWhoAnswers: whoever answers in a node's place, or as well, is named; what answers another's question is no
// answer.
func TestWhoAnswers(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	m := build(t, lab, steps)
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	own := must(p.bench().owners())
	q := expect.Question{Kind: "answers", A: "a", B: "b"}
	want := func(word string) {
		t.Helper()
		wantText(t, ask(t, p, false, q), "answers:a->b "+word+"\n")
	}
	want("yes")
	sh(t, "c", "ip addr add 10.0.0.2/32 dev eth0")
	want("b+c")
	sh(t, "b", "sysctl -qw net.ipv4.conf.all.arp_ignore=8")
	want("c")
	sh(t, "c", "ip addr del 10.0.0.2/32 dev eth0")
	want("no")

	// a proxy answers for b, on the interface by which it could not reach it
	sh(t, "c", "ip link add d0 up type veth peer name d1 && ip link set d1 up && ip route add 10.0.0.2/32 dev d0 && sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.conf.all.forwarding=1 net.ipv4.neigh.eth0.proxy_delay=0")
	want("c")
	sh(t, "c", "sysctl -qw net.ipv4.conf.eth0.proxy_arp=0")

	c, _ := own.link("c", "eth0")
	for _, r := range []struct{ target, word string }{{"10.0.0.2", "no"}, {"10.0.0.3", "no"}, {"10.0.0.1", "c"}} {
		stop := replying(t, m, "c", c, addr("10.0.0.2"), addr(r.target))
		rs := ask(t, p, false, q)
		stop()
		if rs[0].Got != r.word {
			t.Errorf("while c tells everybody what %s has asked: got %s (%s), want %s", r.target, rs[0].Got, rs[0].Detail, r.word)
		}
	}
}

// TestAnswersForAName: yes is who holds the address in the file, all of them and nobody else, or who has the MAC of the
// name.
func TestAnswersForAName(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24,10.0.0.9/32", "c 10.0.0.3/24,10.0.0.9/32", "d 10.0.0.4/24,10.0.0.8/32")
	m := build(t, lab, steps)
	mac := must(switchcore.ParseMAC("00:00:5e:00:01:07"))
	lab.Names = []topology.NamedEnd{{Name: "one", IP: addr("10.0.0.8")}, {Name: "two", IP: addr("10.0.0.9")}, {Name: "vr", IP: addr("10.0.0.7"), MAC: mac}}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	want := func(one, two, vr string) {
		t.Helper()
		q := func(b string) expect.Question { return expect.Question{Kind: "answers", A: "a", B: b} }
		rs := ask(t, p, false, q("one"), q("two"), q("vr"))
		wantText(t, rs, "answers:a->one "+one+"\nanswers:a->two "+two+"\nanswers:a->vr "+vr+"\n")
		if c := (CellReport{Cell: &expect.Cell{Want: expect.Want{Text: "b+c"}}, Result: rs[1]}); two == "yes" && !c.matches() {
			t.Errorf("both answer, which is not b+c but %s %v", rs[1].Got, rs[1].Exact)
		}
		for _, said := range []string{"d", "d:eth0"} {
			c := CellReport{Cell: &expect.Cell{Want: expect.Want{Text: said}}, Result: rs[0]}
			if one == "yes" && (!c.matches() || c.Result.Got != said) {
				t.Errorf("d answers, but where the file wants %s it is said to be %s", said, c.Result.Got)
			}
		}
	}
	want("yes", "yes", "no")
	sh(t, "b", "sysctl -qw net.ipv4.conf.all.arp_ignore=8")
	sh(t, "d", "ip link add link eth0 name m7 address 00:00:5e:00:01:07 type macvlan && ip addr add 10.0.0.7/32 dev m7 && ip link set m7 up && sysctl -qw net.ipv4.conf.all.arp_ignore=1")
	want("yes", "c", "yes")
	sh(t, "b", "sysctl -qw net.ipv4.conf.all.arp_ignore=0 && ip addr add 10.0.0.7/32 dev eth0 && ip addr add 10.0.0.8/32 dev eth0")
	sh(t, "c", "ip addr del 10.0.0.9/32 dev eth0")
	want("b+d", "b", "b+vr")
}

// replying broadcasts an ARP reply from a node's interface until it is stopped.
func replying(t testing.TB, m Machine, node string, l topology.LinkState, sender, target netip.Addr) (stop func()) {
	t.Helper()
	fd, err := m.Socket(node, unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := arpRequest(l.MAC, sender, target)
	f[21] = 2 // a reply
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			_ = unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: l.Index})
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-ended; unix.Close(fd) }
}
