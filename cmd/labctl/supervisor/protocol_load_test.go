//go:build linux

package supervisor

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
)

// A client that asks and does not read, because it is stopped, keeps nobody from the lab; it reads its answer when it
// goes on.
func TestASlowClientHoldsNobodyUp(t *testing.T) {
	const told, width = 3000, 1000 // much more than a socket has room for
	addMethod(t, "tell", handler{sends, func(_ context.Context, c *call) (any, error) {
		for n := range told {
			c.event(wire.Event{What: strings.Repeat("x", width), Done: n, Total: told})
		}
		return "done", nil
	}})
	c := answering(t, "slow", func(s *server, _ *instance.Door) { s.life.set("running") })
	var slow []*bufio.Reader
	for range 3 {
		conn, in := raw(t, c)
		_, _ = io.WriteString(conn, `{"method":"tell"}`+"\n")
		slow = append(slow, in)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if word, err := client.Call(ctx, c, wire.Method[wire.Nothing, string]("tell"), wire.Nothing{}, nil); err != nil || word != "done" {
		t.Errorf("%q, %v", word, err)
	}
	stillAnswers(t, c)
	for _, in := range slow {
		last := -1
		for {
			var r wire.Reply
			if err := wire.ReadLine(in, &r); err != nil {
				t.Fatal(err)
			}
			if r.Event == nil {
				if string(r.Result) != `"done"` {
					t.Errorf("%+v", r)
				}
				break
			}
			if r.Event.Total == 0 { // it waits for its turn
				continue
			}
			if r.Event.Done <= last {
				t.Fatalf("%d comes after %d", r.Event.Done, last)
			}
			last = r.Event.Done
		}
	}
}

// Connections that ask nothing do not keep others from asking, however many they are, and the oldest are let go of.
func TestAFloodOfConnections(t *testing.T) {
	const waits = 20
	c := answering(t, "flood", func(_ *server, d *instance.Door) { d.Waits = waits })
	var flood []*bufio.Reader
	for range 10 * waits {
		_, in := raw(t, c)
		flood = append(flood, in)
		if len(flood)%waits == 0 {
			stillAnswers(t, c)
		}
	}
	for i, in := range flood[:9*waits] { // or there are more than may wait
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Fatalf("the connection after %d others is open: %v", i, err)
		}
	}
}

// A server that has run out of descriptors answers again when there are some.
func TestNoDescriptorsLeft(t *testing.T) {
	c := answering(t, "nofile", nil)
	stillAnswers(t, c)
	d, err := instance.Open(c.Instance)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = uint64(openDescriptors(t)) + 9
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	var all []*net.UnixConn
	refused := false
	for range 100 {
		conn, _, err := instance.Dial(d, "sock")
		if refused = errors.Is(err, unix.EMFILE); refused {
			break
		}
		if err != nil {
			t.Error(err)
			break
		}
		all = append(all, conn)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if !refused {
		t.Error("there were descriptors for ", len(all))
	}
	for _, conn := range all {
		conn.Close()
	}
	stillAnswers(t, c)
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list) - 1 // but for the one that reads
}

// Descriptors that nobody asked for, or too few or too many of those that were asked for, are not kept.
func TestDescriptorsThatWereNotAskedFor(t *testing.T) {
	c := answering(t, "passed", standsWithoutKernel(t, "format: 1\nlab: passed\nnodes: {a: {}}\n"))
	pass := func(conn *net.UnixConn, text string, n int) {
		t.Helper()
		var fds []int
		for range n {
			fds = append(fds, 0)
		}
		if _, _, err := conn.WriteMsgUnix([]byte(text), unix.UnixRights(fds...), nil); err != nil {
			t.Fatal(err)
		}
	}
	stillAnswers(t, c)
	before := openDescriptors(t)
	for _, n := range []int{1, 4, 200} {
		conn, in := raw(t, c)
		pass(conn, `{"method":"status"}`+"\n", n)
		var r wire.Reply
		if err := wire.ReadLine(in, &r); err != nil || r.Error != nil {
			t.Errorf("%d with a question: %+v, %v", n, r, err)
		}
		conn.Close()
	}
	for _, n := range []int{0, 1, 3, 4, 5, 200} {
		conn, in := raw(t, c)
		_, _ = io.WriteString(conn, `{"method":"exec","params":{"node":"a","argv":["true"]}}`+"\n")
		var r wire.Reply
		if err := wire.ReadLine(in, &r); err != nil || r.Event == nil || r.Event.What != "descriptors" {
			t.Fatalf("%+v, %v", r, err)
		}
		if n == 0 {
			_, _ = io.WriteString(conn, "x")
		} else {
			pass(conn, "x", n)
		}
		r = wire.Reply{}
		err := wire.ReadLine(in, &r)
		// With all of them, what is missing is the node: there is no kernel behind this lab.
		if err != nil || r.Error == nil || (n == 4) == strings.HasPrefix(r.Error.Message, "receive descriptors: ") {
			t.Errorf("%d of 4: %+v, %v", n, r.Error, err)
		}
		conn.Close()
	}
	until(t, "no descriptor is left behind", func() bool { return openDescriptors(t) <= before })
}
