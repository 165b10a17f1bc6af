package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"labctl/topology"
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// Renew says that nodes were made anew: the step's open listeners hear on at their interfaces, and at those of other nodes that
// went with them. It returns when the switches have noticed. A question whose listener has nothing to hear on any more becomes
// [Unknown], unless it has heard already.
func (p *Prober) Renew(ctx context.Context, nodes []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.redirects, func(l limiter, _ *redirected) bool { return slices.Contains(nodes, l.router) })
	p.named.Lock()
	o := p.over
	p.named.Unlock()
	if o == nil {
		return nil
	}
	own, err := p.owners()
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settled {
		return nil
	}
	o.drain()
	for e, m := range o.met {
		// A namespace lives on, with what is in it, as long as a socket is open there.
		if !e.gone() && !slices.Contains(nodes, e.node) {
			continue
		}
		if e.lost() {
			m.deaf = cmp.Or(m.deaf, lostFrames)
		}
		if err := o.reopen(e, own); err != nil {
			m.deaf = cmp.Or(m.deaf, fmt.Sprintf("the listener could not go on when %s:%s had been made anew: %v", e.node, e.name, err))
		}
	}
	return p.Machine.Quiet(ctx)
}

// reopen puts an ear on the interface that has the name of its old one.
func (o *Overhearing) reopen(e *ear, own *owners) error {
	k, ok := own.link(e.node, e.name)
	if !ok || !k.Up {
		return errors.New("it is not there, or not up")
	}
	t, err := openTap(o.p.Machine, e.node, k.Index, unix.ETH_P_ALL, e.nosy, passing(o.frames()))
	if err != nil {
		return err
	}
	if err := t.showTags(); err != nil {
		t.close()
		return err
	}
	e.tap.close()
	e.tap = t
	return nil
}

// outdated reports whether an error of a send may say that the interface or the address that it was bound to is not there any more;
// ENETUNREACH is for an address (ip_route_output_key_hash_rcu, net/ipv4/route.c). Those of routes that fail are among them.
func outdated(err error) bool {
	return slices.ContainsFunc([]error{unix.ENODEV, unix.ENXIO, unix.EINVAL, unix.EADDRNOTAVAIL, unix.ENETUNREACH}, func(e error) bool { return errors.Is(err, e) })
}

// linkNow looks an interface of a node up by its name, as the kernel has it at this moment.
func (p *Prober) linkNow(node, name string) (topology.LinkState, bool) {
	links, err := p.Machine.Links(node)
	if err != nil {
		return topology.LinkState{}, false
	}
	i := slices.IndexFunc(links, func(l topology.LinkState) bool { return l.Name == name })
	if i < 0 {
		return topology.LinkState{}, false
	}
	return links[i], true
}
