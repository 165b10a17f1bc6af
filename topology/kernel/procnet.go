//go:build linux

package kernel

import (
	"fmt"
	"os"
)

// ProcNet reads a file of proc_pid_net(5) as the node has it: "tcp", "snmp". One that the kernel does not have is an
// error that wraps os.ErrNotExist.
func (t Tables) ProcNet(node, file string) (content []byte, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	err = n.enter(func() error {
		content, err = os.ReadFile("/proc/thread-self/net/" + file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", node, err)
	}
	return content, nil
}
