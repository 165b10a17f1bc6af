//go:build linux

package instance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

var (
	// ErrDead means that an instance has no supervisor any more.
	ErrDead = errors.New("its supervisor is dead")
	// ErrSilent means that an instance's supervisor lives and does not answer.
	ErrSilent = errors.New("not answering")
)

// How long a supervisor may be silent. It greets on a goroutine of its own, whatever else it does, so one that does not
// is stopped, or hangs in the kernel. A busy machine may delay it; one that is stopped by then is not waited for any
// longer.
const (
	GreetingTimeout = 10 * time.Second
	GreetingLook    = 500 * time.Millisecond // how often it is looked at meanwhile
	// how long an answer may fail to come before the supervisor is asked for a greeting
	AnswerLook = 2 * time.Second
	Hurry      = 900 * time.Millisecond // what is left for last words after an interrupt
)

// Patient reads what a supervisor says. That may take as long as the work does, so silence alone is no error; while it
// lasts, alive is asked again and again whether anybody is there who could break it.
type Patient struct {
	Conn  *net.UnixConn
	Every time.Duration
	Alive func() error
}

// Read reads what has been said, and asks alive while nothing is.
func (p *Patient) Read(b []byte) (int, error) {
	for {
		_ = p.Conn.SetReadDeadline(time.Now().Add(p.Every))
		n, err := p.Conn.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := p.Alive(); err != nil {
			return 0, err
		}
	}
}

// Endpoint is a socket where a process of ours answers, in the run directory that open opens, and how a person ends
// that process.
type Endpoint struct {
	Who  string
	Open func() (*Folder, error)
	End  string
}

// Dial opens a connection. An error that wraps ErrDead: nobody is there; ErrSilent: there is no room for one more.
func (e Endpoint) Dial() (*net.UnixConn, *unix.Ucred, error) {
	d, err := e.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: %w (%w)", e.Who, ErrDead, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	conn, peer, err := Dial(d, "sock")
	switch {
	case errors.Is(err, unix.EAGAIN): // so many wait for the greeting
		return nil, nil, e.Silent(0)
	case err != nil && !errors.Is(err, errOtherUser):
		return nil, nil, fmt.Errorf("%s: %w (%v)", e.Who, ErrDead, err)
	}
	return conn, peer, err
}

// longLine is how much is read at once: a matrix of a hundred nodes comes in a line of a megabyte.
const longLine = 64 << 10

// Greet opens a connection and reads the first line into h. Whoever reads on gets an error that wraps ErrSilent when
// the process stops answering, and one that wraps ErrDead if there is none; when ctx ends before the greeting has come,
// that is the error.
func (e Endpoint) Greet(ctx context.Context, h any) (*net.UnixConn, *bufio.Reader, error) {
	conn, peer, err := e.Dial()
	if err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	pid, began := int(peer.Pid), time.Now()
	p := &Patient{Conn: conn, Every: GreetingLook, Alive: func() error {
		if time.Since(began) > GreetingTimeout || kernel.Stopped(pid) {
			return e.Silent(pid)
		}
		return nil
	}}
	in := bufio.NewReaderSize(p, longLine)
	if err := wire.ReadLine(in, h); err != nil {
		conn.Close()
		switch {
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case errors.Is(err, ErrSilent):
			return nil, nil, err
		case isJSON(err):
			return nil, nil,
				wire.Failed.Errorf("%s: what answers there (process %d) does not greet as labctl does, and nobody "+
					"can ask it to end; kill it", e.Who, pid)
		}
		return nil, nil, fmt.Errorf("%s: %w (%v)", e.Who, ErrDead, err)
	}
	// A request may be longer than the socket has room for.
	_ = conn.SetWriteDeadline(time.Now().Add(GreetingTimeout))
	p.Every, p.Alive = AnswerLook, func() error { return e.check(ctx) }
	return conn, in, nil
}

// isJSON reports whether an error is about what was read, and not about reading.
func isJSON(err error) bool {
	return errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError))
}

// check asks for another greeting. That a process has died meanwhile is seen on the connection that waits.
func (e Endpoint) check(ctx context.Context) error {
	conn, _, err := e.Greet(ctx, &wire.Hello{})
	if err == nil {
		conn.Close()
	}
	if errors.Is(err, ErrSilent) {
		return err
	}
	return nil
}

// Silent is the error about a process that does not answer; pid may be 0.
func (e Endpoint) Silent(pid int) error {
	if pid == 0 {
		return fmt.Errorf("%s: %w; %s ends it", e.Who, ErrSilent, e.End)
	}
	if kernel.Stopped(pid) {
		return fmt.Errorf("%s: %w: its process %d is stopped; \"kill -CONT %d\" lets it go on, %s ends it", e.Who,
			ErrSilent, pid, pid, e.End)
	}
	return fmt.Errorf("%s: %w: its process %d has not greeted within %s; %s ends it", e.Who, ErrSilent, pid,
		GreetingTimeout, e.End)
}

// Unless does f, which cannot be interrupted, and does not wait for it any longer when ctx ends: what f was at is then
// left as a kill would leave it. why says so.
func Unless(ctx context.Context, why string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(Hurry / 2):
		return fmt.Errorf("%s: %w", why, context.Cause(ctx))
	}
}

// EndpointOf is the socket of a lab's supervisor.
func EndpointOf(instance string) Endpoint {
	return Endpoint{instance, func() (*Folder, error) { return Open(instance) },
		fmt.Sprintf("\"labctl down --force %s\"", instance)}
}
