//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// remember records what the kernel has now, for whoever heals it: the lab is whole, and as the story says. Until then
// the journal says that a change is under way, and a successor builds the lab again rather than believe in one that the
// kernel does not have.
func (s *server) remember() error {
	err := s.record()
	if err == nil {
		err = s.space.Complete()
	}
	if err != nil {
		return &unwritten{err}
	}
	return nil
}

// unwritten: the kernel has the lab, and the run directory does not say so. What becomes of the lab then is for who
// asked for it to say.
type unwritten struct{ err error }

func (e *unwritten) Error() string {
	return "what the lab is now could not be written down: " + e.err.Error()
}

func (e *unwritten) Unwrap() error { return e.err }

// changed is the error of a change that was made, of a lab that goes on.
func changed(err error) error {
	if errors.As(err, new(*unwritten)) {
		return fmt.Errorf("the lab is changed, but %w; \"labctl up\" with its file does it", err)
	}
	return err
}

// record writes down the story so far. What "up" has to restore is the same.
func (s *server) record() error {
	s.mu.Lock()
	source, told := s.file.Source, s.story
	s.mu.Unlock()
	told.Running = s.acting()
	return s.rundir.WriteStory(source, told)
}

// acting are the names of the actions of steps that run now, sorted.
func (s *server) acting() []string {
	out := slices.Collect(maps.Keys(s.streams.running()))
	for _, p := range s.commands.procs.list() {
		if p.Name != "" {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
