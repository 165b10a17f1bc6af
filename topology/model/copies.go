package model

import (
	"strconv"

	"labctl/topology/model/sim"
)

// copies is how many copies of a frame a column has: as it arrives, or, at its own sender and at a port of a switch, as
// it leaves.
func (c column) copies(name, sender string) (n int) {
	for _, x := range c.ears {
		arrived, left := x.Heard(name)
		if n += arrived; c.through || x.node == sender {
			n += left
		}
	}
	return n
}

// count makes an answer of sees the number of copies that it stands for, where a number is wanted. Of several
// interfaces it is undecided, since what passes from one to another would count at each, and of one whose taps are not
// modelled ([sim.Ear.Counts]). Vague: which frames are one's own cannot be told by their name; then it is, too.
func count(a *asking, i int, c column, name, sender string, vague bool) {
	out := &a.out[i]
	switch {
	case i >= len(a.counted) || !a.counted[i] || out.Got == Unknown || out.Got == Undecided:
	case vague:
		a.undecided(i, sim.Doubt{Reason: sim.NotModelled, Why: "the number of copies of one of several frames"})
	case len(c.ears) != 1 || !c.ears[0].Counts():
		a.undecided(i, sim.Doubt{Reason: sim.NotModelled, Why: "the number of copies there"})
	default:
		out.Got, out.Exact = strconv.Itoa(c.copies(name, sender)), []string{out.Got}
	}
}

// twins reports whether another forged frame is the same.
func (m *Model) twins(s *sending) bool {
	for _, o := range m.sent {
		if o != s && o.name == s.name {
			return true
		}
	}
	return false
}
