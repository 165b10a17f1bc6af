//go:build linux

package switchproc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/switchcore/datapath"
)

// Start says what switch to run on interfaces that are there already.
type Start struct {
	Name   string
	Preset string // see switchcore.Preset
	Ports  []*NIC // taken over, also if it fails
	// Ready is called when the switch forwards frames.
	Ready func() error
	// Say is told what happens, a line at a time, by one goroutine at a time.
	Say func(line string)
}

// standalone is a switch that runs without a lab.
type standalone struct {
	name, preset string
	loop         *datapath.Loop
	lines        chan string
	stop         context.CancelFunc

	mu   sync.Mutex // held while ports change
	nics []*nic
}

// nic is an interface that is a port.
type nic struct {
	name   string // of the port, the interface's when it was added
	device string // the interface's now
	id     switchcore.PortID
	index  int
	cookie uint64   // of the interface's network namespace
	look   *os.File // a socket there
	up     bool
}

// Run runs a switch until ctx ends or somebody stops it, and leaves nothing behind.
func Run(ctx context.Context, o Start) (err error) {
	defer func() {
		for _, n := range o.Ports {
			n.Close()
		}
	}()
	conf, ok := switchcore.Preset(o.Preset)
	if !ok {
		return wire.Usagef("there is no preset %q; there are %s", o.Preset,
			strings.Join(switchcore.PresetNames(), ", "))
	}
	dir, err := takeSwitch(o.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.remove()) }()
	core, err := switchcore.New(conf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &standalone{name: o.Name, preset: o.Preset, lines: make(chan string, 256), stop: cancel}
	go func() {
		for line := range s.lines {
			o.Say(line)
		}
	}()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	if s.loop, err = datapath.Start(core, datapath.Options{Events: s.happened, Log: s.logf}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, n := range o.Ports {
		err := s.add(n.params, n.files[:])
		n.Close() // or the interface would stay promiscuous after the port is gone
		if err != nil {
			return err
		}
	}
	listener, err := instance.Listen(dir.Folder, "sock")
	if err != nil {
		return err
	}
	defer listener.Close()
	go s.accept(listener)
	if err := o.Ready(); err != nil {
		return err
	}
	s.watch(ctx)
	return nil
}

// close unplugs everything.
func (s *standalone) close() error {
	err := s.loop.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nics {
		n.look.Close()
	}
	s.nics = nil
	return err
}

// logf drops a line rather than wait: the switch's own thread calls it.
func (s *standalone) logf(format string, args ...any) {
	select {
	case s.lines <- fmt.Sprintf(format, args...):
	default:
	}
}

// happened tells of events, but not of every address that comes and goes.
func (s *standalone) happened(list []switchcore.Event) {
	for _, e := range list {
		if e.Kind == switchcore.EventMACLearned || e.Kind == switchcore.EventMACAged {
			continue
		}
		line := e.Port + ": " + e.Kind
		if (e.Old != "" || e.New != "") && e.New != (switchcore.MAC{}).String() {
			line += " " + strings.TrimSpace(e.Old+" -> "+e.New)
		}
		if e.Cause != "" {
			line += " (" + e.Cause + ")"
		}
		s.logf("%s", line)
	}
}

func (s *standalone) accept(l *net.UnixListener) {
	(&instance.Door{Who: "switch", Answer: s.serve}).Accept(l)
}

func (s *standalone) serve(conn *net.UnixConn, _ *bufio.Reader, r wire.Request) {
	result, err := s.answer(conn, r)
	rep := wire.Reply{Result: wire.MustJSON(result)}
	if err != nil {
		rep = wire.Reply{Error: wire.FailureOf(err)}
	}
	_ = wire.WriteLine(conn, rep)
	if r.Method == "stop" {
		s.stop()
	}
}

func (s *standalone) answer(conn *net.UnixConn, r wire.Request) (any, error) {
	switch r.Method {
	case "add":
		var p wire.AddPort
		if err := json.Unmarshal(r.Params, &p); err != nil {
			return nil, err
		}
		// Asked for only now: the buffered reader of the request would have taken them in and dropped them.
		if err := wire.WriteLine(conn, wire.Reply{Event: &wire.Event{What: "descriptors"}}); err != nil {
			return nil, err
		}
		files, err := instance.ReceiveFiles(conn, 2)
		if err != nil {
			return nil, err
		}
		defer files[0].Close()
		defer files[1].Close()
		return struct{}{}, s.add(p, files)
	case "delete":
		var p wire.DeletePort
		if err := json.Unmarshal(r.Params, &p); err != nil {
			return nil, err
		}
		return struct{}{}, s.delete(p.Name)
	case "show":
		return s.show(), nil
	case "stop":
		return struct{}{}, nil
	}
	return nil, wire.Usagef("this switch (labctl %s) does not know how to %s: it was started by another version",
		wire.Version(), r.Method)
}

// show reads the switch in one moment.
func (s *standalone) show() wire.SwitchShow {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := wire.SwitchShow{Name: s.name, State: "running", Preset: s.preset, Ports: []wire.SwitchPort{},
		Entries: []wire.FDBEntry{}}
	s.loop.Do(func(now time.Duration, sw *switchcore.Switch) {
		for _, n := range s.nics {
			out.Ports = append(out.Ports, wire.SwitchPort{Port: wire.PortOf(s.name, sw.Status(n.id)), Device: n.device})
		}
		for _, e := range sw.Table(now) {
			how := "static"
			if !e.Static {
				how = fmt.Sprintf("learned %s ago", e.Age.Round(time.Second))
			}
			out.Entries = append(out.Entries,
				wire.FDBEntry{Switch: s.name, MAC: e.MAC.String(), Port: sw.Status(e.Port).Name, VLAN: int(e.VLAN),
					How: how})
		}
	})
	return out
}

// find returns the port with that name, or of the interface that is called so now.
func (s *standalone) findLocked(name string) *nic {
	for _, same := range []func(*nic) bool{func(n *nic) bool { return n.name == name },
		func(n *nic) bool { return n.device == name }} {
		if i := slices.IndexFunc(s.nics, same); i >= 0 {
			return s.nics[i]
		}
	}
	return nil
}
