//go:build linux

package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// Client talks to a running supervisor. Each call is a connection of its own, so a Client may be used concurrently.
type Client struct {
	Instance string
	PID      int           // of the supervisor, as this process sees it
	control  *net.UnixConn // of a tied lab: it goes down when this is closed
}

// Dial finds the supervisor of an instance. The error wraps fs.ErrNotExist if there is no such instance, and
// ErrDead if its supervisor is dead.
func Dial(name string) (*Client, error) {
	if _, err := instance.ReadMeta(name); err != nil {
		return nil, err
	}
	conn, peer, err := instance.EndpointOf(name).Dial()
	if err != nil {
		return nil, err
	}
	conn.Close()
	return &Client{Instance: name, PID: int(peer.Pid)}, nil
}

// connect opens a connection for a question and reads the supervisor's greeting, see [instance.Endpoint.Greet]. A
// supervisor that speaks another protocol is not asked what it may understand in another way.
func (c *Client) connect(ctx context.Context, method string) (*net.UnixConn, *bufio.Reader, error) {
	var h wire.Hello
	conn, in, err := instance.EndpointOf(c.Instance).Greet(ctx, &h)
	if err == nil && h.Labctl != wire.ProtocolVersion && !slices.Contains(wire.EveryVersion, method) {
		conn.Close()
		return nil, nil,
			wire.Usagef("%s was brought up by labctl %s, which speaks version %d of the protocol, and this labctl "+
				"(%s) version %d: take the lab down and up again, or use that labctl",
				c.Instance, h.Version, h.Labctl, wire.Version(), wire.ProtocolVersion)
	}
	return conn, in, err
}

// Call asks one question. events, if not nil, gets the progress. When ctx ends, the supervisor hears of it by the
// closed connection.
func Call[P, R any](ctx context.Context, c *Client, m wire.Method[P, R], params P,
	events func(wire.Event)) (result R, err error) {
	err = c.call(ctx, string(m), params, &result, events, nil)
	return result, err
}

// Follow asks a question that has many answers: each gets one after the other, as they crossed the socket, until there
// are no more, ctx ends, or each returns an error.
func Follow[P, I any](ctx context.Context, c *Client, m wire.Stream[P, I], params P,
	each func(item json.RawMessage) error) error {
	return c.call(ctx, string(m), params, nil, nil, each)
}

func (c *Client) call(ctx context.Context, method string, params, result any, events func(wire.Event),
	each func(json.RawMessage) error) error {
	conn, in, err := c.connect(ctx, method)
	if err != nil {
		return err
	}
	defer conn.Close()
	var begun atomic.Bool
	defer context.AfterFunc(ctx, func() {
		if !finishes(method) || begun.Load() {
			conn.Close()
			return
		}
		// The supervisor may have begun a moment ago: what it has said by now tells.
		_ = conn.CloseWrite()
		time.AfterFunc(lastWord, func() { conn.Close() })
	})()
	if err := wire.WriteLine(conn, wire.Request{Method: method, Params: wire.MustJSON(params)}); err != nil {
		return c.cut(ctx, method, err)
	}
	for {
		r := wire.Last{Result: result}
		if err := wire.ReadLine(in, &r); err != nil {
			if errors.As(err, new(*json.UnmarshalTypeError)) {
				return fmt.Errorf("%s: its supervisor answers to %s what this labctl (%s) does not understand: it "+
					"was started by another version", c.Instance, method, wire.Version())
			}
			if ctx.Err() != nil && finishes(method) {
				return c.leftAlone(ctx, method, begun.Load())
			}
			return c.cut(ctx, method, err)
		}
		switch {
		case r.Event != nil && r.Event.Begun:
			if begun.Store(true); ctx.Err() != nil {
				return c.leftAlone(ctx, method, true)
			}
		case r.Event != nil:
			if events != nil {
				events(*r.Event)
			}
		case r.Item != nil:
			if each == nil {
				continue
			}
			if err := each(r.Item); err != nil {
				return err
			}
		case r.Error != nil:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return r.Error
		default:
			return nil
		}
	}
}

// lastWord is how long an interrupted client waits to hear whether what it asked for had begun.
const lastWord = 400 * time.Millisecond

// finishes reports whether a supervisor brings a method to its end by itself once it has begun.
func finishes(method string) bool {
	switch method {
	case "apply", "step", "set", "reset":
		return true
	}
	return false
}

// leftAlone is the error of an interrupted client whose question the supervisor goes on with.
func (c *Client) leftAlone(ctx context.Context, method string, begun bool) error {
	what, look := "the change", "labctl plan -l "+c.Instance
	if method == "step" {
		what, look = "the step", "labctl step --list -l "+c.Instance
	}
	if !begun {
		return fmt.Errorf("whether the lab has begun %s is not known; \"%s\" says it: %w", what, look,
			context.Cause(ctx))
	}
	return fmt.Errorf("the lab finishes %s by itself; \"%s\" says how far it is: %w", what, look, context.Cause(ctx))
}

// cut is the error of a connection that broke with err before the answer had come. One that wraps ErrDead: the
// supervisor is gone.
func (c *Client) cut(ctx context.Context, method string, err error) error {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, instance.ErrSilent):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return instance.EndpointOf(c.Instance).Silent(c.PID)
	case !instance.Exists(c.Instance):
		return wire.Going.Errorf("%s was taken down while it was asked to %s", c.Instance, method)
	case errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET):
		return fmt.Errorf("%s: %w: it ended while it was asked to %s (see %s)", c.Instance, instance.ErrDead, method,
			instance.Path(c.Instance, "log"))
	}
	return fmt.Errorf("%s: the answer to %s could not be read: %w", c.Instance, method, err)
}

// List tells the truth about every instance of this user, dead ones too.
func List(ctx context.Context) ([]wire.Status, error) {
	names, err := instance.All()
	if err != nil {
		return nil, err
	}
	all, errs := make([]wire.Status, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names { // at once: one that does not answer takes its time
		wg.Go(func() { all[i], errs[i] = StatusOf(ctx, name) })
	}
	wg.Wait()
	out := []wire.Status{}
	for i, err := range errs {
		if errors.Is(err, fs.ErrNotExist) {
			continue // went down meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, all[i])
	}
	return out, nil
}

// StatusOf tells the truth about one instance.
func StatusOf(ctx context.Context, name string) (wire.Status, error) {
	m, err := instance.ReadMeta(name)
	if errors.Is(err, fs.ErrNotExist) && instance.Alive(name) {
		return wire.Status{Lab: name, State: "starting"}, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := instance.Journal(name); serr != nil || !instance.Exists(name) {
			return wire.Status{}, err
		}
		return wire.Status{Lab: name, State: "degraded", Why: "it was killed before it began"}, nil
	}
	if err != nil { // one directory that is not as it should be must not hide the others
		return wire.Status{Lab: name, State: "degraded", Why: err.Error()}, nil
	}
	st := wire.Status{Lab: name, Nodes: m.Nodes, File: m.File}
	c, err := Dial(name)
	if err == nil {
		err = c.call(ctx, string(wire.MethodStatus), nil, &st, nil, nil)
		st.PID = c.PID
	}
	switch {
	case err == nil:
		return st, nil
	case ctx.Err() != nil:
		return st, context.Cause(ctx)
	case errors.Is(err, instance.ErrSilent):
		st.State = "not answering"
		if c != nil && kernel.Stopped(c.PID) {
			st.Why = fmt.Sprintf("stopped; kill -CONT %d lets it go on", c.PID)
		}
	case !instance.Exists(name): // went down meanwhile
		return wire.Status{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	case errors.Is(err, instance.ErrDead) && instance.Alive(name):
		st.State = "starting"
		if pids := instance.StoppedHolders(instance.EndpointOf(name).Open); len(pids) > 0 {
			st.State, st.PID, st.Why = "not answering", pids[0],
				fmt.Sprintf("stopped; kill -CONT %d lets it go on", pids[0])
		}
	case !errors.Is(err, instance.ErrDead) && instance.Alive(name):
		st.State, st.Why = "not answering", err.Error()
	case m.Temporary && instance.ClearUnbegun(name):
		return wire.Status{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	default:
		st.State, st.PID, st.Why = "degraded", 0, "its supervisor is dead"
	}
	return st, nil
}

// Missing says whether a failure is this kernel's lack of something.
func Missing(err error) bool {
	var f *wire.Failure
	return errors.As(err, &f) && f.Class == wire.Unsupported || errors.Is(err, kernel.ErrUnsupported)
}
