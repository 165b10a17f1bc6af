//go:build linux

package supervisor

import (
	"maps"
	"sync"
)

// stream is a background action that this process itself carries out.
type stream struct {
	kind, node, what string
	stop             func()
	leave            func() error // instead of stop, when a step ends it and does not say silently; nil: stop
}

// streams are those that run, by their names.
type streams struct {
	mu     sync.Mutex
	byName map[string]*stream
}

func newStreams() *streams { return &streams{byName: map[string]*stream{}} }

// add notes one that runs until it is stopped.
func (k *streams) add(name string, s *stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byName[name] = s
}

// take takes one out, for whoever stops it; nil: there is none of that name.
func (k *streams) take(name string) *stream {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.byName[name]
	delete(k.byName, name)
	return s
}

// running are those that run now.
func (k *streams) running() map[string]*stream {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.byName)
}

// stopIn ends those of some nodes, of all if gone is nil, at once: their sockets hold the namespaces.
func (k *streams) stopIn(gone map[string]bool) {
	k.mu.Lock()
	var list []*stream
	for name, s := range k.byName {
		if gone == nil || gone[s.node] {
			list = append(list, s)
			delete(k.byName, name)
		}
	}
	k.mu.Unlock()
	for _, s := range list {
		s.stop()
	}
}
