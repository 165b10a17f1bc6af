//go:build linux

package supervisor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/switchcore/datapath"
	"labctl/topology"
	"labctl/topology/kernel"
)

// attach opens the socket of a port, unless it has the right one already.
func (w *switches) attach(v *vswitch, p topology.SwitchPort, c switchcore.Port, was *plugged) (*plugged, error) {
	fd, index, err := w.space.PacketSocket(p.At)
	if err != nil {
		return nil, err
	}
	now := &plugged{at: p.At, far: p.Far, index: index, inode: w.space.Inode(p.At.Node),
		behind: w.space.Inode(p.Far.Node), initial: c.Initial}
	v.loop.Do(func(_ time.Duration, s *switchcore.Switch) { now.id = s.Lookup(p.Name) })
	if p.Shared {
		now.mtu = c.MTU
	}
	if was != nil {
		now.inlet, now.guard = was.inlet, was.guard
		if p.Shared != (was.inlet != 0) {
			now.inlet, now.guard = 0, 0
		}
	}
	if was != nil && *was == *now {
		return was, closeFD(fd)
	}
	if was != nil {
		delete(v.ports, p.Name)
		if err := w.detach(v, was); err != nil {
			return nil, errors.Join(err, closeFD(fd))
		}
	}
	port := datapath.Port{FD: fd, Index: index, Promiscuous: c.Uplink}
	now.inlet, now.guard = 0, 0
	switch {
	case p.Shared:
		var in kernel.Inlet
		if in, err = w.space.AddInlet(p.At, now.mtu); err == nil {
			now.inlet = in.Key
			port.Shared = &datapath.Shared{Out: in.Out, Holder: in.Holder, Mark: inletMark | uint32(in.Key)&0xffff}
		}
	case p.At.Node != v.node:
		now.guard, err = w.space.BlockIngress(p.At)
	}
	if err != nil {
		return nil, errors.Join(err, closeFD(fd))
	}
	if err := v.loop.Attach(now.id, port); err != nil {
		return nil, errors.Join(err, w.giveBack(now))
	}
	return now, nil
}

// inletMark and the low half of the interface's index mark what a switch sends by an inlet: a bridge beside it may have
// one too.
const inletMark = 0x6c62 << 16

// detach takes its interface from a port.
func (w *switches) detach(v *vswitch, p *plugged) error {
	v.watch.Unfollow(int(p.id))
	v.loop.Detach(p.id)
	return w.giveBack(p)
}

// giveBack leaves an interface to its holder again.
func (w *switches) giveBack(p *plugged) error {
	if p.guard != 0 {
		return closeFD(p.guard)
	}
	if p.inlet == 0 || w.space.Inode(p.at.Node) != p.inode {
		return nil
	}
	return w.space.DelInlet(p.at)
}

// stop ends a switch, and its holder has its interfaces again.
func (w *switches) stop(v *vswitch) error {
	var errs []error
	for _, p := range v.ports {
		if p.inlet != 0 || p.guard != 0 {
			errs = append(errs, w.detach(v, p))
		}
	}
	return errors.Join(append(errs, v.close())...)
}

func closeFD(fd int) error { return unix.Close(fd) }
