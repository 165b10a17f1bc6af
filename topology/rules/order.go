package rules

import (
	"slices"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// positioned is a command of a set.
type positioned struct {
	set  *Set
	line *Line
}

// inOrder are the rules of every chain of the table filter, in the order in which they are when all sets are loaded,
// and the commands that set the chains' policies.
func inOrder(sets []*Set, family string) (chains map[string][]positioned, policies map[string]positioned) {
	policies = map[string]positioned{}
	made := map[string]*pieces{}
	for _, set := range sets {
		for i := range set.Lines {
			l := &set.Lines[i]
			if set.family() != family || l.Table != "filter" {
				continue
			}
			list := made[l.Args[1]]
			if list == nil {
				list = &pieces{}
				made[l.Args[1]] = list
			}
			at := list.count
			switch l.Args[0] {
			case "-P":
				policies[l.Args[1]] = positioned{set, l}
				continue
			case "-N":
				continue
			case "-I":
				at = 0
				if len(l.Args) > 2 && problem.Decimal.MatchString(l.Args[2]) {
					at = min(list.count, max(0, insertAt(l.Args[2])-1))
				}
			}
			list.insert(at, positioned{set, l})
		}
	}
	chains = make(map[string][]positioned, len(made))
	for name, list := range made {
		chains[name] = slices.Concat(list.parts...)
	}
	return chains, policies
}

// pieces are a list in pieces, so that much can be put in anywhere.
type pieces struct {
	parts [][]positioned
	count int
}

const maxPiece = 256

func (l *pieces) insert(at int, p positioned) {
	l.count++
	if len(l.parts) == 0 {
		l.parts = [][]positioned{{p}}
		return
	}
	k := 0
	if at == l.count-1 {
		k = len(l.parts) - 1
		at = len(l.parts[k])
	}
	for at > len(l.parts[k]) {
		at -= len(l.parts[k])
		k++
	}
	part := slices.Insert(l.parts[k], at, p)
	l.parts[k] = part
	if len(part) > maxPiece {
		l.parts[k] = part[: maxPiece/2 : maxPiece/2]
		l.parts = slices.Insert(l.parts, k+1, slices.Clone(part[maxPiece/2:]))
	}
}

// insertAt is the number behind -I and the chain.
func insertAt(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// forwarded is what becomes of the frames that a bridge forwards, one rule after the other.
func forwarded(tr *tracer, sets []*Set, family string) []ruleEffect {
	chains, policies := inOrder(sets, family)
	out := effectsOf(tr, chains, "FORWARD", ruleEffect{all: true})
	if p := policies["FORWARD"]; p.line != nil && p.line.Args[2] == "DROP" {
		out = append(out, ruleEffect{set: p.set, pos: p.line.Pos, name: "the policy of FORWARD", refuses: true,
			all: true})
	}
	return out
}

// effectsOf follows a chain and those that it jumps to. in is what is known of the frames that get there.
func effectsOf(tr *tracer, chains map[string][]positioned, name string, in ruleEffect) []ruleEffect {
	if !in.byPort { // then nothing else is asked of it
		in = ruleEffect{old: in.old, all: in.all}
	}
	return tr.once(traced{name, in}, func() []ruleEffect { return chainEffects(tr, chains, name, in) })
}

func chainEffects(tr *tracer, chains map[string][]positioned, name string, in ruleEffect) (out []ruleEffect) {
	for _, p := range chains[name] {
		if !tr.look(len(p.line.Args)) {
			return nil
		}
		f := ruleEffect{set: p.set, pos: p.line.Pos, name: "the rules of " + p.set.Name,
			byPort: in.byPort || slices.Contains(p.line.Args, "physdev"),
			old:    in.old || p.line.meetsEstablished(),
			all:    in.all && p.line.meetsAll()}
		switch {
		case in.byPort: // what is called after the port
			f.set, f.pos, f.name = in.set, in.pos, in.name
		case p.line.Name != "":
			f.name = p.set.Name + "/" + p.line.Name
		}
		switch t := p.line.target(); t {
		case "DROP", "REJECT":
			f.refuses = true
		case "ACCEPT", "RETURN":
			f.accepts = t == "ACCEPT" || f.byPort
		default:
			out = append(out, effectsOf(tr, chains, t, f)...)
			continue
		}
		out = append(out, f)
	}
	return out
}

// target is what a rule jumps to, or "".
func (l *Line) target() string {
	for _, o := range l.parsed() {
		if o.letter == 'j' || o.letter == 'g' {
			return o.value
		}
	}
	return ""
}

// meetsEstablished reports whether a rule looks at the state of a connection and meets what is established.
func (l *Line) meetsEstablished() bool {
	for i, a := range l.Args[:len(l.Args)-1] {
		if a == "--state" || a == "--ctstate" {
			return slices.Contains(strings.Split(l.Args[i+1], ","), "ESTABLISHED") == (l.Args[i-1] != "!")
		}
	}
	return false
}

// meetsAll reports whether a rule has no condition.
func (l *Line) meetsAll() bool {
	for i, a := range l.Args[2:] {
		switch {
		case !strings.HasPrefix(a, "-"), slices.Contains([]string{"-j", "--jump", "-g", "--goto", "--comment",
			"--reject-with"}, a):
		case a == "-m" && i+3 < len(l.Args) && l.Args[i+3] == "comment":
		default:
			return false
		}
	}
	return true
}
