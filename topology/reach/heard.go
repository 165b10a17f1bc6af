package reach

import (
	"fmt"
	"slices"
	"strconv"

	"labctl/topology"
	"labctl/topology/problem"
)

// captured reports whether the listener has the marked request: as it arrives, or, at its own sender and at a port of a
// switch, as it leaves.
func (k *watched) captured() bool { return k.copies() > 0 }

// copies is how many copies of it the listener has; of a stream, of the request that came most often.
func (k *watched) copies() (n int) {
	f := k.flow
	if f.stream != nil {
		return k.mostCopies()
	}
	for _, e := range k.listeners {
		n += e.arrived[f.key]
		if k.through || e.node == f.pr.sock.node {
			n += e.sent[f.key]
		}
	}
	return n
}

func (k *watched) mostCopies() (most int) {
	f, all := k.flow, map[uint32]int{}
	for _, e := range k.listeners {
		for r, n := range e.requests {
			if r.key&^0xffff == f.key && (!r.outgoing || k.through || e.node == f.pr.sock.node) {
				all[r.key] += n
				most = max(most, all[r.key])
			}
		}
	}
	return most
}

// answer is word, and the number of copies that it stands for. Of several interfaces there is none: what passes from
// one to another would count at each.
func (w *watch) answer(k *watched) (word, detail string, exact []string) {
	word, detail = w.word(k)
	switch {
	case word == Unknown:
	case word == "no" || len(k.listeners) == 1:
		n := k.copies()
		exact = []string{strconv.Itoa(n)}
		if n > 1 {
			detail = fmt.Sprintf("it was captured there %d times", n)
		}
	case k.counted:
		return Unknown, severalListen(k.column), nil
	}
	if q := w.a.out[k.index].Question; word == "yes" && !q.Promiscuous() {
		key := k.flow.key
		detail += w.b.hearsAnyway(k.column, func(e *listener) bool { return e.taken[key] || e.sent[key] > 0 })
	}
	return word, detail, exact
}

// hearsAnyway says what to know of a frame that was captured by somebody who is not promiscuous: that no other program
// would have got it, or that something else keeps the interface promiscuous, as a macvlan does a veth
// (__dev_set_rx_mode in net/core/dev.c). A port of a bridge always is (br_manage_promisc in net/bridge/br_if.c).
func (b *bench) hearsAnyway(c column, taken func(*listener) bool) (text string) {
	if !slices.ContainsFunc(c.listeners, taken) {
		text = "; it was for another MAC (PACKET_OTHERHOST), so nothing but packet sockets gets it"
	}
	for _, e := range c.listeners {
		n := b.lab.Node(e.node)
		if n == nil || n.Kind == topology.VSwitch {
			continue
		}
		if i := n.Interface(e.name); i != nil && (i.Master != "" || i.Promisc) {
			continue
		}
		if s, err := b.machine.Interface(e.node, e.name); err == nil && s.Promiscuity > 0 {
			text += fmt.Sprintf("; something else keeps %s:%s promiscuous", e.node, e.name)
		}
	}
	return text
}

// severalListen says why nothing can be counted in a column.
func severalListen(c column) string {
	var names []string
	for _, e := range c.listeners {
		names = append(names, e.node+":"+e.name)
	}
	slices.Sort(names)
	return fmt.Sprintf("it was captured there, but copies are counted at one interface, and %s listen; name one of "+
		"them", problem.AndList(names))
}

// word is yes or no; a no counts only when the fate of the marked request is known, or it was seen leaving.
func (w *watch) word(k *watched) (word, detail string) {
	f := k.flow
	if f.unknown != nil {
		return Unknown, f.unknown.Error()
	}
	if k.captured() && !k.counted {
		return "yes", "it was captured there"
	}
	for _, e := range k.listeners {
		if why := e.missedWhy(); why != "" {
			return Unknown, why
		}
	}
	if k.captured() {
		return "yes", "it was captured there"
	}
	if f.stream != nil {
		return w.streamWord(f)
	}
	if f.pr.word == Unknown {
		return Unknown, f.pr.detail
	}
	if f.pr.word != "" {
		_, detail := f.pr.outcome()
		return "no", "not captured; its fate: " + detail
	}
	if heard(f.to, f.key) {
		return "no", fmt.Sprintf("not captured; it arrived at %s, whose reply did not come", f.pr.to.Node)
	}
	if heard(f.from, f.key) {
		detail := "not captured; it left " + f.pr.sock.node + " and no answer was received"
		if f.moved != "" {
			detail += fmt.Sprintf("; sent %d times, and each time a carrier changed meanwhile: %s", lostTries+1,
				f.moved)
		}
		return "no", detail
	}
	if w.m.unanswered(f.pr) == nil && f.pr.word == "no-arp" {
		return "no", "not captured; it never left: " + f.pr.detail
	}
	return Unknown, "the marked request was never seen leaving " + f.pr.sock.node
}

// streamWord is what a listener that has none of a stream's requests may say.
func (w *watch) streamWord(f *flow) (word, detail string) {
	if heard(f.to, f.key) {
		return "no", fmt.Sprintf("not captured; requests of the stream arrived at %s", f.pr.to.Node)
	}
	if heard(f.from, f.key) {
		return "no", "not captured; requests of the stream left " + f.pr.sock.node
	}
	if w.m.unanswered(f.pr) == nil && f.pr.word == "no-arp" {
		return "no", "not captured; they never left: " + f.pr.detail
	}
	return Unknown, fmt.Sprintf("sent: %s of the stream; none was seen leaving %s", problem.Count(enough, "request"),
		f.pr.sock.node)
}
