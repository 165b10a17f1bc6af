//go:build linux

package datapath

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"labctl/switchcore"
)

func TestATapChangesNothing(t *testing.T) {
	guests(t, 2)
	l := start(t, standard(2), Options{})
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	round := func() (all [2]switchcore.Counters) {
		before := [2]switchcore.Counters{counters(l, 0), counters(l, 1)}
		send(t, a, frame(1, 2, "88b5 0100"))
		send(t, a, frame(3, 2, "88b5 0200"))
		send(t, a, frame(1, 0, "88b5 0300"))
		hears(t, b, frame(1, 0, "88b5 0300"))
		for i := range all {
			all[i] = counters(l, i)
			all[i].RxFrames -= before[i].RxFrames
			all[i].TxFrames -= before[i].TxFrames
			all[i].RxBytes, all[i].TxBytes = 0, 0
			for r := range all[i].Drops {
				all[i].Drops[r] -= before[i].Drops[r]
			}
		}
		return all
	}
	promiscuity := func() string { return fields(ip(t, "-d link show"), "promiscuity") }
	without, quiet := round(), promiscuity()
	tap, small := l.Tap(TapFilter{}), l.Tap(TapFilter{Queue: 1, Points: []string{Drop}, Ports: []switchcore.PortID{0}})
	defer small.Close()
	if with := round(); with != without {
		t.Errorf("with a tap the counters say %+v, without %+v", with, without)
	}
	if p := promiscuity(); p != quiet {
		t.Errorf("with a tap promiscuity is %s, without %s", p, quiet)
	}
	round()
	if n := small.Lost(); n != 1 {
		t.Errorf("a queue of one has lost %d of two", n)
	}
	frames, err := tap.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range frames[:min(6, len(frames))] {
		got = append(got, fmt.Sprintf("%s %s %x %s", f.Point, f.Name, f.Data[14:15], f.Verdict))
	}
	want := []string{
		"PortInput p1 01 static: to p2", "PortOutput p2 01 static: to p2",
		"PortInput p1 02 dropped: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)",
		"Drop p1 02 dropped: MacForgery (MAC Forgery Drop, L2Sec_FilterSrcMACForgeries)",
		"PortInput p1 03 broadcast: to p2", "PortOutput p2 03 broadcast: to p2",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the tap has\n%s", strings.Join(got, "\n"))
	}
	tap.Close()
	if _, err := tap.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed tap says %v", err)
	}
}

// fields are the words that follow a word.
func fields(text, word string) string {
	var out []string
	list := strings.Fields(text)
	for i, f := range list {
		if f == word && i+1 < len(list) {
			out = append(out, list[i+1])
		}
	}
	return strings.Join(out, " ")
}

func TestDropsAreKeptAndWaitedFor(t *testing.T) {
	guests(t, 2)
	l := start(t, standard(2), Options{DropLog: 3})
	a := station(t, "g1", "e0")
	waited := make(chan error, 1)
	go func() { waited <- l.DropWait(context.Background(), 0) }()
	for i := range 5 {
		send(t, a, frame(7, 2, fmt.Sprintf("88b5 %02x", i)))
	}
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are recorded", func() bool { _, next, _ := l.Drops(0); return next == 5 })
	records, next, lost := l.Drops(0)
	if len(records) != 3 || next != 5 || lost != 2 {
		t.Fatalf("%d records, next %d, lost %d", len(records), next, lost)
	}
	for i, r := range records {
		if r.Seq != uint64(i+3) || r.Data[14] != byte(i+2) || r.Reason != switchcore.MacForgery || r.PortName != "p1" || r.Number == 0 || r.Point != Drop || r.Out != switchcore.NoPort {
			t.Errorf("record %d: %+v", i, r)
		}
	}
	if records, _, _ := l.Drops(next); len(records) != 0 {
		t.Errorf("asked for more: %v", records)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.DropWait(ctx, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("waited and got %v", err)
	}
	go func() { waited <- l.DropWait(context.Background(), 5) }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("waited on a closed loop and got %v", err)
	}
}

// A frame that is longer than an interface's MTU cannot leave there; others in the same batch can.
func TestFailedSendsAreCounted(t *testing.T) {
	guests(t, 3)
	l := start(t, learning(3), Options{})
	tap := l.Tap(TapFilter{Points: []string{Drop}, Ports: []switchcore.PortID{1}})
	defer tap.Close()
	ip(t, "link set p2 mtu 1000")
	b := station(t, "g3", "e0")
	if ping(t, 1, "10.0.0.2", "-s", "1200", "-M", "do") {
		t.Fatal("a long frame was answered")
	}
	long := frame(1, 0, "88b5"+strings.Repeat("00", 1200))
	send(t, station(t, "g1", "e0"), long)
	hears(t, b, long)
	eventually(t, "the failure is counted", func() bool { return counters(l, 1).Drops[switchcore.MtuExceeded] > 0 })
	records, _, _ := l.Drops(0)
	if len(records) == 0 || records[len(records)-1].OutName != "p2" || records[len(records)-1].PortName != "p1" {
		t.Errorf("records are %+v", records)
	}
	frames, err := tap.Next(soon(t))
	if err != nil || frames[0].Name != "p2" || frames[0].Verdict != "dropped: MtuExceeded, a copy from p1" {
		t.Errorf("the tap at the port that it was for has %+v; %v", frames, err)
	}
}

// soon is a context for what must be there already, or in a moment.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A copy that one port loses is found there, by the log and by the taps alike.
func TestLostCopiesAreFiledWhereTheyWereFor(t *testing.T) {
	guests(t, 3)
	c := standard(3)
	c.Profile = switchcore.Distributed // a standard one cannot block
	blocked := true
	c.Groups[0].Overrides, c.Ports[2].Spec.Blocked = switchcore.OverrideBlocked, &blocked
	l := start(t, c, Options{})
	at := [3]*Tap{}
	for i := range at {
		at[i] = l.Tap(TapFilter{Points: []string{Drop}, Ports: []switchcore.PortID{switchcore.PortID(i)}})
		defer at[i].Close()
	}
	send(t, station(t, "g1", "e0"), frame(1, 0, "88b5 01"))
	eventually(t, "the copy is recorded", func() bool { _, next, _ := l.Drops(0); return next > 0 })
	records, _, _ := l.Drops(0)
	if len(records) != 1 || records[0].OutName != "p3" || records[0].PortName != "p1" {
		t.Errorf("records are %+v", records)
	}
	frames, err := at[2].Next(soon(t))
	if err != nil || len(frames) != 1 || frames[0].Name != "p3" || !strings.HasSuffix(frames[0].Verdict, ", a copy from p1") {
		t.Errorf("the tap at p3 has %+v; %v", frames, err)
	}
	for i, tap := range at[:2] {
		tap.Close()
		if frames, _ := tap.Next(soon(t)); len(frames) > 0 {
			t.Errorf("the tap at p%d has %+v", i+1, frames)
		}
	}
}
