// Package rules reads what a node filters: commands of iptables, texts for nft, and port guards, of which it writes the
// rules itself. It knows of each set which rules it has, what they refuse, and the text by which the kernel is told. It
// knows nothing of nodes.
package rules

import (
	"regexp"
	"slices"

	"labctl/topology/problem"
)

// Set is one entry of "rules". Which of Lines and Text it has follows from Form and Level.
type Set struct {
	Name  string
	Load  bool
	Form  string // iptables ip6tables nft port_guard
	Pos   problem.Pos
	Level string // port_guard: l2 l3
	Lines []Line // iptables, ip6tables, and what port_guard writes at level l3
	// nft, with prefixes for what it logs, and what port_guard writes at level l2: as "nft -f" reads it; it only adds,
	// and ends with a newline
	Text string
	// of the first line of Text in the file, of which the lines follow one by one; zero: only Pos is known
	TextPos problem.Pos
	Tables  []NFTable // that Text makes, in its order, each once; no other set of the node has any of them
	Names   []string  // of every rule that has one, in order, each once

	isName    map[string]bool // Names
	words     string          // what Text says without comments and blanks; "" if a port guard has written it
	uncounted map[string]bool // rules of Text that have no counter
	chains    []*nftChain     // of Text, unless a port guard has written it
	prefixes  []nftPrefix     // in Text and not in the file
}

// NewSet is a set without rules. Its Form is to be set before they are read.
func NewSet(name string, load bool, pos problem.Pos) *Set {
	return &Set{Name: name, Load: load, Pos: pos, uncounted: map[string]bool{}}
}

// Line is one command of iptables or ip6tables.
type Line struct {
	Table string // filter nat mangle raw security
	// what follows the table, without quotes: -A FORWARD -m physdev …; the command is -A, -I, -N or -P
	Args []string
	Name string // "": it is no rule, or one that only serves another
	Pos  problem.Pos
}

// NFTable is a table of nftables.
type NFTable struct{ Family, Name string }

// String is "FAMILY NAME", as nft has it.
func (t NFTable) String() string { return t.Family + " " + t.Name }

// Counts reports whether the kernel counts what meets a rule: iptables counts always, nft where the rule says so.
func (set *Set) Counts(rule string) bool { return !set.uncounted[rule] }

// named notes the name of a rule. A name that is taken is refused.
func (set *Set) named(name string) bool {
	if set.Has(name) {
		return false
	}
	if set.isName == nil {
		set.isName = map[string]bool{}
	}
	set.isName[name] = true
	set.Names = append(set.Names, name)
	return true
}

// Has reports whether a rule of the set has that name. The index is only a hint: a set may have been made without it.
func (set *Set) Has(name string) bool {
	if len(set.isName) != len(set.Names) {
		return slices.Contains(set.Names, name)
	}
	return set.isName[name]
}

// family is the tool that loads the lines of the set.
func (set *Set) family() string {
	if set.Form == "port_guard" {
		return "iptables"
	}
	return set.Form
}

// RuleForms are the keys of a rule set of which it has exactly one.
func RuleForms() []string { return []string{"iptables", "ip6tables", "nft", "port_guard"} }

// NamePattern is what a rule set and a rule may be called, and MaxName how long that may be in bytes, so that both
// names and a slash have room in the kernel's prefixes (see Line.prefix).
const (
	NamePattern = `[A-Za-z][A-Za-z0-9_-]*`
	MaxName     = 31
)

var nameRE = regexp.MustCompile(`^` + NamePattern + `$`)

// isName reports whether a comment is a rule's name.
func isName(s string) bool { return len(s) <= MaxName && nameRE.MatchString(s) }

// SameRules reports whether two lists of sets say the same in the same order, wherever in the file they do.
func SameRules(a, b []*Set) bool {
	return slices.EqualFunc(a, b, func(x, y *Set) bool { return x.Name == y.Name && SameSet(x, y) })
}

// SameSet reports whether two sets say the same, wherever in the file they do.
func SameSet(a, b *Set) bool {
	sameText := a.Text == b.Text || a.words != "" && a.words == b.words
	return a.Form == b.Form && sameText && slices.EqualFunc(a.Lines, b.Lines, func(x, y Line) bool {
		return x.Table == y.Table && x.Name == y.Name && slices.Equal(x.Args, y.Args)
	})
}
