//go:build linux

package supervisor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"labctl/switchcore"
	"labctl/topology/kernel"
)

// Change is one line of "watch". Kind is arp or ndp (of a neighbour table, IPv4 and IPv6), fdb (of a Linux bridge), link, lost
// (changes came faster than they were read), or that of an event, whose fields Object, Old, New and Cause are as in [Happened].
type Change struct {
	Time   time.Time `json:"time"`
	Node   string    `json:"node,omitempty"`
	Kind   string    `json:"kind"`
	Object string    `json:"object,omitempty"` // the address, of arp, ndp and fdb; the interface, of link
	Key    string    `json:"key,omitempty"`    // link: what changed, state port master mac name promiscuous
	Old    string    `json:"old,omitempty"`
	New    string    `json:"new,omitempty"`
	Gone   bool      `json:"gone,omitempty"`
	MAC    string    `json:"mac,omitempty"`
	Holder string    `json:"holder,omitempty"` // the node that has the MAC, "" if none or it is not known
	State  string    `json:"state,omitempty"`  // arp, ndp: a word of ip-neighbour(8); fdb: static, or nothing
	Dev    string    `json:"dev,omitempty"`
	Bridge string    `json:"bridge,omitempty"`
	VLAN   int       `json:"vlan,omitempty"`
	Cause  string    `json:"cause,omitempty"`
}

// watching is one client's watch.
type watching struct {
	*call
	nodes []string // none: all

	mu      sync.Mutex // one line after the other
	holders map[switchcore.MAC]string
}

// watch tells of changes until the client goes away: what the kernel says of the nodes, and the lab's own events.
func watch(ctx context.Context, c *call) (any, error) {
	nodes, err := c.chosen()
	if err != nil {
		return nil, err
	}
	w := &watching{call: c}
	var p NodesParams
	if err := json.Unmarshal(c.params, &p); err == nil && len(p.Nodes) > 0 {
		for _, n := range nodes {
			w.nodes = append(w.nodes, n.Name)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var events sync.WaitGroup
	defer events.Wait()
	err = c.space.Monitor(ctx, func() {
		seq := c.happened.last()
		_ = c.say(Event{What: "watching"})
		events.Go(func() { cancel(w.events(ctx, seq)) })
	}, w.noticed)
	cancel(err)
	if err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

// events tells of the lab's own events after one.
func (w *watching) events(ctx context.Context, seq uint64) error {
	for {
		list, more := w.happened.after(seq)
		for _, e := range list {
			if e.Seq > seq+1 {
				if err := w.tell(Change{Time: e.Time, Kind: "lost", Cause: "events came faster than they were read"}); err != nil {
					return err
				}
			}
			seq = e.Seq
			if err := w.tell(Change{Time: e.Time, Node: e.Node, Kind: e.Kind, Object: e.Object, Old: e.Old, New: e.New, Cause: e.Cause}); err != nil {
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

func (w *watching) tell(k Change) error {
	if len(w.nodes) > 0 && k.Kind != "lost" && !slices.Contains(w.nodes, k.Node) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.item(k)
}

// noticed tells of what the kernel told.
func (w *watching) noticed(n kernel.Noticed) error {
	k := Change{Time: time.Now(), Node: n.Node, Kind: n.Kind, Dev: n.Dev, Gone: n.Gone, State: n.State, Bridge: n.Bridge, VLAN: n.VLAN}
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
	return w.tell(k)
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

// Line is the change as a person reads it, without its time.
func (k Change) Line() string {
	who := k.MAC
	if k.Holder != "" {
		who = k.Holder + " (" + k.MAC + ")"
	}
	words := []string{cmp.Or(k.Node, "-"), k.Kind}
	switch k.Kind {
	case "arp", "ndp":
		words = append(words, k.Object)
		if who != "" {
			words = append(words, "lladdr", who)
		}
		if !k.Gone {
			words = append(words, k.State)
		}
	case "fdb":
		words = append(words, who, "on", k.Dev)
		if k.VLAN > 0 {
			words = append(words, fmt.Sprintf("vlan %d", k.VLAN))
		}
		words = append(words, k.State)
	default:
		words = append(words, k.Object, k.Key)
		if k.Old != "" {
			words = append(words, k.Old, "->")
		}
		if words = append(words, k.New); k.New == "" && k.Old != "" {
			words = append(words, "-")
		}
		if k.Cause != "" {
			words = append(words, "("+k.Cause+")")
		}
	}
	if k.Gone {
		words = append(words, "gone")
	}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
}
