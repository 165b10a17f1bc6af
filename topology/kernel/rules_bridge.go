//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"labctl/topology"
)

// bridgeCalls writes values of br_netfilter, which decide whether the rules of iptables see bridged frames. back
// restores what was there.
func bridgeCalls(n *namespace, values []topology.Sysctl) (back func() error, err error) {
	before := make([]topology.Sysctl, len(values))
	write := func(values []topology.Sysctl) error {
		return n.enter(func() error {
			for _, v := range values {
				if err := os.WriteFile("/proc/sys/"+v.Key, []byte(v.Value), 0o644); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = n.enter(func() error {
		for i, v := range values {
			b, err := os.ReadFile("/proc/sys/" + v.Key)
			if err != nil {
				return err
			}
			before[i] = topology.Sysctl{Key: v.Key, Value: strings.TrimSpace(string(b))}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil,
			fmt.Errorf("%s: iptables sees nothing of bridged frames without the kernel module br_netfilter: modprobe "+
				"br_netfilter (once, as root): %w", n.node, ErrUnsupported)
	}
	if err != nil {
		return nil, err
	}
	return func() error { return write(before) }, write(values)
}
