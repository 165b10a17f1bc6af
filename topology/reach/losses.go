package reach

import "fmt"

// losses is what tells whether the machine has lost frames of a lab that the lab itself would not lose.
type losses struct {
	carriers
	backlog uint64
}

func (b *bench) losses() (losses, error) {
	c, err := b.carriers(b.nodeNames()...)
	if err != nil {
		return losses{}, err
	}
	n, err := b.machine.Backlog()
	if err != nil {
		return losses{}, fmt.Errorf("read how many frames the machine has thrown away: %w", err)
	}
	return losses{c, n}, nil
}

// lostSince says what the machine may have lost since a moment that the lab itself would not lose; "" if nothing.
func (b *bench) lostSince(before losses) string {
	now, err := b.losses()
	if err != nil {
		return err.Error()
	}
	if before.backlog != now.backlog {
		return "the machine's processors threw frames away meanwhile"
	}
	for at, c := range now.carriers {
		if !sameCarrier(before.carriers[at], c) {
			return "a carrier changed meanwhile at " + at.node
		}
	}
	return ""
}
