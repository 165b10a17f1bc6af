//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
)

// accept answers connections until the listener is closed; the process ends with the lab, so it never is.
func (s *server) accept(l *net.UnixListener) {
	(&instance.Door{Who: "lab", Answer: s.serve}).Accept(l)
}

func (s *server) serve(conn *net.UnixConn, in *bufio.Reader, r wire.Request) {
	h, ok := handlers[r.Method]
	if !ok {
		_ = wire.WriteLine(conn, wire.Reply{Error: wire.Usage.Errorf("this supervisor (labctl %s) does not know how to %s: it was started by another version; take the lab down and up again", wire.Version, r.Method)})
		return
	}
	out := newOutbox(conn)
	defer out.close()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if r.Method != "exec" { // its connection carries descriptors after the request
		go func() {
			_, _ = io.Copy(io.Discard, in)
			cancel(errors.New("the client went away"))
		}()
	}
	result, err := h.do(ctx, &call{server: s, conn: conn, out: out, method: r.Method, params: r.Params, began: s.changes.Load()})
	rep := wire.Reply{Result: wire.MustJSON(result)}
	if err != nil {
		rep = wire.Reply{Error: failure(err)}
	}
	ends := r.Method == "down" && (err == nil || errors.As(err, new(*instance.LeftDirectory))) || errors.As(err, new(*tornDown))
	if ends { // whether or not the client reads it
		_ = conn.SetWriteDeadline(time.Now().Add(instance.Hurry))
	}
	_ = out.send(rep)
	if ends {
		s.done.come()
	}
}

// How a handler goes about the lab.
type manner int

const (
	looks   manner = iota // beside whatever goes on
	sends                 // frames through it; one at a time, and only as long as the client is there
	changes               // it; one at a time, and to the end: half a change helps nobody, and a client is gone easily
)

// handler answers a method.
type handler struct {
	manner manner
	f      func(ctx context.Context, c *call) (any, error)
}

// do answers. The context of a change ends by "down" or by the end of this process, not by the client's.
func (h handler) do(client context.Context, c *call) (any, error) {
	if h.manner == looks {
		return h.f(client, c)
	}
	select {
	case c.life.work <- struct{}{}:
	default:
		c.event(wire.Event{What: "waiting: " + c.underWay()})
		select {
		case c.life.work <- struct{}{}:
		case <-client.Done():
			return nil, context.Cause(client)
		}
	}
	defer func() { <-c.life.work }()
	if client.Err() != nil {
		return nil, context.Cause(client)
	}
	over := client
	if h.manner == changes {
		over = context.Background()
		c.event(wire.Event{What: "begun", Begun: true})
	}
	ctx, cancel := context.WithCancelCause(over)
	defer cancel(nil)
	if !c.life.begin(c.words(), client, cancel) {
		return nil, wire.Going.Errorf("%s is being taken down", c.meta.Instance)
	}
	if c.prober != nil { // it has one asker at a time
		c.prober.Waiting = func(what string, second, total int) { c.event(wire.Event{What: what, Done: second, Total: total}) }
	}
	out, err := h.f(ctx, c)
	if h.manner == sends && errors.Is(err, context.Canceled) && client.Err() == nil { // the client hears why, not only that
		err = wire.Going.Errorf("%s: %v", c.meta.Instance, context.Cause(ctx))
	}
	doing := c.life.end()
	if h.manner == changes && client.Err() != nil {
		c.happened.add(alone(doing, out, err))
	}
	return out, err
}

var handlers map[string]handler

func init() {
	// Filled here because the handlers reach serve again through the methods they call.
	handlers = map[string]handler{
		"status":  {looks, status},
		"inspect": {looks, inspect},
		"neigh":   {looks, neigh},
		"fdb":     {looks, fdb},
		"routes":  {looks, routes},
		"rules":   {looks, listRules},
		"rulelog": {looks, logged},
		"exec":    {looks, execIn},
		"ports":   {looks, ports},
		"drops":   {looks, dropped},
		"events":  {looks, events},
		"differs": {looks, difference},
		"foresee": {looks, foresee},
		"set":     {changes, set},
		"reset":   {changes, reset},
		"step":    {changes, step},
		"send":    {sends, send},
		"capture": {looks, capture},
		"explain": {looks, explain},
		"ps":      {looks, ps},
		"watch":   {looks, watch},
		"down":    {looks, down},
		"apply":   {changes, apply},
		"ask":     {sends, ask},
		"verify":  {sends, verify},
	}
}
