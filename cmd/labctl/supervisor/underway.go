//go:build linux

package supervisor

import (
	"errors"
	"fmt"
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
	c.mu.Unlock()
	c.life.does(fmt.Sprintf("step %d, %q", step, name))
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
	c.eventLog.add(wire.Happened{Kind: "broken-off", Object: u.Name, New: u.At, Cause: u.Error})
}

// words is what was asked for.
func (c *call) words() string {
	if c.method == "apply" {
		return "up"
	}
	return c.method
}

// alone is the event of a change whose end nobody was there to hear of.
func alone(doing string, result any, err error) wire.Happened {
	h := wire.Happened{Kind: "unattended", Object: doing, New: "done",
		Cause: "the labctl that had asked for it was gone"}
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
