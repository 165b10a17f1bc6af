//go:build linux

package supervisor

import (
	"encoding/json"
	"io"
	"net"

	"labctl/cmd/labctl/wire"
)

// outbox says what a call has to say, in order, on a goroutine of its own. A client that does not read, because it is
// stopped, holds up its own answer: never the work that others wait for.
type outbox struct {
	lines chan outLine
	end   chan struct{}
}

// outLine is a line, and who wants to hear that it is written; nil: nobody.
type outLine struct {
	text    []byte
	written chan error
}

// maxOffered is how many lines of progress wait for a client that is slow to read.
const maxOffered = 64

func newOutbox(w io.Writer) *outbox {
	o := &outbox{make(chan outLine, maxOffered), make(chan struct{})}
	go func() {
		var err error // the first; the client is gone then
		for {
			select {
			case l := <-o.lines:
				if err == nil {
					_, err = w.Write(l.text)
				}
				if l.written != nil {
					l.written <- err
				}
			case <-o.end:
				return
			}
		}
	}()
	return o
}

// send writes a [wire.Reply] or [wire.Last] as a line behind all that was offered, and returns when it is written; the
// error is that the client went away.
func (o *outbox) send(r any) error {
	l := outLine{lineOf(r), make(chan error, 1)}
	select {
	case o.lines <- l:
	case <-o.end:
		return net.ErrClosed
	}
	select {
	case err := <-l.written:
		return err
	case <-o.end:
		return net.ErrClosed
	}
}

// offer leaves a line to be written, or drops it where too many wait.
func (o *outbox) offer(r wire.Reply) {
	select {
	case o.lines <- outLine{text: lineOf(r)}:
	default:
	}
}

// close ends the goroutine. What was offered since the last send may be lost.
func (o *outbox) close() { close(o.end) }

func lineOf(r any) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // only our own plain structs come here
	}
	return append(b, '\n')
}
