package switchcore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// check holds what the switch says of itself against the line.
func (w *story) check(verb string, args []string) error {
	switch verb {
	case "event":
		i := w.event(args)
		if i < 0 {
			return fmt.Errorf("the events are %+v", w.events)
		}
		w.events = slices.Delete(w.events, i, i+1)
		return nil
	case "no-event":
		if i := w.event(args); i >= 0 {
			return fmt.Errorf("there is %+v", w.events[i])
		}
		return nil
	case "no-announce":
		if len(w.told) > 0 {
			return fmt.Errorf("there are %d", len(w.told))
		}
		return nil
	case "announce":
		return w.announced(args)
	case "knows", "forgot":
		return w.table(verb, args)
	case "says", "hint":
		return w.words(verb, strings.Join(args, " "))
	}
	id, err := w.port(args[0])
	if err != nil {
		return err
	}
	return w.status(verb, id, args[1:])
}

// words is "says TEXT", a part of what was narrated of the last frame, or "hint TEXT", a part of what its hint is;
// "hint -" for none.
func (w *story) words(verb, text string) error {
	all := strings.Join(w.last.Steps, "\n")
	if verb == "hint" {
		all = orDash(w.last.Hint)
	}
	if !holds(all, text) {
		return fmt.Errorf("it is\n%s", all)
	}
	return nil
}

// holds: a part of it, but nothing is nothing.
func holds(all, text string) bool { return all == text || text != "-" && strings.Contains(all, text) }

func (w *story) event(args []string) int {
	return slices.IndexFunc(w.events, func(e Event) bool { return e.Kind == args[0] && (len(args) < 2 || e.Port == args[1]) })
}

// announced is "announce MAC = OUTPUTS": a RARP request of that address (RFC 903) has been made for these outputs.
func (w *story) announced(args []string) error {
	mac, err := w.mac(args[0])
	if err != nil {
		return err
	}
	i := slices.IndexFunc(w.told, func(a Announcement) bool { return len(a.Frame) >= 42 && MAC(a.Frame[6:12]) == mac })
	if i < 0 {
		return fmt.Errorf("not among %d", len(w.told))
	}
	a := w.told[i]
	w.told = slices.Delete(w.told, i, i+1)
	f := a.Frame
	switch {
	case MAC(f[:6]) != w.macs["ff"]:
		return errors.New("not a broadcast")
	case binary.BigEndian.Uint16(f[12:]) != 0x8035 || binary.BigEndian.Uint16(f[14:]) != 1 || binary.BigEndian.Uint16(f[20:]) != 3:
		return fmt.Errorf("not a reverse ARP request: %x", f)
	case MAC(f[22:28]) != mac || MAC(f[32:38]) != mac:
		return fmt.Errorf("speaks of another address: %x", f)
	}
	got := w.verdict(Verdict{Out: a.Outputs})
	if !sameWords(slices.Clone(args[2:]), strings.Split(got, ", ")) {
		return fmt.Errorf("goes to %s", got)
	}
	return nil
}

// table is "knows MAC PORT [vlan=N] [static]" or "forgot MAC".
func (w *story) table(verb string, args []string) error {
	mac, err := w.mac(args[0])
	if err != nil {
		return err
	}
	table := w.s.Table(w.now)
	if verb == "forgot" {
		if i := slices.IndexFunc(table, func(e Entry) bool { return e.MAC == mac }); i >= 0 {
			return fmt.Errorf("it is on port %s", w.s.Status(table[i].Port).Name)
		}
		return nil
	}
	want := Entry{MAC: mac}
	if want.Port, err = w.port(args[1]); err != nil {
		return err
	}
	for _, a := range args[2:] {
		if vlan, ok := strings.CutPrefix(a, "vlan="); ok {
			n, err := strconv.Atoi(vlan)
			if err != nil {
				return err
			}
			want.VLAN = uint16(n)
		}
		want.Static = want.Static || a == "static"
	}
	if !slices.ContainsFunc(table, func(e Entry) bool { e.Age = 0; return e == want }) {
		return fmt.Errorf("the table is %+v", table)
	}
	return nil
}

// status is one of
//
//	state PORT forwarding|blocked|down
//	promiscuous PORT granted|refused|-
//	count PORT REASON|COUNTER N
//	because PORT CAUSE|REASON
//	advice PORT TEXT
//	policy PORT KEY=VALUE FROM
func (w *story) status(verb string, id PortID, args []string) error {
	st := w.s.Status(id)
	got := ""
	switch verb {
	case "state":
		got = st.State
	case "promiscuous":
		got = st.Promiscuous
	case "count":
		n, err := counter(st.Counters, args[0])
		if err != nil {
			return err
		}
		got = args[0] + " " + strconv.FormatUint(n, 10)
	case "advice":
		i := slices.IndexFunc(w.last.Fates, func(f Fate) bool { return f.Port == id })
		if i < 0 {
			return errors.New("the port has no fate")
		}
		if got = orDash(w.last.Fates[i].Hint); holds(got, strings.Join(args, " ")) {
			return nil
		}
	case "because":
		i := slices.IndexFunc(w.last.Fates, func(f Fate) bool { return f.Port == id })
		if i < 0 {
			return errors.New("the port has no fate")
		}
		f := w.last.Fates[i]
		got = fmt.Sprint(f.Cause)
		if f.Reason != None {
			got = f.Reason.String()
		}
	case "policy":
		key, value, _ := strings.Cut(args[0], "=")
		s, ok := map[string]Setting{"promiscuous": st.Policy.Promiscuous, "mac_changes": st.Policy.MACChanges, "forged_transmits": st.Policy.ForgedTransmits}[key]
		if !ok {
			return fmt.Errorf("%q is not a policy", key)
		}
		got = key + "=reject "
		if s.Value {
			got = key + "=accept "
		}
		args = []string{key + "=" + value, args[1]}
		got += fmt.Sprint(s.From)
	}
	if want := strings.Join(args, " "); got != want {
		return fmt.Errorf("it is %q", got)
	}
	return nil
}

func counter(c Counters, name string) (uint64, error) {
	for _, r := range Reasons() {
		if r.String() == name {
			return c.Drops[r], nil
		}
	}
	v := reflect.ValueOf(c).FieldByName(name)
	if !v.IsValid() || v.Kind() != reflect.Uint64 {
		return 0, fmt.Errorf("%q is neither a drop reason nor a counter", name)
	}
	return v.Uint(), nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
