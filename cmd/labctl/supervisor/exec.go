//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"labctl/cmd/labctl/innode"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
)

// Without root, a command line cannot enter a node itself: Go cannot join a user namespace. So it hands its standard
// files and one end of a control socket to the supervisor, which starts a monitor inside the node; the monitor runs the
// command and speaks with the command line over that socket. With a terminal the monitor makes a pty and passes the
// master back.

func execIn(_ context.Context, c *call, p wire.ExecParams) (wire.Nothing, error) {
	lab := c.current()
	if lab == nil {
		return wire.Nothing{}, wire.Failed.Errorf("%s is still starting", c.meta.Instance)
	}
	if lab.Node(p.Node) == nil {
		return wire.Nothing{}, wire.UnknownNode(lab, p.Node)
	}
	// Asked for only now: the buffered reader of the request would have taken them in and dropped them.
	if err := c.say(wire.Event{What: "descriptors"}); err != nil {
		return wire.Nothing{}, err
	}
	files, err := instance.ReceiveFiles(c.conn, 4)
	if err != nil {
		return wire.Nothing{}, err
	}
	argv := []string{"labctl", innode.Verb, "--name", p.Node, "--hosts", c.rundir.In("hosts"), "--monitor"}
	if p.TTY {
		argv = append(argv, "--tty", fmt.Sprintf("%d,%d", p.Rows, p.Cols))
	}
	argv = append(append(argv, "--"), p.Argv...)
	dir := p.Dir
	if _, err := os.Stat(dir); err != nil {
		dir = "/"
	}
	proc, err := c.commands.procs.start(p.Node, strings.Join(p.Argv, " "), argv, p.Env, dir, files...)
	for _, f := range files { // or who reads what the command writes would wait for us too
		f.Close()
	}
	if err != nil {
		return wire.Nothing{}, err
	}
	c.follow(proc)
	return wire.Nothing{}, nil
}

// follow returns when a command of "exec" has ended and is known to have. Its client waits on the connection for that.
func (c *call) follow(p *process) {
	c.sessions.begin(p)
	_ = c.say(wire.Event{What: "begun"})
	go func() {
		_, _ = io.Copy(io.Discard, c.conn)
		c.sessions.leave(p) // the monitor ends the command
	}()
	<-p.done
	c.sessions.end(p)
}
