//go:build linux

package kernel

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// ownNames removes the names under NetnsDir that are a space's own. One that cannot be removed is remembered, to be
// tried again: nothing else knows of it any more.
type ownNames struct {
	journal *Journal

	mu      sync.Mutex
	pending []NamespaceState
}

// remove removes one.
func (o *ownNames) remove(name NamespaceState) error {
	err := unname(name.Name, o.journal.before)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.pending = append(o.pending, name)
	}
	return err
}

// removePending tries those again that could not be removed.
func (o *ownNames) removePending() error {
	o.mu.Lock()
	pending := o.pending
	o.pending = nil
	o.mu.Unlock()
	var errs []error
	for _, name := range pending {
		fd, what := name.open()
		if fd >= 0 {
			unix.Close(fd)
		}
		if what != nameFree {
			errs = append(errs, o.remove(name))
		}
	}
	return errors.Join(errs...)
}
