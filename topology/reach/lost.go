package reach

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"labctl/topology"

	"golang.org/x/sys/unix"
)

// lostTries is how often a request is asked again that may have got lost for a reason that is not the lab's.
const lostTries = 2

// vanished reports whether the sender has no entry for the next hop that it must have asked for: the kernel has thrown
// it away together with the request that waited there (neigh_flush_dev, net/core/neighbour.c), or the request went
// elsewhere.
func (m *exchange) vanished(pr *pair, now carriers) (bool, error) {
	if pr.path == nil || len(pr.path.hops) == 0 {
		return false, nil
	}
	h := pr.path.hops[0]
	// Nobody is asked for a group, nor on such interfaces (arp_constructor, ndisc_constructor).
	const asksNobody = unix.IFF_NOARP | unix.IFF_LOOPBACK | unix.IFF_POINTOPOINT
	if h.next.IsMulticast() || now[interfaceKey{node: h.node, index: h.index}].Flags&asksNobody != 0 {
		return false, nil
	}
	ns, err := m.b.machine.Neighbours(h.node, family(pr.sock.v6))
	if err != nil {
		return false, fmt.Errorf("read the neighbours of %s: %w", h.node, err)
	}
	return !slices.ContainsFunc(ns, func(n topology.NeighbourEntry) bool {
		return n.Index == h.index &&
			n.IP == h.next
	}), nil
}

// certainly asks a batch, and those of it again whose one request may have been lost for a reason that is not the
// lab's: a carrier came or went meanwhile, or the kernel has acted on one, and it purges what waits then; the machine's
// processors threw frames away; or the sender's entry has vanished. Who comes to the same once more, when nothing else
// has happened, sends its requests elsewhere, which its own rules may have it do.
func (m *fresh) certainly(prs []*pair) (doubted []*pair, err error) {
	before, err := m.b.losses()
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		holds := map[*pair]string{}
		for _, pr := range prs {
			holds[pr] = pr.holds
		}
		again, err := m.batch(prs, before)
		if err != nil {
			return nil, err
		}
		now, err := m.b.losses()
		if err != nil {
			return nil, err
		}
		lost, err := m.lost(prs, before, now, try)
		if err != nil {
			return nil, err
		}
		for _, pr := range again {
			if !slices.Contains(lost, pr) {
				doubted = append(doubted, pr)
			}
		}
		if len(lost) == 0 {
			return doubted, nil
		}
		for _, pr := range lost {
			pr.holds = holds[pr]
		}
		prs, before = lost, now
	}
}

// lost returns the pairs to be asked again. Of those that were asked often enough it says why they are not certain; one
// whose request was thrown away each time has no word.
func (m *fresh) lost(prs []*pair, before, now losses, try int) (again []*pair, err error) {
	places, names := m.own.moved(before.carriers, now.carriers)
	happened := "a carrier changed meanwhile: " + strings.Join(names, ", ")
	if len(places) == 0 {
		happened = "the machine's processors threw frames away meanwhile, of this lab or another " +
			"(/proc/net/softnet_stat)"
	}
	quiet := len(places) == 0 && before.backlog == now.backlog
	for _, pr := range prs {
		if pr.word != "silent" {
			continue
		}
		gone, err := m.vanished(pr, now.carriers)
		if err != nil {
			return nil, err
		}
		switch {
		case !gone && quiet:
		case try < lostTries && (try == 0 || !quiet):
			again = append(again, pr)
		case gone && quiet:
			pr.note = fmt.Sprintf("%s has no entry for %s, asked %d times", pr.sock.node, pr.path.hops[0].next, try+1)
		case gone && places[interfaceKey{node: pr.path.hops[0].node, index: pr.path.hops[0].index}]:
			pr.word = Unknown
			pr.detail = fmt.Sprintf("asked %d times, and each time the kernel threw the request away, since the "+
				"carrier changed: %s", try+1, strings.Join(names, ", "))
		default:
			pr.note = fmt.Sprintf("asked %d times, and each time %s", try+1, happened)
		}
	}
	return again, nil
}

// thrownAway reports whether the sender's kernel has certainly thrown a request away: its entry has vanished, and what
// it would leave by is not as it was when that was last read, which is noted.
func (m *exchange) thrownAway(pr *pair, joined carriers) (bool, error) {
	if pr.word != "" || pr.path == nil || len(pr.path.hops) == 0 {
		return false, nil
	}
	h := pr.path.hops[0]
	now, err := m.b.carriers(h.node)
	if err != nil {
		return false, err
	}
	gone, err := m.vanished(pr, now)
	at := interfaceKey{node: h.node, index: h.index}
	changed := !sameCarrier(joined[at], now[at])
	maps.Copy(joined, now)
	return gone && changed, err
}
