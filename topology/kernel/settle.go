//go:build linux

package kernel

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// settleTimeout is far beyond what the kernel takes for all but spanning trees, whose timers say how long they take.
const settleTimeout = 60 * time.Second

// AwaitSettled waits until the nodes behave as they will from now on: the kernel has acted on every carrier that came
// or went, every port of a bridge that has one is enabled, spanning trees have settled, and no IPv6 address is
// tentative. The kernel gets there some time after the last request was answered (net/core/link_watch.c); until then it
// sends nothing, and when it does act on a carrier that went, it throws away what waits for an answer
// (neigh_carrier_down). tell, if not nil, hears once a second how spanning trees come along.
func (s *Space) AwaitSettled(ctx context.Context, nodes []*topology.Node, tell func(TreeWait)) error {
	all := &settling{s, nodes}
	trees, err := all.await(ctx)
	if err != nil || len(trees) == 0 {
		return err
	}
	tree := &treeWatch{space: s, nodes: trees, peers: treePeers(nodes)}
	if err := tree.await(ctx, tell); err != nil {
		return err
	}
	// A bridge has a carrier only since a port of it forwards, and what sits on it too.
	_, err = all.await(ctx)
	return err
}

// AwaitCarriers is AwaitSettled without spanning trees: whatever is plugged in has noticed. A carrier that goes and
// comes back before the kernel has acted on it was never away, for a bridge say (net/core/link_watch.c).
func (s *Space) AwaitCarriers(ctx context.Context, nodes []*topology.Node) error {
	_, err := (&settling{s, nodes}).await(ctx)
	return err
}

// settling waits for everything in some nodes but their spanning trees.
type settling struct {
	space *Space
	nodes []*topology.Node
}

// await returns the nodes that have a part in a spanning tree.
func (w *settling) await(ctx context.Context) (trees []*topology.Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	// Bridges last: they are settled when all around them is, and one with a thousand ports is slow to look at.
	for _, bridges := range []bool{false, true} {
		for _, k := range w.nodes {
			if bridges != (k.Kind == topology.Bridge) {
				continue
			}
			n, err := w.space.of(k.Name)
			if err != nil {
				return nil, err
			}
			tree, err := awaitNode(ctx, n, k.IPv6)
			if err != nil {
				return nil, err
			}
			if tree {
				trees = append(trees, k)
			}
		}
	}
	return trees, nil
}

// awaitNode waits for everything in one node but its spanning tree, and says whether it has a part in one.
func awaitNode(ctx context.Context, n *namespace, ipv6 bool) (tree bool, err error) {
	defer n.conn.close() // a thousand open sockets cost memory
	var tick *time.Ticker
	for {
		why, tree, err := unsettled(&n.conn, ipv6, tick == nil)
		if err != nil || why == "" {
			return tree, err
		}
		if tick == nil {
			tick = time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, fmt.Errorf("%s: not ready within %s: %s: %w", n.node, settleTimeout, why, context.Cause(ctx))
		}
	}
}

// unsettled says what a node still waits for, or "", and whether it has a part in a spanning tree, which is waited for
// elsewhere. The first look has the kernel act on carriers that went.
func unsettled(c *conn, ipv6, first bool) (why string, tree bool, err error) {
	links, err := c.dump(unix.AF_UNSPEC)
	// What the kernel does to one interface gives another a carrier, as a port does to its bridge.
	for again := first; again && err == nil; {
		if again, err = c.syncLinks(links); again && err == nil {
			again = first
			first = false
			links, err = c.dump(unix.AF_UNSPEC)
		}
	}
	if err != nil {
		return "", false, err
	}
	up, direct, ports := map[int32]bool{}, map[int32]bool{}, false
	for _, l := range links {
		up[l.index] = l.carrier()
		on := l.flags&unix.IFF_UP != 0
		direct[l.index] = on && l.tree == nil // its ports forward as soon as they have a carrier
		tree = tree || on && l.tree != nil
		ports = ports || l.master != 0
		if why := l.waits(); why != "" {
			return why, tree, nil
		}
	}
	if ports {
		list, err := c.dump(unix.AF_BRIDGE)
		if err != nil {
			return "", tree, err
		}
		for _, p := range list {
			if p.port && up[p.index] && direct[p.master] && p.state < portForwarding {
				return fmt.Sprintf("bridge port %s is %s", p.name, portStates[p.state]), tree, nil
			}
		}
	}
	if ipv6 {
		why, err = c.tentative()
	}
	return why, tree, err
}
