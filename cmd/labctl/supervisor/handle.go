//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
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
		_ = wire.WriteLine(conn,
			wire.Reply{Error: wire.Usage.Errorf("this supervisor (labctl %s) does not know how to %s: it was started "+
				"by another version; take the lab down and up again", wire.Version(), r.Method)})
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
	result, err := h.do(ctx, &call{server: s, conn: conn, out: out, method: r.Method, params: r.Params,
		began: s.changes.Load()})
	rep := wire.Last{Result: result}
	if err != nil {
		rep = wire.Last{Error: failure(err)}
	}
	ends := r.Method == "down" && (err == nil || errors.As(err, new(*instance.LeftDirectory))) ||
		errors.As(err, new(*tornDown))
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
	case c.life.writeLock <- struct{}{}:
	default:
		c.event(wire.Event{What: "waiting: " + c.underWay()})
		select {
		case c.life.writeLock <- struct{}{}:
		case <-client.Done():
			return nil, context.Cause(client)
		}
	}
	defer func() { <-c.life.writeLock }()
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
		c.prober.Waiting = func(what string, second,
			total int) {
			c.event(wire.Event{What: what, Done: second, Total: total})
		}
	}
	out, err := h.f(ctx, c)
	// the client hears why, not only that
	if h.manner == sends && errors.Is(err, context.Canceled) && client.Err() == nil {
		err = wire.Going.Errorf("%s: %v", c.meta.Instance, context.Cause(ctx))
	}
	doing := c.life.end()
	if h.manner == changes && client.Err() != nil {
		c.eventLog.add(alone(doing, out, err))
	}
	return out, err
}

// handlers answer the methods, by their names.
var handlers = byName(
	method(wire.MethodStatus, looks, status),
	method(wire.MethodInspect, looks, inspect),
	method(wire.MethodState, looks, readState),
	method(wire.MethodNeigh, looks, neigh),
	method(wire.MethodFDB, looks, fdb),
	method(wire.MethodRoutes, looks, routes),
	method(wire.MethodIPRules, looks, ipRules),
	method(wire.MethodRules, looks, listRules),
	method(wire.MethodExec, looks, execIn),
	method(wire.MethodPorts, looks, ports),
	method(wire.MethodDiffers, looks, difference),
	method(wire.MethodForesee, looks, foresee),
	method(wire.MethodCapture, looks, capture),
	method(wire.MethodExplain, looks, explain),
	method(wire.MethodPS, looks, ps),
	method(wire.MethodDown, looks, down),
	method(wire.MethodSet, changes, set),
	method(wire.MethodReset, changes, reset),
	method(wire.MethodStep, changes, step),
	method(wire.MethodApply, changes, apply),
	method(wire.MethodSend, sends, send),
	method(wire.MethodAsk, sends, ask),
	method(wire.MethodVerify, sends, verify),
	streaming(wire.StreamDrops, dropped),
	streaming(wire.StreamEvents, events),
	streaming(wire.StreamRuleLog, logged),
	streaming(wire.StreamWatch, watch),
)

// named is a handler and the method that it answers.
type named struct {
	name string
	handler
}

// method makes the handler of a method of a function that takes what is asked and returns what is answered.
func method[P, R any](m wire.Method[P, R], how manner, f func(context.Context, *call, P) (R, error)) named {
	return named{string(m), handler{how, func(ctx context.Context, c *call) (any, error) {
		p, err := paramsOf[P](c)
		if err != nil {
			return nil, err
		}
		return f(ctx, c, p)
	}}}
}

// streaming makes the handler of a stream of a function that sends what there is to tell.
func streaming[P, I any](m wire.Stream[P, I], f func(context.Context, *call, P) error) named {
	return named{string(m), handler{looks, func(ctx context.Context, c *call) (any, error) {
		p, err := paramsOf[P](c)
		if err != nil {
			return nil, err
		}
		return wire.Nothing{}, f(ctx, c, p)
	}}}
}

// paramsOf reads what is asked. Where that is nothing, it does not matter what a client of another version says.
func paramsOf[P any](c *call) (p P, err error) {
	if _, none := any(p).(wire.Nothing); !none {
		err = json.Unmarshal(c.params, &p)
	}
	return p, err
}

func byName(list ...named) map[string]handler {
	out := map[string]handler{}
	for _, n := range list {
		out[n.name] = n.handler
	}
	return out
}
