//go:build linux

package supervisor

import (
	"context"
	"maps"
	"sync"
	"time"
)

// sessions are the commands of "exec" that run, and whether their clients are there.
type sessions struct {
	mu       sync.Mutex
	attended map[*process]bool
}

func newSessions() *sessions { return &sessions{attended: map[*process]bool{}} }

// begin notes a command whose client waits for it.
func (k *sessions) begin(p *process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.attended[p] = true
}

// leave notes that the client of a command that runs is gone.
func (k *sessions) leave(p *process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, runs := k.attended[p]; runs {
		k.attended[p] = false
	}
}

// end forgets a command that has ended.
func (k *sessions) end(p *process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.attended, p)
}

// list are the commands that run, with whether their clients are there.
func (k *sessions) list() map[*process]bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.attended)
}

// abandoned waits, at most two seconds, for commands whose clients are gone: their monitors are ending them.
func (k *sessions) abandoned(ctx context.Context) {
	limit, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for p, attended := range k.list() {
		if attended {
			continue
		}
		select {
		case <-p.done:
			k.end(p)
		case <-limit.Done():
		}
	}
}
