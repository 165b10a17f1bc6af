package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// renew has the listeners hear on at the interfaces of nodes that were rebuilt, as [Prober.Renew] says.
func (o *Overhearing) renew(ctx context.Context, b *bench, nodes []string) error {
	own, err := b.owners()
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
			m.missed = cmp.Or(m.missed, lostFrames)
		}
		if err := o.reopen(e, own); err != nil {
			m.missed = cmp.Or(m.missed, fmt.Sprintf("the listener could not go on when %s:%s had been rebuilt: %v",
				e.node, e.name, err))
		}
	}
	return b.machine.Quiet(ctx)
}

// reopen puts a listener on the interface that has the name of its old one.
func (o *Overhearing) reopen(e *listener, own *owners) error {
	k, ok := own.link(e.node, e.name)
	if !ok || !k.Up {
		return errors.New("it is not there, or not up")
	}
	t, err := openTap(o.b.machine, e.node, k.Index, unix.ETH_P_ALL, e.promiscuous, passing(o.frames()))
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
