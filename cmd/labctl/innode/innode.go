//go:build linux

package innode

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// Verb makes this binary the first process of a command in a node.
const Verb = "in-node"

// Main is the process inside a node, started by the supervisor on a thread in the node's network namespace: it sets up
// what a command there is to see and becomes it, or with --monitor stays above it. It returns an exit status.
func Main(args []string) int {
	var view kernel.View
	tty := ""
	monitor, plain := false, false
	for len(args) > 0 && args[0] != "--" {
		switch args[0] {
		case "--hosts":
			view.Hosts, args = args[1], args[1:]
		case "--name":
			view.Name, args = args[1], args[1:]
		case "--tty":
			tty, args = args[1], args[1:]
		case "--monitor":
			monitor = true
		case "--plain":
			plain = true
		case "--begun": // file 3 is closed when the command has taken this process's place
			syscall.CloseOnExec(3)
		}
		args = args[1:]
	}
	argv := args[1:]
	if plain {
		// A signal that is caught becomes the default on exec (signal(7)); one that is ignored stays ignored.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGINT, syscall.SIGHUP)
		path, err := exec.LookPath(argv[0])
		if err == nil {
			err = &os.PathError{Op: "exec", Path: path, Err: unix.Exec(path, argv, os.Environ())}
		}
		fmt.Fprintln(terminal.Stderr(), "labctl:", err)
		return CannotRun(err)
	}
	if !monitor {
		// what a command of the file writes is its own
		err := kernel.Exec(-1, view, argv, os.Environ(), func([]string) {})
		fmt.Fprintln(terminal.Stderr(), "labctl:", err)
		return CannotRun(err)
	}
	m := &monitorProcess{control: os.NewFile(3, "control")}
	syscall.CloseOnExec(3)
	m.self, _ = os.Readlink("/proc/self/exe") // while there is a /proc
	lacks, err := kernel.Isolate(-1, view)
	if err != nil {
		m.say(wire.MonitorWord{Exited: true, Code: 125, Error: err.Error()})
		return 1
	}
	TellLacks(view.Hosts, lacks)
	m.run(argv, tty)
	return 0
}

// CannotRun is the exit status of a command that could not be run, as sh(1) has it.
func CannotRun(err error) int {
	switch {
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return 127
	case errors.Is(err, fs.ErrPermission):
		return 126
	}
	return 125
}

type monitorProcess struct {
	control *os.File
	self    string // this binary
}

func (m *monitorProcess) say(w wire.MonitorWord) { _ = wire.WriteLine(m.control, w) }

// run starts the command and reports until it has ended. The command is a process group of its own with the monitor as
// its parent in the same session: were it the session's leader, its group would be orphaned and Ctrl-Z would do
// nothing.
func (m *monitorProcess) run(argv []string, tty string) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		m.say(wire.MonitorWord{Exited: true, Code: CannotRun(err), Error: err.Error()})
		return
	}
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true}}
	if tty != "" {
		// The child takes the terminal's foreground itself, which stops a background process unless it ignores SIGTTOU.
		// It inherits that, so this binary is between them and gives the signal back.
		signal.Ignore(syscall.SIGTTOU, syscall.SIGTTIN)
		argv = append([]string{"labctl", Verb, "--plain", "--"}, argv...)
		path = "/proc/self/exe"
		if _, err := os.Stat(path); err != nil { // where nodes have no /proc
			path = m.self
		}
	}
	if tty != "" {
		slave, err := m.terminal(tty)
		if err != nil {
			m.say(wire.MonitorWord{Exited: true, Code: 125, Error: err.Error()})
			return
		}
		attr.Files = []uintptr{slave.Fd(), slave.Fd(), slave.Fd()}
		attr.Sys.Foreground, attr.Sys.Ctty = true, int(slave.Fd())
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		m.say(wire.MonitorWord{Exited: true, Code: CannotRun(err), Error: fmt.Sprintf("%s: %v", path, err)})
		return
	}
	go m.listen(pid)
	for {
		var ws syscall.WaitStatus
		_, err := syscall.Wait4(pid, &ws, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			m.say(wire.MonitorWord{Exited: true, Code: 125, Error: err.Error()})
			return
		case ws.Stopped():
			m.say(wire.MonitorWord{Stopped: int(ws.StopSignal())})
		case ws.Signaled():
			m.say(wire.MonitorWord{Exited: true, Killed: int(ws.Signal())})
			return
		default:
			m.say(wire.MonitorWord{Exited: true, Code: ws.ExitStatus()})
			return
		}
	}
}

// terminal makes a pty the controlling terminal of this session and passes its master to the command line.
func (m *monitorProcess) terminal(size string) (*os.File, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("make a terminal: %w", err)
	}
	defer master.Close()
	var ws pty.Winsize
	if _, err := fmt.Sscanf(size, "%d,%d", &ws.Rows, &ws.Cols); err == nil {
		_ = pty.Setsize(master, &ws)
	}
	if err := unix.IoctlSetInt(int(slave.Fd()), unix.TIOCSCTTY, 0); err != nil {
		return nil, fmt.Errorf("take the terminal: %w", err)
	}
	b, _ := json.Marshal(wire.MonitorWord{Master: true})
	return slave, unix.Sendmsg(int(m.control.Fd()), append(b, '\n'), unix.UnixRights(int(master.Fd())), nil, 0)
}

// listen passes signals on; when the command line is gone, so is the command.
func (m *monitorProcess) listen(pid int) {
	in := bufio.NewReader(m.control)
	for {
		var w wire.MonitorWord
		if wire.ReadLine(in, &w) != nil {
			_ = syscall.Kill(-pid, syscall.SIGHUP)
			_ = syscall.Kill(-pid, syscall.SIGCONT)
			_ = syscall.Kill(-pid, syscall.SIGKILL)
			return
		}
		_ = syscall.Kill(-pid, syscall.Signal(w.Signal))
	}
}
