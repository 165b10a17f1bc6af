package labfile

import (
	"regexp"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

const noSwitchRules = "what a virtual switch forwards passes no rules of the kernel; write them at a node that is " +
	"linked to it"

// rulesKey is "rules" of a node, in the file or in a step's set.
func rulesKey(set bool) grammar.Key {
	text := func(doc string) *grammar.Shape {
		return &grammar.Shape{Form: grammar.Text, Want: `lines of text, after "|"`, Doc: doc,
			RE: regexp.MustCompile(`[^ \n]`)}
	}
	forms := map[string]*grammar.Shape{
		"iptables":   text("commands of iptables, one a line; the comment at the end of a line is the rule's name"),
		"ip6tables":  text("the same for IPv6"),
		"nft":        text("what nft -f reads; the comment of a rule is its name"),
		"port_guard": guardShape(),
	}
	keys := []grammar.Key{{Name: "load", Shape: grammar.YesNo("loaded as soon as the node is there (default true)")}}
	for i, f := range rules.RuleForms() {
		keys = append(keys, grammar.Key{Name: f, Shape: forms[f], Bars: rules.RuleForms()[:i]})
	}
	level := grammar.Key{Name: "level", Shape: &grammar.Shape{Form: grammar.Text, Want: "l2 or l3",
		Words: []string{"l2", "l3"},
		Doc:   "l2 (default) stops forged frames and ARP, l3 only IPv4 packets"}}
	if !set { // it may be in the file already
		level.Needs = []string{"port_guard"}
	}
	name := grammar.Named("a rule set", grammar.PlainName, grammar.MaxWord, append(emptiedMaps(), "interfaces"))
	return grammar.Key{Name: "rules", Shape: &grammar.Shape{Form: grammar.Dict,
		Want: "a map from rule sets to their rules", Name: name,
		Doc: "what the node filters", Removed: "rule set", Removes: set, Of: &grammar.Shape{Form: grammar.Object,
			Want: "a rule set: one of iptables, ip6tables, nft, port_guard", Keys: append(keys, level),
			Instead: ruleSetInstead}}}
}

// ruleSetInstead says under which key the text of rules belongs that is written without one.
func ruleSetInstead(v grammar.Value) string {
	word := strings.TrimSpace(v.Word())
	form := "iptables"
	switch first, _, _ := strings.Cut(word, " "); {
	case word == "" || v.IsNull():
		return ""
	case slices.Contains([]string{"table", "add", "chain", "flush"}, first):
		form = "nft"
	case !strings.HasPrefix(first, "-"):
		return ""
	}
	if strings.ContainsAny(word, "\n\"\\") || len(word) > 60 {
		return "rules have a key that says what reads them; write \"" + v.Name() + ":\", below it \"" + form +
			": |\", and the lines below that"
	}
	return "rules have a key that says what reads them; write " + v.Name() + ": {" + form + ": \"" + word + "\"}"
}

// ruleMemory is what the labs of one file share of rules.
type ruleMemory struct {
	sets  map[grammar.Identity]*rules.Set  // by their text, on which alone they depend
	ruled map[*nodeDecl][]grammar.Identity // the texts of those of a node that were checked last, in order
	pairs int                              // of rules.MaxGuarded
	ways  int                              // of rules.MaxWays, that may still be looked at
}

func newRuleMemory() *ruleMemory {
	return &ruleMemory{sets: map[grammar.Identity]*rules.Set{}, ruled: map[*nodeDecl][]grammar.Identity{},
		ways: rules.MaxWays}
}

// ruleReader reads the rule sets of nodes, when all that they may name is there.
type ruleReader struct {
	doc    *grammar.Document
	memory *ruleMemory
	budget *budget
	guards *guardReader
	needs  []string // of the lab
}

// read reads the rule sets of a node.
func (r *ruleReader) read(s *nodeDecl, n *topology.Node, said grammar.Value) {
	var bodies []grammar.Identity
	for v := range said.Field("rules").Fields() {
		if !v.IsMap() {
			continue
		}
		set, body := r.set(s, n, v)
		if set == nil {
			v.Key().Errorf("has no rules; write one of %s", problem.OrList(rules.RuleForms()))
			continue
		}
		n.Rules, bodies = append(n.Rules, set), append(bodies, body)
	}
	path := said.Path()
	if was, known := r.memory.ruled[s]; known && slices.Equal(was, bodies) {
		if r.doc.Laying() {
			r.warnOfBlindGuards(n, path)
		}
		return
	}
	r.memory.ruled[s] = bodies
	if r.doc.Laying() {
		for _, set := range n.Rules {
			r.budget.built += len(set.Lines) / 2 // which are looked at again
		}
	}
	r.ownTables(n, path)
	rules.CheckChains(n.Rules, r.doc, path)
	rules.CheckNames(n.Rules, r.needs, r.doc, path)
	if r.doc.Laying() {
		r.warnOfTraps(n, path)
		r.warnOfBlindGuards(n, path)
	}
}

// set reads one rule set; nil if it has no rules. The second result says which text they are.
func (r *ruleReader) set(s *nodeDecl, n *topology.Node, v grammar.Value) (*rules.Set, grammar.Identity) {
	set := rules.NewSet(v.Name(), v.Field("load").Bool(true), v.Key().Pos())
	var body grammar.Value
	for _, f := range rules.RuleForms() {
		if x := v.Field(f); x.Given() && !body.Given() {
			set.Form, body = f, x
		}
	}
	if !body.Given() {
		return nil, grammar.Identity{}
	}
	if was := r.memory.sets[body.Identity()]; was != nil { // the file's, or that of an earlier step
		if was.Load != set.Load || was.Pos != set.Pos {
			again := *was
			again.Load, again.Pos = set.Load, set.Pos
			was = &again
		}
		return was, body.Identity()
	}
	before := r.doc.Found()
	switch set.Form {
	case "port_guard":
		set.Level = v.Field("level").Text("l2")
		r.guards.read(s, n, set, body)
		return set, grammar.NewIdentity() // it depends on the nodes behind its ports too
	case "nft":
		r.nftText(set, body)
	default:
		r.lines(set, body)
	}
	if r.doc.Found() == before {
		r.memory.sets[body.Identity()] = set
	}
	return set, body.Identity()
}

// ownTables refuses tables that two sets make: what is counted could not be told apart, and what is unloaded neither.
func (r *ruleReader) ownTables(n *topology.Node, path string) {
	owner := map[rules.NFTable]*rules.Set{}
	iptables := map[rules.NFTable]*rules.Set{}
	for _, set := range n.Rules {
		family := map[string]string{"iptables": "ip", "ip6tables": "ip6", "port_guard": "ip"}[set.Form]
		for _, l := range set.Lines {
			iptables[rules.NFTable{Family: family, Name: l.Table}] = set
		}
	}
	for _, set := range n.Rules {
		for _, t := range set.Tables {
			at := problem.PathKey(problem.PathKey(path, "rules"), set.Name)
			if was := owner[t]; was != nil {
				r.doc.Add(set.Pos, len(set.Name), at, "table "+t.String()+" is that of "+was.Name+
					" already; give it another name", false)
			} else if was := iptables[t]; was != nil {
				r.doc.Add(set.Pos, len(set.Name), at, "table "+t.String()+" is the one that iptables makes for "+
					was.Name+"; give it another name", false)
			}
			owner[t] = set
		}
	}
}

// nftText takes over a text for nft.
func (r *ruleReader) nftText(set *rules.Set, v grammar.Value) {
	if !v.IsSingle() {
		return
	}
	if v.Style() == grammar.Folded {
		v.Errorf(`">" joins lines; write the rules after "|"`)
		return
	}
	lines := textLines(v)
	if v.Style() == grammar.Literal && v.Line() > 0 {
		set.TextPos = lines[0].Pos
	}
	if set.ReadNFT(r.doc, v.Path(), lines) && len(set.Tables) == 0 {
		v.Errorf("makes no table; nft's rules belong in \"table FAMILY NAME {…}\"")
	}
}

// lines reads the commands of a set of iptables or ip6tables.
func (r *ruleReader) lines(set *rules.Set, v grammar.Value) {
	if !v.IsSingle() {
		return
	}
	if v.Style() == grammar.Folded {
		v.Errorf(`">" joins lines; write the commands after "|"`)
		return
	}
	if set.ReadLines(r.doc, v.Path(), textLines(v)) && len(set.Lines) == 0 {
		v.Errorf("has no commands; write them one a line, as \"-A FORWARD -j DROP\"")
	}
}

func textLines(v grammar.Value) []rules.TextLine {
	var out []rules.TextLine
	for _, l := range v.TextLines() {
		out = append(out, rules.TextLine(l))
	}
	return out
}

// warnOfTraps warns of rules ahead of others that would refuse, also of those that only steps set.
func (r *ruleReader) warnOfTraps(n *topology.Node, path string) {
	if len(n.Rules) == 0 || r.memory.ways <= 0 { // and this is said
		return
	}
	r.doc.AsWritten(func() { rules.CheckTraps(n.Rules, r.doc, path, &r.memory.ways) })
}

// warnOfBlindGuards warns of guards that see nothing, also of those that only steps make blind.
func (r *ruleReader) warnOfBlindGuards(n *topology.Node, path string) {
	sets, why := n.BlindGuards()
	r.doc.AsWritten(func() {
		for i, set := range sets {
			r.doc.Add(set.Pos, len(set.Name), problem.PathKey(problem.PathKey(path, "rules"), set.Name), why[i], true)
		}
	})
}
