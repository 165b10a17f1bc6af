//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/innode"
	"labctl/cmd/labctl/runtest"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
)

// clientVerb is how a test runs a command line of its own, which may be made to fail or to die.
const clientVerb = "test-client"

// TestMain makes this binary what labctl is: a supervisor, a process in a node, and a command line.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case client.ProcessVerb:
			os.Exit(serve(os.Args[2], gateFor("supervisor")))
		case innode.Verb:
			os.Exit(innode.Main(os.Args[2:]))
		case clientVerb:
			os.Exit(commandLine(os.Args[2], os.Args[3], os.Args[4]))
		}
	}
	os.Exit(runtest.Main(m))
}

// The environment says at which of its steps which process meets what: "supervisor 7 EIO", "client 3 kill".
// firedVariable names the file that is made when it does. With "supervisor 7 wait" steps count from the moment at which
// there is a file of that name and ".armed", and the step is not done before there is one with ".go".
const (
	gateVariable  = "LABCTL_TEST_GATE"
	firedVariable = "LABCTL_TEST_FIRED"
)

// gateFor is the gate of this process, nil if it is to meet nothing.
func gateFor(who string) kernel.Before {
	f := strings.Fields(os.Getenv(gateVariable))
	if len(f) != 3 || f[0] != who {
		return nil
	}
	at, _ := strconv.Atoi(f[1])
	var mu sync.Mutex
	n := 0
	return func(step string) error {
		mu.Lock()
		defer mu.Unlock()
		fired := os.Getenv(firedVariable)
		// plan.sh is written beside the change, and may come after its end.
		if f[2] == "wait" && (!there(fired+".armed") || strings.HasSuffix(step, "plan.sh")) {
			return nil
		}
		if n++; n != at {
			return nil
		}
		_ = os.WriteFile(fired, []byte(step), 0o600)
		if f[2] == "wait" {
			for !there(fired + ".go") {
				_, _ = unix.Poll(nil, 1)
			}
			return nil
		}
		if f[2] == "kill" {
			syscall.Exit(137) // as kill -9 does, which the first process of a PID namespace cannot be sent from inside
		}
		return map[string]error{"EIO": unix.EIO, "ENOSPC": unix.ENOSPC}[f[2]]
	}
}

// commandLine is one command line.
func commandLine(verb, instance, file string) int {
	ctx, gate := context.Background(), gateFor("client")
	var err error
	switch verb {
	case "up":
		source, rerr := os.ReadFile(file)
		lab, problems := labfile.Load(file, source)
		if err = rerr; err == nil && lab == nil {
			err = problems
		}
		if err == nil {
			_, _, err = client.Up(ctx, client.Start{Instance: instance, File: "/lab.yaml", Lab: lab, Gate: gate}, nil)
		}
	case "step":
		var c *client.Client
		if c, err = client.Dial(instance); err == nil {
			_, err = client.Call(ctx, c, wire.MethodStep, wire.StepParams{Count: 1}, nil)
		}
	case "set":
		var c *client.Client
		if c, err = client.Dial(instance); err == nil {
			_, err = client.Call(ctx, c, wire.MethodSet, wire.SetParams{Assignments: []string{"a.mtu=1300"}}, nil)
		}
	case "down":
		err = client.TakeDown(ctx, instance, false, gate)
	case "inspect":
		var in wire.Inspection
		var c *client.Client
		if c, err = client.Dial(instance); err == nil {
			in, err = client.Call(ctx, c, wire.MethodInspect, wire.NodesParams{}, nil)
		}
		var all []string
		for _, n := range in.List {
			for _, i := range n.Interfaces {
				all = append(all, fmt.Sprint(n.Name, ":", i.Name, i.Addrs))
			}
		}
		slices.Sort(all)
		fmt.Print(in.State, " ", strings.Join(all, " "))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

// there reports whether there is a file.
func there(path string) bool { _, err := os.Stat(path); return err == nil }
