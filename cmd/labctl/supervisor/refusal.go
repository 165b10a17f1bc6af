//go:build linux

package supervisor

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/kernel"
	"labctl/topology/reach"
	"labctl/topology/rules"
)

// refusalRounds is how often a ping that did not get through is asked again: a rule does not say whose packets it has
// refused, but one that counts every time, and never in the pauses between, which are as long, has refused the ping.
const refusalRounds = 3

// refusals finds out which rules refuse a ping.
type refusals struct {
	space    *kernel.Space
	rules    *kernel.Rules
	switches *switches
	lab      func() *topology.Lab // what the kernel has now
}

// investigate finds out which rules refuse a ping that failed, for [reach.Prober]. Once the ping has been asked again,
// only rules that have counted each time can be the cause, so only their nodes are read: to read one costs a process,
// or several.
func (f *refusals) investigate(ctx context.Context, q expect.Question, again reach.Again) []cause.Cause {
	nodes, tunnels := f.lab().Nodes, f.tunnels()
	refusing := func(of []*topology.Node) map[refuser]uint64 { return f.refusing(ctx, of, tunnels, q) }
	before := refusing(nodes)
	with, without := map[refuser]int{}, map[refuser]bool{}
	var way reach.Trace
	for round := range refusalRounds {
		if len(before) == 0 {
			return nil
		}
		begin := time.Now()
		if again(func(now func() reach.Trace) bool {
			if round == refusalRounds-1 {
				way = now()
			}
			return false
		}) != nil {
			return nil
		}
		took := time.Since(begin)
		after := refusing(nodes)
		met := map[string]bool{}
		for rule := range counted(before, after) {
			if with[rule]++; with[rule] == round+1 {
				met[rule.node] = true
			}
		}
		if len(met) == 0 {
			return nil
		}
		nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *topology.Node) bool { return !met[n.Name] })
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return nil
		}
		before = refusing(nodes)
		for rule := range counted(after, before) {
			without[rule] = true
		}
	}
	newOnWay(f.lab(), way, tunnels || f.tunnels()).judge(with, without)
	return refusedBy(ofThePing(func() map[refuser]uint64 { return refusing(nodes) }, with, without, again),
		without)
}

// trafficOf is what a question sends.
func trafficOf(q expect.Question) rules.Traffic {
	switch q.Kind {
	case "tcp", "tcp6":
		return rules.TCP
	case "udp", "udp6":
		return rules.UDP
	}
	return rules.Echo
}

// counted are the rules that counted between two readings. One that could not be read at both is not among them: what
// it had counted before is not known.
func counted(before, after map[refuser]uint64) map[refuser]bool {
	out := map[refuser]bool{}
	for rule, n := range after {
		if was, read := before[rule]; read && n > was {
			out[rule] = true
		}
	}
	return out
}

// ofThePing leaves out rules that only refuse what finding neighbours has made besides, as copies of an ARP request on
// their way to others: where several have counted each time, the ping is asked twice in a row, and those that the
// second one has not met, which finds the neighbours known, are not what stopped it. What refuses ARP of the ping
// itself is met again, since nobody has answered. If the second one meets none of them, nothing is left out.
func ofThePing(counts func() map[refuser]uint64, with map[refuser]int, without map[refuser]bool,
	again reach.Again) map[refuser]int {
	sure := 0
	for rule, rounds := range with {
		if rounds == refusalRounds && !without[rule] {
			sure++
		}
	}
	if sure < 2 {
		return with
	}
	var before map[refuser]uint64
	if again(func(func() reach.Trace) bool { before = counts(); return true }) != nil {
		return with
	}
	moved, met := counted(before, counts()), map[refuser]int{}
	some := false
	for rule, rounds := range with {
		if moved[rule] || without[rule] {
			met[rule] = rounds
			some = some || !without[rule] && rounds == refusalRounds
		}
	}
	if !some {
		return with
	}
	return met
}

// refuser is what may refuse a ping: a rule of a node's set, or, with no set, a port that frames are too long for.
type refuser struct {
	node, set string
	key       string // of the rule, see [rules.Rule], or the port
	name      string // of the rule; "" if it has none
}

func (r refuser) cause(sure bool) cause.Cause {
	if r.set == "" {
		return cause.Cause{Kind: cause.Dropped, Where: r.node + ":" + r.key, Rule: switchcore.MtuExceeded.String(),
			Sure: sure}
	}
	return cause.Cause{Kind: cause.Refused, Where: r.node, Rule: r.set + "/" + cmp.Or(r.name, "a rule without a name"),
		Sure: sure}
}

// refusedBy is which rules refused a ping: those that counted in every round, by whether they counted without it too.
func refusedBy(with map[refuser]int, without map[refuser]bool) []cause.Cause {
	var sure, perhaps []cause.Cause
	for rule, rounds := range with {
		switch {
		case rounds < refusalRounds:
		case without[rule]:
			perhaps = append(perhaps, rule.cause(false))
		default:
			sure = append(sure, rule.cause(true))
		}
	}
	out := sure
	if len(sure) == 0 {
		out = perhaps
	}
	slices.SortFunc(out, cause.Compare)
	return slices.Compact(out)
}

// refusing reads the counters of the loaded rules, and policies, of some nodes that refuse packets, by what they are,
// and those of ports of these nodes that packets of the longest length are too long for; what cannot be read is left
// out, and so is a rule that by its protocol can meet nothing of the traffic, even in a tunnel, if there are tunnels.
// Nodes are read at the same time, as many as there are processors.
func (f *refusals) refusing(ctx context.Context, nodes []*topology.Node, tunnels bool,
	q expect.Question) map[refuser]uint64 {
	traffic, longest := trafficOf(q), longestOf(q)
	out := map[refuser]uint64{}
	worst := rules.MeetsAny
	if tunnels {
		worst = rules.MeetsTunnel
	}
	for port, n := range f.switches.oversized(longest) {
		if slices.ContainsFunc(nodes, func(of *topology.Node) bool { return of.Name == port.Node }) {
			out[refuser{node: port.Node, key: port.Interface}] = n
		}
	}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for _, n := range nodes {
		if len(n.Loaded()) == 0 {
			continue
		}
		all.Go(func() error {
			counts, err := f.rules.Counts(ctx, n)
			if err != nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for _, c := range counts {
				set := n.RuleSet(c.Set)
				if set == nil { // somebody has made rules that look like the lab's
					continue
				}
				for _, r := range set.Listed() {
					if r.Key == c.Rule && r.Refuses && r.Meets[traffic] <= worst {
						out[refuser{n.Name, c.Set, c.Rule, r.Name}] += c.Packets
					}
				}
			}
			return nil
		})
	}
	all.Wait()
	return out
}

// tunnels reports whether the lab has tunnels, which pack pings into another protocol, or a node an interface that is
// up and not of the file: a tunnel, perhaps.
func (f *refusals) tunnels() bool {
	if f.lab().Tunnels() {
		return true
	}
	for _, n := range f.lab().Nodes {
		links, err := f.space.Tables().Links(n.Name)
		if err != nil {
			return true
		}
		for _, l := range links {
			if l.Up && l.Name != "lo" && n.Interface(l.Name) == nil {
				return true
			}
		}
	}
	return false
}
