//go:build linux

package supervisor

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology"
)

func send(ctx context.Context, c *call, p wire.SendParams) (wire.Sent, error) {
	s, err := c.frame(p)
	if err != nil {
		return wire.Sent{}, err
	}
	before := map[*vswitch]uint64{}
	for _, v := range c.switches.list() {
		_, before[v], _ = v.loop.Drops(^uint64(0))
	}
	sending, err := c.prober.Send(ctx, s)
	if err != nil {
		return wire.Sent{}, err
	}
	if err := sending.Wait(ctx); err != nil {
		return wire.Sent{}, err
	}
	frame := sending.Frame()
	out := wire.Sent{Frames: int(sending.Sent()), From: s.From.Text, Length: len(frame),
		Data: hex.EncodeToString(frame), Drops: []wire.DroppedFrame{}}
	if out.Drops, err = c.droppedSince(ctx, before, frame); err != nil {
		return wire.Sent{}, err
	}
	c.eventLog.add(wire.Happened{Kind: "sent", Node: s.From.Node, Object: s.From.Interface,
		New: fmt.Sprintf("frames of %d bytes: %d", out.Length, out.Frames)})
	return out, nil
}

// lookFor is how long a frame is looked for after it was sent: on every hop a switch may keep a suspect one until it
// has read the sender's adapter again.
const lookFor = 60 * time.Millisecond

// droppedSince finds the frame in the drop logs.
func (c *call) droppedSince(ctx context.Context, before map[*vswitch]uint64,
	frame []byte) ([]wire.DroppedFrame, error) {
	out := []wire.DroppedFrame{}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for since := time.Now(); ; {
		last := time.Since(since) >= lookFor
		if last {
			if err := c.switches.quiet(ctx); err != nil {
				return nil, err
			}
		}
		for v, at := range before {
			records, next, _ := v.loop.Drops(at)
			before[v] = next
			for _, r := range records {
				if n := min(len(r.Data), len(frame)); n > 0 && slices.Equal(r.Data[:n], frame[:n]) {
					out = append(out, dropOf(v.node, r))
				}
			}
		}
		if last {
			slices.SortStableFunc(out, func(a, b wire.DroppedFrame) int { return a.Time.Compare(b.Time) })
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// frame reads a frame in words, as the "send" of a step has it.
func (c *call) frame(p wire.SendParams) (*topology.Send, error) {
	lab := c.current()
	t, err := lab.Sender(p.From)
	if err != nil {
		return nil, unresolved(lab, err)
	}
	s := &topology.Send{Name: "send", From: t, VLAN: p.VLAN, Type: p.Type, Payload: p.Payload, Count: max(p.Count, 1),
		Every: time.Duration(p.Every) * time.Microsecond}
	s.Src = topology.Station{Node: t.Node, Interface: t.Interface}
	if p.Src != "" {
		if s.Src, err = station(lab, p.Src); err != nil {
			return nil, err
		}
	}
	if s.Dst, err = station(lab, p.Dst); err != nil {
		return nil, err
	}
	if p.ICMP != "" {
		from, to, both := strings.Cut(p.ICMP, ",")
		if !both || from == "" || to == "" {
			return nil, wire.Usagef("--icmp %q: write FROM,TO, as 10.0.0.1,10.0.0.2", p.ICMP)
		}
		s.Echo = &topology.Echo{}
		if s.Echo.From, err = address4(lab, from); err == nil {
			s.Echo.To, err = address4(lab, to)
		}
	}
	if p.ARP != "" && err == nil {
		if s.ARP, err = arpWords(lab, p.ARP); err == nil && s.ARP.SenderMAC == (topology.Station{}) {
			s.ARP.SenderMAC = s.Src
		}
	}
	return s, err
}

// station is who a word names, as in a step.
func station(lab *topology.Lab, word string) (topology.Station, error) {
	s, err := lab.Station(word)
	if u := (*topology.Unresolved)(nil); errors.As(err, &u) && u.Nobody {
		return s, wire.Usagef("%q is not a MAC address, node, interface or name of lab %s", word, lab.Name)
	}
	return s, unresolved(lab, err)
}

// unresolved is why a word is not who a frame is from or for, as a mistake of whoever typed it.
func unresolved(lab *topology.Lab, err error) error {
	var u *topology.Unresolved
	if !errors.As(err, &u) {
		return err
	}
	node, ifname, hasIf := strings.Cut(u.Word, ":")
	switch {
	case u.Nobody && hasIf && lab.Node(node) != nil:
		return wire.Usagef("%s has no interface %q", node, ifname)
	case u.Nobody:
		return wire.UnknownNode(lab, node)
	}
	return wire.Usagef("%s", u)
}

// address4 is an IPv4 address, or whose it is.
func address4(lab *topology.Lab, text string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
		return a, nil
	}
	if t, ok := lab.Target(text); ok && t.IP.IsValid() {
		return t.IP, nil
	}
	return netip.Addr{}, wire.Usagef("%q is not an IPv4 address, nor a node or name that has one", text)
}

// arpWords reads request|reply,SENDERIP[@MAC],TARGETIP[@MAC].
func arpWords(lab *topology.Lab, text string) (*topology.ARP, error) {
	words := strings.Split(text, ",")
	if len(words) != 3 || words[0] != "request" && words[0] != "reply" {
		return nil, wire.Usagef("--arp %q: write request|reply,SENDER_IP[@MAC],TARGET_IP[@MAC]", text)
	}
	a := &topology.ARP{Op: 1}
	if words[0] == "reply" {
		a.Op = 2
	}
	for i, to := range []struct {
		ip  *netip.Addr
		mac *topology.Station
	}{{&a.SenderIP, &a.SenderMAC}, {&a.TargetIP, &a.TargetMAC}} {
		ip, mac, has := strings.Cut(words[i+1], "@")
		var err error
		if *to.ip, err = address4(lab, ip); err != nil {
			return nil, err
		}
		if has {
			if *to.mac, err = station(lab, mac); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// macOf is the address that an interface has now.
func (c *call) macOf(st topology.Station) (switchcore.MAC, error) {
	links, err := c.space.Tables().Links(st.Node)
	if err != nil {
		return switchcore.MAC{}, err
	}
	for _, l := range links {
		if l.Name == st.Interface || st.Interface == "" && l.Name != "lo" {
			return l.MAC, nil
		}
	}
	return switchcore.MAC{}, fmt.Errorf("%s has no interface %s", st.Node, st.Interface)
}
