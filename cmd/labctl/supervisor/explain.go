//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
)

func explain(_ context.Context, c *call, p wire.ExplainParams) (wire.Explained, error) {
	if err := c.begun(); err != nil {
		return wire.Explained{}, err
	}
	if err := c.checkSwitches([]string{p.Switch + ":" + p.Port}); err != nil {
		return wire.Explained{}, err
	}
	if p.Frame.Src == "" {
		st, err := c.switches.port(p.Switch, p.Port)
		if err != nil {
			return wire.Explained{}, err
		}
		if st.Uplink || st.Effective == (switchcore.MAC{}) {
			return wire.Explained{}, wire.Usagef("%s:%s has no address of its own; give --src", p.Switch, p.Port)
		}
		p.Frame.Src = st.Effective.String()
	}
	data, err := c.bytes(p.Frame)
	if err != nil {
		return wire.Explained{}, err
	}
	v, err := c.switches.get(p.Switch)
	if err != nil {
		return wire.Explained{}, err
	}
	if takes := c.switches.takes(v, p.Port); takes > 0 && p.Frame.Size > takes+4 {
		return diedOnCable(v, p, takes), nil
	}
	out := wire.Explained{Fates: []wire.Fate{}}
	v.loop.Do(func(now time.Duration, s *switchcore.Switch) {
		e := s.Explain(now, s.Lookup(p.Port), switchcore.Frame{Data: data})
		out.Steps = e.Steps
		if e.Verdict.Drop != switchcore.None {
			out.Drop, out.Hint = e.Verdict.Drop.String(), e.Hint
		}
		for _, f := range e.Fates {
			why := f.Cause.String()
			switch {
			case f.Delivered:
				why = ""
			case f.Reason != switchcore.None:
				why = f.Reason.String()
			}
			out.Fates = append(out.Fates, wire.Fate{Port: s.Status(f.Port).Name, Delivered: f.Delivered, Why: why,
				Hint: f.Hint})
		}
	})
	return out, nil
}

// diedOnCable is the account of a frame that the switch never sees.
func diedOnCable(v *vswitch, p wire.ExplainParams, takes int) wire.Explained {
	out := wire.Explained{Drop: switchcore.MtuExceeded.String(), Fates: []wire.Fate{}, Steps: []string{
		fmt.Sprintf("cable: port %s takes packets of %d bytes, and the kernel lets 4 more pass; %d bytes die on the "+
			"cable, before the switch sees them: MtuExceeded", p.Port, takes, p.Frame.Size)},
		Hint: fmt.Sprintf("send no more than %d bytes, or give both ends of the cable a larger mtu", takes)}
	v.loop.Do(func(_ time.Duration, s *switchcore.Switch) {
		for _, id := range s.Ports() {
			if name := s.Status(id).Name; name != p.Port {
				out.Fates = append(out.Fates, wire.Fate{Port: name, Why: switchcore.MtuExceeded.String(),
					Hint: out.Hint})
			}
		}
	})
	return out
}

// bytes are a frame of minimal length, or of a packet of the given size, with the addresses in words; where src is not
// given it is that of the adapter behind the port.
func (c *call) bytes(p wire.SendParams) ([]byte, error) {
	data := make([]byte, max(60, 14+p.Size))
	for _, a := range []struct {
		text string
		to   []byte
	}{{p.Dst, data[:6]}, {p.Src, data[6:12]}} {
		st, err := station(c.current(), a.text)
		if err != nil {
			return nil, err
		}
		mac := st.MAC
		if st.Node != "" {
			if mac, err = c.macOf(st); err != nil {
				return nil, err
			}
		}
		copy(a.to, mac[:])
	}
	if p.VLAN > 0 {
		data = slices.Insert(data, 12, 0x81, 0x00, byte(p.VLAN>>8), byte(p.VLAN))
	}
	at := 12
	if p.VLAN > 0 {
		at = 16
	}
	if p.Type == 0 {
		p.Type = 0x0800
	}
	data[at], data[at+1] = byte(p.Type>>8), byte(p.Type)
	return data, nil
}
