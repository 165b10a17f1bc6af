//go:build linux

package instance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"labctl/cmd/labctl/wire"
)

const (
	// maxRequest is the longest request in bytes. The longest that labctl makes asks for every pair of a lab that fills
	// its tables.
	maxRequest = 512 << 20
	// maxWaiting is how many connections may be open that have not asked anything yet. A client asks as soon as it is
	// greeted, so only who leaves connections open comes to so many.
	maxWaiting = 1024
	// maxDrain is how long the rest of a refused request is read, so that its client gets to read the refusal.
	maxDrain = 10 * time.Second
)

// Door is the server's end of a socket: it greets whoever connects, if that is the same user, and hands on the one
// request of each connection. The zero values of Longest and Waits mean maxRequest and maxWaiting.
type Door struct {
	Who     string // what answers here, for messages: "lab x"
	Answer  func(conn *net.UnixConn, in *bufio.Reader, r wire.Request)
	Longest int
	Waits   int

	mu      sync.Mutex
	waiting []*net.UnixConn // that have not asked yet, the oldest first
}

// Accept answers connections until the listener is closed. Want of descriptors, for one, passes, and must not be the
// end of all answers.
func (d *Door) Accept(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			d.crowd(nil)
			<-time.After(10 * time.Millisecond)
			continue
		}
		d.crowd(conn)
		go d.serve(conn)
	}
}

// crowd takes one more connection among those that wait, and closes the oldest where there are too many, or where there
// is no room for one more (nil).
func (d *Door) crowd(conn *net.UnixConn) {
	waits := d.Waits
	if waits == 0 {
		waits = maxWaiting
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if conn != nil {
		d.waiting = append(d.waiting, conn)
	}
	if len(d.waiting) > waits || conn == nil && len(d.waiting) > 0 {
		d.waiting[0].Close()
		d.waiting = slices.Delete(d.waiting, 0, 1)
	}
}

// asked takes a connection out of those that wait.
func (d *Door) asked(conn *net.UnixConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.waiting, conn); i >= 0 {
		d.waiting = slices.Delete(d.waiting, i, i+1)
	}
}

func (d *Door) serve(conn *net.UnixConn) {
	defer conn.Close()
	defer d.asked(conn)
	if _, err := samePeer(conn); err != nil {
		_ = wire.WriteLine(conn, wire.Reply{Error: wire.Failed.Errorf("this %s is another user's", d.Who)})
		return
	}
	if wire.WriteLine(conn, wire.Hello{Labctl: wire.ProtocolVersion, Version: wire.Version()}) != nil {
		return
	}
	longest := d.Longest
	if longest == 0 {
		longest = maxRequest
	}
	in := bufio.NewReader(conn)
	r, err := readRequest(in, longest)
	d.asked(conn)
	var f *wire.Failure
	switch {
	case errors.As(err, &f):
		_ = wire.WriteLine(conn, wire.Reply{Error: f})
		_ = conn.SetReadDeadline(time.Now().Add(maxDrain))
		_, _ = io.Copy(io.Discard, in)
	case err == nil:
		d.Answer(conn, in, r)
	}
}

// readRequest reads the line of a request. The error is a *Failure if a line came that is none: half a line, the client
// gone, has no answer.
func readRequest(in *bufio.Reader, longest int) (r wire.Request, err error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > longest {
			return r, wire.Usagef("the request is longer than the %d bytes that this supervisor (labctl %s) takes",
				longest, wire.Version())
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r, err
		}
	}
	if err := json.Unmarshal(line, &r); err != nil || r.Method == "" {
		return r, wire.Usagef("this is not a request of labctl's (labctl %s answers): %s", wire.Version(), quoted(line))
	}
	if len(r.Params) == 0 || bytes.Equal(r.Params, []byte("null")) { // as a client may ask that has nothing more to say
		r.Params = json.RawMessage("{}")
	}
	return r, nil
}

// quoted shows the beginning of what came.
func quoted(line []byte) string {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) > 60 {
		return fmt.Sprintf("%q…", line[:60])
	}
	return fmt.Sprintf("%q", line)
}
