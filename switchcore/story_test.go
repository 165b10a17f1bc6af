package switchcore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// story runs the lines of a frame script, see testdata/scripts/README.md for the language.
type story struct {
	c      Config
	s      *Switch
	now    time.Duration
	macs   map[string]MAC
	events []Event
	told   []Announcement
	last   Explanation
	seen   map[Reason]bool
}

func newStory() *story {
	c, _ := Preset("standard")
	return &story{c: c, macs: map[string]MAC{
		"ff": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "bpdu": {1, 0x80, 0xc2}, "zero": {},
		"cdp": {1, 0, 0x0c, 0xcc, 0xcc, 0xcc}, "pvst": {1, 0, 0x0c, 0xcc, 0xcc, 0xcd}, "mdns": {1, 0, 0x5e, 0, 0, 0xfb},
	}, seen: map[Reason]bool{}}
}

// run does the lines in turn and stops at the first that does not hold.
func (w *story) run(lines string) error {
	n := 0
	for line := range strings.Lines(lines) {
		n++
		text, _, _ := strings.Cut(line, "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if err := w.do(words); err != nil {
			return fmt.Errorf("line %d: %s: %w", n, strings.TrimSpace(text), err)
		}
	}
	return nil
}

func (w *story) do(words []string) error {
	verb, args := words[0], words[1:]
	switch verb {
	case "switch", "group", "port", "uplink", "pvlan", "mac":
		if w.s != nil && verb != "mac" {
			return errors.New("the switch runs already: use set, add or remove")
		}
		return w.declare(verb, args)
	}
	if w.s == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	defer w.drain()
	w.drain()
	if d, ok := strings.CutPrefix(verb, "+"); ok {
		step, err := time.ParseDuration(d)
		w.now += step
		return err
	}
	switch verb {
	case "start":
		return nil
	case "set", "add", "remove", "refused":
		return w.change(verb, args)
	case "guest", "connect", "disconnect", "link", "flush":
		return w.guest(verb, args)
	case "event", "no-event", "announce", "no-announce", "knows", "forgot", "state", "promiscuous", "count", "because", "policy", "says", "hint", "advice":
		return w.check(verb, args)
	}
	return w.frame(verb, args)
}

func (w *story) start() error {
	s, err := New(w.c)
	if err != nil {
		return err
	}
	w.s = s
	for _, p := range w.c.Ports {
		w.plug(p)
	}
	w.drain()
	w.events, w.told = nil, nil
	return nil
}

func (w *story) plug(p Port) {
	id := w.s.Lookup(p.Name)
	if p.Uplink {
		w.s.SetLink(w.now, id, true)
		return
	}
	w.s.Connect(w.now, id, Filter{MAC: p.Initial, AllMulti: true})
}

func (w *story) drain() {
	if w.s == nil {
		return
	}
	w.events = append(w.events, w.s.Events()...)
	for _, a := range w.s.Announcements() {
		a.Frame, a.Outputs = bytes.Clone(a.Frame), slices.Clone(a.Outputs)
		w.told = append(w.told, a)
	}
}

// mac reads a name, one capital letter (00:50:56:00:00 and its code) or an address.
func (w *story) mac(s string) (MAC, error) {
	if m, ok := w.macs[s]; ok {
		return m, nil
	}
	if len(s) == 1 && s[0] >= 'A' && s[0] <= 'Z' {
		return MAC{0, 0x50, 0x56, 0, 0, s[0]}, nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != 6 {
		return MAC{}, fmt.Errorf("%q is neither an address nor a name of one", s)
	}
	return MAC(b), nil
}

func (w *story) port(name string) (PortID, error) {
	if id := w.s.Lookup(name); id != NoPort {
		return id, nil
	}
	return NoPort, fmt.Errorf("no port %q", name)
}

// frame is "PORT SRC->DST options = expectation".
func (w *story) frame(port string, args []string) error {
	id, err := w.port(port)
	if err != nil {
		return err
	}
	eq := slices.Index(args, "=")
	if eq < 1 {
		return errors.New("want PORT SRC->DST ... = OUTPUTS or = drop REASON")
	}
	f, err := w.build(args[:eq])
	if err != nil {
		return err
	}
	w.last = w.s.Explain(w.now, id, f)
	w.last.Out, w.last.Lost = slices.Clone(w.last.Out), slices.Clone(w.last.Lost)
	v := w.s.Forward(w.now, id, f)
	if err := agree(w.s, id, w.last, v); err != nil {
		return err
	}
	w.seen[v.Drop] = true
	for _, l := range v.Lost {
		w.seen[l.Reason] = true
	}
	want := slices.Clone(args[eq+1:])
	if len(want) > 1 && want[0] == "drop" {
		want = append([]string{"drop " + want[1]}, want[2:]...)
	}
	if got := w.verdict(v); !sameWords(want, strings.Split(got, ", ")) {
		return fmt.Errorf("got %s\n%s", got, strings.Join(w.last.Steps, "\n"))
	}
	return nil
}

// sameWords: the same outputs in any order.
func sameWords(want, got []string) bool {
	slices.Sort(want)
	slices.Sort(got)
	return slices.Equal(want, got)
}

// verdict prints "u1:10, h, s!PortBlocked" or "drop MacForgery, h!PortBlocked".
func (w *story) verdict(v Verdict) string {
	var words []string
	if v.Drop != None {
		words = append(words, "drop "+v.Drop.String())
	}
	for _, o := range v.Out {
		name := w.s.Status(o.Port).Name
		if o.Tagged {
			name += ":" + strconv.Itoa(int(o.TCI&0xfff))
			if prio := o.TCI >> 13; prio != 0 {
				name += "/" + strconv.Itoa(int(prio))
			}
		}
		words = append(words, name)
	}
	for _, l := range v.Lost {
		words = append(words, w.s.Status(l.Port).Name+"!"+l.Reason.String())
	}
	return strings.Join(words, ", ")
}

// build makes a frame of "SRC->DST" and tag=VID[/PRIO] aux=VID[/PRIO] inner=VID type=HEX len=N segment=N ip=SRC>DST
// raw=HEX.
func (w *story) build(words []string) (Frame, error) {
	src, dst, ok := strings.Cut(words[0], "->")
	if !ok {
		return Frame{}, fmt.Errorf("%q is not SRC->DST", words[0])
	}
	s, err1 := w.mac(src)
	d, err2 := w.mac(dst)
	f, size, kind := Frame{}, 60, uint16(0x0800)
	head := append(slices.Clone(d[:]), s[:]...)
	var rest []byte
	errs := []error{err1, err2}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "tag", "inner":
			var tci uint16
			tci, err = parseTCI(value)
			head = binary.BigEndian.AppendUint16(append(head, 0x81, 0), tci)
		case "aux":
			f.Tagged = true
			f.TCI, err = parseTCI(value)
		case "type":
			var n uint64
			n, err = strconv.ParseUint(value, 16, 16)
			kind = uint16(n)
		case "len":
			size, err = strconv.Atoi(value)
		case "segment":
			f.Segment, err = strconv.Atoi(value)
		case "raw":
			rest, err = hex.DecodeString(value)
		default:
			err = fmt.Errorf("%q is not an option of a frame", key)
		}
		errs = append(errs, err)
	}
	f.Data = append(binary.BigEndian.AppendUint16(head, kind), rest...)
	if len(f.Data) < size {
		f.Data = append(f.Data, make([]byte, size-len(f.Data))...)
	}
	f.Data = f.Data[:size]
	return f, errors.Join(errs...)
}

func parseTCI(s string) (uint16, error) {
	vid, prio, _ := strings.Cut(s, "/")
	v, err := strconv.Atoi(vid)
	p := 0
	if prio != "" && err == nil {
		p, err = strconv.Atoi(prio)
	}
	return uint16(p<<13 | v), err
}

// guest does what happens at the ports: guest g mac=Y promisc exact groups=A,B; connect, disconnect, link u1 down,
// flush.
func (w *story) guest(verb string, args []string) error {
	if verb == "flush" {
		w.s.FlushTable(w.now)
		return nil
	}
	id, err := w.port(args[0])
	if err != nil {
		return err
	}
	switch verb {
	case "disconnect":
		w.s.Disconnect(w.now, id)
		return nil
	case "link":
		w.s.SetLink(w.now, id, args[1] == "up")
		return nil
	}
	f := Filter{MAC: w.s.Status(id).Effective, AllMulti: true}
	for _, word := range args[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "mac":
			f.MAC, err = w.mac(value)
		case "promisc":
			f.Promiscuous = true
		case "exact":
			f.AllMulti = false
		case "groups":
			f.AllMulti = false
			for _, g := range strings.Split(value, ",") {
				m, merr := w.mac(g)
				f.Groups, err = append(f.Groups, m), errors.Join(err, merr)
			}
		default:
			err = fmt.Errorf("%q is nothing that a guest does", key)
		}
	}
	if verb == "connect" {
		w.s.Connect(w.now, id, f)
	} else {
		w.s.SetFilter(w.now, id, f)
	}
	return err
}

// agree holds Explain's answer against what Forward did with the same frame.
func agree(s *Switch, in PortID, e Explanation, v Verdict) error {
	if !slices.Equal(e.Out, v.Out) || !slices.Equal(e.Lost, v.Lost) || e.Drop != v.Drop || e.Rule != v.Rule || e.VLAN != v.VLAN {
		return fmt.Errorf("explain says out %v lost %v drop %v rule %v vlan %d, forward did out %v lost %v drop %v rule %v vlan %d",
			e.Out, e.Lost, e.Drop, e.Rule, e.VLAN, v.Out, v.Lost, v.Drop, v.Rule, v.VLAN)
	}
	if (len(v.Out) == 0) == (v.Drop == None) {
		return fmt.Errorf("drop %v with %d outputs", v.Drop, len(v.Out))
	}
	fates := map[PortID]Fate{}
	for _, f := range e.Fates {
		if _, twice := fates[f.Port]; twice {
			return fmt.Errorf("port %d has two fates", f.Port)
		}
		fates[f.Port] = f
	}
	for _, id := range s.Ports() {
		f, ok := fates[id]
		out := slices.ContainsFunc(v.Out, func(o Output) bool { return o.Port == id })
		switch {
		case !ok && (id != in || out):
			return fmt.Errorf("port %s has no fate", s.Status(id).Name)
		case ok && f.Delivered != out:
			return fmt.Errorf("port %s: explain says delivered %v, forward says %v", s.Status(id).Name, f.Delivered, out)
		}
		i := slices.IndexFunc(v.Lost, func(l Loss) bool { return l.Port == id })
		if i >= 0 && (out || f.Reason != v.Lost[i].Reason) {
			return fmt.Errorf("port %s: lost by %v, but delivered %v, explained as %v", s.Status(id).Name, v.Lost[i].Reason, out, f.Reason)
		}
	}
	if len(e.Steps) == 0 {
		return errors.New("nothing is narrated")
	}
	return nil
}
