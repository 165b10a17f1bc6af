//go:build linux

package supervisor

import (
	"context"
	"slices"
	"sync"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology/kernel"
)

// watching is one client's watch.
type watching struct {
	*call
	nodes []string // none: all

	mu      sync.Mutex // one line after the other
	holders map[switchcore.MAC]string
}

// watch tells of changes until the client goes away: what the kernel says of the nodes, and the lab's own events.
func watch(ctx context.Context, c *call, p wire.NodesParams) error {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return err
	}
	w := &watching{call: c}
	if len(p.Nodes) > 0 {
		for _, n := range nodes {
			w.nodes = append(w.nodes, n.Name)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var events sync.WaitGroup
	defer events.Wait()
	err = c.space.Monitor(ctx, func() {
		seq := c.eventLog.last()
		_ = c.say(wire.Event{What: "watching"})
		events.Go(func() { cancel(w.events(ctx, seq)) })
	}, w.noticed)
	cancel(err)
	if err != nil {
		return err
	}
	return nil
}

// events tells of the lab's own events after one.
func (w *watching) events(ctx context.Context, seq uint64) error {
	for {
		list, more := w.eventLog.after(seq)
		for _, e := range list {
			if e.Seq > seq+1 {
				if err := w.send(wire.Change{Time: e.Time, Kind: "lost",
					Cause: "events came faster than they were read"}); err != nil {
					return err
				}
			}
			seq = e.Seq
			if err := w.send(wire.Change{Time: e.Time, Node: e.Node, Kind: e.Kind, Object: e.Object, Old: e.Old,
				New: e.New, Cause: e.Cause}); err != nil {
				return err
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *watching) send(k wire.Change) error {
	if len(w.nodes) > 0 && k.Kind != "lost" && !slices.Contains(w.nodes, k.Node) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.item(k)
}

// noticed tells of what the kernel told.
func (w *watching) noticed(n kernel.TableChange) error {
	k := wire.Change{Time: time.Now(), Node: n.Node, Kind: n.Kind, Dev: n.Dev, Gone: n.Gone, State: n.State,
		Bridge: n.Bridge, VLAN: n.VLAN}
	switch n.Kind {
	case "neigh":
		k.Kind, k.Object = "arp", n.IP.String()
		if !n.IP.Is4() {
			k.Kind = "ndp"
		}
	case "fdb":
		k.Object = n.MAC.String()
	case "link":
		k.Object, k.Dev, k.Key, k.Old, k.New = n.Dev, "", n.Key, n.Old, n.New
		if n.Key == "mac" || n.Gone || n.Old == "" {
			w.holders = nil
		}
	case "lost":
		k.Cause = "changes came faster than they were read"
	}
	if !n.MAC.IsZero() {
		k.MAC, k.Holder = n.MAC.String(), w.holder(n.MAC)
	}
	return w.send(k)
}

// holder is who has an address, as far as can be said at this moment.
func (w *watching) holder(m switchcore.MAC) string {
	if w.holders == nil {
		look := &call{server: w.call.server, began: w.call.changes.Load(), seen: w.call.current()}
		has, err := look.holders()
		if err != nil {
			return ""
		}
		w.holders = has
	}
	return w.holders[m]
}
