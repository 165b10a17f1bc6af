//go:build linux

package supervisor

import (
	"encoding/json"
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
)

// call is one request being answered.
type call struct {
	*server
	conn   *net.UnixConn // for its descriptors; what is said goes by out
	out    *outbox
	method string
	params json.RawMessage
	began  uint64        // server.changes when it came
	seen   *topology.Lab // that chosen has read
	named  bool          // it is about nodes that were named
}

// item sends one of a stream of things; the error is that the client went away.
func (c *call) item(v any) error { return c.out.send(wire.Reply{Item: wire.MustJSON(v)}) }

// event tells of progress, unless the client is slow to read.
func (c *call) event(e wire.Event) { c.out.offer(wire.Reply{Event: &e}) }

// say sends an event that the client waits for.
func (c *call) say(e wire.Event) error { return c.out.send(wire.Reply{Event: &e}) }

// begun fails as long as the lab is being built, when there may be nothing yet to look at.
func (c *call) begun() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.is("starting") || c.switches == nil {
		return wire.Failed.Errorf("%s is still starting", c.meta.Instance)
	}
	return nil
}

// chosen is the lab's nodes, or those asked for.
func (c *call) chosen(asked []string) ([]*topology.Node, error) {
	lab := c.current()
	c.seen = lab
	if lab == nil {
		return nil, wire.Failed.Errorf("%s is still starting", c.meta.Instance)
	}
	if len(asked) == 0 {
		return lab.Nodes, nil
	}
	c.named = true
	var out []*topology.Node
	for _, name := range asked {
		n := lab.Node(name)
		if n == nil {
			return nil, wire.UnknownNode(lab, name)
		}
		out = append(out, n)
	}
	return out, nil
}

// missing is what a failed reading of a node means to a handler that only looks: nil if the node or its interface is
// being made or removed just now, and is left out, unless it was asked for by name.
func (c *call) missing(node string, named bool, err error) error {
	gone := errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV)
	calm := c.began%2 == 0 && c.changes.Load() == c.began && c.target.Load() == c.seen
	if !gone || calm {
		return err
	}
	if named {
		return wire.Failed.Errorf("%s is being made or removed just now; ask again", node)
	}
	return nil
}

// underWay is what somebody waits for who wants to change the lab.
func (c *call) underWay() string {
	c.mu.Lock()
	under := c.story.Under
	c.mu.Unlock()
	return c.life.underWay(under)
}

// failure is an error as it crosses the socket, with what the kernel package has to say of it.
func failure(err error) *wire.Failure {
	if f := new(wire.Failure); !errors.As(err, &f) && errors.Is(err, kernel.ErrUnsupported) {
		return wire.Unsupported.Errorf("%v", err)
	}
	return wire.FailureOf(err)
}
