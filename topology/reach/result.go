package reach

import (
	"time"

	"labctl/topology/cause"
	"labctl/topology/expect"
)

// Unknown is the outcome of a question that could not be asked. It is never what a file wants.
const Unknown = "unknown"

// Result is the answer to a question.
type Result struct {
	Question expect.Question
	Got      string // a word of the table's grammar; [Unknown] when it could not be asked
	// Got said to the interface, where a node's several interfaces can be told apart (arp, answers, route), or as the
	// number of copies that came, where that can be said (sees)
	Exact  []string
	Detail string        // a sentence for a person, in ping's own words where it has some
	RTT    time.Duration // of an answered ping, else 0
	// what stopped a ping that did not get through, where that was found out, and what makes Got doubtful
	Causes []cause.Cause
	// of a ping that did not get through: where, by its outcome, somebody may have asked for a next hop in vain
	Hops []Hop
	Sent Sent // of a ping

	lost int // of a count of frames: how many more there may be
}
