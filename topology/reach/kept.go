package reach

import "fmt"

// kept asks the pairs one after the other and forgets nothing.
func (m *matrix) kept() error {
	for _, pr := range m.pairs {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		if m.p.room() < 1 {
			pr.decide(Unknown, errNoRoom.Error())
			continue
		}
		clear(m.ways) // an accepted redirect changes them
		m.plot(pr)
		m.unlimited(pr)
		m.send(pr)
		m.await(pr, m.p.patience())
		if err := m.ctx.Err(); err != nil {
			return err
		}
		if err := m.silent(pr); err != nil {
			pr.decide(Unknown, err.Error())
		}
	}
	m.grace()
	for _, pr := range m.pairs {
		m.byKernel(pr)
	}
	return nil
}

// silent decides a pair for which nothing came: the sender's neighbour entry, when failed, says why (the error got lost).
func (m *matrix) silent(pr *pair) error {
	if pr.word != "" {
		return nil
	}
	if pr.way != nil && pr.oob == nil && len(pr.way.hops) > 0 {
		h := pr.way.hops[0]
		ns, err := m.p.Machine.Neighbours(h.node, family(m.v6))
		if err != nil {
			return fmt.Errorf("read the neighbours of %s: %w", h.node, err)
		}
		for _, n := range ns {
			if n.Index == h.index && n.IP == h.next && failed(n) {
				pr.decide("no-arp", fmt.Sprintf("the neighbour entry for %s is %s", n.IP, n.State))
				return nil
			}
		}
	}
	pr.decide("silent", fmt.Sprintf("nothing came back within %v", m.p.patience()))
	return nil
}

func failed(n Neighbour) bool { return n.State == "FAILED" || n.State == "INCOMPLETE" }
