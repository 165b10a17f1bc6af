package rules

import (
	"fmt"
	"slices"
	"strings"

	"labctl/topology/problem"
)

// nftToken is a word, a text in quotation marks, one of { } ; or the end of a line.
type nftToken struct {
	text   string
	quoted bool
	pos    problem.Pos
	width  int
	comma  bool       // behind it
	at     [2]int     // Line and column of its end in the text, from 0
	inside []nftToken // of a brace that opens a set in a statement
}

func (t nftToken) is(words ...string) bool { return !t.quoted && slices.Contains(words, t.text) }

// nftReader finds the tables and the rules in a text for nft (nft(8)), and what must not be in one. It leaves the
// rest to nft itself.
type nftReader struct {
	File
	set  *Set
	path string
	toks []nftToken
	next int

	mistakes int // reported so far

	in      NFTable   // the table at hand
	current *nftChain // the chain at hand
	known   map[nftPosition]*nftChain

	prefixes []nftPrefix // in the order of the text

	named     []string // sets, maps and flowtables
	isNamed   map[string]bool
	defined   []string // variables
	isDefined map[string]bool
	lengths   []int // that the names of variables have
	tables    map[NFTable]bool
}

func (r *nftReader) wrong(t nftToken, format string, args ...any) {
	r.mistakes++
	r.Add(t.pos, t.width, r.path, fmt.Sprintf(format, args...), false)
}

// tokens cuts the text into its words.
func (r *nftReader) tokens(lines []TextLine) bool {
	for n, l := range lines {
		s := l.Text
		add := func(from, to int, text string, quoted bool) {
			r.toks = append(r.toks, nftToken{text: text, quoted: quoted, pos: l.at(from), width: max(1, to-from),
				at: [2]int{n, to}})
		}
		joined := false
		for i := 0; i < len(s) && s[i] != '#'; {
			switch c := s[i]; {
			case strings.IndexByte(" \t\r,", c) >= 0:
				if k := len(r.toks) - 1; k >= 0 && c == ',' {
					r.toks[k].comma = true
				}
				i++
			case c == '{' || c == '}' || c == ';':
				add(i, i+1, string(c), false)
				i++
			case c == '\\' && strings.TrimSpace(s[i+1:]) == "":
				joined, i = true, len(s)
			case c == '"':
				end := strings.IndexByte(s[i+1:], '"')
				if end < 0 {
					add(i, len(s), s[i:], true)
					r.wrong(r.toks[len(r.toks)-1], "a quotation mark is missing")
					return false
				}
				add(i, i+end+2, s[i+1:i+1+end], true)
				i += end + 2
			default:
				j := i + 1
				for j < len(s) && strings.IndexByte(" \t\r,{};\"#", s[j]) < 0 {
					j++
				}
				add(i, j, s[i:j], false)
				i = j
			}
		}
		if !joined {
			add(len(s), len(s), "\n", false)
		}
	}
	return true
}

// said is the text without what means nothing to nft: comments, empty lines, blanks.
func (r *nftReader) said() string {
	var b strings.Builder
	for i, t := range r.toks {
		switch {
		case t.is("\n"):
			if i == 0 || r.toks[i-1].is("\n") {
				continue
			}
			b.WriteByte('\n')
		case t.quoted:
			b.WriteString(` "` + t.text + `"`)
		default:
			b.WriteString(" " + t.text)
		}
		if t.comma {
			b.WriteByte(',')
		}
	}
	return b.String()
}

// block reads statements up to the brace that ends the block, or to the end of the text. kind is "table", "chain",
// another word for a block whose inside does not matter, or "" for the text itself.
func (r *nftReader) block(kind string) bool {
	open := max(0, r.next-1)
	var stmt []nftToken
	for r.next < len(r.toks) {
		t := r.toks[r.next]
		r.next++
		switch {
		case t.is(";", "\n"):
			r.statement(kind, stmt)
			stmt = nil
		case t.is("}"):
			r.statement(kind, stmt)
			if kind == "" {
				r.wrong(t, "this brace closes nothing")
				return false
			}
			return true
		case t.is("{"):
			inner := blockOf(kind, stmt)
			if inner == "" { // a set in a statement
				from := r.next
				if !r.skip(t) {
					return false
				}
				t.inside = r.toks[from : r.next-1]
				stmt = append(stmt, t)
				continue
			}
			switch {
			case inner == "table":
				r.table(stmt[1:])
			case inner == "chain" && len(stmt) > 1:
				r.current = r.chain(r.in, stmt[1].text)
				r.current.made = true
			case inner == "chain": // nft says that its name is missing
				r.current = &nftChain{table: r.in, made: true}
			default:
				r.tableWord(stmt)
			}
			stmt = nil
			if !r.block(inner) {
				return false
			}
		default:
			stmt = append(stmt, t)
		}
	}
	if kind != "" {
		r.wrong(r.toks[open], "this brace is not closed")
		return false
	}
	r.statement(kind, stmt)
	return true
}

// blockOf is the kind of block that the statement begins, or "" when the brace belongs to a statement.
func blockOf(kind string, stmt []nftToken) string {
	switch {
	case len(stmt) == 0:
		return ""
	case kind == "" && stmt[0].is("table"):
		return "table"
	case kind == "table" && stmt[0].is("chain"):
		return "chain"
	case kind == "table":
		return "other"
	}
	return ""
}

// skip goes behind the brace that closes an open one.
func (r *nftReader) skip(open nftToken) bool {
	for depth := 1; r.next < len(r.toks); r.next++ {
		switch t := r.toks[r.next]; {
		case t.is("{"):
			depth++
		case t.is("}"):
			if depth--; depth == 0 {
				r.next++
				return true
			}
		}
	}
	r.wrong(open, "this brace is not closed")
	return false
}

func nftFamilies() []string { return []string{"ip", "ip6", "inet", "arp", "bridge", "netdev"} }

// table notes a table by the words behind "table"; without a family it is of IPv4.
func (r *nftReader) table(words []nftToken) {
	t := NFTable{Family: "ip"}
	if len(words) > 1 && words[0].is(nftFamilies()...) {
		t.Family, words = words[0].text, words[1:]
	}
	if len(words) == 0 {
		return // nft says what is missing
	}
	if t.Name = words[0].text; !r.tables[t] {
		r.tables[t] = true
		r.set.Tables = append(r.set.Tables, t)
	}
	r.in = t
}

// statement reads one statement of a block.
func (r *nftReader) statement(kind string, s []nftToken) {
	switch {
	case len(s) == 0:
	case kind == "":
		r.command(s)
	case kind == "table":
		r.tableWord(s)
	case s[0].is("define", "redefine", "undefine", "include"):
		r.names(s)
	case kind == "chain" && s[0].is("type", "policy", "comment", "device", "devices", "flags"):
		r.current.about(s)
		r.base(r.current, s)
	case kind == "chain":
		r.current.rules = append(r.current.rules, s)
		r.rule(s)
	}
}

// tableWord reads what begins a statement or a block in a table.
func (r *nftReader) tableWord(s []nftToken) {
	if t := s[0]; !t.is("include") && !t.is(nftTableWords()...) {
		r.wrong(t, "%q begins nothing in a table%s", problem.Clip(t.text), problem.Suggest(t.text, nftTableWords()))
	}
	r.names(s)
}

// command reads a statement that is in no block.
func (r *nftReader) command(s []nftToken) {
	r.names(s)
	switch {
	case s[0].is("table"):
		r.table(s[1:])
	case s[0].is("define", "redefine", "undefine", "set", "map", "element", "counter", "flowtable"):
	case s[0].is("chain"):
		r.outside(s, false)
	case s[0].is("rule"):
		r.outside(s, false)
		r.rule(s)
	case s[0].is("add", "create", "insert"):
		switch {
		case len(s) < 2:
		case s[1].is("table"):
			r.table(s[2:])
		case s[1].is("chain"):
			r.outside(s[1:], false)
		case s[1].is("rule"):
			r.outside(s[1:], s[0].is("insert"))
			r.rule(s[1:])
		}
	case s[0].is("include"): // found by check, wherever it is
	case s[0].is("flush", "delete", "destroy"):
		r.wrong(s[0], "labctl removes what a set has loaded itself, and nothing else; leave the statement out")
	default:
		r.wrong(s[0], "%q begins no statement here; want table or add", problem.Clip(s[0].text))
	}
}

// rule reads a rule: its name, and whether it counts.
func (r *nftReader) rule(s []nftToken) {
	name, counts := nftToken{}, false
	var logs []nftToken
	last := map[string]int{} // where a word is for the last time
	for i, t := range s {
		if t.is("group", "prefix") {
			last[t.text] = i
		}
	}
	for i, t := range s {
		after := func(word string) bool { return last[word] > i }
		switch {
		case t.is("log") && (i == 0 || !s[i-1].is("jump", "goto")) && !after("group"):
			r.wrong(t, `log prints nothing from a namespace; write "log group 0", which "labctl rules --log" shows`)
		case t.is("log") && (i == 0 || !s[i-1].is("jump", "goto")):
			if !after("prefix") {
				logs = append(logs, t)
			}
		case t.is("counter") && (i+1 == len(s) || !s[i+1].is("name")):
			counts = true
		case t.is("comment") && i+1 < len(s):
			name = s[i+1]
		}
	}
	named := isName(name.text) // a comment of several words is no name
	for _, t := range logs {
		p := nftPrefix{t.at, r.set.Name}
		if named {
			p.text += "/" + name.text
		}
		r.prefixes = append(r.prefixes, p)
	}
	if !named {
		return
	}
	if !r.set.named(name.text) {
		r.wrong(name, "a rule of %s is called %q already; give this one another name", r.set.Name, name.text)
		return
	}
	r.set.uncounted[name.text] = !counts
}

// ReadNFT takes over a text for nft, line by line as it is in the file; path is that of the text. It reports what is
// wrong to file, and returns whether all was well.
func (set *Set) ReadNFT(file File, path string, lines []TextLine) bool {
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.Text + "\n")
	}
	set.Text = text.String()
	r := &nftReader{File: file, set: set, path: path, isNamed: map[string]bool{}, isDefined: map[string]bool{},
		tables: map[NFTable]bool{}}
	if !r.tokens(lines) {
		return false
	}
	set.words = r.said()
	if !r.block("") || r.mistakes > 0 {
		return false
	}
	for _, c := range set.chains {
		c.join()
	}
	set.Text = r.prefixed(set.Text)
	r.check()
	return r.mistakes == 0
}
