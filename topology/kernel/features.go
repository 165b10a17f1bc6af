//go:build linux

package kernel

import "golang.org/x/sys/unix"

// Features tries out, in a namespace that ends with the call, what the kernel has of what only some labs use: the words
// of [Finding], found and missing, each in the order of [Probe].
func Features() (found, missing []string, err error) {
	err = onThrowawayThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		for _, f := range Probe() {
			switch {
			case f.Needed:
			case f.OK:
				found = append(found, f.What)
			default:
				missing = append(missing, f.What)
			}
		}
		return nil
	})
	return found, missing, err
}
