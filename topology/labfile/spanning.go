package labfile

import (
	"fmt"
	"time"
)

// treeTimers warns of times with which IEEE 802.1D (clause 8.10.2) promises no tree without a loop: a port could
// forward before the last of what it heard from a root that is gone has aged, or forget a root that is there between
// two of its messages.
func (c checker) treeTimers(br *ifaceBuild) {
	said := c.bridgeSays(br)
	warn := func(keys []string, format string, args ...any) {
		for _, name := range keys {
			if v := said.Field(name); v.Given() {
				v.Key().Warnf(format, args...)
				return
			}
		}
	}
	t := br.Bridge
	if most := 2 * (t.ForwardDelay - time.Second); most < t.MaxAge {
		warn([]string{"forward_delay", "max_age"}, "2 × (forward_delay %s - 1s) is %s, less than max_age %s: "+
			"a loop may be open for a while; IEEE 802.1D wants a longer forward_delay or a shorter max_age",
			t.ForwardDelay,
			most, t.MaxAge)
	}
	if least := 2 * (t.HelloTime + time.Second); least > t.MaxAge {
		warn([]string{"hello_time", "max_age"}, "2 × (hello_time %s + 1s) is %s, more than max_age %s: "+
			"the root is forgotten when one of its messages is lost; IEEE 802.1D wants a shorter hello_time or a "+
			"longer max_age",
			t.HelloTime, least, t.MaxAge)
	}
}

// rings warns of rings of bridges that no spanning tree cuts.
func (c checker) rings() {
	for _, r := range c.lab.Rings() {
		m := c.byEnd[r[0]]
		text := fmt.Sprintf("a ring without a spanning tree: %s: one broadcast circles in it forever, ever faster, "+
			"and "+
			"drowns everything; "+
			"write \"stp: true\" at a bridge of it", r)
		if m.link != nil {
			c.doc.Add(m.link.pos, m.link.width, m.link.path, text, true)
		} else {
			m.key.Warnf("%s", text)
		}
	}
}
