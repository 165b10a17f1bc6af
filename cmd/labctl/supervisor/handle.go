//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"

	"labctl/topology"
)

// accept answers connections until the listener is closed; the process ends with the lab, so it never is.
func (s *server) accept(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return
		}
		go s.serve(conn)
	}
}

// call is one request being answered.
type call struct {
	*server
	conn   *net.UnixConn
	params json.RawMessage
	began  uint64        // server.changes when it came
	seen   *topology.Lab // that chosen has read
	named  bool          // it is about nodes that were named
}

// item sends one of a stream of things; the error is that the client went away.
func (c *call) item(v any) error { return writeLine(c.conn, reply{Item: mustJSON(v)}) }

func (c *call) event(e Event) { _ = writeLine(c.conn, reply{Event: &e}) }

func (s *server) serve(conn *net.UnixConn) {
	defer conn.Close()
	if writeLine(conn, hello{protocolVersion, Version}) != nil {
		return
	}
	in := bufio.NewReader(conn)
	var r request
	if readLine(in, &r) != nil {
		return
	}
	h, ok := handlers[r.Method]
	if !ok {
		_ = writeLine(conn, reply{Error: &Failure{Usage, fmt.Sprintf("this supervisor (labctl %s) does not know how to %s: it was started by another version; take the lab down and up again", Version, r.Method)}})
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if r.Method != "exec" { // its connection carries descriptors after the request
		go func() {
			_, _ = io.Copy(io.Discard, in)
			cancel(errors.New("the client went away"))
		}()
	}
	result, err := h.do(ctx, &call{server: s, conn: conn, params: r.Params, began: s.changes.Load()}, h.works)
	rep := reply{Result: mustJSON(result)}
	if err != nil {
		rep = reply{Error: failure(err)}
	}
	_ = writeLine(conn, rep)
	if r.Method == "down" && (err == nil || errors.As(err, new(*leftDirectory))) {
		close(s.done)
	}
}

// handler answers a method. works: it changes the lab or sends through it, so only one goes at a time.
type handler struct {
	works bool
	f     func(ctx context.Context, c *call) (any, error)
}

func (h handler) do(ctx context.Context, c *call, works bool) (any, error) {
	if !works {
		return h.f(ctx, c)
	}
	select {
	case c.work <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-c.work }()
	wctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.mu.Lock()
	if c.state == "stopping" {
		c.mu.Unlock()
		return nil, &Failure{Going, c.meta.Instance + " is being taken down"}
	}
	c.cancel = cancel
	if c.prober != nil { // it has one asker at a time
		c.prober.Waiting = func(what string, second, total int) { c.event(Event{What: what, Done: second, Total: total}) }
	}
	c.mu.Unlock()
	return h.f(wctx, c)
}

var handlers map[string]handler

func init() {
	// Filled here because the handlers reach serve again through the methods they call.
	handlers = map[string]handler{
		"status":  {false, status},
		"inspect": {false, inspect},
		"neigh":   {false, neigh},
		"fdb":     {false, fdb},
		"routes":  {false, routes},
		"rules":   {false, rules},
		"rulelog": {false, logged},
		"exec":    {false, execIn},
		"ports":   {false, ports},
		"drops":   {false, dropped},
		"events":  {false, events},
		"differs": {false, difference},
		"foresee": {false, foresee},
		"set":     {true, set},
		"reset":   {true, reset},
		"step":    {true, step},
		"send":    {true, send},
		"capture": {false, capture},
		"explain": {false, explain},
		"ps":      {false, ps},
		"watch":   {false, watch},
		"down":    {false, down},
		"apply":   {true, apply},
		"ask":     {true, ask},
		"verify":  {true, verify},
	}
}

func (s *server) current() *topology.Lab {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lab
}
