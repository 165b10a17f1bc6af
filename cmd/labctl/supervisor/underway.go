//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"labctl/cmd/labctl/wire"
)

// at notes how far the step is that is walked through by hand.
func (s *server) at(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.story.Under != nil {
		u := *s.story.Under
		u.At = fmt.Sprintf(format, args...)
		s.story.Under = &u
	}
}

// under says which step is begun, and writes it down before anything of it is done.
func (c *call) under(step int, name string) error {
	c.mu.Lock()
	had := c.story.Under
	c.story.Under = &wire.Underway{Step: step, Name: name, At: "set"}
	c.doing = fmt.Sprintf("step %d, %q", step, name)
	c.mu.Unlock()
	if err := c.record(); err != nil {
		c.mu.Lock()
		c.story.Under = had
		c.mu.Unlock()
		return fmt.Errorf("that it is begun could not be written down, and nothing of it is done: %w", err)
	}
	return nil
}

// brokenStep notes that the step under way will not come to its end.
func (c *call) brokenStep(err error) {
	var f *wire.Failure
	c.mu.Lock()
	u := *c.story.Under
	u.Error = strings.TrimPrefix(err.Error(), neither) // the state of the lab says that
	c.story.Under = &u
	if errors.As(err, &f) && f.Class != wire.Failed && u.At == "set" { // nothing was touched
		c.story.Under = nil
	}
	c.mu.Unlock()
	_ = c.record() // the error that is on its way is the one to be told
	c.happened.add(wire.Happened{Kind: "broken-off", Object: u.Name, New: u.At, Cause: u.Error})
}

// words is what was asked for.
func (c *call) words() string {
	if c.method == "apply" {
		return "up"
	}
	return c.method
}

// doingLocked is what is being done to the lab, in words; "" if it is nothing that changes it.
func (s *server) doingLocked() string {
	switch {
	case s.doing == "" || slices.Contains([]string{"ask", "send", "verify"}, s.doing):
		return ""
	case s.story.Under != nil && s.story.Under.Error == "" && s.asker != nil && s.asker.Err() != nil:
		return s.doing + ", " + s.story.Under.At + "; the labctl that asked for it is gone, and the lab finishes it by itself"
	case s.story.Under != nil && s.story.Under.Error == "":
		return s.doing + ", " + s.story.Under.At
	case s.asker != nil && s.asker.Err() != nil:
		return s.doing + "; the labctl that asked for it is gone, and the lab finishes it by itself"
	}
	return s.doing
}

// underWay is what somebody waits for who wants to change the lab.
func (s *server) underWay() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.doingLocked(); d != "" {
		return d
	}
	if s.doing != "" {
		return s.doing
	}
	return s.state
}

// deserted reports whether who asked for what holds work is gone.
func (s *server) deserted() bool {
	select {
	case <-s.gone():
		return true
	default:
		return false
	}
}

// gone is closed when who asked for what holds work is gone; nil if nobody has asked.
func (s *server) gone() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asker == nil {
		return nil
	}
	return s.asker.Done()
}

// alone is the event of a change whose end nobody was there to hear of.
func alone(doing string, result any, err error) wire.Happened {
	h := wire.Happened{Kind: "unattended", Object: doing, New: "done", Cause: "the labctl that had asked for it was gone"}
	if w, ok := result.(wire.Walked); ok && len(w.Steps) > 0 {
		h.New = w.Steps[len(w.Steps)-1].Outcome()
		if w.Error != nil {
			err = w.Error
		}
	}
	if err != nil {
		h.New, h.Cause = "failed", err.Error()
	}
	return h
}
