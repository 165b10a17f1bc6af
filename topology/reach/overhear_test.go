package reach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/expect"
)

// seesTable is a table of these questions, all judged.
func seesTable(qs ...expect.Question) *expect.Expectation {
	t := &expect.Table{Kind: "sees"}
	for _, q := range qs {
		t.Cells = append(t.Cells, &expect.Cell{Question: q, Judged: true, Case: -1})
	}
	return &expect.Expectation{Tables: []*expect.Table{t}}
}

func frameFrom(t testing.TB, lab *topology.Lab, name, from string) *topology.Send {
	target, ok := lab.Target(from)
	if !ok {
		t.Fatalf("no %s in the lab", from)
	}
	return &topology.Send{Name: name, From: target, Type: 0x88b5, Payload: []byte(name), Count: 1}
}

// acted carries out the sends of a step and judges it.
func acted(t testing.TB, p *Prober, e *expect.Expectation, sends ...*topology.Send) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var names []string
	for _, s := range sends {
		names = append(names, s.Name)
	}
	o, err := p.Overhear(ctx, names, e)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, s := range sends {
		k, err := p.Send(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		if s.Endless {
			defer k.Stop()
		} else if err := k.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	r, err := p.Judge(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range r.Tables {
		for _, c := range table.Cells {
			fmt.Fprintf(&b, "%s %s\n", c.Cell.Question, c.Result.Got)
			if c.Result.Got == Unknown {
				t.Log(c.Result.Detail)
			}
		}
	}
	return b.String()
}

// calming counts how often the machine was asked to be quiet.
type calming struct {
	*liveMachine
	count atomic.Int64
}

func (c *calming) Quiet(context.Context) error { c.count.Add(1); return nil }

// TestOverhear: a bridge floods what is for everybody and what is for nobody, and brings one station what is for it.
func TestOverhear(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	for _, h := range []string{"a", "b", "c"} {
		lab.Nodes[0].Interfaces = append(lab.Nodes[0].Interfaces, &topology.Interface{Name: h, Type: topology.Veth, Master: "s1"})
	}
	m := &calming{liveMachine: build(t, lab, steps)}
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	sh(t, "a", "ping -n -c1 -W5 10.0.0.2; ping -n -c1 -W5 10.0.0.3")
	broadcast, toB, lost := frameFrom(t, lab, "all", "a"), frameFrom(t, lab, "one", "a"), frameFrom(t, lab, "lost", "a")
	broadcast.Dst.MAC = switchcore.MAC{255, 255, 255, 255, 255, 255}
	toB.Dst = topology.Station{Node: "b"}
	lost.Dst.MAC = mac("02:00:00:00:00:77")
	lost.Src.MAC = mac("02:00:00:00:00:76")
	var qs []expect.Question
	for _, name := range []string{"all", "one", "lost"} {
		for _, at := range []string{"a", "b", "c", "s1:b", "s1:c"} {
			qs = append(qs, sees(name, "", at))
		}
	}
	got := acted(t, p, seesTable(qs...), broadcast, toB, lost)
	want := `sees:all@a yes
sees:all@b yes
sees:all@c yes
sees:all@s1:b yes
sees:all@s1:c yes
sees:one@a yes
sees:one@b yes
sees:one@c no
sees:one@s1:b yes
sees:one@s1:c no
sees:lost@a yes
sees:lost@b yes
sees:lost@c yes
sees:lost@s1:b yes
sees:lost@s1:c yes
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := m.count.Load(); n < 2 {
		t.Errorf("asked to be quiet %d times, want it after the listeners were opened and after they were closed", n)
	}
	for _, h := range []string{"b", "c"} {
		if out := sh(t, h, "ip -d link show dev eth0"); !strings.Contains(out, "promiscuity 0") {
			t.Errorf("%s is still listened on: %s", h, out)
		}
	}
}

// TestOverhearTags: frames that differ in their tag only, and one whose tag is changed on its way.
func TestOverhearTags(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	tagged := func(name string, vlan int) *topology.Send {
		s := frameFrom(t, lab, name, "a")
		s.Dst, s.VLAN, s.Payload = topology.Station{Node: "b"}, vlan, []byte("same")
		return s
	}
	e := seesTable(sees("ten", "", "b"), sees("twenty", "", "b"))
	if got, want := acted(t, p, e, tagged("ten", 10), tagged("twenty", 20)), "sees:ten@b yes\nsees:twenty@b yes\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	sh(t, "s1", `nft 'table netdev d { chain c { type filter hook ingress device "a" priority 0; vlan id 10 drop; }; }'`)
	if got, want := acted(t, p, e, tagged("ten", 10), tagged("twenty", 20)), "sees:ten@b no\nsees:twenty@b yes\n"; got != want {
		t.Errorf("with a drop of VLAN 10: got\n%swant\n%s", got, want)
	}
	sh(t, "s1", `nft 'flush chain netdev d c; add rule netdev d c vlan id 10 vlan id set 30'`)
	if got, want := acted(t, p, seesTable(sees("ten", "", "b")), tagged("ten", 10)), "sees:ten@b yes\n"; got != want {
		t.Errorf("with another tag: got\n%swant\n%s", got, want)
	}
}

// TestOverhearNothing: a no needs a frame that has left.
func TestOverhearNothing(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	ctx := context.Background()
	s := frameFrom(t, lab, "one", "a")
	s.Dst = topology.Station{Node: "b"}
	e := seesTable(sees("one", "", "c"), sees("one", "", "nobody"), sees("other", "", "c"))
	o, err := p.Overhear(ctx, []string{s.Name}, e)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	sh(t, "a", "ip link set eth0 down")
	if _, err := p.Send(ctx, s); !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("sent from an interface that is down: %v", err)
	}
	r, err := p.Judge(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Tables[0].Cells {
		if c.Result.Got != Unknown || c.Result.Detail == "" {
			t.Errorf("%s: got %s (%s), want unknown", c.Cell.Question, c.Result.Got, c.Result.Detail)
		}
	}
	if r := ask(t, p, true, sees("one", "", "c"))[0]; r.Got != Unknown {
		t.Errorf("asked again: %s", r.Got)
	}
}

// TestSendEndless: until stopped, and heard by who begins to listen meanwhile.
func TestSendEndless(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24")
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	ctx := context.Background()
	s := frameFrom(t, lab, "beat", "a")
	s.Dst, s.Count, s.Every, s.Endless = topology.Station{Node: "b"}, 0, 5*time.Millisecond, true
	k, err := p.Send(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 60*time.Millisecond)
	defer cancel()
	if err := k.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an endless sending ended: %v", err)
	}
	k.Stop()
	k.Stop()
	if k.Sent() < 3 || k.Left() != k.Sent() {
		t.Errorf("sent %d, of which %d left; want several, and all", k.Sent(), k.Left())
	}
	if got := acted(t, p, seesTable(sees("beat", "", "b")), s); got != "sees:beat@b yes\n" {
		t.Errorf("got %s", got)
	}
	// Nobody sends it in this step; another of that name has gone long ago.
	if k, err = p.Send(ctx, s); err != nil {
		t.Fatal(err)
	}
	if got := acted(t, p, seesTable(sees("beat", "", "b"), sees("beat", "", "s1"))); got != "sees:beat@b yes\nsees:beat@s1 yes\n" {
		t.Errorf("while it is sent in the background: %s", got)
	}
	k.Stop()
	if got := acted(t, p, seesTable(sees("beat", "", "b"))); got != "sees:beat@b unknown\n" {
		t.Errorf("when it is no longer sent: %s", got)
	}
	s.Count, s.Endless = 4, false
	if k, err = p.Send(ctx, s); err != nil {
		t.Fatal(err)
	}
	if err := k.Wait(ctx); err != nil || k.Sent() != 4 {
		t.Errorf("sent %d, want 4; %v", k.Sent(), err)
	}
	s.Every = 0
	if k, err = p.Send(ctx, s); err != nil || k.Sent() != 4 || len(k.Frame()) != minFrame {
		t.Errorf("sent %d of %d bytes at once, want 4 of %d; %v", k.Sent(), len(k.Frame()), minFrame, err)
	}
}

// TestStreams: a stream goes through, is cut, is half lost; and who hears it.
func TestStreams(t *testing.T) {
	lab, steps := segment(250, "a 10.0.0.1/24", "b 10.0.0.2/24", "c 10.0.0.3/24")
	lab.Names = []topology.NamedEnd{{Name: "dead", IP: addr("10.0.0.99")}}
	p := &Prober{Lab: lab, Machine: build(t, lab, steps)}
	defer p.Close()
	start := func(name, to string) *Stream {
		from, _ := lab.Target("a")
		target, _ := lab.Target(to)
		s, err := p.Stream(context.Background(), name, from, target, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return s
	}
	chat := start("chat", "b")
	start("lost", "dead")
	streams := func(name string) expect.Question { return expect.Question{Kind: "streams", A: name} }
	wantText(t, ask(t, p, true, streams("chat"), streams("lost"), streams("none"), sees("chat", "", "a"), sees("chat", "", "b"), sees("chat", "", "c"),
		sees("lost", "", "c"), sees("none", "", "c")), `
streams:chat-> ok
streams:lost-> silent
streams:none-> unknown
sees:chat->@a yes
sees:chat->@b yes
sees:chat->@c no
sees:lost->@c no
sees:none->@c unknown
`)
	// A look takes what is known since the mark, and nothing that was before it.
	look := func() string {
		r, err := p.Read(context.Background(), &expect.Expectation{Tables: []*expect.Table{{Kind: "streams",
			Cells: []*expect.Cell{{Question: streams("chat"), Judged: true, Want: expect.Want{Text: "ok|silent|lossy"}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Tables[0].Cells[0].Result.Got
	}
	until := func(want string) {
		t.Helper()
		got := look()
		for end := time.Now().Add(10 * time.Second); got != want && time.Now().Before(end); got = look() {
			poll(nil, 10*time.Millisecond)
		}
		if got != want {
			t.Errorf("the stream is said to be %s, want %s", got, want)
		}
	}
	sh(t, "s1", `nft 'table bridge f { chain c { type filter hook forward priority 0; icmp type echo-reply drop; }; }'`)
	p.Mark()
	if got := look(); got != Unknown {
		t.Errorf("right after the mark the stream is said to be %s", got)
	}
	until("silent")
	wantText(t, ask(t, p, true, streams("chat"), sees("chat", "", "b")), "streams:chat-> silent\nsees:chat->@b yes\n")
	sh(t, "s1", `nft 'flush chain bridge f c; add rule bridge f c icmp type echo-reply numgen inc mod 2 0 drop'`)
	until("lossy")
	chat.Stop()
	wantText(t, ask(t, p, true, streams("chat"), sees("chat", "", "b")), "streams:chat-> unknown\nsees:chat->@b unknown\n")
}

// TestSendByName: the article's frame, as the interface of its target gets it.
func TestSendByName(t *testing.T) {
	lab, steps := segment(250, "guest 192.168.0.4/24", "gw 192.168.0.1/24")
	m := build(t, lab, steps+"gw: ip link set eth0 address 00:1b:8b:ae:d2:8a\n")
	p := &Prober{Lab: lab, Machine: m}
	defer p.Close()
	own := must(p.bench().owners())
	article := [12]byte{0x00, 0x1b, 0x8b, 0xae, 0xd2, 0x8a, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55}
	l, _ := own.link("gw", "eth0")
	heard, err := openTap(m, "gw", l.Index, unix.ETH_P_ALL, false, passing([][]byte{article[:]}))
	if err != nil {
		t.Fatal(err)
	}
	defer heard.close()
	from, _ := lab.Target("guest")
	s := &topology.Send{From: from, Src: topology.Station{MAC: mac("00:11:22:33:44:55")}, Dst: topology.Station{Node: "gw"},
		Echo: &topology.Echo{From: addr("192.168.0.4"), To: addr("192.168.0.1")}}
	k, err := p.Send(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	poll([]unix.PollFd{{Fd: int32(heard.fd), Events: unix.POLLIN}}, 5*time.Second)
	frame, _, ok := heard.next(make([]byte, 2048))
	// A bridge with bridge-nf-call-iptables cuts the padding off.
	if !ok || !bytes.HasPrefix(k.Frame(), frame) || len(frame) < 42 || k.Left() != 1 {
		t.Errorf("sent %x, of which %d left; gw got %x", k.Frame(), k.Left(), frame)
	}
}
