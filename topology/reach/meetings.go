package reach

import "slices"

// meetings is what a listener has of the frames, by their names.
type meetings struct {
	arrived, left map[string]int  // copies
	taken         map[string]bool // one that arrived was not for another MAC
	doubtful      map[string]bool // one that could as well be another's
	missed        string          // why it may have missed some
}

// note finds out which of the sends a frame is. Two that differ in their tags only are told apart by these, if they
// still have them.
func (m *meetings) note(sends map[string]*Sending, frame []byte, tags []uint16, outgoing, forOthers bool) {
	rest, vids := content(frame, tags...)
	var like, exact []string
	for name, s := range sends {
		r, v := content(s.frame)
		if r != rest {
			continue
		}
		like = append(like, name)
		if slices.Equal(v, vids) {
			exact = append(exact, name)
		}
	}
	which := like
	if len(like) > 1 && len(exact) > 0 {
		which = exact
	}
	for _, name := range which {
		switch {
		case len(which) > 1:
			m.doubtful[name] = true
		case outgoing:
			m.left[name]++
		default:
			m.arrived[name]++
			m.taken[name] = m.taken[name] || !forOthers
		}
	}
}
