package rules

// MaxWays is how many ways through the chains of rules are looked at in a file, and how many rules on them.
const MaxWays = 1 << 20

// tracer follows chains of rules. Chains that jump twice to the next one have more ways through them than can be
// counted, so each is followed once for each state in which frames come to it.
type tracer struct {
	seen map[traced][]ruleEffect
	room *int // of MaxWays
	made map[*Set]map[nftPosition]*nftChain
}

// traced is a chain, by its name or itself, and what is known of the frames that come to it.
type traced struct {
	chain any
	in    ruleEffect
}

type nftPosition struct {
	table NFTable
	name  string
}

func newTracer(room *int) *tracer {
	return &tracer{room: room, made: map[*Set]map[nftPosition]*nftChain{}}
}

// begin forgets what was followed: the same names are other chains now.
func (tr *tracer) begin() { tr.seen = map[traced][]ruleEffect{} }

// once is what becomes of frames in a chain; nil inside of that chain itself. The result must not be changed.
func (tr *tracer) once(at traced, follow func() []ruleEffect) []ruleEffect {
	if list, known := tr.seen[at]; known {
		*tr.room -= len(list)
		if *tr.room <= 0 {
			return nil
		}
		return list
	}
	tr.seen[at] = nil
	if *tr.room <= 0 {
		return nil
	}
	list := firstAndLast(follow())
	*tr.room -= len(list) + 1
	tr.seen[at] = list
	return list
}

// look counts a rule of so many words that is looked at, and reports whether it may be.
func (tr *tracer) look(words int) bool {
	*tr.room -= 1 + words/4
	return *tr.room > 0
}

// firstAndLast leaves out of what happens more than twice all but the first time and the last: something comes ahead
// of another at some time exactly if its first time is ahead of the other's last.
func firstAndLast(list []ruleEffect) []ruleEffect {
	last := make(map[ruleEffect]int, len(list))
	for i, f := range list {
		last[f] = i
	}
	if len(last) == len(list) {
		return list
	}
	first := make(map[ruleEffect]bool, len(last))
	var out []ruleEffect
	for i, f := range list {
		if !first[f] || last[f] == i {
			out = append(out, f)
		}
		first[f] = true
	}
	return out
}

// chain finds a chain of a text for nft, or nil.
func (tr *tracer) chain(set *Set, table NFTable, name string) *nftChain {
	if tr.made[set] == nil {
		tr.made[set] = map[nftPosition]*nftChain{}
		for _, c := range set.chains {
			tr.made[set][nftPosition{c.table, c.name}] = c
		}
	}
	return tr.made[set][nftPosition{table, name}]
}
